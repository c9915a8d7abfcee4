"""The registry over the ledger: look somebody or something up, register it, change it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from keyholder.canonical import JsonObject
from keyholder.ledger.event import Event
from keyholder.ledger.log import EventLog, StaleStreamError
from keyholder.ledger.ports import Head
from keyholder.refusals import Refusal
from keyholder.registry import decide, decide_keys, decide_people, decide_rules
from keyholder.registry.attempts import AttemptIds
from keyholder.registry.carrying_out import Call, CarryingOut, Decided, Entry, Task
from keyholder.registry.decide_people import Moment
from keyholder.registry.domains import Domain
from keyholder.registry.events import fold_bootstrap, fold_domain, fold_project
from keyholder.registry.key_changes import Wish
from keyholder.registry.people import APPROVING, Membership, Person
from keyholder.registry.people_events import fold_person
from keyholder.registry.projects import Project
from keyholder.registry.replays import BUSY, TRIES
from keyholder.registry.rule_changes import RuleChangeReason
from keyholder.registry.sign_in import SignIn, SignInRules
from keyholder.registry.terms import InForce, Terms
from keyholder.vocabulary import (
    ActorId,
    DomainId,
    IdentifierType,
    OrganisationCode,
    PersonId,
    ProjectId,
    Role,
    StreamId,
)

__all__ = [
    "BOOTSTRAP",
    "MOST_PEOPLE",
    "OPERATORS",
    "Call",
    "Decided",
    "Entry",
    "Registry",
    "domain_head",
    "person_head",
    "project_head",
]

BOOTSTRAP = StreamId("registry/bootstrap")
MOST_PEOPLE = 200
OPERATORS = "operators"
"""The listing of those who operate, or did."""
T = TypeVar("T")
_NO_SIGN_IN = SignIn("", datetime.min.replace(tzinfo=UTC))
_AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)
"""When the sweeper looks at a domain whose keys may lag behind the ledger: at its next sweep, whatever the clocks."""


class Registry:
    """People, projects and domains. Every method may raise `LedgerUnavailableError`.

    `bootstrap` is the person whom the deployment lets name the first operator (`BOOTSTRAP_OPERATOR`);
    `controller_keys` are the controllers' own KMS keys it lets domains use (`CONTROLLER_KEY_ARNS`). `terms` are the
    texts that have to be accepted.
    """

    def __init__(
        self,
        log: EventLog,
        ids: AttemptIds,
        bootstrap: PersonId | None = None,
        controller_keys: AbstractSet[str] = frozenset(),
        *,
        terms: InForce | None = None,
        sign_in: SignInRules | None = None,
    ) -> None:
        self._log = log
        self._ids = ids
        self._bootstrap = bootstrap
        self._controller_keys = controller_keys
        self._terms = terms or {}
        self._sign_in = sign_in or SignInRules()
        self._commands = CarryingOut(log, ids, self.person)

    def person(self, person: PersonId) -> Person | None:
        return fold_person(self._log.read(StreamId(person)))

    def approvers_of(self, organisation: OrganisationCode) -> tuple[Person, ...]:
        """Everybody who decides, or did, for an organisation; at most `MOST_PEOPLE`."""
        streams = self._log.listed(f"approvers/{organisation}", None, MOST_PEOPLE)
        return tuple(found for stream in streams if (found := self.person(PersonId(stream))) is not None)

    def project(self, project: ProjectId) -> Project | None:
        return fold_project(self._log.read(_project(project)))

    def domain(self, domain: DomainId) -> Domain | None:
        return fold_domain(self._log.read(_domain(domain)))

    def controls(self, organisation: OrganisationCode) -> bool:
        """Whether the organisation controls any domain."""
        streams = self._log.listed(f"controller/{organisation}", None, MOST_PEOPLE)
        domains = (fold_domain(self._log.read(stream)) for stream in streams)
        return any(domain is not None and organisation in domain.controllers for domain in domains)

    def person_entry(self, person: PersonId) -> Entry[Person] | None:
        """The person and their record's version."""
        return self._entry(StreamId(person), fold_person)

    def project_entry(self, project: ProjectId) -> Entry[Project] | None:
        """The project and its version."""
        return self._entry(_project(project), fold_project)

    def domain_entry(self, domain: DomainId) -> Entry[Domain] | None:
        """The domain and its version."""
        return self._entry(_domain(domain), fold_domain)

    def _entry(self, stream: StreamId, fold: Callable[[Sequence[Event]], T | None]) -> Entry[T] | None:
        events = self._log.read(stream)
        value = fold(events)
        return Entry(value, len(events)) if value is not None else None

    def register_person(self, call: Call, person: Person) -> Entry[Person] | Refusal:
        """A new person, by an operator; the first operator by the bootstrap."""
        if self._bootstrap == call.actor and self.person(call.actor) is None:
            return self._register_first(call, person)
        task = Task(
            "register_person",
            StreamId(person.id),
            fold_person,
            lambda acting, existing: decide.register_person(acting, person, existing),
            person_head,
        )
        return self._commands.carry_out(call, task)

    def change_person(self, call: Call, person: Person) -> Entry[Person] | Refusal:
        """New roles, accreditation or standing, by another operator."""
        task = Task(
            "change_person",
            StreamId(person.id),
            fold_person,
            lambda acting, existing: decide.change_person(acting, person, existing),
            person_head,
        )
        return self._commands.carry_out(call, task)

    def confirm_roles(
        self, call: Call, person: PersonId, roles: tuple[Membership, ...], now: datetime
    ) -> Entry[Person] | Refusal:
        """Let somebody's roles count, by a second person."""
        moment = self._moment(call, now)
        task = Task(
            "confirm_roles",
            StreamId(person),
            fold_person,
            lambda acting, existing: decide_people.confirm(acting, existing, roles, moment),
            person_head,
        )
        return self._commands.carry_out(call, task)

    def accept_terms(self, call: Call, terms: Terms, now: datetime) -> Entry[Person] | Refusal:
        """Accept a text of the terms of use, for oneself."""
        moment = self._moment(call, now)
        task = Task(
            "accept_terms",
            StreamId(call.actor),
            fold_person,
            lambda acting, _: decide_people.accept(acting, terms, self._terms, moment),
            person_head,
        )
        return self._commands.carry_out(call, task)

    def _moment(self, call: Call, now: datetime) -> Moment:
        return Moment(now, self.person, self._sign_in.refused(call.sign_in or _NO_SIGN_IN, now))

    def register_project(self, call: Call, project: Project) -> Entry[Project] | Refusal:
        """A new project of registered people and domains, by an operator."""
        task = Task(
            "register_project",
            _project(project.id),
            fold_project,
            lambda acting, existing: decide.register_project(acting, project, existing, *self._parts(project)),
            project_head,
        )
        return self._commands.carry_out(call, task)

    def change_project(self, call: Call, project: Project) -> Entry[Project] | Refusal:
        """Other members, domains, dates or evidence, by an operator."""
        task = Task(
            "change_project",
            _project(project.id),
            fold_project,
            lambda acting, existing: decide.change_project(acting, project, existing, *self._parts(project)),
            project_head,
        )
        return self._commands.carry_out(call, task)

    def register_domain(self, call: Call, domain: Domain) -> Entry[Domain] | Refusal:
        """A new domain without keys, by an operator."""
        return self._on_domain(
            call,
            "register_domain",
            domain.id,
            lambda acting, existing: decide.register_domain(acting, domain, existing, self._controller_keys),
        )

    def make_keys(
        self, call: Call, domain: DomainId, versions: tuple[tuple[IdentifierType, int], ...]
    ) -> Entry[Domain] | Refusal:
        """Note a domain's first keys, by an operator. They are stored, wrapped, before; this puts them to use."""
        return self._on_domain(
            call, "make_keys", domain, lambda acting, existing: decide.make_keys(acting, existing, versions)
        )

    def propose_key_change(
        self, call: Call, domain: DomainId, change_id: str, wish: Wish, now: datetime
    ) -> Entry[Domain] | Refusal:
        """Propose to rotate, retire or destroy key versions, by an operator: the newest of `key_changes`."""
        return self._on_domain(
            call,
            "propose_key_change",
            domain,
            lambda acting, existing: decide_keys.propose(acting, existing, change_id, wish, now),
        )

    def confirm_key_change(
        self, call: Call, domain: DomainId, change_id: str, now: datetime
    ) -> Entry[Domain] | Refusal:
        """Carry a proposal out, by another operator. The keys table follows after this."""
        return self._on_domain(
            call,
            "confirm_key_change",
            domain,
            lambda acting, existing: decide_keys.confirm(acting, existing, change_id, now, self.person),
        )

    def withdraw_key_change(
        self, call: Call, domain: DomainId, change_id: str, now: datetime
    ) -> Entry[Domain] | Refusal:
        """Take a proposal back or refuse it, by an operator."""
        return self._on_domain(
            call,
            "withdraw_key_change",
            domain,
            lambda acting, existing: decide_keys.withdraw(acting, existing, change_id, now),
        )

    def propose_rule_change(
        self, call: Call, domain: DomainId, proposal: tuple[str, JsonObject, RuleChangeReason], now: datetime
    ) -> Entry[Domain] | Refusal:
        """Propose other rules, by an operator: the proposal's id, the fields to change and why. The newest of
        `rule_changes`."""
        moment = self._moment(call, now)
        return self._on_domain(
            call,
            "propose_rule_change",
            domain,
            lambda acting, existing: decide_rules.propose(
                acting, existing, proposal, moment, self._who_could(existing, proposal[1])
            ),
        )

    def confirm_rule_change(
        self, call: Call, domain: DomainId, change_id: str, now: datetime
    ) -> Entry[Domain] | Refusal:
        """Agree to other rules, by one who decides for the domain; carried out once it is enough."""
        moment = self._moment(call, now)
        return self._on_domain(
            call,
            "confirm_rule_change",
            domain,
            lambda acting, existing: decide_rules.confirm(acting, existing, change_id, moment),
        )

    def withdraw_rule_change(
        self, call: Call, domain: DomainId, change_id: str, now: datetime
    ) -> Entry[Domain] | Refusal:
        """Take a proposal back or refuse it, by an operator or one who decides for the domain."""
        moment = self._moment(call, now)
        return self._on_domain(
            call,
            "withdraw_rule_change",
            domain,
            lambda acting, existing: decide_rules.withdraw(acting, existing, change_id, moment),
        )

    def _who_could(self, domain: Domain | None, wanted: JsonObject) -> tuple[Person, ...]:
        """Everybody who could approve under the rules that are wanted."""
        rules = decide_rules.wished(domain, wanted) if domain is not None else None
        codes = () if rules is None or isinstance(rules, Refusal) else rules.controllers
        people = {person.id: person for code in codes for person in self.approvers_of(code)}
        return tuple(people.values())

    def keys_followed(self, domain: DomainId, version: int, trace: str) -> bool:
        """Note that the keys table holds what the domain's events up to `version` say, by the sweeper.

        False, and nothing noted, where there was another step since: the table is looked at again.
        """
        stream = _domain(domain)
        events = self._log.read(stream)
        known = fold_domain(events)
        outcome = decide_keys.note_followed(decide_keys.SWEEPER, known)
        if known is None or len(events) != version or isinstance(outcome, Refusal):
            return False
        new = [event.new_event() for event in outcome]
        head = domain_head(replace(known, keys_behind=False))
        try:
            self._log.record(stream, version, new, actor=decide_keys.SWEEPER, trace=trace, head=head)
        except StaleStreamError:
            return False
        return True

    def _on_domain(
        self,
        call: Call,
        command: str,
        domain: DomainId,
        rule: Callable[[Person | None, Domain | None], Sequence[Decided] | Refusal],
    ) -> Entry[Domain] | Refusal:
        return self._commands.carry_out(call, Task(command, _domain(domain), fold_domain, rule, domain_head))

    def _register_first(self, call: Call, person: Person) -> Entry[Person] | Refusal:
        """Spend the bootstrap, then register whom it was spent on.

        The right is one append to one stream, so that of two attempts at once the ledger lets one through; and it
        names its person, so that an attempt cut short in between can be finished, for that person only.
        """
        task = Task(
            "register_person",
            StreamId(person.id),
            fold_person,
            lambda _, existing: decide.register_person(person, person, existing),
            person_head,
        )
        for _ in range(TRIES):
            if call.idempotency and self._log.claim(call.idempotency.key):
                return self._commands.replayed(call, task)
            used = self._log.read(BOOTSTRAP)
            bootstrap = decide.Bootstrap(call.actor, fold_bootstrap(used))
            outcome = decide.use_bootstrap(bootstrap, call.actor, person, self.person(person.id))
            if isinstance(outcome, Refusal):
                return self._commands.refused(call, task, outcome)
            if self._spend(call, len(used), outcome):
                return self._commands.carry_out(call, task)
        return self._commands.refused(call, task, BUSY)

    def _spend(self, call: Call, after: int, outcome: Sequence[Decided]) -> bool:
        if outcome:
            new = [event.new_event() for event in outcome]
            try:
                self._log.record(BOOTSTRAP, after, new, actor=ActorId(call.actor), trace=call.trace)
            except StaleStreamError:
                return False
        return True

    def _parts(self, project: Project) -> tuple[frozenset[PersonId], frozenset[DomainId]]:
        return (
            frozenset(member for member in project.members if self.person(member)),
            frozenset(domain for domain in project.domains if self.domain(domain)),
        )


def person_head(person: Person) -> Head:
    """Where a person is listed."""
    organisations = sorted({held.organisation for held in person.roles})
    deciding = sorted({held.organisation for held in person.roles if held.role in APPROVING})
    listings = [f"organisation/{code}" for code in organisations] + [f"approvers/{code}" for code in deciding]
    operating = [OPERATORS] if person.has(Role.OPERATOR) else []
    return Head(listings=("people", *operating, *listings))


def project_head(project: Project) -> Head:
    """Where a project is listed."""
    return Head(listings=("projects", *(f"member/{member.removeprefix('person/')}" for member in project.members)))


def domain_head(domain: Domain) -> Head:
    """Where a domain is listed, and that the sweeper looks at it while its keys table may lag behind."""
    listings = ("domains", *(f"controller/{code}" for code in domain.controllers))
    return Head(listings, due_at=_AT_ONCE if domain.keys_behind else None)


def _project(project: ProjectId) -> StreamId:
    return StreamId(f"project/{project}")


def _domain(domain: DomainId) -> StreamId:
    return StreamId(f"domain/{domain}")
