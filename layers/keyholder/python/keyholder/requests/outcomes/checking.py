"""What follows from the checks."""

from __future__ import annotations

from collections.abc import Mapping

from keyholder.requests.case import Case
from keyholder.requests.codes import safe_count
from keyholder.requests.commands import (
    Checks,
    Found,
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
    return (
        ChecksRecorded(
            content_hash=command.content_hash,
            policy_hash=checks.policy_hash,
            counts=_safe(checks),
            due_at=case.now + case.facts.limits.decision_within,
            domains={domain: _safe(found) for domain, found in checks.by_domain.items()},
        ),
    )


def hold_checks(case: Case) -> Outcome:
    command = case.of(HoldChecks)
    return (ChecksHeld(command.content_hash, command.code),)


def _safe(found: Checks | Found) -> Mapping[str, str]:
    counts = {"eligible": found.eligible, "held": found.held, "withheld": found.withheld}
    return {name: safe_count(count) for name, count in counts.items()}
