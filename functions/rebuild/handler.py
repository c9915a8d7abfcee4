"""Called by an operator with credentials of AWS, and by nothing else: tables and views, made again from the journal.

No route leads here: who may do it can't be looked up in the records that are being rebuilt. `{}` looks and says what is
wrong, `{"apply": "<plan>"}` does it, `"drop_pending": true` although steps are pending.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from keyholder.adapters.assembly import assembly
from keyholder.canonical import JsonObject
from keyholder.edge.logs import Log, LogCode
from keyholder.edge.routes import Function
from keyholder.ledger.log import LedgerBrokenError
from keyholder.ledger.verification import BrokenLedgerError, UnusableDownloadError
from keyholder.rebuilding.rebuilding import Rebuilding, Rebuilt
from keyholder.refusals import Refusal
from keyholder.registry.fields import FieldError, Fields

SPARE = timedelta(seconds=45)
"""Kept of the time that Lambda gives, for what is begun before it is over: a page of changes, a batch of a view."""

log = Log(Function.REBUILD)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The function's entry. Raises what keeps it from looking or from going on, so that its alarm goes off."""
    house, trace = assembly(), str(uuid.uuid4())
    until = house.clock.now() + timedelta(milliseconds=context.get_remaining_time_in_millis()) - SPARE
    try:
        return dict(_answer(house.rebuilding, Fields(event), until, trace))
    except FieldError as fault:
        return _refused(fault.refusal(), trace)
    except (BrokenLedgerError, LedgerBrokenError, UnusableDownloadError) as broken:
        log.fault(LogCode.LEDGER_NOT_WHOLE, broken, request_id=trace)
        return {"not_whole": str(broken)}
    except Exception as fault:
        log.fault(LogCode.REBUILD_FAILED, fault, request_id=trace)
        raise


def _answer(rebuilding: Rebuilding, asked: Fields, until: datetime, trace: str) -> JsonObject:
    plan = asked.maybe_text("apply")
    drop_pending = asked.flag("drop_pending") if asked.has("drop_pending") else False
    asked.end()
    if plan is None:
        shown = rebuilding.plan()
        log.write(LogCode.REBUILD_LOOKED, request_id=trace, plan=shown.id, size=shown.size)
        return shown.json()
    outcome = rebuilding.apply(plan, drop_pending=drop_pending, until=until)
    if not isinstance(outcome, Rebuilt):
        return _refused(outcome, trace)
    log.write(LogCode.REBUILT, request_id=trace, plan=plan, changed=outcome.changed, more=int(outcome.more))
    return outcome.json()


def _refused(refusal: Refusal, trace: str) -> dict[str, Any]:
    log.write(LogCode.REBUILD_REFUSED, request_id=trace, refusal=refusal.code)
    return {"refused": {"code": refusal.code, "advice": refusal.advice}}
