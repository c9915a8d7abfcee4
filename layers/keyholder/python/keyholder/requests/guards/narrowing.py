"""Rules about approving less than was asked for, and on conditions."""

from __future__ import annotations

from keyholder.refusals import Refusal
from keyholder.requests import reasons
from keyholder.requests.case import Case
from keyholder.requests.commands import Approve
from keyholder.requests.guards.guard import Guard
from keyholder.requests.records import counts_add_up


def _narrowed_only(case: Case) -> Refusal | None:
    command, summary = case.of(Approve), case.summary
    if command.until is not None and not 0 < (command.until - case.now).total_seconds() <= summary.window_days * 86_400:
        return reasons.UNTIL_OUT_OF_RANGE
    if command.identifier_types is None:
        return None
    chosen, decision = set(command.identifier_types), case.state.domains[command.domain]
    left = set(decision.granted()) if decision.approvals() else set(summary.identifier_types)
    fits = chosen <= set(summary.identifier_types) and chosen & left
    return None if fits else reasons.TYPES_NOT_ASKED


def _records_left(case: Case) -> Refusal | None:
    """The choices are in the erasable store; whether what is said of them can be true is checked here."""
    command = case.of(Approve)
    decision = case.state.domains[command.domain]
    narrowed = [*decision.narrowed(), *([command.records] if command.records else [])]
    counts = [choice.count for choice in narrowed]
    known = decision.records_left
    grown = known is not None and command.records_left is not None and command.records_left > known
    fits = counts_add_up(case.summary.records[command.domain], counts, command.records_left) and not grown
    return None if fits else reasons.RECORDS_NOT_LEFT


def _conditions_fit(case: Case) -> Refusal | None:
    conditions = case.of(Approve).conditions
    if len({condition.code for condition in conditions}) != len(conditions):
        return reasons.CONDITION_TWICE
    faults = (
        condition.fault(today=case.today, destroy_by=case.summary.destroy_by, retrievals=case.facts.limits.retrievals)
        for condition in conditions
    )
    return next((fault for fault in faults if fault), None)


NARROWED_ONLY = Guard("approves what was asked or less, of types and of time", _narrowed_only)
RECORDS_LEFT = Guard("approves at least one record that every other approval covers", _records_left)
CONDITIONS_FIT = Guard("asks only for conditions of the list, each once and within its bounds", _conditions_fit)
