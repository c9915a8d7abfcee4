"""Rules about reminding and telling more people."""

from __future__ import annotations

from keyholder.refusals import Refusal
from keyholder.requests import reasons
from keyholder.requests.case import Case
from keyholder.requests.commands import Escalate, Remind
from keyholder.requests.guards.guard import Guard
from keyholder.requests.waiting import escalation_due, reminder_due


def _reminder_due(case: Case) -> Refusal | None:
    due = reminder_due(case.state, case.facts.limits, case.now)
    return None if due is not None and due == case.of(Remind).days else reasons.NOT_DUE


def _escalation_due(case: Case) -> Refusal | None:
    due = escalation_due(case.state, case.facts.limits, case.now)
    return None if due is not None and due is case.of(Escalate).reason else reasons.NOT_DUE


REMINDER_DUE = Guard("this reminder is due, and was not sent", _reminder_due)
ESCALATION_DUE = Guard("much of its time has gone by, and this was not told before", _escalation_due)
