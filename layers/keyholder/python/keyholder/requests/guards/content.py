"""Rules about the content that stands: which it is, and what the policy says of it."""

from __future__ import annotations

from keyholder.refusals import Refusal
from keyholder.requests import reasons
from keyholder.requests.case import Case
from keyholder.requests.commands import (
    Approve,
    AuthoriseRelease,
    HandInFile,
    HoldChecks,
    LetThrough,
    RecordChecks,
    RecordConsentFall,
    RecordFileRead,
    RefuseFile,
    Reject,
    Return,
    WithdrawVote,
)
from keyholder.requests.guards.guard import Guard
from keyholder.requests.policy_reasons import request_refusal

NamesContent = (
    RecordChecks
    | HandInFile
    | RecordFileRead
    | RefuseFile
    | HoldChecks
    | Approve
    | Reject
    | Return
    | WithdrawVote
    | AuthoriseRelease
    | LetThrough
    | RecordConsentFall
)
"""Commands that say which content they mean."""


def _policy_allows(case: Case) -> Refusal | None:
    assessment = case.facts.assessment
    if assessment is None:
        return reasons.POLICY_NOT_ASKED
    return request_refusal(assessment.reasons[0]) if assessment.reasons else None


def _same_content(case: Case) -> Refusal | None:
    command = case.command
    if not isinstance(command, NamesContent):
        raise TypeError("this rule is about commands that name a content")
    return None if command.content_hash == case.state.content_hash else reasons.OTHER_CONTENT


POLICY_ALLOWS = Guard("the policy, asked now, does not refuse the request", _policy_allows)
SAME_CONTENT = Guard("names the content hash of this revision", _same_content)
