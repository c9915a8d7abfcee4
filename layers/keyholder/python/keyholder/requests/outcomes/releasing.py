"""What follows from each step of a release."""

from __future__ import annotations

from keyholder.requests.case import Case
from keyholder.requests.commands import (
    AuthoriseRelease,
    Collect,
    FailRelease,
    FinishRelease,
    RecordChunk,
)
from keyholder.requests.events.releasing import (
    ItemsReleased,
    ReleaseAuthorised,
    ReleaseCollected,
    ReleaseFailed,
    ReleaseFinished,
)
from keyholder.requests.outcomes.assessed import policy_hash
from keyholder.requests.outcomes.outcome import Outcome
from keyholder.requests.outcomes.reporting import report_due


def authorise_release(case: Case) -> Outcome:
    command = case.of(AuthoriseRelease)
    granted = {domain: case.state.domains[domain].granted() for domain in case.state.approved_domains()}
    left = {domain: case.state.domains[domain].records_left for domain in granted}
    records = {domain: count for domain, count in left.items() if count is not None}
    return (
        ReleaseAuthorised(
            command.release,
            command.content_hash,
            command.delivery,
            policy_hash(case),
            granted,
            records,
            report_due(case),
        ),
    )


def record_chunk(case: Case) -> Outcome:
    command = case.of(RecordChunk)
    return (
        ItemsReleased(
            release=command.release,
            chunk=command.chunk,
            chunks=command.chunks,
            count=command.count,
            epoch=command.epoch,
            subjects=command.subjects,
            unresolved=command.unresolved,
        ),
        *command.following,
    )


def finish_release(case: Case) -> Outcome:
    command = case.of(FinishRelease)
    return (ReleaseFinished(command.release, command.counts, command.result_sha256),)


def fail_release(case: Case) -> Outcome:
    command = case.of(FailRelease)
    return (ReleaseFailed(command.release, command.code),)


def collect(case: Case) -> Outcome:
    return (ReleaseCollected(case.of(Collect).release, case.person.id),)
