"""Rules about deciding in somebody's place: it never makes two of one."""

from __future__ import annotations

from keyholder.refusals import Refusal
from keyholder.requests import reasons
from keyholder.requests.case import Case
from keyholder.requests.eligibility import barred
from keyholder.requests.guards.guard import Guard


def _delegator_apart(case: Case) -> Refusal | None:
    if case.under is None:
        return None
    no = barred(case.under.delegator, case.state, case.facts.project)
    return reasons.DELEGATOR_BARRED if no is not None else None


def _counts_once(case: Case) -> Refusal | None:
    """Nobody stands behind the votes of two, and whoever decides in somebody's place has no other vote beside it."""
    delegated = case.delegated
    behind = {case.person.id, *({delegated.in_place_of} if delegated else ()), *case.facts.stand_ins}
    for decision in case.state.domains.values():
        for ballot in decision.approvals():
            the_same = ballot.person == case.person.id and ballot.delegated == delegated
            if not the_same and behind & ballot.behind:
                return reasons.COUNTS_ONCE
    return None


DELEGATOR_APART = Guard("if in somebody's place, could decide in their own right as well", _delegator_apart)
COUNTS_ONCE = Guard(
    "no other vote on this revision is theirs, or of whom they stand in for, or of who stands in for them", _counts_once
)
