"""People, a project, domains and a desk for tests of the life cycle. Nothing here is about a real person."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from keyholder.canonical import JsonValue
from keyholder.ledger.log import EventLog
from keyholder.policy.vocabulary import LegalBasis, Purpose
from keyholder.pseudonyms.token import Scheme, Token, ciphertext_length
from keyholder.refusals import Refusal
from keyholder.registry.domains import CareOrigin, Domain, SourceDataset
from keyholder.registry.factors import Factor
from keyholder.registry.people import Capacity, Membership, Person, PersonKind, person_id
from keyholder.registry.projects import Agreement, Project
from keyholder.registry.service import Call as RegistryCall
from keyholder.registry.service import Registry
from keyholder.registry.sign_in import SignIn
from keyholder.registry.terms import Document, InForce, Terms
from keyholder.requests import commands as ask
from keyholder.requests.actors import Actor, Limits, PersonActor, System, SystemActor
from keyholder.requests.case import Assessment, Facts
from keyholder.requests.codec import Happened, RequestEvent
from keyholder.requests.codes import Destruction, Finding, QuestionTopic
from keyholder.requests.conditions import Condition, ConditionCode
from keyholder.requests.content import Draft, Vocabulary, parse_draft
from keyholder.requests.decide import decide
from keyholder.requests.filing import RecordFiles
from keyholder.requests.folding import evolve
from keyholder.requests.given import Given
from keyholder.requests.questions import ReviewQuestion
from keyholder.requests.record_file import FilePart, RecordFile
from keyholder.requests.records import Narrowed
from keyholder.requests.service import Call, Question, RequestDesk
from keyholder.requests.state import RequestState
from keyholder.standing.approval import Approval as Agreed
from keyholder.standing.approval import StandingApproval
from keyholder.standing.terms import Terms as Bounds
from keyholder.uploads.form import UploadForm
from keyholder.vocabulary import (
    ContentHash,
    DomainId,
    IdentifierType,
    OrganisationCode,
    ProjectId,
    Pseudonym,
    RequestId,
    Role,
)
from tests.fakes.ledger import ManualClock

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
POLICY = "ab" * 32
SALT = "5a" * 16
REQUEST = RequestId("REQ-" + "0" * 26)
VOCABULARY = Vocabulary(frozenset({"research", "marketing"}), frozenset({"s251_reg5", "explicit_consent"}))
PROJECT = ProjectId("PRJ-0001")
GP, HOSPITAL = DomainId("gp-2026"), DomainId("hospital-2026")
NHSE, TRUST, OTHER = OrganisationCode("X26"), OrganisationCode("RJ1"), OrganisationCode("ZZ9")
RELEASE = SystemActor(System.RELEASE)
READER = SystemActor(System.READER)
SWEEPER = SystemActor(System.SWEEPER)
TOKEN = Pseudonym("SN00" + "0123456789ABCDEFGHJKMNPQRSTVWXYZ" + "AB")


def some_terms(version: int = 1) -> InForce:
    """A text for each of those who have to accept one."""
    return {document: Terms(document, version, f"{version:02x}" * 32) for document in Document}


def person(name: str, *roles: tuple[Role, OrganisationCode], kind: PersonKind = PersonKind.HUMAN) -> Person:
    return Person(
        id=person_id("https://issuer.test", name),
        roles=tuple(Membership(role, organisation) for role, organisation in roles),
        kind=kind,
        accredited_until=date(2027, 3, 31),
        capacities=(Capacity.RESEARCHER,),
    )


OPERATOR = person("operator", (Role.OPERATOR, OTHER))
ROSA = person("rosa", (Role.RESEARCHER, OTHER))
COLLEAGUE = person("colleague", (Role.RESEARCHER, OTHER), (Role.CONTROLLER, NHSE))
STRANGER = person("stranger", (Role.RESEARCHER, OTHER))
NADIA = person("nadia", (Role.CONTROLLER, NHSE))
NILS = person("nils", (Role.CONTROLLER, NHSE))
TARA = person("tara", (Role.CONTROLLER, TRUST))
BOTH = person("both", (Role.CONTROLLER, NHSE), (Role.CONTROLLER, TRUST))
AUDITOR = person("auditor", (Role.AUDITOR, OTHER))
GRETA = person("greta", (Role.CALDICOTT_GUARDIAN, NHSE))
DEV = person("dev", (Role.DATA_PROTECTION_OFFICER, TRUST))
CONFIRMER = person("confirmer", (Role.OPERATOR, OTHER))
DECIDERS = (NADIA, NILS, TARA, BOTH, GRETA, DEV)
EVERYBODY = (OPERATOR, CONFIRMER, ROSA, COLLEAGUE, STRANGER, NADIA, NILS, TARA, BOTH, AUDITOR, GRETA, DEV)


def a_domain(name: DomainId = GP, *controllers: OrganisationCode, quorum: int = 2, **factors: int) -> Domain:
    """`factors` counts who has to agree beside the controllers."""
    return Domain(
        id=name,
        controllers=controllers or (NHSE, TRUST),
        identifier_types=(IdentifierType.NHS_NUMBER, IdentifierType.POSTCODE),
        source_dataset=SourceDataset.GP,
        care_origin=CareOrigin.ENGLAND_PUBLIC,
        quorum=quorum,
        factors={Factor(name): count for name, count in factors.items()},
    )


def a_project() -> Project:
    return Project(
        id=PROJECT,
        organisation=OTHER,
        members=(ROSA.id, COLLEAGUE.id),
        active_until=date(2027, 12, 31),
        domains=(GP, HOSPITAL),
        agreement=Agreement("DARS-NIC-1", date(2027, 12, 31)),
    )


def a_body(*domains: DomainId, records: int = 2, **changes: JsonValue) -> dict[str, JsonValue]:
    """A request as its author sends it."""
    body: dict[str, JsonValue] = {
        "project": PROJECT,
        "purpose": "research",
        "legal_basis": "s251_reg5",
        "capacity": "researcher",
        "references": {"cag": "25/CAG/0036"},
        "wanted": [{"identifier_type": "nhs_number", "need": "linkage"}],
        "recipient": {"organisation": "ZZ9", "public_key": None},
        "delivery": "inline",
        "window_days": 14,
        "destroy_by": "2027-06-30",
        "justification": "Linkage to the registry needs the number itself.",
        "domains": [
            {
                "domain": domain,
                "records": [
                    {"row_id": f"{domain}/{row}", "pseudonyms": {"nhs_number": TOKEN}} for row in range(records)
                ],
            }
            for domain in domains or (GP,)
        ],
    }
    return {**body, **changes}


def a_draft(*domains: DomainId, salt: str = SALT, **changes: JsonValue) -> Draft:
    draft = parse_draft(a_body(*domains, **changes), salt, VOCABULARY)
    assert not isinstance(draft, Refusal), draft
    return draft


def some_facts(**changes: object) -> Facts:
    facts = Facts(
        project=a_project(),
        domains={GP: a_domain(), HOSPITAL: a_domain(HOSPITAL, TRUST)},
        assessment=Assessment(POLICY),
        approvers={who.id: who for who in EVERYBODY},
    )
    return replace(facts, **changes)  # type: ignore[arg-type]  # a test names the fields it changes


def signed_in(who: Person, at: datetime = NOW, acr: str = "AAL2") -> PersonActor:
    return PersonActor(who, SignIn(acr, at))


@dataclass
class Course:
    """A request taken through `decide` and `evolve`, without a ledger."""

    facts: Facts = field(default_factory=some_facts)
    state: RequestState = field(default_factory=lambda: RequestState(REQUEST))
    now: datetime = NOW
    happened: list[RequestEvent] = field(default_factory=list)

    def ask(self, command: ask.Command, who: Person | Actor) -> tuple[RequestEvent, ...] | Refusal:
        """Decide only."""
        actor = signed_in(who, self.now) if isinstance(who, Person) else who
        return decide(self.state, command, actor, self.facts, self.now)

    def do(self, command: ask.Command, who: Person | Actor) -> Course:
        """Decide, and go on from there."""
        outcome = self.ask(command, who)
        assert not isinstance(outcome, Refusal), outcome
        actor = who if not isinstance(who, Person) else signed_in(who)
        for event in outcome:
            self.state = evolve(self.state, Happened(event, self.now, actor.id))
            self.happened.append(event)
        return self

    def refused(self, command: ask.Command, who: Person | Actor) -> str:
        """The code of the refusal, which must be one."""
        outcome = self.ask(command, who)
        assert isinstance(outcome, Refusal), outcome
        return outcome.code

    def clear(self, *people: Person) -> Course:
        """They declare that they have no conflict of interest."""
        for who in people:
            self.do(ask.DeclareNoConflict(), who)
        return self

    def clear_everybody(self) -> Course:
        """All who may decide declare that they have no conflict of interest."""
        able = [who for who in DECIDERS if not isinstance(self.ask(ask.DeclareNoConflict(), who), Refusal)]
        return self.clear(*able)

    def approve(self, who: Person, domain: DomainId = GP) -> Course:
        assert self.state.content_hash
        return self.do(ask.Approve(domain, self.state.content_hash), who)


QUESTION = ReviewQuestion(QuestionTopic.RECORDS, "c" * 64)
REPORT = ask.ReportOutcome(2, Finding.RECORDS_LINKED, Destruction.DESTROYED, NOW.date(), "e" * 64)
EARLIER = Condition(ConditionCode.DESTROY_EARLIER, by=date(2027, 1, 31))
NOT_SHARED = Condition(ConditionCode.NO_ONWARD_SHARING)


def checks(eligible: int = 2, held: int = 0, withheld: int = 0) -> ask.Checks:
    return ask.Checks(POLICY, eligible, held, withheld)


def drafted(*domains: DomainId, facts: Facts | None = None, **changes: JsonValue) -> Course:
    return Course(facts or some_facts()).do(ask.Create(a_draft(*domains, **changes).content.summary()), ROSA)


def a_token(number: int = 0, version: int = 1, kind: IdentifierType = IdentifierType.NHS_NUMBER) -> str:
    """A well-formed pseudonym, of nobody."""
    return str(Token(Scheme.AES_256_SIV_1, kind, version, number.to_bytes(ciphertext_length(kind))))


FILE_TOKEN = a_token()
FILE_ROWS = f"patient_id_deid\n{FILE_TOKEN}\n".encode()
FILE_TO = {
    "delivery": "file",
    "recipient": {
        "organisation": "ZZ9",
        "public_key": "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
    },
}


def a_filed_body(body: bytes = FILE_ROWS, *domains: DomainId, **changes: JsonValue) -> dict[str, JsonValue]:
    """A request whose records come as a file."""
    file = {
        "format": "csv",
        "bytes": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
        "domains": list(domains or (GP,)),
    }
    asked: dict[str, JsonValue] = {**a_body(), **FILE_TO, "file": file, **changes}
    del asked["domains"]
    return asked


def a_filed_draft(body: bytes = FILE_ROWS, *domains: DomainId, salt: str = SALT, **changes: JsonValue) -> Draft:
    draft = parse_draft(a_filed_body(body, *domains, **changes), salt, VOCABULARY)
    assert not isinstance(draft, Refusal), draft
    return draft


def declared() -> Course:
    """A draft whose file is awaited."""
    return Course(some_facts()).do(ask.Create(a_filed_draft().content.summary()), ROSA)


def handed_in() -> Course:
    course = declared()
    assert course.state.content_hash
    return course.do(ask.HandInFile(course.state.content_hash), ROSA)


def reading_of_file() -> ask.RecordFileRead:
    content = a_filed_draft().content
    assert content.file
    read = replace(content, file=replace(content.file, parts=(FilePart(GP, "f" * 64, 3),)))
    return ask.RecordFileRead(content.hash(), read.summary(), (Given(GP, 3, 3, 2),), {"mistyped": 1})


def refusal_of_file() -> ask.RefuseFile:
    return ask.RefuseFile(a_filed_draft().content.hash(), "FILE_ROW_EMPTY", 2)


def filed() -> Course:
    """A draft whose file was read."""
    return handed_in().do(reading_of_file(), READER)


def filed_and_approved() -> Course:
    """A request whose records came as a file, approved."""
    course = filed().do(ask.Submit(), ROSA)
    assert course.state.content_hash
    course.do(ask.RecordChecks(course.state.content_hash, checks()), RELEASE).clear_everybody()
    return course.approve(NADIA).approve(TARA)


def unread(*domains: DomainId, facts: Facts | None = None, **changes: JsonValue) -> Course:
    """In review, and nobody has declared anything yet."""
    course = drafted(*domains, facts=facts, **changes).do(ask.Submit(), ROSA)
    assert course.state.content_hash
    return course.do(ask.RecordChecks(course.state.content_hash, checks()), RELEASE)


def in_review(*domains: DomainId, facts: Facts | None = None, **changes: JsonValue) -> Course:
    """In review, and all who decide have declared that they have no conflict of interest."""
    return unread(*domains, facts=facts, **changes).clear_everybody()


def returned(*domains: DomainId) -> Course:
    """Back with its author, after one approval."""
    course = in_review(*domains).approve(NADIA)
    assert course.state.content_hash
    return course.do(ask.Return(GP, course.state.content_hash, (QUESTION,)), TARA)


def offered(*conditions: Condition, until: datetime | None = None) -> Course:
    """Approved under conditions that nobody has accepted yet."""
    course = in_review()
    assert course.state.content_hash
    yes = ask.Approve(GP, course.state.content_hash, until=until, conditions=conditions or (EARLIER, NOT_SHARED))
    return course.do(yes, NADIA).approve(TARA)


def accepted(*conditions: Condition) -> Course:
    course = offered(*conditions)
    return course.do(acceptance(course), ROSA)


def acceptance(course: Course) -> ask.AcceptConditions:
    assert course.state.conditions
    return ask.AcceptConditions(course.state.conditions.hash)


def narrowed(count: int = 1, left: int = 1) -> Course:
    """Approved for fewer records than the two that were asked for."""
    course = in_review()
    assert course.state.content_hash
    yes = ask.Approve(GP, course.state.content_hash, records=Narrowed("d" * 64, count), records_left=left)
    return course.do(yes, NADIA).do(ask.Approve(GP, course.state.content_hash, records_left=left), TARA)


def approved(**changes: JsonValue) -> Course:
    return in_review(**changes).approve(NADIA).approve(TARA)


def release_of(course: Course, number: int = 1) -> ask.AuthoriseRelease:
    assert course.state.summary
    return ask.AuthoriseRelease(f"REL-{number:026d}", course.state.summary.content_hash, course.state.summary.delivery)


def chunk_of(release: str, chunk: int = 1, chunks: int = 1) -> ask.RecordChunk:
    return ask.RecordChunk(release, chunk, chunks, 2, "2026-11", {"released": ("A" * 22, "B" * 22)}, {"malformed": 1})


def released(number: int = 1, course: Course | None = None, **changes: JsonValue) -> Course:
    """A course whose release is finished."""
    course = course or approved(**changes)
    command = release_of(course, number)
    course.do(command, ROSA).do(chunk_of(command.release), RELEASE)
    return course.do(ask.FinishRelease(command.release, {"released": 2}), RELEASE)


STANDING_ID = f"STA-{1:026}"


def bounds(*domains: DomainId, **changes: object) -> Bounds:
    """The terms of a standing approval that covers `a_body`."""
    terms = Bounds(
        project=PROJECT,
        domains=domains or (GP,),
        identifier_types=(IdentifierType.NHS_NUMBER,),
        purpose=Purpose.RESEARCH,
        legal_basis=LegalBasis.S251_REG5,
        recipient=OTHER,
        most_records_a_week=5,
        until=date(2026, 12, 31),
    )
    return replace(terms, **changes)  # type: ignore[arg-type]  # a test names the fields it changes


def a_standing(*who: tuple[Person, DomainId, OrganisationCode], **changes: object) -> StandingApproval:
    """A standing approval in force, by NADIA and TARA for GP unless others are named."""
    given = who or ((NADIA, GP, NHSE), (TARA, GP, TRUST))
    terms = bounds()
    standing = StandingApproval(
        STANDING_ID,
        terms,
        terms.hash(),
        COLLEAGUE.id,
        NOW,
        approvals=tuple(
            Agreed(person.id, domain, Factor.CONTROLLER, organisation, NOW) for person, domain, organisation in given
        ),
        in_force_since=NOW,
    )
    return replace(standing, **changes)  # type: ignore[arg-type]  # as above


def under_standing(**changes: JsonValue) -> Course:
    """Approved by a standing approval."""
    course = in_review(facts=some_facts(standing=a_standing()), **changes)
    return course.do(ask.UseStanding(STANDING_ID), ROSA)


class CountedIds:
    """Ids in order, and salts that differ."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def request(self) -> RequestId:
        return RequestId(f"REQ-{next(self._numbers):026d}")

    def release(self) -> str:
        return f"REL-{next(self._numbers):026d}"

    def attempt(self) -> str:
        return f"ATT-{next(self._numbers):026d}"

    def salt(self) -> str:
        return f"{next(self._numbers):032x}"


@dataclass
class MemoryContents:
    """`ContentStore` in memory."""

    pieces: dict[tuple[RequestId, str], bytes] = field(default_factory=dict)

    def keep(self, request: RequestId, pieces: Mapping[str, bytes] | Iterable[tuple[str, bytes]]) -> None:
        named = pieces.items() if isinstance(pieces, Mapping) else pieces
        self.pieces.update({(request, name): body for name, body in named})

    def erase(self, request: RequestId, name: str) -> None:
        self.pieces.pop((request, name), None)

    def read(self, request: RequestId, *names: str) -> tuple[bytes | None, ...]:
        return tuple(self.each(request, names))

    def each(self, request: RequestId, names: Iterable[str]) -> Iterator[bytes | None]:
        yield from (self.pieces.get((request, name)) for name in names)


@dataclass
class MemoryUploads:
    """`RecordUploads` in memory: what was put there, and what was erased."""

    files: dict[tuple[RequestId, ContentHash], bytes] = field(default_factory=dict)

    def form(self, request: RequestId, draft: ContentHash, file: RecordFile, now: datetime) -> UploadForm:
        return UploadForm(f"https://uploads.test/{request}/{draft}", {"content-length": str(file.size)}, now)

    def there(self, request: RequestId, draft: ContentHash) -> bool:
        return bool(self.files.get((request, draft)))

    def read(self, request: RequestId, draft: ContentHash) -> Iterator[bytes]:
        body = self.files.get((request, draft), b"")
        yield from (body[start : start + 7] for start in range(0, len(body), 7))

    def erase(self, request: RequestId, draft: ContentHash) -> None:
        self.files[request, draft] = b""


@dataclass
class Asked:
    """`ReadingQueue` that remembers."""

    requests: list[RequestId] = field(default_factory=list)

    def ask(self, request: RequestId) -> None:
        self.requests.append(request)


def confirm(registry: Registry, person: Person, now: datetime) -> None:
    """A second operator confirms whatever roles of somebody wait for that."""
    call = RegistryCall(CONFIRMER.id, "trace", sign_in=SignIn("AAL2", now))
    roles = tuple(held for held in person.roles if held in person.awaiting)
    assert not roles or not isinstance(registry.confirm_roles(call, person.id, roles, now), Refusal)


@dataclass
class House:
    """A desk over a ledger, with everybody registered."""

    log: EventLog
    clock: ManualClock
    reasons: tuple[str, ...] = ()
    ids: CountedIds = field(default_factory=CountedIds)
    contents: MemoryContents = field(default_factory=MemoryContents)
    domains: Mapping[DomainId, Domain] = field(
        default_factory=lambda: {GP: a_domain(), HOSPITAL: a_domain(HOSPITAL, TRUST)}
    )
    terms: InForce = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.registry = Registry(self.log, self.ids, OPERATOR.id, terms=self.terms)
        self.desk = self.another_desk(self.log)
        call = RegistryCall(OPERATOR.id, "trace")
        for somebody in EVERYBODY:
            self.register(somebody)
            self.accept(somebody)
        for domain in self.domains.values():
            assert not isinstance(self.registry.register_domain(call, domain), Refusal)
        assert not isinstance(self.registry.register_project(call, a_project()), Refusal)

    def register(self, person: Person) -> None:
        """Registered by one operator, and confirmed by another where it takes two."""
        entry = self.registry.register_person(RegistryCall(OPERATOR.id, "trace"), person)
        assert not isinstance(entry, Refusal), entry
        self.confirm(entry.value)

    def confirm(self, person: Person) -> None:
        """A second operator confirms whatever waits for that."""
        confirm(self.registry, person, self.clock.now())

    def accept(self, person: Person) -> None:
        """Somebody accepts all terms in force."""
        now = self.clock.now()
        for terms in self.terms.values():
            call = RegistryCall(person.id, f"accepts-{terms.document}", sign_in=SignIn("AAL2", now))
            assert not isinstance(self.registry.accept_terms(call, terms, now), Refusal)

    def another_desk(self, log: EventLog) -> RequestDesk:
        return RequestDesk(
            log,
            Registry(log, self.ids, terms=self.terms),
            self.contents,
            ids=self.ids,
            clock=self.clock,
            assess=self._assess,
            vocabulary=VOCABULARY,
            limits=Limits(decision_within=timedelta(days=30)),
            terms=self.terms,
        )

    def record_files(self, uploads: MemoryUploads) -> RecordFiles:
        return RecordFiles(self.desk, self.contents, self.registry, uploads, Asked(), self.clock)

    def call(self, who: Person, **changes: object) -> Call:
        known = self.registry.person(who.id) if self.terms else None
        call = Call(signed_in(replace(who, terms=known.terms) if known else who, self.clock.now()), "trace")
        return replace(call, **changes)  # type: ignore[arg-type]  # a test names the fields it changes

    def clear(self, request: RequestId, *people: Person) -> None:
        """They declare that they have no conflict of interest."""
        for who in people or DECIDERS:
            self.desk.carry_out(self.call(who), request, ask.DeclareNoConflict())

    def _assess(self, question: Question) -> Assessment:
        assert question.content.hash() == question.state.content_hash
        return Assessment(POLICY, self.reasons)
