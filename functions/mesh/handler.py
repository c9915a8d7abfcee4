"""Every ten minutes: remove what is past its time, then ask the opt-out service over MESH and collect its answers."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from keyholder.adapters.assembly import Assembly, assembly
from keyholder.edge.logs import Log, LogCode
from keyholder.edge.measures import Measure, publish
from keyholder.edge.routes import Function
from keyholder.opt_outs.round import Done

log = Log(Function.MESH)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:  # noqa: ARG001 - Lambda's signature
    """The function's entry. Raises what either half could not do, so that its alarm goes off; each is tried."""
    house, trace = assembly(), str(uuid.uuid4())
    faults: list[Exception] = []
    done = _removed(house, trace, faults)
    if house.settings.mesh_mailbox:
        done |= _asked(house, trace, faults)
    else:
        log.write(LogCode.MESH_OFF, request_id=trace, **done)
    if faults:
        raise faults[0]
    return done


def _removed(house: Assembly, trace: str, faults: list[Exception]) -> dict[str, int]:
    try:
        return {"removed": house.removal(trace).run()}
    except Exception as fault:  # noqa: BLE001 - raised by the handler
        log.fault(LogCode.REMOVAL_FAILED, fault, request_id=trace)
        faults.append(fault)
        return {}


def _asked(house: Assembly, trace: str, faults: list[Exception]) -> dict[str, int]:
    try:
        with house.opt_out_round(trace) as turn:
            if turn is None:
                log.write(LogCode.MESH_BUSY, request_id=trace)
                return {}
            done = turn.run()
    except Exception as fault:  # noqa: BLE001 - raised by the handler
        log.fault(LogCode.MESH_FAILED, fault, request_id=trace)
        faults.append(fault)
        return {}
    publish(
        Function.MESH,
        {
            Measure.OVERDUE_CHECKS: float(done.overdue),
            Measure.FAILED_CHECKS: float(done.failed),
            Measure.GOING_STALE: float(done.going_stale),
        },
    )
    counts = _counts(done)
    log.write(LogCode.MESH_DONE, request_id=trace, **counts)
    return counts


def _counts(done: Done) -> dict[str, int]:
    return {"sent": done.sent, "listed": done.listed, "overdue": done.overdue, **asdict(done.collected)}
