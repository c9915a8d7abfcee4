"""Every 15 minutes, in another account: verify what is new in the ledger, keep a copy, cosign it."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from keyholder.adapters.witness_assembly import WitnessAssembly, witness_assembly
from keyholder.edge.logs import Log, LogCode
from keyholder.edge.measures import Measure, publish
from keyholder.ledger.journal import checkpoint_key
from keyholder.witness.witnessing import WitnessDisagreesError

SERVICE = "witness"

SPARE = timedelta(seconds=30)
"""Kept of the time that Lambda gives, to remember and cosign what was read."""

log = Log(SERVICE)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """The function's entry. Raises what keeps it from cosigning, so that its alarm goes off."""
    house, trace = witness_assembly(), str(uuid.uuid4())
    until = house.clock.now() + timedelta(milliseconds=context.get_remaining_time_in_millis()) - SPARE
    try:
        seen = house.witness.run(until)
    except WitnessDisagreesError as disagreement:
        publish(SERVICE, {Measure.WITNESS_DISAGREES: 1.0})
        log.fault(LogCode.DISAGREED, disagreement, request_id=trace, key=disagreement.where, rule=disagreement.what)
        raise
    except Exception as fault:
        log.fault(LogCode.WITNESS_FAILED, fault, request_id=trace)
        raise
    publish(SERVICE, {Measure.WITNESS_DISAGREES: 0.0, Measure.UNSIGNED: seen.unsigned.total_seconds()})
    _stamp(house, seen.size, trace)
    log.write(LogCode.WITNESSED, request_id=trace, size=seen.size, batches=seen.batches)
    return {"size": seen.size, "batches": seen.batches, "more": seen.more, "vkey": str(house.cosigner)}


def _stamp(house: WitnessAssembly, size: int, trace: str) -> None:
    """The day's time-stamp, where there is an authority. That none is to be had keeps nothing from being cosigned."""
    try:
        daily = house.daily_stamp
        note = house.own.get(checkpoint_key(size)) if daily is not None else None
        if daily is None or note is None:
            return
        run = daily.run(size, note)
        fault = run.fault
    except Exception as unforeseen:  # noqa: BLE001 - told below; the ledger is witnessed all the same
        run, fault = None, unforeseen
    publish(SERVICE, {Measure.STAMP_FAILED: float(fault is not None)})
    if fault is not None:
        log.fault(LogCode.STAMP_FAILED, fault, request_id=trace)
    elif run is not None and run.made:
        log.write(LogCode.STAMPED, request_id=trace, size=size)
