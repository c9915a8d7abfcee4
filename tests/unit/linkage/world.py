"""Two domains, the people of their controllers, and agreements between them, over a ledger in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import partial

from keyholder.ledger.event import Event
from keyholder.ledger.log import EventLog, IdempotencyKey
from keyholder.linkage.agreement import Agreement, LinkageEndReason
from keyholder.linkage.decide import Wanted, Yes
from keyholder.linkage.events import agreement_stream
from keyholder.linkage.policy_view import objections
from keyholder.linkage.service import Linkage, Outcome
from keyholder.linkage.terms import Covers, Terms
from keyholder.policy.settings import CHECK_AT_DISCLOSURE
from keyholder.policy.vocabulary import LegalBasis, Purpose
from keyholder.pseudonyms.token import Scheme
from keyholder.refusals import Refusal
from keyholder.registry.domains import CareOrigin, Domain, SourceDataset
from keyholder.registry.factors import Factor
from keyholder.registry.people import Person, PersonKind
from keyholder.registry.projects import Agreement as SharingAgreement
from keyholder.registry.projects import Project
from keyholder.registry.service import Call, Entry, Registry
from keyholder.registry.sign_in import SignIn
from keyholder.registry.terms import InForce
from keyholder.vocabulary import DomainId, IdentifierType, OrganisationCode, PersonId, ProjectId, Role
from tests.fakes.ledger import ManualClock, memory_ledger
from tests.unit.requests.world import CONFIRMER, OPERATOR, CountedIds, confirm, person

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
NUMBER, POSTCODE, BORN = IdentifierType.NHS_NUMBER, IdentifierType.POSTCODE, IdentifierType.DATE_OF_BIRTH
SOURCE, TARGET = DomainId("gp-2026"), DomainId("registry-2026")
NHSE, TRUST, ELSEWHERE = OrganisationCode("X26"), OrganisationCode("RJ1"), OrganisationCode("ZZ9")
PROJECT = ProjectId("PRJ-0001")
ID = "LNK-" + "0" * 26

PAULA = person("paula", (Role.CONTROLLER, NHSE))
"""Proposes."""
ANNE, ALAN = person("anne", (Role.CONTROLLER, NHSE)), person("alan", (Role.CONTROLLER, TRUST))
BETH, BILL = person("beth", (Role.CONTROLLER, TRUST)), person("bill", (Role.CONTROLLER, TRUST))
GUARDIAN = person("guardian", (Role.CALDICOTT_GUARDIAN, TRUST))
MEMBER = person("member", (Role.CONTROLLER, TRUST))
"""On the project."""
CARRIER = person("carrier", (Role.PROVIDER, TRUST), kind=PersonKind.MACHINE)
TWO_HATS = person("two hats", (Role.CONTROLLER, TRUST), (Role.PROVIDER, TRUST))
STRANGER = person("stranger", (Role.CONTROLLER, ELSEWHERE), (Role.PROVIDER, ELSEWHERE))
AUDITOR = person("auditor", (Role.AUDITOR, NHSE))
ROBOT = person("robot", (Role.PROVIDER, NHSE), kind=PersonKind.MACHINE)
EVERYBODY = (
    OPERATOR, CONFIRMER, PAULA, ANNE, ALAN, BETH, BILL, GUARDIAN, MEMBER, CARRIER, TWO_HATS, STRANGER, AUDITOR, ROBOT,
)  # fmt: skip

TERMS = Terms(
    from_domain=SOURCE,
    to_domain=TARGET,
    identifier_types=(NUMBER, POSTCODE),
    covers=Covers.EVERYBODY,
    purpose=Purpose.PLANNING_COMMISSIONING,
    legal_basis=LegalBasis.STATUTORY_DIRECTION,
    project=None,
    carried_out_by=TRUST,
    most_tokens=100,
    until=date(2026, 12, 31),
)
YES: Mapping[str, tuple[Person, DomainId]] = {
    "anne": (ANNE, SOURCE),
    "alan": (ALAN, SOURCE),
    "beth": (BETH, TARGET),
    "bill": (BILL, TARGET),
}
"""What it takes: one of each organisation for the source, two of the trust for the target."""


def a_domain(name: DomainId, *controllers: OrganisationCode, **more: object) -> Domain:
    domain = Domain(
        id=name,
        controllers=controllers,
        identifier_types=(NUMBER, POSTCODE, BORN),
        source_dataset=SourceDataset.GP,
        care_origin=CareOrigin.ENGLAND_PUBLIC,
    )
    return replace(domain, **more)  # type: ignore[arg-type]  # a test names the fields it changes


@dataclass
class House:
    """Everybody registered, and a desk for agreements. `domains` may be given otherwise."""

    source: Domain = field(default_factory=lambda: a_domain(SOURCE, NHSE, TRUST))
    target: Domain = field(default_factory=lambda: a_domain(TARGET, TRUST))
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW))
    terms: InForce = field(default_factory=dict)
    log: EventLog = field(init=False)

    def __post_init__(self) -> None:
        self.log = memory_ledger(self.clock)
        ids = CountedIds()
        self.registry = Registry(self.log, ids, OPERATOR.id, terms=self.terms)
        call = Call(OPERATOR.id, "trace")
        done: list[object] = [self.registry.register_person(call, who) for who in EVERYBODY]
        for entry in tuple(done):
            assert isinstance(entry, Entry)
            confirm(self.registry, entry.value, self.now)
        for domain in (self.source, self.target):
            done.append(self.registry.register_domain(call, domain))
            kinds = tuple((kind, 1) for kind in domain.identifier_types)
            done.append(self.registry.make_keys(call, domain.id, kinds))
        project = Project(
            PROJECT, TRUST, (MEMBER.id,), date(2026, 12, 31), (SOURCE, TARGET),
            SharingAgreement("DARS-NIC-1", date(2027, 12, 31)),
        )  # fmt: skip
        done.append(self.registry.register_project(call, project))
        assert all(isinstance(one, Entry) for one in done), done
        objects = partial(objections, CHECK_AT_DISCLOSURE)
        self.linkage = Linkage(self.log, self.registry, ids, objects, terms=self.terms)

    @property
    def now(self) -> datetime:
        return self.clock.now()

    @property
    def agreement(self) -> Agreement:
        found = self.linkage.entry(ID)
        assert found is not None
        return found.value

    @property
    def state(self) -> str:
        return self.agreement.state(self.now).value

    def events(self, name: str = ID) -> tuple[Event, ...]:
        return self.log.read(agreement_stream(name))

    def accept(self, who: Person) -> None:
        """Somebody accepts all terms in force."""
        for terms in self.terms.values():
            call = Call(who.id, f"accepts-{terms.document}", sign_in=self.signed_in())
            assert isinstance(self.registry.accept_terms(call, terms, self.now), Entry)

    def propose(self, who: Person = PAULA, terms: Terms = TERMS, name: str = ID) -> Outcome:
        return self.linkage.propose(Call(who.id, "trace"), self.signed_in(), name, terms, self.now)

    def approve(
        self,
        who: Person,
        domain: DomainId,
        *,
        terms: Terms | None = None,
        organisation: OrganisationCode | None = None,
        factor: Factor | None = None,
        key: IdempotencyKey | None = None,
        expected: int | None = None,
    ) -> Outcome:
        yes = Yes(domain, (terms or self.agreement.terms).hash(), factor, organisation)
        return self.linkage.approve(Call(who.id, "trace", key, expected), self.signed_in(), ID, yes, self.now)

    def end(self, who: Person, reason: LinkageEndReason = LinkageEndReason.OTHER) -> Outcome:
        return self.linkage.end(Call(who.id, "trace"), ID, reason, self.now)

    def authorise(self, who: Person = CARRIER, name: str = "T1", **tokens: int) -> Outcome:
        kinds = {IdentifierType(kind): count for kind, count in (tokens or {"nhs_number": 2}).items()}
        return self.linkage.authorise(Call(who.id, "trace"), ID, Wanted(name, max(kinds.values()), kinds), self.now)

    def agreed(self, terms: Terms = TERMS) -> House:
        """With an agreement in force."""
        done = [self.propose(terms=terms), *(self.approve(*yes) for yes in YES.values())]
        assert all(isinstance(one, Entry) for one in done), done
        assert self.state == "in_force"
        return self

    def changed(self, who: Person, **changes: object) -> None:
        """An operator changes somebody's record."""
        other = person("other operator", (Role.OPERATOR, ELSEWHERE))
        self.registry.register_person(Call(OPERATOR.id, "trace"), other)
        entry = self.registry.change_person(Call(other.id, "trace"), replace(who, **changes))  # type: ignore[arg-type]
        assert isinstance(entry, Entry), entry
        if not entry.value.disabled:
            confirm(self.registry, entry.value, self.now)

    def signed_in(self) -> SignIn:
        return SignIn("AAL2", self.now)


TEN = {"schemes": {NUMBER: Scheme.FF1}}


def code(outcome: object) -> str:
    """The code of a refusal, which it must be."""
    assert isinstance(outcome, Refusal), outcome
    return outcome.code


def people_of(agreement: Agreement) -> frozenset[PersonId]:
    return agreement.approvers
