"""A request's events to its state: the only way there is. Each module has the rules of one topic."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from keyholder.ledger.event import Event
from keyholder.requests.codec import Happened, from_event

# Importing a topic is what registers its rules; `test_table` asks for a rule for every event.
from keyholder.requests.folding import (
    checking,
    conditions,
    conflicts,
    consents,
    conversing,
    deciding,
    drafting,
    ending,
    filing,
    handling,
    releasing,
    reporting,
    reviewing,
    standing,
    volume,
    waiting,
)
from keyholder.requests.folding.editions import unseen
from keyholder.requests.folding.rules import apply
from keyholder.requests.state import RequestState
from keyholder.vocabulary import RequestId

__all__ = [
    "checking",
    "conditions",
    "conflicts",
    "consents",
    "conversing",
    "deciding",
    "drafting",
    "ending",
    "evolve",
    "filing",
    "fold",
    "folds",
    "handling",
    "releasing",
    "reporting",
    "reviewing",
    "standing",
    "volume",
    "waiting",
]


def fold(request: RequestId, events: Iterable[Event]) -> RequestState:
    """The state after `events`. Raises `UnknownEventError` or `FieldError` for a stream nobody may decide on."""
    state = RequestState(request)
    for event in events:
        state = evolve(state, from_event(event))
    return state


def evolve(state: RequestState, happened: Happened) -> RequestState:
    """The state after one more event."""
    after = apply(happened.event, state, happened.at)
    if after.due_at != state.due_at:
        # Another clock runs: whoever was reminded was reminded of the one before.
        after = replace(after, waiting_since=happened.at, reminded=None, escalated={})
    at = happened.at
    after = replace(after, version=state.version + 1, created_at=state.created_at or at, changed_at=at)
    return after if unseen(happened.event, state, after) else replace(after, edition=state.edition + 1, edition_at=at)


def folds(kind: type) -> bool:
    """Whether there is a rule for events of this class."""
    return apply.dispatch(kind) is not apply.dispatch(object)
