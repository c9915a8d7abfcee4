"""What follows when Keyholder reminds or escalates."""

from __future__ import annotations

from keyholder.requests.case import Case
from keyholder.requests.commands import Escalate, Remind
from keyholder.requests.events import Escalated, Reminded
from keyholder.requests.outcomes.outcome import Outcome
from keyholder.requests.waiting import awaited, undecided


def remind(case: Case) -> Outcome:
    waits_for, due_at = awaited(case.state), case.state.due_at
    if waits_for is None or due_at is None:
        raise TypeError("the table lets this happen to a request that waits for nothing")
    return (Reminded(waits_for, case.of(Remind).days, due_at),)


def escalate(case: Case) -> Outcome:
    domains = undecided(case.state) or case.state.approved_domains()
    return (Escalated(case.of(Escalate).reason, domains),)
