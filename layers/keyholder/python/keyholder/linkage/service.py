"""Linkage agreements over the ledger: proposed, approved, ended, read, and asked for leave to translate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from keyholder.canonical import JsonObject
from keyholder.ledger.log import EventLog
from keyholder.ledger.ports import Head
from keyholder.linkage import decide
from keyholder.linkage.agreement import Agreement, LinkageEndReason
from keyholder.linkage.decide import Objects, Parties, Proposal, Wanted, Yes
from keyholder.linkage.events import TRANSLATED, Translated, agreement_stream, fold_agreement
from keyholder.linkage.terms import Terms
from keyholder.refusals import Refusal
from keyholder.registry.attempts import AttemptIds
from keyholder.registry.carrying_out import Call, CarryingOut, Decided, Entry, Task
from keyholder.registry.domains import Domain
from keyholder.registry.people import Person
from keyholder.registry.service import Registry
from keyholder.registry.sign_in import SignIn, SignInRules
from keyholder.registry.terms import InForce
from keyholder.vocabulary import DomainId

LINKAGE = "linkage/"

Outcome = Entry[Agreement] | Refusal
Rule = Callable[[Person | None, Agreement | None], Sequence[Decided] | Refusal]


@dataclass(frozen=True, slots=True)
class Page:
    """Some agreements of a domain, and the id after which the next ones come; None at the end."""

    items: tuple[Entry[Agreement], ...]
    next: str | None


class Linkage:
    """Agreements. Every method may raise `LedgerUnavailableError`.

    `objects` is what the policy has against terms at a moment.
    """

    def __init__(
        self,
        log: EventLog,
        registry: Registry,
        ids: AttemptIds,
        objects: Callable[[datetime], Objects],
        sign_in: SignInRules | None = None,
        *,
        terms: InForce | None = None,
    ) -> None:
        self._log = log
        self._registry = registry
        self._objects = objects
        self._sign_in = sign_in or SignInRules()
        self._terms = terms or {}
        self._commands = CarryingOut(log, ids, registry.person)

    def entry(self, agreement_id: str) -> Entry[Agreement] | None:
        """The agreement and its version."""
        events = self._log.read(agreement_stream(agreement_id))
        found = fold_agreement(events)
        return Entry(found, len(events)) if found is not None else None

    def shown_to(self, person: Person, agreement_id: str) -> Entry[Agreement] | None:
        """The agreement as it is now; None where there is none that this person may read."""
        entry = self.entry(agreement_id)
        return entry if entry is not None and self._readable(person, entry.value) else None

    def parties(self, agreement: Agreement) -> Parties:
        """The domains, the project and the approvers of an agreement, as they are now."""
        return self._parties(agreement.terms, agreement)

    def page(self, person: Person, domain: DomainId, after: str | None, limit: int) -> Page:
        """The agreements of a domain that this person may read, in the order in which they were proposed."""
        start = None if after is None else agreement_stream(after)
        streams = self._log.listed(listing(domain), start, limit + 1)
        found = [self.shown_to(person, stream.removeprefix(LINKAGE)) for stream in streams[:limit]]
        shown = tuple(entry for entry in found if entry is not None)
        last = streams[limit - 1].removeprefix(LINKAGE) if len(streams) > limit else None
        return Page(shown, last)

    def propose(self, call: Call, sign_in: SignIn, agreement_id: str, terms: Terms, now: datetime) -> Outcome:
        """New terms, by a human controller of one of the domains."""
        return self._carry_out(
            call,
            "propose_linkage",
            agreement_id,
            lambda acting, known: (
                self._sign_in.refused(sign_in, now)
                or decide.propose(acting, Proposal(terms, self._objects(now), known), self._parties(terms), now)
            ),
        )

    def approve(self, call: Call, sign_in: SignIn, agreement_id: str, yes: Yes, now: datetime) -> Outcome:
        """One person's yes for one domain."""
        return self._carry_out(
            call,
            "approve_linkage",
            agreement_id,
            lambda acting, known: (
                self._sign_in.refused(sign_in, now) or decide.approve(acting, known, self._parties_of(known), yes, now)
            ),
        )

    def end(self, call: Call, agreement_id: str, reason: LinkageEndReason, now: datetime) -> Outcome:
        """Refuse or end it, by one controller of either domain."""
        return self._carry_out(
            call,
            "end_linkage",
            agreement_id,
            lambda acting, known: decide.end(acting, known, self._parties_of(known), reason, now),
        )

    def outcome(self, agreement_id: str, translation: str) -> JsonObject | None:
        """What the ledger has of a translation's outcome; None while it has none."""
        events = self._log.read(agreement_stream(agreement_id))
        found = (event.data for event in events if event.type == TRANSLATED)
        return next((data for data in found if data.get("translation_id") == translation), None)

    def authorise(self, call: Call, agreement_id: str, wanted: Wanted, now: datetime) -> Outcome:
        """Leave to translate. A repeated call gets what it got before."""
        return self._carry_out(
            call,
            "translate",
            agreement_id,
            lambda acting, known: decide.authorise(acting, known, self._parties_of(known), wanted, now),
        )

    def finish(self, call: Call, agreement_id: str, outcome: Translated, now: datetime) -> Outcome:
        """Write down what became of an authorised translation; before that nothing of it is given out."""
        return self._carry_out(
            Call(call.actor, call.trace),
            "translate",
            agreement_id,
            lambda acting, known: decide.finish(acting, known, self._parties_of(known), outcome, now),
        )

    def refuse(self, call: Call, agreement_id: str, refusal: Refusal) -> Refusal:
        """Write down that a translation was refused after it was authorised."""
        task = self._task("translate", agreement_id, lambda _acting, _known: refusal)
        return self._commands.refused(call, task, refusal)

    def _carry_out(
        self,
        call: Call,
        command: str,
        agreement_id: str,
        rule: Rule,
    ) -> Outcome:
        return self._commands.carry_out(call, self._task(command, agreement_id, rule))

    def _task(self, command: str, agreement_id: str, rule: Rule) -> Task[Agreement]:
        return Task(command, agreement_stream(agreement_id), fold_agreement, rule, agreement_head)

    def _readable(self, person: Person, agreement: Agreement) -> bool:
        return decide.may_read(person, agreement, self._domains(agreement.terms).values())

    def _parties_of(self, agreement: Agreement | None) -> Parties:
        return Parties({}) if agreement is None else self.parties(agreement)

    def _parties(self, terms: Terms, agreement: Agreement | None = None) -> Parties:
        project = None if terms.project is None else self._registry.project(terms.project)
        approvers = agreement.approvers if agreement is not None else ()
        people = {person: known for person in approvers if (known := self._registry.person(person)) is not None}
        return Parties(self._domains(terms), project, people, self._terms)

    def _domains(self, terms: Terms) -> Mapping[DomainId, Domain]:
        return {name: known for name in terms.domains if (known := self._registry.domain(name)) is not None}


def listing(domain: DomainId) -> str:
    """The list of a domain's agreements, from it or to it."""
    return f"linkage-of/{domain}"


def agreement_head(agreement: Agreement) -> Head:
    """Where an agreement is listed."""
    return Head(listings=tuple(listing(domain) for domain in agreement.terms.domains))
