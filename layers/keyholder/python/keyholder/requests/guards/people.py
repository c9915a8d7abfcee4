"""Rules about who acts: their membership, accreditation, capacity and sign-in."""

from __future__ import annotations

from collections.abc import Callable

from keyholder.refusals import Refusal
from keyholder.registry.terms import TERMS_NOT_ACCEPTED, Document, current
from keyholder.requests import reasons
from keyholder.requests.actors import PersonActor
from keyholder.requests.case import Case
from keyholder.requests.commands import CommandName
from keyholder.requests.guards.guard import Guard

HANDING_OUT = frozenset({CommandName.RELEASE, CommandName.COLLECT})
"""Commands after which identifiers leave: a deployment may ask for a stronger sign-in before them."""


def _project_member(case: Case) -> Refusal | None:
    project = case.facts.project
    if project is None or project.id != case.summary.project or case.person.id not in project.members:
        return reasons.NOT_ON_THE_PROJECT
    return reasons.PROJECT_OVER if case.today > project.active_until else None


def _accredited(case: Case) -> Refusal | None:
    return None if case.person.accredited_on(case.today) else reasons.NOT_ACCREDITED


def _capacity_held(case: Case) -> Refusal | None:
    return None if case.summary.capacity in case.person.capacities else reasons.CAPACITY_NOT_HELD


def _accepted(document: Document) -> Callable[[Case], Refusal | None]:
    def check(case: Case) -> Refusal | None:
        return None if current(case.person.terms, document, case.facts.terms) else TERMS_NOT_ACCEPTED

    return check


def fresh_sign_in(case: Case) -> Refusal | None:
    """Strong and recent enough for a step that matters: AAL2 and 15 minutes unless the deployment asks for more."""
    if not isinstance(case.actor, PersonActor):
        return None
    releasing = case.command.NAME in HANDING_OUT
    return case.facts.limits.sign_in.refused(case.actor.sign_in, case.now, releasing=releasing)


PROJECT_MEMBER = Guard("is on the project, which is active", _project_member)
ACCREDITED = Guard("is accredited today", _accredited)
REQUESTER_TERMS = Guard("has accepted the newest terms for those who ask", _accepted(Document.REQUESTER))
APPROVER_TERMS = Guard("has accepted the newest terms for those who decide", _accepted(Document.APPROVER))
CAPACITY_HELD = Guard("holds the capacity the request names", _capacity_held)
