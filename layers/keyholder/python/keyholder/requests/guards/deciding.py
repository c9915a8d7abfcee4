"""Rules about deciding for a domain."""

from __future__ import annotations

from keyholder.refusals import Refusal
from keyholder.registry.factors import Factor, Standing
from keyholder.requests import reasons
from keyholder.requests.case import Case
from keyholder.requests.codes import DecisionState
from keyholder.requests.commands import Approve, Reject, Return, WithdrawVote
from keyholder.requests.eligibility import Count, count
from keyholder.requests.guards.guard import Guard
from keyholder.vocabulary import DomainId

ForADomain = Approve | Reject | Return | WithdrawVote
"""Commands that somebody gives for one domain."""


def decided_domain(case: Case) -> DomainId:
    """The domain a decision is for."""
    command = case.command
    if not isinstance(command, ForADomain):
        raise TypeError("this rule is about decisions")
    return command.domain


def deciding_part(case: Case) -> Standing | Refusal:
    """The one part the person takes and the organisation they take it for, as they name it or as it is clear."""
    command = case.command
    if not isinstance(command, Approve | Reject | Return):
        raise TypeError("this rule is about decisions")
    parts = case.stands_for(command.domain)
    if isinstance(command, Approve):
        wanted = _counted(case).wanted()
        if parts and not any(factor in wanted for factor, _ in parts):
            return reasons.FACTOR_NOT_NEEDED
        parts = frozenset(part for part in parts if part[0] in wanted)
    if command.factor is not None:
        parts = frozenset(part for part in parts if part[0] is command.factor)
        if not parts:
            return reasons.FACTOR_NOT_HELD
    if command.organisation is not None:
        parts = frozenset(part for part in parts if part[1] == command.organisation)
    factor = _clear_factor(case, parts)
    if isinstance(factor, Refusal):
        return factor
    organisations = [organisation for held, organisation in parts if held is factor]
    return (factor, organisations[0]) if len(organisations) == 1 else reasons.ORGANISATION_UNCLEAR


def _clear_factor(case: Case, parts: frozenset[Standing]) -> Factor | Refusal:
    """The only factor there is; for an approval the only one of which a place is open; to stop, any will do."""
    factors = [factor for factor in Factor if any(held is factor for held, _ in parts)]
    if not factors:
        return reasons.ORGANISATION_UNCLEAR
    if len(factors) == 1 or isinstance(case.command, Reject | Return):
        return factors[0]
    counted = _counted(case)
    helping = {factor for factor, organisation in parts if counted.helped_by(case.person.id, (factor, organisation))}
    return helping.pop() if len(helping) == 1 else reasons.FACTOR_UNCLEAR


def _counted(case: Case) -> Count:
    name = decided_domain(case)
    return count(
        case.state, case.state.domains[name], case.facts.domains[name], case.facts.project, case.facts.approvers
    )


def _controls_domain(case: Case) -> Refusal | None:
    if decided_domain(case) not in case.state.domains:
        return reasons.DOMAIN_NOT_ASKED
    return None if case.stands_for(decided_domain(case)) else reasons.NOT_A_CONTROLLER


def _somebody_else(case: Case) -> Refusal | None:
    return reasons.SELF_APPROVAL if case.person.id == case.state.requester else None


def _off_the_project(case: Case) -> Refusal | None:
    project = case.facts.project
    return reasons.ON_THE_PROJECT if project is None or project.ever_on(case.person.id) else None


def _first_decision(case: Case) -> Refusal | None:
    decision = case.state.domains[decided_domain(case)]
    return reasons.ALREADY_DECIDED if any(ballot.person == case.person.id for ballot in decision.ballots) else None


def _domain_open(case: Case) -> Refusal | None:
    decision = case.state.domains[decided_domain(case)]
    return None if decision.state is DecisionState.OPEN else reasons.DOMAIN_DECIDED


def _domain_not_rejected(case: Case) -> Refusal | None:
    decision = case.state.domains[decided_domain(case)]
    return reasons.DOMAIN_DECIDED if decision.state is DecisionState.REJECTED else None


def _organisation_clear(case: Case) -> Refusal | None:
    part = deciding_part(case)
    return part if isinstance(part, Refusal) else None


CONTROLS_DOMAIN = Guard("decides for the domain, which the request asks from", _controls_domain)
SOMEBODY_ELSE = Guard("is not the requester", _somebody_else)
OFF_THE_PROJECT = Guard("is not, and never was, on the project", _off_the_project)
FIRST_DECISION = Guard("has not decided for this domain on this revision", _first_decision)
DOMAIN_OPEN = Guard("the domain has not decided", _domain_open)
DOMAIN_NOT_REJECTED = Guard("the domain has not rejected", _domain_not_rejected)
ORGANISATION_CLEAR = Guard("fills one factor for one organisation that controls the domain", _organisation_clear)
