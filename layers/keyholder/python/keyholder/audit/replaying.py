"""What it means that a step follows the rules: some decision that could have been made then gives these very events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from keyholder.canonical import canonical_json
from keyholder.ledger.event import Event
from keyholder.refusals import Refusal
from keyholder.registry.carrying_out import Decided
from keyholder.vocabulary import StreamId

Outcome = Sequence[Decided] | Refusal
_MOST_TRIES = 4096


class RuleError(ValueError):
    """Something is in the ledger that could not have happened. The text is constant words and a refusal's code."""


def follows(events: Sequence[Event], tries: Iterator[Outcome], *, without: str = "") -> None:
    """Raises `RuleError` unless one of the decisions is these very events; `without` names a field they may lack."""
    wanted = [(event.type, canonical_json(event.data)) for event in events]
    refusal: Refusal | None = None
    for outcome in islice(tries, _MOST_TRIES):
        if isinstance(outcome, Refusal):
            refusal = refusal or outcome
            continue
        new = [one.new_event() for one in outcome]
        told = [({name: value for name, value in one.data.items() if name != without}, one.type) for one in new]
        if [(kind, canonical_json(data)) for data, kind in told] == wanted:
            return
    raise RuleError(f"could not happen: {refusal.code}" if refusal else "does not follow from its command")


def only(events: Sequence[Event]) -> Event:
    """The one event of a step. Raises `RuleError` for more."""
    if len(events) != 1:
        raise RuleError("no command makes these events together")
    return events[0]


def same_stream(stream: StreamId, expected: str) -> None:
    """Raises `RuleError` for an event about another thing than its stream's."""
    if stream != expected:
        raise RuleError("an event stands in another thing's stream")
