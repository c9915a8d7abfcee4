"""The clocks of a request: what it waits for, when somebody is reminded, when more people have to know. Pure.

Every state that waits has a moment at which its time runs out (`due_at`). Silence never approves: then it expires. Only
a report on what was released is owed however late.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from keyholder.requests.actors import Limits
from keyholder.requests.codes import Awaited, DecisionState, EscalationReason, FileStage, State
from keyholder.requests.commands import Escalate, Expire, Remind
from keyholder.requests.state import RequestState
from keyholder.vocabulary import DomainId

AWAITED: Mapping[State, Awaited] = {
    State.DRAFT: Awaited.SUBMISSION,
    State.SUBMITTED: Awaited.CHECKS,
    State.IN_REVIEW: Awaited.DECISION,
    State.RETURNED: Awaited.ANSWER,
    State.CONDITIONS_OFFERED: Awaited.ACCEPTANCE,
    State.APPROVED: Awaited.RELEASE,
    State.RELEASED: Awaited.REPORT,
}
"""What each state waits for. `Awaited` says who has to act."""

_ESCALATED: Mapping[State, EscalationReason] = {
    State.SUBMITTED: EscalationReason.UNCHECKED,
    State.IN_REVIEW: EscalationReason.UNATTENDED,
    State.RELEASED: EscalationReason.REPORT_OVERDUE,
}


def awaited(state: RequestState) -> Awaited | None:
    """What the request waits for; None where it waits for nothing."""
    if state.status is None or state.due_at is None:
        return None
    if state.status is State.RELEASED and state.report_due_at is None:
        # Released before reports were asked for: it ends with its window.
        return Awaited.RELEASE
    return AWAITED.get(state.status)


def file_waits(state: RequestState) -> bool:
    """Whether a file of records was handed in and not read yet."""
    written = state.status in (State.DRAFT, State.RETURNED)
    return written and state.file is not None and state.file.stage is FileStage.HANDED_IN


def expires(state: RequestState) -> bool:
    """Whether its end comes by itself when its time runs out. A report is owed for as long as it takes."""
    return awaited(state) not in (None, Awaited.REPORT)


def report_overdue(state: RequestState) -> bool:
    """Whether it was found that its report is overdue, and it still is."""
    return state.status is State.RELEASED and EscalationReason.REPORT_OVERDUE in state.escalated


def reminder_due(state: RequestState, limits: Limits, now: datetime) -> int | None:
    """The days of the reminder to send now. Of several that were missed, the last one: nobody is told twice at once."""
    if state.due_at is None or now >= state.due_at:
        return None
    return min((days for days, at in _reminders(state, limits) if at <= now), default=None)


def escalation_due(state: RequestState, limits: Limits, now: datetime) -> EscalationReason | None:
    """Why more people have to know now."""
    at = _escalation_at(state, limits)
    return _ESCALATED[state.status] if state.status and at is not None and at <= now else None


def overdue_command(state: RequestState, limits: Limits, now: datetime) -> Expire | Escalate | Remind | None:
    """What Keyholder has to do about the request now, if anything. After that there may be more."""
    if state.due_at is not None and now >= state.due_at and expires(state):
        return Expire()
    reason = escalation_due(state, limits, now)
    if reason is not None:
        return Escalate(reason)
    days = reminder_due(state, limits, now)
    return None if days is None else Remind(days)


def look_again_at(state: RequestState, limits: Limits) -> datetime | None:
    """The next moment at which there is something to do."""
    if state.due_at is None:
        return None
    escalation, end = _escalation_at(state, limits), state.due_at if expires(state) else None
    moments = [at for at in (end, escalation) if at is not None]
    return min([*moments, *(at for _, at in _reminders(state, limits))], default=None)


def undecided(state: RequestState) -> tuple[DomainId, ...]:
    """The domains whose controllers have yet to decide."""
    return tuple(name for name, decision in state.domains.items() if decision.state is DecisionState.OPEN)


def _reminders(state: RequestState, limits: Limits) -> Iterator[tuple[int, datetime]]:
    """Those still to come: later than what was sent, and not from before the request began to wait.

    Nobody has to act on a request that waits for its checks, so nobody is reminded of it.
    """
    if state.due_at is None or awaited(state) in (None, Awaited.CHECKS):
        return
    for days in limits.remind_days:
        at = state.due_at - timedelta(days=days)
        begun = state.waiting_since is None or at > state.waiting_since
        if begun and (state.reminded is None or days < state.reminded):
            yield days, at


def _escalation_at(state: RequestState, limits: Limits) -> datetime | None:
    reason = _ESCALATED.get(state.status) if state.status and awaited(state) is not Awaited.RELEASE else None
    if state.due_at is None or reason is None or reason in state.escalated:
        return None
    if awaited(state) is Awaited.REPORT:
        return state.due_at
    at = state.due_at - limits.escalate_before
    return at if state.waiting_since is None or at > state.waiting_since else None
