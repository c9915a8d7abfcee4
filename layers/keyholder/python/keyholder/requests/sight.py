"""Which side of a request a person stands on, and so what of it they may see."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from keyholder.registry.factors import standings
from keyholder.registry.people import Person
from keyholder.registry.projects import Project
from keyholder.requests.codes import State
from keyholder.requests.conversation import advisers
from keyholder.requests.eligibility import barred
from keyholder.requests.state import RequestState
from keyholder.vocabulary import DomainId, Role


class Side(StrEnum):
    """Where somebody stands."""

    ASKING = "asking"
    """The requester, and whoever is on the project."""
    DECIDING = "deciding"
    """Whoever decides for a domain it was submitted to, and is not and was not on the project."""
    ADVISING = "advising"
    """Somebody whose advice was asked, and who does not decide."""
    AUDITING = "auditing"
    APART = "apart"
    """Who would decide, but was on the project once: they see the request, and nothing that is confidential in it."""


def side(state: RequestState, person: Person, project: Project | None) -> Side | None:
    """None for whoever may not see the request at all. Who asks is on no other side of it, whatever their roles."""
    if state.status is None or person.disabled:
        return None
    if person.id == state.requester or (project is not None and person.id in project.members):
        return Side.ASKING
    if person.has(Role.AUDITOR):
        return Side.AUDITING
    if _controls(state, person):
        return Side.APART if project is None or project.ever_on(person.id) else Side.DECIDING
    asked = person.id in advisers(state.messages) and barred(person, state, project) is None
    return Side.ADVISING if asked else None


def reads_texts(state: RequestState, person: Person, project: Project | None) -> bool:
    """Whether the confidential parts of the content that stands are open to a person.

    Who decides opens them with the declaration that they have no conflict of interest; to an adviser they are open
    while their advice matters.
    """
    stands = side(state, person, project)
    if stands is Side.ADVISING:
        return state.status is State.IN_REVIEW
    if stands is Side.DECIDING:
        return state.cleared_for(person.id)
    return stands in (Side.ASKING, Side.AUDITING)


def hears_internal(state: RequestState, person: Person, project: Project | None) -> bool:
    """Whether a person may know that something was said which is not for the requester."""
    stands = side(state, person, project)
    return stands in (Side.DECIDING, Side.ADVISING, Side.AUDITING) and person.id not in state.recused


def counted_domains(state: RequestState, person: Person, stands: Side) -> frozenset[DomainId]:
    """The domains whose records a person is told the number of: who decides, of those they decide for.

    It is not recorded for which of several domains an adviser was asked, so they are told only where there is one.
    """
    asked = frozenset((*state.domains, *(state.summary.records if state.summary else ())))
    if stands in (Side.ASKING, Side.AUDITING) or (stands is Side.ADVISING and len(asked) == 1):
        return asked
    return frozenset(name for name, decision in state.domains.items() if standings(person, decision.needs.controllers))


_SEES_WRITING = frozenset({Side.ASKING, Side.AUDITING})


def as_submitted(state: RequestState, stands: Side) -> RequestState:
    """What those who decide see of a request that its author is writing anew, or ended so: what was submitted last."""
    others = state.submitted is not None and stands not in _SEES_WRITING
    return replace(state, summary=state.submitted) if others else state


def reads_records(state: RequestState, person: Person, project: Project | None, domain: DomainId) -> bool:
    """Whether the records asked for from a domain are open to a person: its requester, and who decides for it."""
    if person.id == state.requester:
        return not person.disabled
    stands = side(state, person, project)
    decides = stands is Side.DECIDING and domain in counted_domains(state, person, stands)
    return decides and state.cleared_for(person.id)


def _controls(state: RequestState, person: Person) -> bool:
    return any(standings(person, decision.needs.controllers) for decision in state.domains.values())
