"""The requests whose people the national data opt-out may keep from being released, as far as the ledger tells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from keyholder.ledger.event import Event
from keyholder.policy.days import london_day
from keyholder.policy.settings import PolicyFacts
from keyholder.policy.tables import BASES
from keyholder.policy.vocabulary import LegalBasis, Purpose
from keyholder.requests.codes import State
from keyholder.requests.folding import fold
from keyholder.requests.listings import request_stream
from keyholder.requests.state import RequestState
from keyholder.vocabulary import RequestId, StreamId

MOST_OPEN = 5_000
"""Requests that are looked at in one round."""
_EVER = datetime(9999, 12, 31, tzinfo=UTC)
"""What was released once waits for a report on it, for as long as its author may keep it: years, perhaps."""
_REQUEST = request_stream(RequestId(""))


class DueLog(Protocol):
    """What is needed of the ledger. Both may raise `LedgerUnavailableError`."""

    def read(self, stream: StreamId) -> tuple[Event, ...]: ...

    def due(self, before: datetime, limit: int) -> Sequence[StreamId]:
        """Streams that are to be looked at before a moment, the earliest first."""
        ...


@dataclass(frozen=True, slots=True)
class OpenRequests:
    """Implements `opt_outs.round.Requests`. `ask` has `release` list a request's people."""

    log: DueLog
    facts: PolicyFacts
    ask: Callable[[RequestId], None]

    def open(self, now: datetime) -> Sequence[RequestId]:
        """Found by the moment at which the sweeper looks at them again: each that may release something has one."""
        return tuple(self._open(now))

    def ask_whom(self, request: RequestId) -> None:
        self.ask(request)

    def _open(self, now: datetime) -> Iterator[RequestId]:
        for stream in self.log.due(_EVER, MOST_OPEN):
            if stream.startswith(_REQUEST):
                request = RequestId(stream.removeprefix(_REQUEST))
                state = fold(request, self.log.read(stream))
                if open_for_release(state, now) and opt_out_may_count(state, self.facts, now):
                    yield request


def open_for_release(state: RequestState, now: datetime) -> bool:
    """Whether something may still leave: approved, within the window, with a retrieval left."""
    return (
        state.status in (State.APPROVED, State.RELEASED)
        and state.until is not None
        and now < state.until
        and state.retrievals_used() < state.retrievals
    )


def opt_out_may_count(state: RequestState, facts: PolicyFacts, now: datetime) -> bool:
    """Whether the opt-out stands against this basis and purpose. What else bears on it, `release` asks."""
    if state.summary is None:
        return False
    row = BASES.get(LegalBasis(state.summary.legal_basis))
    flow = facts.exempt_flow(Purpose(state.summary.purpose), state.summary.project, london_day(now))
    return row is not None and row.ndoo and flow is None
