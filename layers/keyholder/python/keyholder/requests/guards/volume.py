"""Rules about releases above a volume limit."""

from __future__ import annotations

from keyholder.limits.limiter import Verdict
from keyholder.refusals import Refusal
from keyholder.requests import reasons
from keyholder.requests.case import Case
from keyholder.requests.codes import DecisionState
from keyholder.requests.commands import RecordVolume
from keyholder.requests.eligibility import barred
from keyholder.requests.guards.guard import Guard


def _stopped_as_let_through(case: Case) -> Refusal | None:
    """What is recorded follows from what is exceeded and from what a controller let through, and from nothing else."""
    command = case.of(RecordVolume)
    verdict = Verdict(command.exceeded)
    follows = verdict.action is command.action and command.stopped is verdict.stops(frozenset(case.state.let_through))
    return None if follows else reasons.VOLUME_MISJUDGED


def _not_held(case: Case) -> Refusal | None:
    return reasons.VOLUME_HELD if case.state.held_for else None


def _held(case: Case) -> Refusal | None:
    return None if case.state.held_for else reasons.NOTHING_HELD


def _for_others(case: Case) -> Refusal | None:
    refusal = barred(case.person, case.state, case.facts.project)
    if refusal is not None:
        return refusal
    approved = (name for name, domain in case.state.domains.items() if domain.state is DecisionState.APPROVED)
    return None if any(case.stands_for(name) for name in approved) else reasons.NOT_A_CONTROLLER


STOPPED_AS_LET_THROUGH = Guard(
    "says what follows from the limits and from what was let through", _stopped_as_let_through
)
NOT_HELD = Guard("no volume limit holds it", _not_held)
HELD = Guard("a volume limit holds it", _held)
LETS_THROUGH_FOR_OTHERS = Guard(
    "decides for a domain that approved, is not the requester, and never was on the project", _for_others
)
