"""Rules about a release and its file."""

from __future__ import annotations

from keyholder.refusals import Refusal
from keyholder.requests import reasons
from keyholder.requests.case import Case
from keyholder.requests.commands import (
    AuthoriseRelease,
    Collect,
    FailRelease,
    FinishRelease,
    RecordChunk,
    RecordVolume,
)
from keyholder.requests.content import Delivery
from keyholder.requests.eligibility import count
from keyholder.requests.guards.guard import Guard
from keyholder.requests.state import Release


def _window_open(case: Case) -> Refusal | None:
    until = case.state.until
    return None if until is not None and case.now < until else reasons.WINDOW_OVER


def _retrievals_left(case: Case) -> Refusal | None:
    return None if case.state.retrievals_used() < case.state.retrievals else reasons.NO_RETRIEVALS_LEFT


def _live(case: Case, release: Release) -> bool:
    limits = case.facts.limits
    within = limits.release_within if case.state.file is None else limits.release_file_within
    return release.running and case.now - release.authorised_at < within


def _no_release_running(case: Case) -> Refusal | None:
    return reasons.RELEASE_RUNNING if any(_live(case, release) for release in case.state.releases) else None


def _delivery_as_approved(case: Case) -> Refusal | None:
    return None if case.of(AuthoriseRelease).delivery is case.summary.delivery else reasons.DELIVERY_DIFFERS


def _approvals_stand(case: Case) -> Refusal | None:
    """Counted again from the ballots, with today's people and members, and the stricter rules of then and now."""
    facts, approved = case.facts, case.state.approved_domains()
    if facts.project is None or not approved:
        return reasons.APPROVALS_LOST
    for domain in approved:
        decision, known = case.state.domains[domain], facts.domains.get(domain)
        if known is None:
            return reasons.APPROVALS_LOST
        counted = count(case.state, decision, known, facts.project, facts.approvers)
        if not counted.met:
            return counted.lost[0] if counted.lost else reasons.RULES_ASK_MORE
    return None


def _named_release(case: Case) -> Release | None:
    command = case.command
    if not isinstance(command, RecordChunk | RecordVolume | FinishRelease | FailRelease | Collect):
        raise TypeError("this rule is about a release")
    return case.state.release(command.release)


def _release_open(case: Case) -> Refusal | None:
    release = _named_release(case)
    if release is None:
        return reasons.RELEASE_UNKNOWN
    return None if release.running else reasons.RELEASE_OVER


def _release_in_time(case: Case) -> Refusal | None:
    release = _named_release(case)
    if release is None:
        return reasons.RELEASE_UNKNOWN
    return None if _live(case, release) else reasons.RELEASE_OVER


def _next_chunk(case: Case) -> Refusal | None:
    command, release = case.of(RecordChunk), _named_release(case)
    if release is None:
        return reasons.RELEASE_UNKNOWN
    next_one = command.chunk == release.chunks_written + 1 and command.chunk <= command.chunks
    same_plan = release.chunks in (0, command.chunks)
    in_order = all(
        (after.release, after.chunk, after.chunks) == (command.release, command.chunk + place, command.chunks)
        and after.chunk <= command.chunks
        for place, after in enumerate(command.following, 1)
    )
    return None if next_one and same_plan and in_order else reasons.CHUNK_OUT_OF_ORDER


def _all_chunks(case: Case) -> Refusal | None:
    release = _named_release(case)
    done = release is not None and 0 < release.chunks == release.chunks_written
    return None if done else reasons.RELEASE_INCOMPLETE


def _file_ready(case: Case) -> Refusal | None:
    release = _named_release(case)
    if release is None:
        return reasons.RELEASE_UNKNOWN
    if release.delivery is not Delivery.FILE or release.finished_at is None:
        return reasons.NOTHING_TO_COLLECT
    if release.collected_at is not None:
        return reasons.COLLECTED
    over = case.now >= release.finished_at + case.facts.limits.collect_within
    return reasons.COLLECTION_OVER if over else None


WINDOW_OPEN = Guard("within the approved time", _window_open)
RETRIEVALS_LEFT = Guard("a retrieval is left", _retrievals_left)
NO_RELEASE_RUNNING = Guard("no other release is running", _no_release_running)
DELIVERY_AS_APPROVED = Guard("the delivery is the approved one", _delivery_as_approved)
APPROVALS_STAND = Guard("the approvals suffice, counted again with today's people, project and rules", _approvals_stand)
RELEASE_OPEN = Guard("the release has not ended", _release_open)
RELEASE_IN_TIME = Guard("the release is running, and not cut short by its time limit", _release_in_time)
NEXT_CHUNK = Guard("the chunk is the next one", _next_chunk)
ALL_CHUNKS = Guard("every chunk is written", _all_chunks)
FILE_READY = Guard("the release left a file, which nobody has collected and whose time is not over", _file_ready)
