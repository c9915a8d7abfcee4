"""What follows when somebody says something."""

from __future__ import annotations

from keyholder.requests.case import Case
from keyholder.requests.commands import Advise, AskAdvice, Comment, Reply
from keyholder.requests.events import AdviceGiven, AdviceRequested, Commented, Nudged, Replied
from keyholder.requests.outcomes.outcome import Outcome


def comment(case: Case) -> Outcome:
    command = case.of(Comment)
    return (Commented(case.person.id, command.audience, command.text_sha256, command.about),)


def reply(case: Case) -> Outcome:
    command = case.of(Reply)
    return (Replied(case.person.id, command.text_sha256, command.about),)


def nudge(case: Case) -> Outcome:
    return (Nudged(case.person.id),)


def ask_advice(case: Case) -> Outcome:
    command = case.of(AskAdvice)
    return (AdviceRequested(case.person.id, command.adviser, command.question_sha256),)


def advise(case: Case) -> Outcome:
    command = case.of(Advise)
    return (AdviceGiven(case.person.id, command.question_sha256, command.advice, command.text_sha256),)
