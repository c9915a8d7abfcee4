"""Steps of a rebuild, decided again: it began over a tree that was there, and ended once it had begun."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from keyholder.audit.replaying import RuleError
from keyholder.ledger.event import Event
from keyholder.ledger.journal import Batch
from keyholder.ledger.merkle import EMPTY
from keyholder.rebuilding.events import (
    BEGAN,
    PLAN,
    REBUILDER,
    RebuildBegan,
    RebuildFinished,
    rebuild_stream,
)
from keyholder.vocabulary import StreamId

_REMEMBERED = 4096
"""Trees. A rebuild writes down the newest one, within the seconds that a step may take."""


class RebuildRules:
    """Rebuilds as far as the ledger has been read."""

    def __init__(self) -> None:
        self._trees: deque[tuple[int, bytes]] = deque([(0, EMPTY.root())], _REMEMBERED)
        self._begun: set[StreamId] = set()

    def saw(self, batch: Batch) -> None:
        """A batch is over: from now on a rebuild may stand on the tree it ends with."""
        self._trees.append((batch.end, batch.root))

    def step(self, stream: StreamId, events: Sequence[Event]) -> None:
        """Raises `RuleError` or `FieldError` unless this could happen now."""
        if len(events) != 1:
            raise RuleError("no command makes these events together")
        event = events[0]
        plan = stream.partition("/")[2]
        if not PLAN.fullmatch(plan) or (event.actor, event.trace, stream) != (REBUILDER, plan, rebuild_stream(plan)):
            raise RuleError("only the function that rebuilds writes this")
        begins = event.type == BEGAN
        if begins == (stream in self._begun):
            raise RuleError("a rebuild begins, and then ends")
        happened = (RebuildBegan if begins else RebuildFinished).read(event.data)
        if happened.new_event().data != event.data:
            raise RuleError("does not follow from its command")
        if (happened.size, happened.root) not in self._trees:
            raise RuleError("there was no such tree")
        (self._begun.add if begins else self._begun.discard)(stream)
