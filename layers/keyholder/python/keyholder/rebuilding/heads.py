"""What was stored beside each step, worked out from the events alone: one rule for each kind of stream.

Whoever records a step hands in a `Head`; here the same functions give it again. A kind of stream that is not here can't
be rebuilt, and `tests/contract/test_canaries.py` finds it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from keyholder.audit.auditor import audit_head
from keyholder.emergency.access import Accesses, emergency_head
from keyholder.emergency.events import evolve_accesses
from keyholder.extracts.events import from_event as extract_event
from keyholder.extracts.state import Extract
from keyholder.extracts.state import evolve as evolve_extract
from keyholder.ledger.event import Event
from keyholder.ledger.ports import Head
from keyholder.linkage.agreement import Agreement
from keyholder.linkage.events import evolve_agreement
from keyholder.linkage.service import agreement_head
from keyholder.notices.contacts import contact_head
from keyholder.opt_outs.check_events import from_event as check_event
from keyholder.opt_outs.checks import Check, check_head
from keyholder.opt_outs.checks import evolve as evolve_check
from keyholder.policy.book import policy_head
from keyholder.policy.intake import CHOICES_LOADED, choices_head
from keyholder.policy.joining import CHOICES_JOINED
from keyholder.policy.person_view import view_head
from keyholder.pseudonyms.job import job_head
from keyholder.pseudonyms.rekeying import rekeying_head
from keyholder.rebuilding.events import rebuild_head
from keyholder.registry.attempts import attempt_head
from keyholder.registry.delegation_book import delegation_head
from keyholder.registry.delegation_events import evolve_delegation
from keyholder.registry.domains import Domain
from keyholder.registry.events import fold_domain, fold_project
from keyholder.registry.people import Person
from keyholder.registry.people_events import evolve as evolve_person
from keyholder.registry.service import domain_head, person_head, project_head
from keyholder.requests.codec import from_event
from keyholder.requests.erasing.erasures import erasures_head, evolve_erasures
from keyholder.requests.folding import evolve
from keyholder.requests.listings import request_head
from keyholder.requests.state import RequestState
from keyholder.standing.events import evolve_standing
from keyholder.standing.service import standing_head
from keyholder.vocabulary import PersonId, RequestId, StreamId

T = TypeVar("T")
Rule = Callable[[Sequence[Event]], Head | None]


class UnknownStreamError(ValueError):
    """The ledger holds a kind of stream that this version of Keyholder doesn't know: a newer one wrote it."""


class Heads:
    """Every stream as far as its head depends on it. Steps are given in the order of the journal."""

    def __init__(self) -> None:
        self._domains: dict[StreamId, tuple[Event, ...]] = {}
        self._rules: Mapping[str, Rule] = {
            "request": _folded(_request, request_head),
            "person": _folded(_person, person_head),
            "project": _project,
            "domain": self._domain,
            "registry": _as_it_was,
            "attempt": lambda step: attempt_head(step[-1].actor, step[-1].data),
            "register": _register,
            "opt-outs": _as_it_was,
            "opt-out-check": _folded(_check, check_head),
            "opt-out-message": _as_it_was,
            "pseudonymisation": lambda step: job_head(step[-1].data),
            "linkage": _folded(_agreement, agreement_head),
            "emergency": _folded(_emergency, emergency_head),
            "contact": lambda _step: contact_head(),
            "standing": _folded(evolve_standing, standing_head),
            "delegation": _folded(evolve_delegation, delegation_head),
            "rekeying": lambda step: rekeying_head(step[-1].data),
            "extract": _folded(_extract, lambda extract: extract.head),
            "audit": lambda step: audit_head(step[-1].actor),
            "rebuild": lambda _step: rebuild_head(),
            "policy": lambda _step: policy_head(),
            "texts": _folded(evolve_erasures, erasures_head),
            "view": lambda step: view_head(step[-1].data),
        }

    def after(self, step: Sequence[Event]) -> Head | None:
        """The head that the step's writer stored with it; None where it left the stored one as it was.

        Raises `UnknownStreamError`, and what the folds raise for events nobody could have decided on.
        """
        kind = step[0].stream.partition("/")[0]
        rule = self._rules.get(kind)
        if rule is None:
            raise UnknownStreamError("a kind of stream that this version doesn't know")
        return rule(step)

    def domains(self) -> tuple[Domain, ...]:
        """Every domain as the last of its steps left it."""
        folded = (fold_domain(events) for events in self._domains.values())
        return tuple(domain for domain in folded if domain is not None)

    def _domain(self, step: Sequence[Event]) -> Head | None:
        stream = step[0].stream
        self._domains[stream] = (*self._domains.get(stream, ()), *step)
        domain = fold_domain(self._domains[stream])
        return None if domain is None else domain_head(domain)


def _folded(evolved: Callable[[T | None, Event], T], head: Callable[[T], Head]) -> Rule:
    """The head of what all events of a stream make together; one state of each stream is kept."""
    states: dict[StreamId, T] = {}

    def after(step: Sequence[Event]) -> Head | None:
        for event in step:
            states[event.stream] = evolved(states.get(event.stream), event)
        return head(states[step[0].stream])

    return after


def _request(state: RequestState | None, event: Event) -> RequestState:
    return evolve(state or RequestState(RequestId(event.stream.removeprefix("request/"))), from_event(event))


def _emergency(accesses: Accesses | None, event: Event) -> Accesses:
    owner = PersonId(f"person/{event.stream.partition('/')[2]}")
    return evolve_accesses(accesses or Accesses(owner), event)


def _check(state: Check | None, event: Event) -> Check:
    return evolve_check(event.stream.partition("/")[2], state, check_event(event), event.at)


def _extract(state: Extract | None, event: Event) -> Extract:
    return evolve_extract(state, event, extract_event(event))


def _agreement(agreement: Agreement | None, event: Event) -> Agreement:
    return evolve_agreement(agreement, event)


def _person(person: Person | None, event: Event) -> Person:
    return evolve_person(person, event)


def _project(step: Sequence[Event]) -> Head | None:
    project = fold_project(step[-1:])
    return None if project is None else project_head(project)


def _register(step: Sequence[Event]) -> Head | None:
    return choices_head(step[-1].data) if step[-1].type in {CHOICES_LOADED, CHOICES_JOINED} else None


def _as_it_was(_step: Sequence[Event]) -> None:
    """Looked up by its name, and in no listing."""
