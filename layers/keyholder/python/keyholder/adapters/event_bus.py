"""The bus of domain events: EventBridge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from keyholder.adapters.storage_faults import storage_faults
from keyholder.canonical import canonical_json
from keyholder.ledger.ports import StorageBusyError
from keyholder.notices.domain_event import SOURCE, DomainEvent

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

MOST = 10
"""Entries that EventBridge takes in one call. An entry of ours has some 300 bytes, of 256 KB for all."""


class EventBridgeBus:
    """Implements `notices.announcing.Bus`. Needs `events:PutEvents` on the bus."""

    def __init__(self, events: EventBridgeClient, bus: str) -> None:
        self._events = events
        self._bus = bus

    def announce(self, events: Sequence[DomainEvent]) -> None:
        """In the order given. Raises `StorageBusyError` where EventBridge took some and left some: all come again."""
        for start in range(0, len(events), MOST):
            entries = [self._entry(event) for event in events[start : start + MOST]]
            with storage_faults():
                answer = self._events.put_events(Entries=entries)
            if answer["FailedEntryCount"]:
                raise StorageBusyError("not every event was taken")

    def _entry(self, event: DomainEvent) -> PutEventsRequestEntryTypeDef:
        return {
            "EventBusName": self._bus,
            "Source": SOURCE,
            "DetailType": event.type,
            "Time": event.at,
            "Detail": canonical_json(event.detail()).decode(),
        }
