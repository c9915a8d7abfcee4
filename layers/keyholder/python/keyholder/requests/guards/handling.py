"""Rules about looking after a request."""

from __future__ import annotations

from keyholder.refusals import Refusal
from keyholder.requests import reasons
from keyholder.requests.case import Case
from keyholder.requests.codes import DecisionState
from keyholder.requests.commands import Claim, HandBack
from keyholder.requests.guards.guard import Guard
from keyholder.vocabulary import DomainId


def _domain(case: Case) -> DomainId:
    command = case.command
    if not isinstance(command, Claim | HandBack):
        raise TypeError("this rule is about looking after a request")
    return command.domain


def _claims_own_domain(case: Case) -> Refusal | None:
    decision = case.decision(_domain(case))
    if decision is None:
        return reasons.DOMAIN_NOT_ASKED
    if not case.stands_for(_domain(case)):
        return reasons.NOT_A_CONTROLLER
    return None if decision.state is DecisionState.OPEN else reasons.DOMAIN_DECIDED


def _not_the_handler(case: Case) -> Refusal | None:
    return reasons.ALREADY_CLAIMED if case.state.handlers.get(_domain(case)) == case.person.id else None


def _the_handler(case: Case) -> Refusal | None:
    return None if case.state.handlers.get(_domain(case)) == case.person.id else reasons.NOT_CLAIMED


CLAIMS_OWN_DOMAIN = Guard("controls the domain, which has not decided", _claims_own_domain)
NOT_THE_HANDLER = Guard("does not look after it yet", _not_the_handler)
THE_HANDLER = Guard("looks after it for that domain", _the_handler)
