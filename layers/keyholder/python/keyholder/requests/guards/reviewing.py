"""Rules about asking the author back and taking a vote back."""

from __future__ import annotations

from keyholder.refusals import Refusal
from keyholder.requests import reasons
from keyholder.requests.case import Case
from keyholder.requests.codes import Vote
from keyholder.requests.commands import Return
from keyholder.requests.guards.deciding import decided_domain
from keyholder.requests.guards.guard import Guard


def _asks_something(case: Case) -> Refusal | None:
    return None if case.of(Return).questions else reasons.QUESTION_MISSING


def _approved_before(case: Case) -> Refusal | None:
    ballots = case.state.domains[decided_domain(case)].ballots
    own = (ballot for ballot in ballots if ballot.person == case.person.id and ballot.vote is Vote.APPROVE)
    return None if next(own, None) else reasons.NO_VOTE_TO_WITHDRAW


ASKS_SOMETHING = Guard("asks the author at least one thing", _asks_something)
APPROVED_BEFORE = Guard("has approved this revision for the domain", _approved_before)
