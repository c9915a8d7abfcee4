"""What follows when the author is asked back, or a vote is taken back."""

from __future__ import annotations

from keyholder.requests.case import Case
from keyholder.requests.commands import Return, WithdrawVote
from keyholder.requests.events import RequestReturned, VoteWithdrawn
from keyholder.requests.outcomes.deciding import part
from keyholder.requests.outcomes.outcome import Outcome


def return_to_author(case: Case) -> Outcome:
    command = case.of(Return)
    factor, organisation = part(case)
    return (
        RequestReturned(
            domain=command.domain,
            controller=case.person.id,
            organisation=organisation,
            factor=factor,
            content_hash=command.content_hash,
            questions=command.questions,
            due_at=case.now + case.facts.limits.answer_within,
            delegated=case.delegated,
        ),
    )


def withdraw_vote(case: Case) -> Outcome:
    command = case.of(WithdrawVote)
    return (VoteWithdrawn(command.domain, case.person.id, command.content_hash),)
