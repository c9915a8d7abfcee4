"""What an operator sees of opt-out checks: how far each is, and how long its answer can be used. Nobody in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from keyholder.canonical import JsonObject
from keyholder.ledger.event import Event, rfc3339
from keyholder.ledger.log import EventLog
from keyholder.opt_outs.book import CheckBook
from keyholder.opt_outs.checks import Check, Stage
from keyholder.opt_outs.removal import CHOICES_REMOVED
from keyholder.policy.opt_outs import ReplyState
from keyholder.policy.register_form import RegisterKind
from keyholder.policy.settings import DIRECT_CAP_DAYS, Freshness
from keyholder.policy.vocabulary import CheckMode
from keyholder.registry.fields import Fields
from keyholder.requests.ids import first_of
from keyholder.vocabulary import StreamId

MOST = 500
"""Checks that are shown, the newest; one an hour are made."""


class Source(StrEnum):
    """How a check came to be."""

    MESH = "mesh"
    LOADED = "loaded"
    """By an operator."""


_STAGES: Mapping[ReplyState, Stage] = {
    ReplyState.CLEANED: Stage.ANSWERED,
    ReplyState.PENDING: Stage.JOB_CREATED,
    ReplyState.FAILED: Stage.ENDED,
    ReplyState.CORRUPT: Stage.ENDED,
}


@dataclass(frozen=True, slots=True)
class CheckView:
    """One check. `usable_until` is the last day its answer can be used, None where there is none."""

    id: str
    source: Source
    stage: Stage
    people: int
    performed_on: date
    usable_until: date | None
    at: datetime
    overdue: bool
    removed: bool
    why: str | None

    def json(self) -> JsonObject:
        return {
            "id": self.id,
            "source": self.source.value,
            "state": self.stage.value,
            "people": self.people,
            "performed_on": self.performed_on.isoformat(),
            "usable_until": None if self.usable_until is None else self.usable_until.isoformat(),
            "at": rfc3339(self.at),
            "overdue": self.overdue,
            "removed": self.removed,
            "why": self.why,
        }


def overview(log: EventLog, freshness: Freshness, now: datetime) -> list[CheckView]:
    """The checks of the last three weeks, newest first. Raises `LedgerUnavailableError`."""
    asked = [_asked(check, freshness, now) for check in CheckBook(log, "").recent(now, DIRECT_CAP_DAYS + 1)]
    after = StreamId(f"register/{first_of(now - timedelta(days=DIRECT_CAP_DAYS + 1))}")
    streams = log.listed(f"choices/{RegisterKind.OPT_OUTS}", after, MOST)
    loaded = [_loaded(stream.partition("/")[2], log.read(stream), freshness) for stream in streams]
    return sorted([*asked, *loaded], key=lambda view: (view.at, view.id), reverse=True)[:MOST]


def _asked(check: Check, freshness: Freshness, now: datetime) -> CheckView:
    return CheckView(
        check.id,
        Source.MESH,
        check.stage,
        check.people,
        check.performed_on,
        check.last_usable(freshness.direct_days) if check.stage is Stage.ANSWERED else None,
        check.asked_at,
        check.overdue(now),
        check.removed,
        None if check.why is None else check.why.value,
    )


def _loaded(register_id: str, events: tuple[Event, ...], freshness: Freshness) -> CheckView:
    fields = Fields(events[0].data)
    stage, performed_on = _STAGES[fields.choice("state", ReplyState)], fields.day("performed_on")
    cached = fields.choice("mode", CheckMode) is CheckMode.CACHE
    days = freshness.cache_days if cached else freshness.direct_days
    return CheckView(
        register_id,
        Source.LOADED,
        stage,
        fields.number("asked"),
        performed_on,
        performed_on + timedelta(days=days) if stage is Stage.ANSWERED else None,
        events[0].at,
        overdue=False,
        removed=events[-1].type == CHOICES_REMOVED,
        why=None,
    )
