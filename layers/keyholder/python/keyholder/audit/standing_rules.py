"""Standing approvals, decided again: who asked, whose approvals brought them into force, and what was taken when."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import product

from keyholder.audit.records import MEANWHILE, Records, moments
from keyholder.audit.replaying import Outcome, RuleError, follows
from keyholder.ledger.event import Event
from keyholder.registry.factors import Factor
from keyholder.registry.fields import ORGANISATION, SHA256, Fields
from keyholder.registry.people import Person
from keyholder.registry.projects import DOMAIN
from keyholder.registry.terms import Document, InForce, read_accepted_terms
from keyholder.requests.ids import REQUEST
from keyholder.standing import decide
from keyholder.standing import events as happened
from keyholder.standing.approval import StandingApproval, StandingEndReason
from keyholder.standing.decide import Parties, Wanted, Yes
from keyholder.standing.terms import STANDING, Terms, read_terms
from keyholder.vocabulary import ContentHash, DomainId, OrganisationCode, PersonId, RequestId, StreamId


class StandingRules:
    """Every standing approval as far as the ledger has been read."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._newest: dict[StreamId, datetime] = {}

    def step(self, stream: StreamId, events: Sequence[Event]) -> None:
        """Raises `RuleError`, `FieldError` or `UnknownEventError` unless this could happen now."""
        name = stream.removeprefix(f"{happened.KIND}/")
        if not STANDING.fullmatch(name):
            raise RuleError("no standing approval has such an id")
        if stream in self._newest and events[0].at < self._newest[stream] - MEANWHILE:
            raise RuleError("an event is dated before the one it follows")
        rule = _RULES.get(events[0].type)
        if rule is None:
            raise RuleError("no command makes this event")
        standing = self._records.standings.newest(name)
        terms = standing.terms if standing is not None else _terms(events[0])
        in_force = self._accepted(events[0])
        follows(
            events,
            (
                rule(acting, standing, parties, events[0], now)
                for now in moments(events[0].at)
                for acting in tuple(self._records.people.around(PersonId(events[0].actor), events[0].at)) or (None,)
                for parties in self._parties(terms, standing, events[0].at, in_force)
            ),
        )
        for event in events:
            standing = happened.evolve_standing(standing, event)
        if standing is not None:
            self._records.standings.put(name, standing, events[0].at)
        self._newest[stream] = events[0].at

    def _accepted(self, event: Event) -> InForce:
        """The terms of use that were asked for, as the event says. Raises `RuleError` where newer ones were."""
        document = _DOCUMENTS.get(event.type)
        if document is None:
            return {}
        accepted = read_accepted_terms(Fields(event.data))
        self._records.terms.noted(happened.KIND, document, accepted, event.at)
        return {} if accepted is None else {document: accepted}

    def _parties(
        self, terms: Terms, standing: StandingApproval | None, at: datetime, in_force: InForce
    ) -> Iterator[Parties]:
        """Domains, project and approvers as they may have been known at that moment, the likeliest first."""
        names = [name for name in terms.domains if name in self._records.domains]
        versions = [tuple(self._records.domains.around(name, at)) for name in names]
        projects = tuple(self._records.projects.around(terms.project, at)) or (None,)
        who = sorted(standing.approvers) if standing is not None else []
        people = [person for person in who if person in self._records.people]
        standings = [tuple(self._records.people.around(person, at)) for person in people]
        for project in projects:
            for domains in product(*versions):
                for approvers in product(*standings):
                    known = dict(zip(names, domains, strict=True))
                    yield Parties(known, project, dict(zip(people, approvers, strict=True)), in_force)


_DOCUMENTS = {happened.ASKED: Document.REQUESTER, happened.APPROVED: Document.APPROVER}
Rule = Callable[[Person | None, StandingApproval | None, Parties, Event, datetime], Outcome]


def _terms(event: Event) -> Terms:
    return read_terms(Fields(event.data).inner("terms"))


def _ask(
    acting: Person | None, standing: StandingApproval | None, parties: Parties, event: Event, now: datetime
) -> Outcome:
    return decide.ask(acting, _terms(event), standing, parties, now)


def _approve(
    acting: Person | None, standing: StandingApproval | None, parties: Parties, event: Event, now: datetime
) -> Outcome:
    fields = Fields(event.data)
    yes = Yes(
        DomainId(fields.text("for_domain", DOMAIN)),
        ContentHash(fields.text("terms_hash", SHA256)),
        fields.choice("factor", Factor),
        OrganisationCode(fields.text("organisation", ORGANISATION)),
    )
    return decide.approve(acting, standing, parties, yes, now)


def _end(
    acting: Person | None, standing: StandingApproval | None, parties: Parties, event: Event, now: datetime
) -> Outcome:
    return decide.end(acting, standing, parties, Fields(event.data).choice("reason", StandingEndReason), now)


def _draw(
    acting: Person | None, standing: StandingApproval | None, parties: Parties, event: Event, now: datetime
) -> Outcome:
    """What the request asks for beside its records is asked where the request is approved by it."""
    if standing is None:
        raise RuleError("something is taken from no standing approval")
    fields, terms = Fields(event.data), standing.terms
    wanted = Wanted(
        request=RequestId(fields.text("for_request", REQUEST)),
        content_hash=ContentHash(fields.text("content_hash", SHA256)),
        project=terms.project,
        domains=frozenset(terms.domains),
        identifier_types=frozenset(terms.identifier_types),
        purpose=terms.purpose.value,
        legal_basis=terms.legal_basis.value,
        recipient=terms.recipient,
        records=fields.number("records", 1),
    )
    return decide.draw(acting, standing, parties, wanted, now)


_RULES = {
    happened.ASKED: _ask,
    happened.APPROVED: _approve,
    happened.ENDED: _end,
    happened.DRAWN: _draw,
}
