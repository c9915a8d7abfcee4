"""Rules about what people say to each other."""

from __future__ import annotations

from keyholder.refusals import Refusal
from keyholder.requests import reasons
from keyholder.requests.case import Case
from keyholder.requests.codes import Audience
from keyholder.requests.commands import Advise, AskAdvice, Comment, Reply
from keyholder.requests.conversation import (
    MOST_ADVISERS,
    MOST_MESSAGES,
    advisers,
    open_question,
    visible,
)
from keyholder.requests.eligibility import barred
from keyholder.requests.guards.guard import Guard


def _room_left(case: Case) -> Refusal | None:
    return reasons.CONVERSATION_FULL if len(case.state.messages) >= MOST_MESSAGES else None


def _answers_what_stands(case: Case) -> Refusal | None:
    """What is answered is there, and whoever will read the answer may know of it."""
    command = case.command
    if not isinstance(command, Comment | Reply):
        raise TypeError("this rule is about comments and replies")
    internal = isinstance(command, Comment) and command.audience is Audience.INTERNAL
    texts = {message.text_sha256 for message in visible(case.state.messages, internal=internal)}
    return None if command.about is None or command.about in texts else reasons.MESSAGE_UNKNOWN


def _nudged_long_ago(case: Case) -> Refusal | None:
    last = case.state.nudged_at
    return reasons.NUDGED_LATELY if last is not None and case.now < last + case.facts.limits.nudge_every else None


def _adviser_fit(case: Case) -> Refusal | None:
    command, adviser = case.of(AskAdvice), case.facts.adviser
    if adviser is None or adviser.id != command.adviser:
        return reasons.ADVISER_UNKNOWN
    if barred(adviser, case.state, case.facts.project) is not None or adviser.id == case.person.id:
        return reasons.ADVISER_BARRED
    organisations = {code for domain in case.facts.domains.values() for code in domain.controllers}
    if not organisations & {held.organisation for held in adviser.roles}:
        return reasons.ADVISER_ELSEWHERE
    asked = advisers(case.state.messages)
    if len(asked | {adviser.id}) > MOST_ADVISERS:
        return reasons.ADVISERS_TOO_MANY
    return reasons.ADVICE_AWAITED if open_question(case.state.messages, adviser.id) else None


def _question_open(case: Case) -> Refusal | None:
    command = case.of(Advise)
    found = open_question(case.state.messages, case.person.id, command.question_sha256)
    return None if found else reasons.QUESTION_UNKNOWN


def _adviser_still_fit(case: Case) -> Refusal | None:
    return barred(case.person, case.state, case.facts.project)


ROOM_LEFT = Guard(f"the conversation has fewer than {MOST_MESSAGES} messages", _room_left)
ANSWERS_WHAT_STANDS = Guard("what is answered is there, and its readers may know of it", _answers_what_stands)
NUDGED_LONG_AGO = Guard("has not done so in the last days", _nudged_long_ago)
ADVISER_FIT = Guard(
    "the person asked is registered with an organisation that controls a domain, not the requester, not and never on "
    "the project, has not stepped aside, and has no question of the request left to answer",
    _adviser_fit,
)
QUESTION_OPEN = Guard("was asked this question, and has not answered", _question_open)
ADVISER_STILL_FIT = Guard("has not joined the project or stepped aside since", _adviser_still_fit)
