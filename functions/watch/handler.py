"""Every minute: does the ledger move, and does its bucket hold what it must and nothing else?

A function of its own and not part of the sweeper, because it writes nothing: its role can only read.
"""

from __future__ import annotations

import uuid
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from keyholder.adapters.assembly import assembly
from keyholder.edge.logs import Log, LogCode
from keyholder.edge.measures import Measure, publish
from keyholder.edge.routes import Function

log = Log(Function.WATCH)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, float]:  # noqa: ARG001 - Lambda's signature
    """The function's entry. Raises what keeps it from looking, so that its alarm goes off."""
    trace = str(uuid.uuid4())
    try:
        seen = assembly().watch()
    except Exception as fault:
        log.fault(LogCode.WATCH_FAILED, fault, request_id=trace)
        raise
    for key in seen.unexpected:
        log.write(LogCode.LEDGER_SPOILT, request_id=trace, key=key)
    measured = {
        Measure.OLDEST_PENDING: seen.oldest_pending.total_seconds(),
        Measure.UNCOVERED: seen.uncovered.total_seconds(),
        Measure.UNEXPECTED_OBJECTS: float(len(seen.unexpected)),
    }
    publish(Function.WATCH, measured)
    log.write(LogCode.WATCHED, request_id=trace, unexpected=len(seen.unexpected))
    return {measure.value: value for measure, value in measured.items()}
