"""What follows when somebody says what their own interest is."""

from __future__ import annotations

from dataclasses import replace

from keyholder.requests.case import Case
from keyholder.requests.codes import DecisionState, EscalationReason
from keyholder.requests.commands import Recuse
from keyholder.requests.eligibility import unattainable_for
from keyholder.requests.events import ConflictCleared, Escalated, Recused
from keyholder.requests.outcomes.outcome import Outcome
from keyholder.vocabulary import DomainId


def declare_no_conflict(case: Case) -> Outcome:
    return (ConflictCleared(case.person.id, case.summary.content_hash),)


def recuse(case: Case) -> Outcome:
    """Out of the quorum pool; where the others no longer suffice, an operator has to know."""
    event = Recused(case.person.id, case.of(Recuse).reason)
    lost = _out_of_reach(case)
    return (event, Escalated(EscalationReason.QUORUM_LOST, lost)) if lost else (event,)


def _out_of_reach(case: Case) -> tuple[DomainId, ...]:
    """The open domains that could not approve without this person, where it is known who else there is."""
    facts, recused = case.facts, {**case.state.recused, case.person.id: case.of(Recuse).reason}
    if facts.candidates is None:
        return ()
    without = replace(case.state, recused=recused)
    undecided = {
        name: facts.domains[name]
        for name, decision in without.domains.items()
        if decision.state is DecisionState.OPEN and name in facts.domains
    }
    return unattainable_for(without, undecided, facts.project, facts.approvers, facts.candidates)
