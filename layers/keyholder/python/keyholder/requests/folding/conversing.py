"""The state after somebody said something."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from keyholder.requests.codes import Audience, MessageKind
from keyholder.requests.conversation import Message
from keyholder.requests.events import AdviceGiven, AdviceRequested, Commented, Nudged, Replied
from keyholder.requests.folding.rules import apply
from keyholder.requests.state import RequestState


@apply.register
def _commented(event: Commented, state: RequestState, at: datetime) -> RequestState:
    message = Message(MessageKind.COMMENT, event.author, at, event.audience, event.text_sha256, event.about)
    return _with(state, message)


@apply.register
def _replied(event: Replied, state: RequestState, at: datetime) -> RequestState:
    message = Message(MessageKind.REPLY, event.author, at, Audience.REQUESTER, event.text_sha256, event.about)
    return _with(state, message)


@apply.register
def _nudged(event: Nudged, state: RequestState, at: datetime) -> RequestState:  # noqa: ARG001 - the shape of a rule
    return replace(state, nudged_at=at)


@apply.register
def _advice_requested(event: AdviceRequested, state: RequestState, at: datetime) -> RequestState:
    message = Message(
        MessageKind.QUESTION, event.author, at, Audience.INTERNAL, event.question_sha256, adviser=event.adviser
    )
    return _with(state, message)


@apply.register
def _advice_given(event: AdviceGiven, state: RequestState, at: datetime) -> RequestState:
    message = Message(
        MessageKind.ADVICE,
        event.adviser,
        at,
        Audience.INTERNAL,
        event.text_sha256,
        event.question_sha256,
        advice=event.advice,
    )
    return _with(state, message)


def _with(state: RequestState, message: Message) -> RequestState:
    return replace(state, messages=(*state.messages, message))
