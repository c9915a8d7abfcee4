"""Linkage agreements and translations, decided again: two domains' controllers before, every leave and outcome after.

What the policy had against the terms, and against each person, is not in the ledger and supposed to have been right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import product

from keyholder.audit.records import MEANWHILE, Records, moments
from keyholder.audit.replaying import Outcome, RuleError, follows
from keyholder.ledger.event import Event
from keyholder.linkage import decide
from keyholder.linkage import events as happened
from keyholder.linkage.agreement import Agreement, LinkageEndReason
from keyholder.linkage.decide import Parties, Proposal, Wanted, Yes
from keyholder.linkage.terms import AGREEMENT, Terms, read_terms
from keyholder.linkage.translating import TranslateStatus
from keyholder.registry.factors import Factor
from keyholder.registry.fields import ORGANISATION, SHA256, Fields
from keyholder.registry.people import Person
from keyholder.registry.projects import DOMAIN
from keyholder.registry.terms import Document, InForce, read_accepted_terms
from keyholder.vocabulary import ContentHash, DomainId, IdentifierType, OrganisationCode, PersonId, StreamId

MOST_ROWS = 5_000
"""Rows of one call."""


class LinkageRules:
    """Every agreement as far as the ledger has been read."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._agreements: dict[StreamId, list[Event]] = {}
        self._translations: set[str] = set()

    def step(self, stream: StreamId, events: Sequence[Event]) -> None:
        """Raises `RuleError`, `FieldError` or `UnknownEventError` unless this could happen now."""
        if not AGREEMENT.fullmatch(stream.removeprefix("linkage/")):
            raise RuleError("no agreement has such an id")
        known = self._agreements.setdefault(stream, [])
        if known and events[0].at < known[-1].at - MEANWHILE:
            raise RuleError("an event is dated before the one it follows")
        agreement = happened.fold_agreement(known)
        rule = _RULES.get(events[0].type)
        if rule is None:
            raise RuleError("no command makes this event")
        if events[0].type == happened.TRANSLATION_AUTHORISED:
            self._counted(Fields(events[0].data))
        terms = agreement.terms if agreement is not None else _terms(events[0])
        in_force = self._accepted(events[0])
        follows(
            events,
            (
                rule(acting, agreement, parties, events[0], now)
                for now in moments(events[0].at)
                for acting in tuple(self._records.people.around(PersonId(events[0].actor), events[0].at)) or (None,)
                for parties in self._parties(terms, agreement, events[0].at, in_force)
            ),
        )
        known.extend(events)

    def _counted(self, fields: Fields) -> None:
        """A translation has an id of its own, and no more pseudonyms of a type than rows."""
        name, rows = fields.text("translation_id"), fields.number("rows", 1, MOST_ROWS)
        if name in self._translations:
            raise RuleError("a translation's id comes twice")
        if any(not 0 < count <= rows for count in fields.counts("tokens").values()):
            raise RuleError("a translation's counts are not those of its rows")
        self._translations.add(name)

    def _accepted(self, event: Event) -> InForce:
        """The terms of use that were asked for, as the event says. Raises `RuleError` where newer ones were."""
        if event.type not in (happened.PROPOSED, happened.APPROVED):
            return {}
        accepted = read_accepted_terms(Fields(event.data))
        self._records.terms.noted(happened.KIND, Document.APPROVER, accepted, event.at)
        return {} if accepted is None else {Document.APPROVER: accepted}

    def _parties(self, terms: Terms, agreement: Agreement | None, at: datetime, in_force: InForce) -> Iterator[Parties]:
        """Domains, project and approvers as they may have been known at that moment, the likeliest first."""
        names = [name for name in terms.domains if name in self._records.domains]
        versions = [tuple(self._records.domains.around(name, at)) for name in names]
        projects = (None,) if terms.project is None else tuple(self._records.projects.around(terms.project, at))
        who = sorted(agreement.approvers) if agreement is not None else []
        people = [person for person in who if person in self._records.people]
        standing = [tuple(self._records.people.around(person, at)) for person in people]
        for project in projects or (None,):
            for domains in product(*versions):
                for approvers in product(*standing):
                    known = dict(zip(names, domains, strict=True))
                    yield Parties(known, project, dict(zip(people, approvers, strict=True)), in_force)


Rule = Callable[[Person | None, Agreement | None, Parties, Event, datetime], Outcome]


def _terms(event: Event) -> Terms:
    return read_terms(Fields(event.data).inner("terms"))


def _propose(
    acting: Person | None, agreement: Agreement | None, parties: Parties, event: Event, now: datetime
) -> Outcome:
    return decide.propose(acting, Proposal(_terms(event), lambda _terms: None, agreement), parties, now)


def _approve(
    acting: Person | None, agreement: Agreement | None, parties: Parties, event: Event, now: datetime
) -> Outcome:
    fields = Fields(event.data)
    yes = Yes(
        DomainId(fields.text("for_domain", DOMAIN)),
        ContentHash(fields.text("terms_hash", SHA256)),
        fields.choice("factor", Factor),
        OrganisationCode(fields.text("organisation", ORGANISATION)),
    )
    return decide.approve(acting, agreement, parties, yes, now)


def _end(acting: Person | None, agreement: Agreement | None, parties: Parties, event: Event, now: datetime) -> Outcome:
    return decide.end(acting, agreement, parties, Fields(event.data).choice("reason", LinkageEndReason), now)


def _authorise(
    acting: Person | None, agreement: Agreement | None, parties: Parties, event: Event, now: datetime
) -> Outcome:
    fields = Fields(event.data)
    tokens = {IdentifierType(kind): count for kind, count in fields.counts("tokens").items()}
    wanted = Wanted(fields.text("translation_id"), fields.number("rows"), tokens)
    return decide.authorise(acting, agreement, parties, wanted, now)


def _finish(
    acting: Person | None, agreement: Agreement | None, parties: Parties, event: Event, now: datetime
) -> Outcome:
    if agreement is None:
        raise RuleError("a translation under no agreement")
    fields = Fields(event.data)
    inner, withheld = fields.inner("cells"), fields.counts("withheld")
    cells = {IdentifierType(kind): _statuses(inner.counts(kind)) for kind in inner.names()}
    versions = {IdentifierType(kind): version for kind, version in fields.counts("key_versions").items()}
    target = parties.domains.get(agreement.terms.to_domain)
    active = target.active_versions() if target is not None else {}
    if any(active.get(kind) != version or kind not in cells for kind, version in versions.items()):
        raise RuleError("pseudonyms are made with a key version that makes none")
    outcome = happened.Translated(agreement.terms, fields.text("translation_id"), cells, withheld, versions)
    return decide.finish(acting, agreement, parties, outcome, now)


def _statuses(counts: Mapping[str, int]) -> Mapping[str, int]:
    return {TranslateStatus(status).value: count for status, count in counts.items()}


_RULES: Mapping[str, Rule] = {
    happened.PROPOSED: _propose,
    happened.APPROVED: _approve,
    happened.ENDED: _end,
    happened.TRANSLATION_AUTHORISED: _authorise,
    happened.TRANSLATED: _finish,
}
