"""Rules about time running out."""

from __future__ import annotations

from keyholder.refusals import Refusal
from keyholder.requests import reasons
from keyholder.requests.case import Case
from keyholder.requests.guards.guard import Guard
from keyholder.requests.waiting import expires


def _due(case: Case) -> Refusal | None:
    due = case.state.due_at
    return None if due is not None and case.now >= due and expires(case.state) else reasons.NOT_DUE


DUE = Guard("its time has run out, and it is not a report that is waited for", _due)
