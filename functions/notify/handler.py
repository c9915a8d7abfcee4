"""Tells people what happened and what they must do, from announced events off a queue. It can only read the ledger."""

from __future__ import annotations

import json
import uuid
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from keyholder.adapters.assembly import assembly
from keyholder.edge.logs import Log, LogCode
from keyholder.edge.routes import Function
from keyholder.notices.domain_event import DomainEvent

log = Log(Function.NOTIFY)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """The function's entry: messages of the queue, each an event of the bus. What failed is reported alone, and comes
    again (partial batch response), then goes to the dead letters."""
    failed = []
    for record in event["Records"]:
        trace = str(uuid.uuid4())
        try:
            _tell(DomainEvent.read(json.loads(record["body"])["detail"]), trace)
        except Exception as fault:  # noqa: BLE001 - reported to the queue
            log.fault(LogCode.NOTIFY_FAILED, fault, request_id=trace)
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def _tell(event: DomainEvent, trace: str) -> None:
    notifier = assembly().notifier
    if notifier is None:
        log.write(LogCode.NOTICES_OFF, request_id=trace, type=event.type)
        return
    done = notifier.tell(event)
    counts = {"sent": done.sent, "before": done.before, "without_address": done.without_address}
    log.write(LogCode.NOTICE_LATE if done.late else LogCode.NOTIFIED, request_id=trace, type=event.type, **counts)
