"""Straight to the queue of what is to be told, past the minute that the bus takes: for what can't wait."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from keyholder.adapters.storage_faults import storage_faults

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

    from keyholder.notices.domain_event import DomainEvent


class TellQueue:
    """A message has the form in which the bus delivers an event. The bus delivers the same one later; nobody is told
    twice."""

    def __init__(self, sqs: SQSClient, url: str) -> None:
        self._sqs = sqs
        self._url = url

    def tell(self, event: DomainEvent) -> None:
        """Raises the storage errors of `ledger.ports`."""
        with storage_faults():
            self._sqs.send_message(QueueUrl=self._url, MessageBody=json.dumps({"detail": event.detail()}))
