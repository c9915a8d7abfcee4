"""Standing approvals in the ledger: asked for, approved, ended, drawn on, read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from keyholder.ledger.log import EventLog
from keyholder.ledger.ports import Head
from keyholder.refusals import Refusal
from keyholder.registry.attempts import UNNAMED, AttemptIds
from keyholder.registry.carrying_out import Call, CarryingOut, Decided, Entry, Task
from keyholder.registry.people import Person
from keyholder.registry.service import Registry
from keyholder.registry.sign_in import SignIn, SignInRules
from keyholder.registry.terms import InForce
from keyholder.standing import decide
from keyholder.standing.approval import StandingApproval, StandingEndReason
from keyholder.standing.decide import Parties, Wanted, Yes
from keyholder.standing.events import KIND, fold_standing, standing_stream
from keyholder.standing.refusals import STANDING_UNKNOWN
from keyholder.standing.terms import STANDING, Terms
from keyholder.vocabulary import DomainId, ProjectId, StreamId

Outcome = Entry[StandingApproval] | Refusal
Rule = Callable[[Person | None, StandingApproval | None], Sequence[Decided] | Refusal]


@dataclass(frozen=True, slots=True)
class Page:
    """Some standing approvals of a listing, and the id after which the next ones come; None at the end."""

    items: tuple[Entry[StandingApproval], ...]
    next: str | None


class Standings:
    """Standing approvals. Every method may raise `LedgerUnavailableError`."""

    def __init__(
        self,
        log: EventLog,
        registry: Registry,
        ids: AttemptIds,
        sign_in: SignInRules | None = None,
        terms: InForce | None = None,
    ) -> None:
        self._log = log
        self._registry = registry
        self._sign_in = sign_in or SignInRules()
        self._terms = terms or {}
        self._commands = CarryingOut(log, ids, registry.person)

    def entry(self, standing_id: str) -> Entry[StandingApproval] | None:
        """One as it is now, and its version."""
        if not STANDING.fullmatch(standing_id):
            return None
        events = self._log.read(standing_stream(standing_id))
        found = fold_standing(events)
        return Entry(found, len(events)) if found is not None else None

    def shown_to(self, person: Person, standing_id: str) -> Entry[StandingApproval] | None:
        """One as it is now; None where there is none that this person may read."""
        entry = self.entry(standing_id)
        return entry if entry is not None and self._readable(person, entry.value) else None

    def page(self, person: Person, listing: str, after: str | None, limit: int) -> Page:
        """Those of a listing that this person may read, in the order in which they were asked for."""
        start = None if after is None else standing_stream(after)
        streams = self._log.listed(listing, start, limit + 1)
        found = [self.shown_to(person, _id(stream)) for stream in streams[:limit]]
        shown = tuple(entry for entry in found if entry is not None)
        return Page(shown, _id(streams[limit - 1]) if len(streams) > limit else None)

    def ask(self, call: Call, sign_in: SignIn, standing_id: str, terms: Terms, now: datetime) -> Outcome:
        """New bounds, by a researcher on the project."""
        return self._carry_out(
            call,
            "ask_standing_approval",
            standing_id,
            lambda acting, known: (
                self._sign_in.refused(sign_in, now)
                or decide.ask(acting, terms, known, self._asked_of(terms, known), now)
            ),
        )

    def approve(self, call: Call, sign_in: SignIn, standing_id: str, yes: Yes, now: datetime) -> Outcome:
        """One person's yes for one domain."""
        return self._carry_out(
            call,
            "approve_standing_approval",
            standing_id,
            lambda acting, known: (
                self._sign_in.refused(sign_in, now) or decide.approve(acting, known, self.parties(known), yes, now)
            ),
        )

    def end(self, call: Call, standing_id: str, reason: StandingEndReason, now: datetime) -> Outcome:
        """Refuse or revoke it, by one controller of any of its domains."""
        return self._carry_out(
            call,
            "end_standing_approval",
            standing_id,
            lambda acting, known: decide.end(acting, known, self.parties(known), reason, now),
        )

    def draw(self, call: Call, standing_id: str, wanted: Wanted, now: datetime) -> Outcome:
        """Take a request's records from the weekly volume, before the request is approved by it."""
        return self._carry_out(
            call,
            "use_standing_approval",
            standing_id,
            lambda acting, known: decide.draw(acting, known, self.parties(known), wanted, now),
        )

    def parties(self, standing: StandingApproval | None) -> Parties:
        """Its domains, project and approvers, as they are now."""
        return Parties() if standing is None else self._parties(standing.terms, standing)

    def _carry_out(self, call: Call, command: str, standing_id: str, rule: Rule) -> Outcome:
        if not STANDING.fullmatch(standing_id):
            task = Task(command, UNNAMED, fold_standing, rule, standing_head)
            return self._commands.refused(call, task, STANDING_UNKNOWN)
        stream = standing_stream(standing_id)
        return self._commands.carry_out(call, Task(command, stream, fold_standing, rule, standing_head))

    def _readable(self, person: Person, standing: StandingApproval) -> bool:
        parties = self.parties(standing)
        return decide.may_read(person, standing, parties.project, parties.domains.values())

    def _parties(self, terms: Terms, standing: StandingApproval | None) -> Parties:
        approvers = standing.approvers if standing is not None else ()
        people = {person: known for person in approvers if (known := self._registry.person(person)) is not None}
        domains = {name: found for name in terms.domains if (found := self._registry.domain(name)) is not None}
        return Parties(domains, self._registry.project(terms.project), people, self._terms)

    def _asked_of(self, terms: Terms, standing: StandingApproval | None) -> Parties:
        """Beside them everybody who could approve: what nobody could is not asked."""
        parties = self._parties(terms, standing)
        codes = sorted({code for domain in parties.domains.values() for code in domain.controllers})
        candidates = {person.id: person for code in codes for person in self._registry.approvers_of(code)}
        return replace(parties, candidates=tuple(candidates.values()))


def of_domain(domain: DomainId) -> str:
    """The listing of what a domain's controllers were asked."""
    return f"standing-of/domain/{domain}"


def of_project(project: ProjectId) -> str:
    """The listing of what a project asked for."""
    return f"standing-of/project/{project}"


def standing_head(standing: StandingApproval) -> Head:
    """Where a standing approval is listed."""
    terms = standing.terms
    return Head(listings=(of_project(terms.project), *(of_domain(name) for name in terms.domains)))


def _id(stream: StreamId) -> str:
    return stream.removeprefix(f"{KIND}/")
