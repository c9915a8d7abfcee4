"""A whole ledger with a story in it, made by the real code over memory, and what may be done to a copy of it.

Damage is done to its objects; a lie is told by the holder of the key, who writes other events and signs them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from keyholder.audit.auditor import SUBJECT_SEARCHED, Auditor
from keyholder.audit.auditor import TYPES as READINGS
from keyholder.canonical import JsonValue
from keyholder.emergency.access import EmergencyReason, ReviewFinding
from keyholder.emergency.decide import Opening, Policy, Wanted
from keyholder.emergency.desk import Call as EmergencyCall
from keyholder.emergency.desk import EmergencyDesk, Noted
from keyholder.emergency.events import Released as EmergencyReleased
from keyholder.extracts.service import ExtractDesk, Shown
from keyholder.extracts.working import Worked, Workshop
from keyholder.ledger.event import Event, rfc3339
from keyholder.ledger.journal import Batch, checkpoint_key, journal_key
from keyholder.ledger.merkle import EMPTY
from keyholder.ledger.note import Checkpoint, Verifier, parse_vkey, sign_note
from keyholder.ledger.verification import Version
from keyholder.limits.counting import Exceeded
from keyholder.limits.vocabulary import Action
from keyholder.notices.contacts import ContactBook
from keyholder.policy.book import PolicyBook
from keyholder.policy.changes import ChangeReason
from keyholder.policy.settings import Freshness, PolicyFacts
from keyholder.pseudonyms.key_ring import KeyGone, SecretKey
from keyholder.pseudonyms.rekeying import Rekeying, TokenRow, rekey
from keyholder.pseudonyms.token import Scheme
from keyholder.refusals import Refusal
from keyholder.registry.delegation_book import Delegations
from keyholder.registry.delegations import DelegationReason, Wish
from keyholder.registry.key_changes import Change
from keyholder.registry.key_changes import ChangeReason as KeyChangeReason
from keyholder.registry.key_changes import Wish as KeyWish
from keyholder.registry.people import Capacity, PersonKind
from keyholder.registry.rule_changes import RuleChangeReason
from keyholder.registry.service import Call, Entry, Registry
from keyholder.registry.sign_in import SignIn
from keyholder.requests import commands as ask
from keyholder.requests.codes import (
    Advice,
    Audience,
    Destruction,
    Finding,
    QuestionTopic,
    RecuseReason,
    RejectReason,
    RevokeReason,
    State,
)
from keyholder.requests.commands import Checks
from keyholder.requests.conditions import Condition, ConditionCode
from keyholder.requests.content import Delivery
from keyholder.requests.erasing.book import ErasureBook
from keyholder.requests.erasing.erasures import ErasureReason
from keyholder.requests.erasing.naming import TextKind
from keyholder.requests.events.releasing import MOST_SUBJECTS, ItemsReleased, ReleaseAuthorised
from keyholder.requests.filing import Read
from keyholder.requests.ids import RandomIds
from keyholder.requests.records import RecordChoice
from keyholder.requests.service import Call as DeskCall
from keyholder.requests.service import Done
from keyholder.standing.approval import StandingEndReason
from keyholder.standing.decide import Yes
from keyholder.standing.service import Standings
from keyholder.vocabulary import (
    ActorId,
    ContentHash,
    DomainId,
    ExtractId,
    IdentifierType,
    OrganisationCode,
    PersonId,
    RequestId,
    Role,
)
from tests.fakes.key_ring import KeyRingInMemory
from tests.fakes.ledger import ORIGIN, ManualClock, Memory, MemorySigner, memory_ledger
from tests.opt_out_story import OptOutStory
from tests.unit.extracts.world import Links, MemoryFiles, Queue, Type1, sheet
from tests.unit.extracts.world import told as told_of
from tests.unit.linkage.story import linked
from tests.unit.requests import world
from tests.unit.requests.world import AUDITOR, BOTH, GP, GRETA, HOSPITAL, NADIA, NILS, OPERATOR, OTHER, ROSA, TARA

T = TypeVar("T")

PROVIDER = world.person("provider", (Role.PROVIDER, world.NHSE), kind=PersonKind.MACHINE)
SECOND = world.person("second operator", (Role.OPERATOR, OTHER))
KEY = parse_vkey(MemorySigner().vkey())
PERSON_TAG, OTHER_TAG = "0a" * 16, "0b" * 16


@dataclass
class Kept:
    """Objects and their versions, as a bucket has them. A `Download` too."""

    files: dict[str, bytes] = field(default_factory=dict)
    listed: dict[str, list[Version]] = field(default_factory=dict)

    def names(self) -> Sequence[str]:
        return sorted(self.files)

    def read(self, name: str) -> bytes:
        return self.files[name]

    def versions(self) -> Mapping[str, Sequence[Version]]:
        return self.listed

    def copy(self) -> Kept:
        return Kept(dict(self.files), {name: list(versions) for name, versions in self.listed.items()})

    def put(self, name: str, body: bytes, at: datetime | None = None) -> None:
        """Another content, with a listing that agrees."""
        at = at or self.listed[name][0].last_modified
        self.files[name] = body
        self.listed[name] = [Version("v1", False, at, len(body))]

    def remove(self, name: str) -> None:
        del self.files[name], self.listed[name]

    def save(self, folder: Path) -> Path:
        """As a download has them, with the key; the folder."""
        for name, body in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(body)
        listing = {
            name: [
                {
                    "version_id": one.version_id,
                    "is_delete_marker": one.is_delete_marker,
                    "last_modified": rfc3339(one.last_modified),
                    "size": one.size,
                }
                for one in versions
            ]
            for name, versions in self.listed.items()
        }
        (folder / "versions.json").write_text(json.dumps(listing))
        (folder / "key.vkey").write_text(MemorySigner().vkey() + "\n")
        return folder

    def batches(self) -> list[Batch]:
        return [Batch.parse(self.files[name]) for name in self.names() if name.startswith("journal/")]

    def events(self) -> list[Event]:
        return [Event.parse(line) for batch in self.batches() for line in batch.lines]


def told(events: Sequence[Event], *, signer: MemorySigner | None = None, key: Verifier = KEY) -> Kept:
    """What the holder of the key can make of any events: numbered, in a tree, signed; a batch for each step."""
    kept, tree, numbers = Kept(), EMPTY, defaultdict[str, int](int)
    steps: list[list[Event]] = []
    for event in events:
        if not steps or _step(steps[-1][0]) != _step(event):
            steps.append([])
        steps[-1].append(event)
    latest = steps[0][0].at
    for number, step in enumerate(steps, 1):
        lines = []
        for event in step:
            numbers[event.stream] += 1
            lines.append(replace(event, number=numbers[event.stream]).line())
        latest = max(latest, step[0].at)
        batch = Batch(number, tree, tuple(lines), f"{number:032x}", latest)
        tree = batch.after
        kept.put(journal_key(number), batch.encode(), latest)
        text = Checkpoint(ORIGIN, batch.end, batch.root).text()
        kept.put(checkpoint_key(batch.end), sign_note(text, key, _signed(text, signer)), latest)
    return kept


_SIGNED: dict[str, bytes] = {}


def _signed(text: str, signer: MemorySigner | None) -> bytes:
    """The usual key signs a text once: ledgers that differ in one event share all before it."""
    if signer is not None:
        return signer.sign(text.encode())
    if text not in _SIGNED:
        _SIGNED[text] = MemorySigner().sign(text.encode())
    return _SIGNED[text]


def _step(event: Event) -> tuple[object, ...]:
    return event.stream, event.at, event.actor, event.trace


CONFIRMED = PolicyFacts(freshness=Freshness(3, 3, 7))
WITHDRAWN = PolicyFacts(freshness=Freshness(4, 4, 7))
"""Settings that were in force in the end, and settings that never were."""

CAREFUL = DomainId("careful-2026")
"""A domain that a Caldicott Guardian has to agree for."""
URGENT = DomainId("urgent-2026")
"""A domain that allows emergency access."""
TEN = DomainId("ten-2026")
"""A domain that chose ten digits for its NHS numbers."""


EXTRACT_COLUMNS = ("row_id", "nhs_number", "postcode")
EXTRACT_FILE = sheet([["1", "9990000018", "ZZ99 3VZ"]], EXTRACT_COLUMNS)


class Nowhere:
    """Keeps no address: no ledger does either."""

    def keep(self, person: PersonId, version: int, address: str) -> None:
        """Nothing."""

    def erase(self, person: PersonId, version: int) -> None:
        """Nothing."""


class Story:
    """Everybody registered, and requests that end in every way."""

    def __init__(self) -> None:
        self.clock = ManualClock(world.NOW)
        self.memory = Memory()
        self.kept = Kept()
        self.memory.worm.gate = self._stored
        self.house = world.House(memory_ledger(self.clock, self.memory), self.clock, terms=world.some_terms())
        self.desk = self.house.desk
        self._steps = 0

    def tell(self) -> Kept:
        """The whole story."""
        self.keys()
        self.rekeyed()
        linked(self.house.log, self.house.registry, self.clock, self.house.terms)
        self.released(self.approved(GP), "inline")
        request = self.approved(GP, delivery="file", recipient=_RECIPIENT)
        release = self.released(request, "file")
        self.done(self.desk.collect(self.call(ROSA), request, release))
        self.released(request, "file")
        self.done(self.desk.revoke(self.call(TARA), request, RevokeReason.OTHER))
        two = self.reviewed(GP, HOSPITAL)
        self.approve(two, NILS, GP)
        self.reject(two, TARA, HOSPITAL)
        self.approve(two, BOTH, GP, TARA.roles[0].organisation)
        self.released(two, "inline", fail=True)
        self.refused(self.desk.approve(self.call(ROSA), two, GP, self.hash(two)))
        rejected = self.reviewed(GP)
        self.reject(rejected, NADIA, GP)
        self.done(self.desk.withdraw(self.call(ROSA), self.reviewed(GP)))
        draft = self.done(self.desk.create(self.call(ROSA), world.a_body())).state.id
        self.done(self.desk.save(self.call(ROSA), draft, world.a_body(records=3)))
        self.done(self.desk.discard(self.call(ROSA), draft))
        self.answered(self.returned())
        self.accepted(self.offered())
        late = (self.reviewed(GP), self.returned(), self.offered())
        blocked = self.submitted(GP)
        self.done(self.desk.hold_checks(blocked, self.hash(blocked), "KEYS_UNAVAILABLE", "trace"))
        self.done(
            self.desk.record_checks(
                blocked, self.hash(blocked), Checks(world.POLICY, 0, 0, 0, ("CAG_CLOSED",)), "trace"
            )
        )
        self.stood()
        self.stood_in()
        self.looked_after()
        self.large()
        self.filed()
        self.talked()
        self.erased()
        self.fallen()
        self.reached()
        self.read(request)
        self.policy()
        owed = self.reported()
        self.waited()
        self.owed(owed)
        self.change_people()
        asked = OptOutStory(self.house.log, self.clock)
        asked.told(self.approved(GP), self.approved(GP))
        self.clock.moment += timedelta(days=31)
        asked.over()
        for request in late:
            self.done(self.desk.expire(request, "trace"))
        self.left()
        self.careful()
        self.other_rules()
        self.new_terms()
        self.emergencies()
        self.released(self.approved(GP), "inline")
        self.extracts()
        return self.kept

    def extracts(self) -> None:
        """A provider's files, which end in every way."""
        files, ring = MemoryFiles(self.clock), KeyRingInMemory()
        desk = ExtractDesk(self.house.log, self.house.registry, files, Queue(), RandomIds(self.clock), self.clock)
        workshop = Workshop(
            self.house.log,
            self.house.registry,
            ring,
            lambda: SecretKey(bytes(32)),
            lambda _key, _now: Type1(),
            Links(),
            files,
            Queue(),
            self.clock,
        )

        def announced() -> ExtractId:
            self.clock.moment += timedelta(seconds=1)
            answer = desk.announce(Call(PROVIDER.id, "extract"), GP, told_of(EXTRACT_FILE, 1, EXTRACT_COLUMNS))
            assert isinstance(answer, Shown), answer
            return answer.extract.id

        def queued(body: bytes = EXTRACT_FILE) -> ExtractId:
            extract = announced()
            assert files.upload(extract, body)
            assert isinstance(desk.start(Call(PROVIDER.id, "extract"), extract), Shown)
            return extract

        def work(extract: ExtractId) -> Worked:
            self.clock.moment += timedelta(seconds=1)
            return workshop.work(extract, "work", lambda: timedelta(minutes=9))

        made, refused, held = queued(), queued(EXTRACT_FILE + b"x"), queued()
        assert [work(made), work(refused)] == [Worked.DONE] * 2
        assert isinstance(desk.collect(Call(PROVIDER.id, "extract"), made), Shown)
        assert isinstance(desk.discard(Call(PROVIDER.id, "extract"), made), Shown)
        ring.gone = {(GP, kind, 2): KeyGone.UNKNOWN for kind in (IdentifierType.NHS_NUMBER, IdentifierType.POSTCODE)}
        assert work(held) is Worked.HELD
        forgotten = announced()
        self.clock.moment += timedelta(hours=7)
        assert [work(held), work(forgotten)] == [Worked.DONE] * 2

    def policy(self) -> None:
        """Settings proposed and confirmed, proposed and withdrawn."""
        book = PolicyBook(self.house.log, self.house.ids, self.house.registry, terms=self.house.terms)
        for number, (facts, closes) in enumerate(((CONFIRMED, book.confirm), (WITHDRAWN, None)), 1):
            self.clock.moment += timedelta(minutes=1)
            name, now = f"PCH-{number:026}", self.clock.now()
            proposed = book.propose(Call(OPERATOR.id, f"policy-{number}"), name, facts, ChangeReason.REVIEW, now)
            assert isinstance(proposed, Entry), proposed
            self.clock.moment += timedelta(minutes=1)
            call, now = Call(TARA.id, f"policy-closed-{number}"), self.clock.now()
            closed = closes(call, name, SignIn("AAL2", now), now) if closes else book.withdraw(call, name, now)
            assert isinstance(closed, Entry), closed
        assert book.in_force() == CONFIRMED

    def other_rules(self) -> None:
        """The careful domain gets stricter, then looser; one proposal is withdrawn."""
        registry, number = self.house.registry, 0

        def call(who: world.Person) -> Call:
            self.clock.moment += timedelta(minutes=1)
            return Call(who.id, f"rules-{self.clock.now():%H%M}", sign_in=SignIn("AAL2", self.clock.now()))

        def proposed(**wanted: JsonValue) -> str:
            nonlocal number
            number += 1
            name = f"RCH-{number:026}"
            proposal = (name, wanted, RuleChangeReason.CONTROLLER_REQUEST)
            made = registry.propose_rule_change(call(OPERATOR), CAREFUL, proposal, self.clock.now())
            assert isinstance(made, Entry), made
            return name

        for wanted, people in (
            ({"quorum": 3}, (NADIA,)),
            ({"quorum": 2, "identifier_types": ["nhs_number", "date_of_birth"]}, (NADIA, GRETA, NILS, TARA)),
        ):
            name = proposed(**wanted)
            for who in people:
                assert isinstance(registry.confirm_rule_change(call(who), CAREFUL, name, self.clock.now()), Entry)
        name = proposed(emergency_access=True)
        assert isinstance(registry.withdraw_rule_change(call(TARA), CAREFUL, name, self.clock.now()), Entry)

    def new_terms(self) -> None:
        """The deployment has another text; who goes on has to accept it first."""
        self.house.terms = world.some_terms(2)
        self.house.registry = Registry(self.house.log, self.house.ids, terms=self.house.terms)
        self.house.desk = self.desk = self.house.another_desk(self.house.log)
        self.clock.moment += timedelta(minutes=5)
        for who in (ROSA, NADIA, TARA):
            self.house.accept(who)
        self.clock.moment += timedelta(days=2)

    def rekeyed(self) -> None:
        """A provider brings a column to the newest key version."""
        registry, log = self.house.registry, self.house.log
        assert isinstance(registry.register_person(Call(OPERATOR.id, "provider"), PROVIDER), Entry)
        kind = IdentifierType.NHS_NUMBER
        rows = [TokenRow(str(place), {kind: "no pseudonym"}) for place in range(3)]
        job = Rekeying("0" * 26, GP, rows, self.clock.now().date(), "rekeying", None)
        assert isinstance(rekey(log, KeyRingInMemory(), job, PROVIDER, registry.domain(GP)), list)

    def careful(self) -> None:
        """A domain that asks for a Caldicott Guardian too."""
        registry, call = self.house.registry, Call(OPERATOR.id, "careful")
        assert isinstance(registry.register_domain(call, world.a_domain(CAREFUL, caldicott_guardian=1)), Entry)
        more = replace(world.a_project(), domains=(GP, HOSPITAL, CAREFUL))
        assert isinstance(registry.change_project(call, more), Entry)
        self.clock.moment += timedelta(minutes=5)
        request = self.approved(CAREFUL)
        self.approve(request, GRETA, CAREFUL)
        self.released(request, "inline")
        self.reject(self.reviewed(GP), GRETA, GP)

    def keys(self) -> None:
        """A second operator, first keys, one changed, one proposal withdrawn."""
        registry, kinds = self.house.registry, (IdentifierType.NHS_NUMBER, IdentifierType.POSTCODE)
        calls = [Call(who.id, f"keys-{who.id[-4:]}") for who in (OPERATOR, SECOND)]
        made: list[object] = [registry.register_person(calls[0], SECOND)]
        made.append(registry.make_keys(calls[0], GP, tuple((kind, 1) for kind in kinds)))
        for number, change in enumerate((Change.ROTATE, Change.RETIRE, Change.DESTROY, Change.ROTATE), 1):
            self.clock.moment += timedelta(minutes=1)
            wish = KeyWish(change, kinds, () if change is Change.ROTATE else (1,), KeyChangeReason.ROUTINE)
            name = f"KCH-{number:026}"
            made.append(registry.propose_key_change(calls[0], GP, name, wish, self.clock.now()))
            self.clock.moment += timedelta(minutes=1)
            closing = registry.confirm_key_change if number < 4 else registry.withdraw_key_change
            made.append(closing(calls[1], GP, name, self.clock.now()))
        ten = replace(world.a_domain(), id=TEN, schemes={kinds[0]: Scheme.FF1}, identifier_types=kinds[:1])
        made.append(registry.register_domain(calls[0], ten))
        assert all(isinstance(one, Entry) for one in made), made
        entry = registry.domain_entry(GP)
        assert entry is not None
        assert not registry.keys_followed(GP, entry.version - 1, "sweep")
        assert registry.keys_followed(GP, entry.version, "sweep")
        assert not registry.keys_followed(GP, entry.version + 1, "sweep")

    def reached(self) -> None:
        """An operator says where somebody is told, and erases it again."""
        book = ContactBook(self.house.log, self.house.ids, self.house.registry, Nowhere())
        calls = [Call(OPERATOR.id, f"contact-{number}") for number in range(3)]
        assert isinstance(book.set(calls[0], ROSA.id, "rosa@trust.test"), Entry)
        assert isinstance(book.set(calls[1], ROSA.id, "new@trust.test"), Entry)
        assert isinstance(book.remove(calls[2], ROSA.id), Entry)

    def read(self, request: RequestId) -> None:
        """An auditor reads: one reading of each kind, the search for a person in two events."""
        noted = [
            Auditor(self.house.log, AUDITOR, f"read-{kind}", None, self.clock.now(), self._reading).note(kind, *data)
            for kind in sorted(READINGS)
            for data in [({"subject": f"request/{request}"},) * (2 if kind == SUBJECT_SEARCHED else 1)]
        ]
        assert not any(isinstance(one, Refusal) for one in noted)

    def _reading(self) -> str:
        return self.house.ids.attempt().removeprefix("ATT-")

    def emergencies(self) -> None:
        """A clinician opens one that is upheld, one that is not, and one that is cut short and reviewed too late."""
        registry, at = self.house.registry, self.clock
        clinician = replace(world.STRANGER, capacities=(Capacity.CLINICIAN,))
        assert isinstance(registry.change_person(Call(OPERATOR.id, "clinician"), clinician), Entry)
        assert isinstance(registry.register_domain(Call(OPERATOR.id, "urgent"), world.a_domain(URGENT)), Entry)
        proposal = ("RCH-" + "9" * 26, {"emergency_access": True}, RuleChangeReason.CONTROLLER_REQUEST)
        call = Call(OPERATOR.id, "urgent-2", sign_in=SignIn("AAL2", at.now()))
        proposed = registry.propose_rule_change(call, URGENT, proposal, at.now())
        assert isinstance(proposed, Entry), proposed
        for who in (NADIA, TARA):
            at.moment += timedelta(minutes=1)
            call = Call(who.id, f"urgent-{who.id[-4:]}", sign_in=SignIn("AAL2", at.now()))
            assert isinstance(registry.confirm_rule_change(call, URGENT, proposal[0], at.now()), Entry)
        domain = registry.domain(URGENT)
        assert domain is not None
        assert domain.emergency_access
        desk = EmergencyDesk(self.house.log, registry, self.house.ids, at)
        wanted = Wanted(EmergencyReason.LIFE_AT_RISK, domain.identifier_types[:1], 2)
        for number, findings in enumerate((("justified", "justified"), ("justified", "not_justified"), ()), 1):
            at.moment += timedelta(minutes=5)
            opening = Opening(clinician, SignIn("AAL2", at.now()), domain, wanted)
            call = EmergencyCall(ActorId(clinician.id), f"emergency-{number}")
            opened = desk.open(call, opening, lambda _domain, _now: Policy(world.POLICY))
            assert isinstance(opened, Noted), opened
            at.moment += timedelta(seconds=1)
            if findings:
                tags = {"CARE_RELATIONSHIP": (PERSON_TAG,)}
                left = EmergencyReleased(opened.access.id, URGENT, f"{at.now():%Y}", tags, {"MALFORMED": 1}, None)
                assert isinstance(desk.released(clinician.id, left, f"emergency-{number}"), Noted)
            for who, finding in zip((NADIA, TARA), findings, strict=False):
                at.moment += timedelta(minutes=1)
                review = EmergencyCall(ActorId(who.id), f"review-{number}")
                assert isinstance(desk.review(review, who, opened.access.id, ReviewFinding(finding)), Noted)
        at.moment += timedelta(minutes=2)
        assert desk.keep_time(clinician.id, "sweep") == "failed"
        at.moment += timedelta(days=3)
        assert desk.keep_time(clinician.id, "sweep") == "overdue"

    def change_people(self) -> None:
        """NADIA stops being a controller; a project takes another member."""
        registry = self.house.registry
        gone = replace(NADIA, roles=world.STRANGER.roles)
        assert isinstance(registry.change_person(Call(OPERATOR.id, "t"), gone), Entry)
        self.clock.moment += timedelta(seconds=1)
        back = registry.change_person(Call(OPERATOR.id, "t"), NADIA)
        assert isinstance(back, Entry)
        self.clock.moment += timedelta(seconds=1)
        self.house.confirm(back.value)
        more = replace(world.a_project(), members=(*world.a_project().members, world.STRANGER.id))
        assert isinstance(registry.change_project(Call(OPERATOR.id, "t"), more), Entry)

    def left(self) -> None:
        """ROSA is suspended, and a colleague goes on with what she wrote; then she is back."""
        draft = self.done(self.desk.create(self.call(ROSA), world.a_body())).state.id
        registry = self.house.registry
        self.refused(self.desk.take_over(self.call(world.COLLEAGUE), draft))
        assert isinstance(registry.change_person(Call(OPERATOR.id, "t"), replace(ROSA, disabled=True)), Entry)
        self.clock.moment += timedelta(seconds=1)
        self.done(self.desk.take_over(self.call(world.COLLEAGUE), draft))
        assert isinstance(registry.change_person(Call(OPERATOR.id, "t"), ROSA), Entry)
        self.clock.moment += timedelta(seconds=1)
        self.done(self.desk.discard(self.call(world.COLLEAGUE), draft))

    def returned(self) -> RequestId:
        """A vote taken back and given again; then the author is asked something."""
        request = self.reviewed(GP)
        self.approve(request, NADIA, GP)
        self.done(self.desk.withdraw_vote(self.call(NADIA), request, GP, self.hash(request)))
        self.approve(request, NADIA, GP)
        self.clear(request, TARA)
        questions = [(QuestionTopic.RECORDS, "Why are so many records needed?")]
        self.done(self.desk.return_to_author(self.call(TARA), request, GP, self.hash(request), questions))
        return request

    def answered(self, request: RequestId) -> None:
        """Written anew, and decided afresh."""
        self.done(self.desk.save(self.call(ROSA), request, world.a_body(records=3)))
        self.done(self.desk.submit(self.call(ROSA), request))
        self.done(self.desk.record_checks(request, self.hash(request), world.checks(), "trace"))
        for who in (TARA, NADIA):
            self.approve(request, who, GP)

    def offered(self) -> RequestId:
        """Approved for one of two records, for less time, under conditions."""
        request = self.reviewed(GP)
        self.clear(request, NADIA)
        yes = self.desk.approve(
            self.call(NADIA),
            request,
            GP,
            self.hash(request),
            records=RecordChoice(frozenset({f"{GP}/0"}), keep=True),
            conditions=(world.EARLIER, Condition(ConditionCode.MOST_RETRIEVALS, times=2)),
            until=self.clock.now() + timedelta(days=9),
        )
        self.done(yes)
        self.approve(request, TARA, GP)
        return request

    def accepted(self, request: RequestId) -> None:
        """Accepted, released, revoked."""
        conditions = self.desk.load(request).conditions
        assert conditions
        self.done(self.desk.accept_conditions(self.call(ROSA), request, conditions.hash))
        self.released(request, "inline", unresolved={"RECORD_NOT_APPROVED": 1})
        self.done(self.desk.revoke(self.call(TARA), request, RevokeReason.OTHER))

    def submitted(self, *domains: DomainId, **changes: object) -> RequestId:
        body = world.a_body(*domains, **changes)  # type: ignore[arg-type]
        request = self.done(self.desk.create(self.call(ROSA), body)).state.id
        self.done(self.desk.submit(self.call(ROSA), request))
        return request

    def reviewed(self, *domains: DomainId, **changes: object) -> RequestId:
        request = self.submitted(*domains, **changes)
        self.done(self.desk.record_checks(request, self.hash(request), world.checks(), "trace"))
        return request

    def approved(self, *domains: DomainId, **changes: object) -> RequestId:
        request = self.reviewed(*domains, **changes)
        for who in (NADIA, TARA):
            self.approve(request, who, domains[0])
        return request

    def clear(self, request: RequestId, who: world.Person) -> None:
        """They declare that they have no conflict of interest, unless they have."""
        if not self.desk.load(request).cleared_for(who.id):
            self.done(self.desk.carry_out(self.call(who), request, ask.DeclareNoConflict()))

    def stood(self) -> None:
        """A standing approval that approves two requests and is ended, one that is refused, one that is left open."""
        standings = Standings(self.house.log, self.house.registry, self.house.ids, terms=self.house.terms)
        terms = world.bounds(until=self.clock.now().date() + timedelta(days=60))

        def told(who: world.Person, what: str) -> tuple[Call, SignIn]:
            self.clock.moment += timedelta(minutes=1)
            return Call(who.id, f"{what}-{who.id[-4:]}"), SignIn("AAL2", self.clock.now())

        names = [f"STA-{number:026}" for number in (1, 2, 3)]
        outcomes = [standings.ask(*told(ROSA, "ask"), name, terms, self.clock.now()) for name in names]
        outcomes += [
            standings.approve(*told(who, "yes"), names[0], Yes(GP, terms.hash()), self.clock.now())
            for who in (NADIA, TARA)
        ]
        outcomes.append(
            standings.end(told(TARA, "no")[0], names[1], StandingEndReason.TERMS_TOO_WIDE, self.clock.now())
        )
        assert all(isinstance(one, Entry) for one in outcomes), outcomes
        first, second, third = (self.reviewed(GP) for _ in range(3))
        for request in (first, second):
            self.done(self.desk.use_standing(self.call(ROSA), request, names[0]))
        self.refused(self.desk.use_standing(self.call(ROSA), third, names[0]))
        self.released(first, "inline")
        standings.end(told(NADIA, "end")[0], names[0], StandingEndReason.NO_LONGER_NEEDED, self.clock.now())
        self.refused(self.desk.authorise_release(self.call(ROSA), second, self.hash(second), Delivery.INLINE))

    def stood_in(self) -> None:
        """GRETA decides in NILS's place: approves, rejects, asks back, lets through, revokes. Two other delegations
        come to nothing."""
        book = Delegations(self.house.log, self.house.ids, terms=self.house.terms)

        def told(who: world.Person, what: str) -> tuple[Call, SignIn]:
            self.clock.moment += timedelta(minutes=1)
            return Call(who.id, f"{what}-{who.id[-4:]}"), SignIn("AAL2", self.clock.now())

        names, today = [f"DLG-{number:026}" for number in (1, 2, 3)], self.clock.now().date()
        for name, first in zip(names, (0, 10, 20), strict=True):
            wish = Wish(
                GRETA.id, NILS.roles[0], today + timedelta(days=first), today + timedelta(days=first + 9),
                DelegationReason.PLANNED_ABSENCE,
            )  # fmt: skip
            assert isinstance(book.name(*told(NILS, "lend"), name, wish, self.clock.now()), Entry)
        assert isinstance(book.confirm(*told(NADIA, "agree"), names[0], self.clock.now()), Entry)
        assert isinstance(book.confirm(*told(world.CONFIRMER, "agree"), names[1], self.clock.now()), Entry)
        assert isinstance(book.withdraw(told(NADIA, "stop")[0], names[1], self.clock.now()), Entry)

        def in_place() -> DeskCall:
            return replace(self.call(GRETA), delegation=names[0])

        def agreed() -> RequestId:
            request = self.reviewed(GP)
            self.clear(request, GRETA)
            self.done(self.desk.approve(in_place(), request, GP, self.hash(request)))
            self.refused(self.desk.approve(self.call(NILS), request, GP, self.hash(request)))
            self.approve(request, TARA, GP)
            return request

        stopped = agreed()
        self.done(self.desk.revoke(in_place(), stopped, RevokeReason.OTHER))
        for decide in (
            lambda call, one, content: self.desk.reject(call, one, GP, content, RejectReason.OTHER),
            lambda call, one, content: self.desk.return_to_author(
                call, one, GP, content, [(QuestionTopic.RECORDS, "Why so many of them?")]
            ),
        ):
            request = self.reviewed(GP)
            self.clear(request, GRETA)
            self.done(self.desk.comment(self.call(GRETA), request, Audience.INTERNAL, "In the place of Nils."))
            self.done(decide(in_place(), request, self.hash(request)))
        held = agreed()
        call, content = self.call(ROSA), self.hash(held)
        (going,) = self.done(self.desk.authorise_release(call, held, content, Delivery.INLINE)).events
        assert isinstance(going, ReleaseAuthorised)
        exceeded = (Exceeded("person_month", Action.HOLD, 2001, 2000),)
        volume = ask.RecordVolume(going.release, "a" * 64, Action.HOLD, stopped=True, exceeded=exceeded)
        self.done(self.desk.record_volume(held, volume, "trace"))
        self.done(self.desk.let_through(in_place(), held, content))
        self.released(held, "inline")

    def looked_after(self) -> None:
        """Claimed and handed back; somebody steps aside, and too few are left to approve."""
        request = self.reviewed(HOSPITAL)
        for who, command in (
            (TARA, ask.Claim(HOSPITAL)),
            (TARA, ask.HandBack(HOSPITAL)),
            (BOTH, ask.Claim(HOSPITAL)),
            (BOTH, ask.Recuse(RecuseReason.CONFLICT_OF_INTEREST)),
        ):
            self.done(self.desk.carry_out(self.call(who), request, command))

    def fallen(self) -> None:
        """People withdraw the consent that an approved request rests on."""
        request = self.approved(GP, legal_basis="explicit_consent")
        self.done(self.desk.record_consent_fall(request, self.hash(request), 2, "trace"))
        self.released(request, "inline")

    def large(self) -> None:
        """A release goes above volume limits, is held, let through, and happens."""
        request = self.approved(GP)
        call, content = self.call(ROSA), self.hash(request)
        (held,) = self.done(self.desk.authorise_release(call, request, content, Delivery.INLINE)).events
        assert isinstance(held, ReleaseAuthorised)
        exceeded = (Exceeded("night", Action.WARN, 2, 1), Exceeded("person_month", Action.HOLD, 2001, 2000))
        volume = ask.RecordVolume(held.release, "a" * 64, Action.HOLD, stopped=True, exceeded=exceeded)
        self.done(self.desk.record_volume(request, volume, "trace"))
        self.done(self.desk.let_through(self.call(TARA), request, content))
        self.released(request, "inline")

    def filed(self) -> None:
        """Records that come as a file: refused, declared anew, read, approved, released in two chunks of one step."""
        uploads = world.MemoryUploads()
        files = self.house.record_files(uploads)
        body = world.FILE_ROWS + (world.FILE_TOKEN.encode() + b"\n") * MOST_SUBJECTS
        request = self.done(self.desk.create(self.call(ROSA), world.a_filed_body())).state.id
        self.refused(files.hand_in(self.call(ROSA), request))
        uploads.files[request, self.hash(request)] = body
        self.done(files.hand_in(self.call(ROSA), request))
        assert files.read(request, "read-1") is Read.DONE
        self.refused(self.desk.submit(self.call(ROSA), request))
        self.done(self.desk.save(self.call(ROSA), request, world.a_filed_body(body)))
        uploads.files[request, self.hash(request)] = body
        self.done(files.hand_in(self.call(ROSA), request))
        assert files.read(request, "read-2") is Read.DONE
        self.done(self.desk.submit(self.call(ROSA), request))
        self.done(self.desk.record_checks(request, self.hash(request), world.checks(), "trace"))
        for who in (NADIA, TARA):
            self.approve(request, who, GP)
        going = self.done(self.desk.authorise_release(self.call(ROSA), request, self.hash(request), Delivery.FILE))
        (authorised,) = going.events
        assert isinstance(authorised, ReleaseAuthorised)
        self.clock.moment += timedelta(minutes=15)
        epoch, release = f"{self.clock.now():%Y}", authorised.release
        chunks = [
            ItemsReleased(release, number, 2, count, epoch, {"RELEASED": (PERSON_TAG,) * count}, {})
            for number, count in ((1, MOST_SUBJECTS), (2, 1))
        ]
        written = self.done(self.desk.record_chunks(going.state, chunks, "trace"))
        assert len(written.recorded.events) == 2
        counts = {"released": MOST_SUBJECTS + 1}
        self.done(self.desk.finish_release(request, release, counts, "ab" * 32, "trace"))
        self.done(self.desk.collect(self.call(ROSA), request, release))

    def talked(self) -> None:
        """Everything that can be said is said once."""
        request, desk = self.reviewed(GP), self.desk
        self.clear(request, NADIA)
        self.done(desk.comment(self.call(NADIA), request, Audience.INTERNAL, "Is it plausible?"))
        told = self.done(desk.comment(self.call(NADIA), request, Audience.REQUESTER, "Why the number?"))
        about = told.state.messages[-1].text_sha256
        self.done(desk.reply(self.call(ROSA), request, "To link.", about))
        self.done(desk.nudge(self.call(ROSA), request))
        asked = self.done(desk.ask_advice(self.call(NADIA), request, GRETA.id, "Is it proportionate?"))
        question = asked.state.messages[-1].text_sha256
        assert question
        self.done(desk.advise(self.call(GRETA), request, question, Advice.CONCERNS, "Hardly."))

    def waited(self) -> None:
        """A draft is left, and a request that nobody decides on: reminded of, escalated, over."""
        draft = self.done(self.desk.create(self.call(ROSA), world.a_body())).state.id
        waits = self.reviewed(GP)
        for days in (21, 3, 4, 3, 53, 5, 2):
            self.clock.moment += timedelta(days=days)
            for request in (waits, draft):
                self.desk.keep_time(request, "sweep")
        for request in (draft, waits):
            assert self.desk.load(request).status is State.EXPIRED

    def erased(self) -> None:
        """What was only said, at once; what a decision rests on, by two, and one proposal stopped."""
        book = ErasureBook(self.house.log, self.house.ids, self.house.registry)
        request = self.reviewed(GP)
        self.clear(request, NADIA)
        self.done(self.desk.comment(self.call(NADIA), request, Audience.REQUESTER, "As Mrs A told me."))
        no = self.desk.reject(self.call(NADIA), request, GP, self.hash(request), RejectReason.OTHER, comment="Why A?")
        self.done(no)
        texts = {text.kind: text.sha256 for text in book.texts(request).values()}

        def asked(outcome: object) -> None:
            assert isinstance(outcome, Entry), outcome
            self.clock.moment += timedelta(seconds=5)

        why, now = ErasureReason.IDENTIFIES_SOMEBODY, self.clock.now
        asked(book.propose(Call(OPERATOR.id, "erase-1"), request, texts[TextKind.MESSAGE], why, now()))
        comment = texts[TextKind.COMMENT]
        asked(book.propose(Call(OPERATOR.id, "erase-2"), request, comment, why, now()))
        asked(book.withdraw(Call(OPERATOR.id, "erase-3"), request, comment, now()))
        asked(book.propose(Call(OPERATOR.id, "erase-4"), request, comment, why, now()))
        asked(book.confirm(Call(TARA.id, "erase-5"), request, comment, SignIn("AAL2", now()), now()))
        assert book.carry_out(self.house.contents, request, "sweep", now()) == 2

    def reported(self) -> RequestId:
        """A report that is there in time; the request that one is owed for."""
        day = f"{self.clock.now() + timedelta(days=1):%F}"
        early, owed = self.approved(GP), self.approved(GP, destroy_by=day)
        for request in (early, owed):
            self.released(request, "inline")
        report = ask.ReportOutcome(1, Finding.CARE_CHANGED, Destruction.IN_CARE_RECORD, self.clock.now().date())
        self.done(self.desk.report_outcome(self.call(ROSA), early, report, "Somebody was recalled."))
        return owed

    def owed(self, request: RequestId) -> None:
        """It is overdue by now: nothing is submitted until it is there."""
        self.desk.keep_time(request, "sweep")
        self.clock.moment += timedelta(minutes=5)
        draft = self.done(self.desk.create(self.call(ROSA), world.a_body())).state.id
        self.refused(self.desk.submit(self.call(ROSA), draft))
        report = ask.ReportOutcome(0, Finding.NOT_USED, Destruction.DESTROYED, self.clock.now().date())
        self.done(self.desk.report_outcome(self.call(ROSA), request, report))
        self.done(self.desk.submit(self.call(ROSA), draft))

    def approve(
        self, request: RequestId, who: world.Person, domain: DomainId, organisation: OrganisationCode | None = None
    ) -> None:
        self.clear(request, who)
        call, content = self.call(who), self.hash(request)
        self.done(self.desk.approve(call, request, domain, content, organisation=organisation))

    def reject(self, request: RequestId, who: world.Person, domain: DomainId) -> None:
        self.clear(request, who)
        self.done(self.desk.reject(self.call(who), request, domain, self.hash(request), RejectReason.OTHER))

    def released(
        self, request: RequestId, delivery: str, *, fail: bool = False, unresolved: Mapping[str, int] | None = None
    ) -> str:
        going = self.done(self.desk.authorise_release(self.call(ROSA), request, self.hash(request), Delivery(delivery)))
        (authorised,) = going.events
        assert isinstance(authorised, ReleaseAuthorised)
        epoch = f"{self.clock.now():%Y}"
        chunk = ItemsReleased(
            authorised.release, 1, 1, 2, epoch, {"RELEASED": (PERSON_TAG,)}, unresolved or {"malformed": 1}
        )
        self.done(self.desk.record_chunk(request, chunk, "trace"))
        if fail:
            self.done(self.desk.fail_release(request, authorised.release, "FAULT", "trace"))
        else:
            counts = {"released": 1, "not_found": 1}
            self.done(self.desk.finish_release(request, authorised.release, counts, "ab" * 32, "trace"))
        return authorised.release

    def hash(self, request: RequestId) -> ContentHash:
        found = self.desk.load(request).content_hash
        assert found
        return found

    def call(self, who: world.Person) -> DeskCall:
        self.clock.moment += timedelta(seconds=7)
        self._steps += 1
        return self.house.call(who, trace=f"trace-{self._steps}")

    def done(self, outcome: Done | Refusal) -> Done:
        assert isinstance(outcome, Done), outcome
        self.clock.moment += timedelta(seconds=3)
        return outcome

    def refused(self, outcome: object) -> None:
        assert isinstance(outcome, Refusal)

    def _stored(self, name: str, call: Callable[[], T]) -> T:
        answer = call()
        if name.startswith("worm.put "):
            key = name.removeprefix("worm.put ")
            self.kept.put(key, self.memory.worm.versions[key][0], self.clock.now())
        return answer


_RECIPIENT = {"organisation": "ZZ9", "public_key": "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"}
