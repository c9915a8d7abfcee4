"""What follows from the checks."""

from __future__ import annotations

from keyholder.requests.case import Case
from keyholder.requests.codes import safe_count
from keyholder.requests.commands import (
    HoldChecks,
    RecordChecks,
)
from keyholder.requests.events import (
    ChecksHeld,
    ChecksRecorded,
    RequestBlocked,
)
from keyholder.requests.outcomes.outcome import Outcome


def record_checks(case: Case) -> Outcome:
    """Only what stands against the request as a whole blocks it.

    A request none of whose people may be released goes to review like any other: to end it here would tell its author,
    before anybody had looked, what the people in it chose. Those who decide see the counts.
    """
    command = case.of(RecordChecks)
    checks = command.checks
    if checks.reasons:
        return (RequestBlocked(command.content_hash, checks.policy_hash, checks.reasons),)
    counts = {"eligible": checks.eligible, "held": checks.held, "withheld": checks.withheld}
    return (
        ChecksRecorded(
            content_hash=command.content_hash,
            policy_hash=checks.policy_hash,
            counts={name: safe_count(count) for name, count in counts.items()},
            due_at=case.now + case.facts.limits.decision_within,
        ),
    )


def hold_checks(case: Case) -> Outcome:
    command = case.of(HoldChecks)
    return (ChecksHeld(command.content_hash, command.code),)
