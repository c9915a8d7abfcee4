"""Every minute: commit what is pending, ask again for lost checks, end what ran out of time, publish the views."""

from __future__ import annotations

import uuid
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from keyholder.adapters.assembly import Assembly, assembly
from keyholder.edge.logs import Log, LogCode
from keyholder.requests.codes import State
from keyholder.requests.service import Done
from keyholder.vocabulary import RequestId

MOST = 100
"""Requests looked at in one sweep; the rest wait a minute."""

log = Log("sweeper")


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:  # noqa: ARG001 - Lambda's signature
    """The function's entry. Raises what stops the sweep, so that its alarm goes off."""
    house, trace = assembly(), str(uuid.uuid4())
    try:
        committed = house.ledger.commit_pending()
        house.key_maker.make_tag_key(house.clock.now().year)
        house.key_maker.make_tag_key(house.clock.now().year + 1)
        expired, asked = _due(house, trace)
        published, failed = _views(house, trace)
    except Exception as fault:
        log.fault(LogCode.SWEEP_FAILED, fault, request_id=trace)
        raise
    done = {"committed": committed, "expired": expired, "asked": asked, "published": published, "failed_views": failed}
    log.write(LogCode.SWEPT, request_id=trace, **done)
    return done


def _views(house: Assembly, trace: str) -> tuple[int, int]:
    """Last of all: publish what is new to every view. How many batches that were in all, and how many views failed."""
    runs = house.view_publisher.run()
    for run in runs:
        if run.fault is not None:
            log.fault(LogCode.VIEW_FAILED, run.fault, view=run.view, request_id=trace)
    return sum(run.batches for run in runs), sum(run.fault is not None for run in runs)


def _due(house: Assembly, trace: str) -> tuple[int, int]:
    """Ask again for checks that nobody made in time, and end the requests whose time is over."""
    now = house.clock.now()
    expired = asked = 0
    for stream in house.ledger.due(now, MOST):
        request = RequestId(stream.removeprefix("request/"))
        state = house.desk.load(request)
        if state.status is State.SUBMITTED and state.due_at is not None and now < state.due_at:
            house.checks.ask(request)
            asked += 1
        else:
            expired += isinstance(house.desk.expire(request, trace), Done)
    return expired, asked
