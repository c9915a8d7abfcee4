"""Rules about time running out."""

from __future__ import annotations

from keyholder.refusals import Refusal
from keyholder.requests import reasons
from keyholder.requests.case import Case
from keyholder.requests.guards.guard import Guard


def _due(case: Case) -> Refusal | None:
    due = case.state.due_at
    return None if due is not None and case.now >= due else reasons.NOT_DUE


DUE = Guard("its time has run out", _due)
