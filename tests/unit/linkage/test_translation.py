"""One call of translation: the ledger before each effect, answers repeated or refused, what may be released after."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

import pytest

from keyholder.ledger.log import EventLog, IdempotencyKey, LedgerUnavailableError
from keyholder.linkage.terms import Covers, Terms
from keyholder.linkage.translation import Done, Job, Translating
from keyholder.policy.choices import Choices
from keyholder.policy.digests import Digester
from keyholder.policy.facts import CodedEvent
from keyholder.policy.register_form import Header
from keyholder.policy.registers import Type1Register
from keyholder.policy.settings import CHECK_AT_DISCLOSURE
from keyholder.policy.type1 import Type1Row
from keyholder.policy.vocabulary import CodeSystem
from keyholder.pseudonyms.key_ring import KeyUnavailableError, OpenedKeys, SecretKey
from keyholder.pseudonyms.rekeying import TokenRow
from keyholder.pseudonyms.row_links import LinkKey, RowLinks, link_digests
from keyholder.pseudonyms.sealing import seal_rows
from keyholder.refusals import Refusal
from keyholder.registry.domains import SourceDataset
from keyholder.registry.service import Call, Entry
from keyholder.vocabulary import DomainId, IdentifierType, PersonId
from tests.fakes.key_ring import KeyRingInMemory
from tests.people import TODAY
from tests.unit.linkage.world import (
    BETH,
    CARRIER,
    ID,
    NHSE,
    NUMBER,
    POSTCODE,
    SOURCE,
    TARGET,
    TERMS,
    TRUST,
    House,
    a_domain,
    code,
)

SECRET = b"d" * 32
A, B = {NUMBER: "9990000018", POSTCODE: "LS1 4AP"}, {NUMBER: "9990000026", POSTCODE: "ZZ99 3VZ"}
HEADER = Header(datetime(2026, 11, 1, tzinfo=UTC), date(2026, 11, 1), "gp-1")


class Keys:
    def digest(self) -> SecretKey:
        return SecretKey(SECRET)


@dataclass
class Store:
    """Registers and row links in memory."""

    held: Choices = field(default_factory=Choices)
    kept: dict[tuple[DomainId, str], bytes] = field(default_factory=dict)
    trouble: list[str] = field(default_factory=list)

    def load(self, now: datetime) -> Choices:
        return self.held

    def links(self, domain: DomainId) -> Sequence[bytes]:
        return [body for (name, _), body in self.kept.items() if name == domain]

    def keep_links(self, domain: DomainId, job_id: str, links: bytes) -> None:
        if self.trouble:
            raise OSError(self.trouble.pop())
        self.kept[domain, job_id] = links

    def holds(self, domain: DomainId, number: str, kind: IdentifierType, value: str) -> bool:
        with LinkKey.derive(SecretKey(SECRET)) as key:
            return RowLinks.parse(self.links(domain)).holds(key, domain, number, kind, value)


def registry_of(*opted_out: str) -> Choices:
    """Two people's records read, some with a Type 1 opt-out."""
    event = CodedEvent(date(2026, 1, 1), CodeSystem.READV2, "9Nu0.")
    rows = [Type1Row(one[NUMBER], event if one[NUMBER] in opted_out else None) for one in (A, B)]
    return Choices(type1=(Type1Register.of_rows(HEADER, rows, Digester(SECRET)),))


class Works:
    """A house with an agreement in force, extracts of both people in the source, and what translates."""

    def __init__(self, terms: Terms = TERMS, *, gp: bool = False) -> None:
        dataset = SourceDataset.GP if gp else SourceDataset.HOSPITAL
        self.house = House(
            a_domain(SOURCE, NHSE, TRUST, source_dataset=dataset), a_domain(TARGET, TRUST, source_dataset=dataset)
        ).agreed(terms)
        self.ring, self.store = KeyRingInMemory(newest=1), Store()
        self.extract(SOURCE, A, B)
        self.calls = 0

    def extract(self, domain: DomainId, *rows: dict[IdentifierType, str]) -> None:
        """What pseudonymising keeps of an extract."""
        with LinkKey.derive(SecretKey(SECRET)) as key:
            self.store.kept[domain, "EXTRACT"] = link_digests(key, domain, rows, lone_numbers=True)

    def work(self, **changes: object) -> Translating:
        made = Translating(self.house.linkage, self.ring, Keys(), self.store, lambda: CHECK_AT_DISCLOSURE)  # type: ignore[arg-type]
        return replace(made, **changes)  # type: ignore[arg-type]  # a test names the fields it changes

    def call(self, key: str = "k", body: str = "b", who: PersonId = CARRIER.id) -> Call:
        return Call(who, "trace", IdempotencyKey(key * 64, body * 64))

    def translate(
        self, *rows: dict[IdentifierType, str], call: Call | None = None, work: Translating | None = None
    ) -> Done | Refusal:
        self.calls += 1
        job = Job(f"T{self.calls}", ID, [TokenRow(str(place), tokens(row)) for place, row in enumerate(rows)])
        made = call or self.call(key=f"{self.calls:x}")
        person = self.house.registry.person(made.actor)
        return (work or self.work()).translate(made, job, person, self.house.now)

    def types(self) -> list[str]:
        return [event.type.removeprefix("linkage.") for event in self.house.events()[6:]]


def tokens(row: dict[IdentifierType, str], domain: DomainId = SOURCE) -> dict[IdentifierType, str]:
    with OpenedKeys(KeyRingInMemory()) as keys:
        [made] = seal_rows([row], domain, dict.fromkeys(row, 1), keys, TODAY)
    return {kind: str(cell.pseudonym) for kind, cell in made.items()}


def given(outcome: object) -> list[dict[IdentifierType, str]]:
    assert isinstance(outcome, Done), outcome
    return [{kind: cell.pseudonym for kind, cell in row.cells.items() if cell.pseudonym} for row in outcome.rows]


def test_a_translation_is_in_the_ledger_before_and_after_in_counts_and_codes() -> None:
    works = Works()
    assert given(works.translate(A, B)) == [tokens(A, TARGET), tokens(B, TARGET)]
    authorised, translated = works.house.events()[6:]
    assert authorised.data == {
        "translation_id": "T1",
        "rows": 2,
        "tokens": {"nhs_number": 2, "postcode": 2},
        "domains": [SOURCE, TARGET],
    }
    assert translated.data == {
        "translation_id": "T1",
        "cells": {kind: {"translated": 2} for kind in ("nhs_number", "postcode")},
        "withheld": {},
        "key_versions": {"nhs_number": 1, "postcode": 1},
        "domains": [SOURCE, TARGET],
    }
    assert {authorised.actor, translated.actor} == {CARRIER.id}
    text = authorised.line().decode() + translated.line().decode()
    for value in (*A.values(), *tokens(A).values(), *tokens(A, TARGET).values()):
        assert value not in text


class Unwritable:
    """A ledger that can't take one type of event."""

    def __init__(self, log: EventLog, kind: str) -> None:
        self._log, self._kind = log, kind

    def __getattr__(self, name: str) -> object:
        return getattr(self._log, name)

    def record(self, stream: object, after: object, events: Sequence[object], **more: object) -> object:
        if any(event.type == self._kind for event in events):  # type: ignore[attr-defined]  # new events
            raise LedgerUnavailableError
        return self._log.record(stream, after, events, **more)  # type: ignore[arg-type]  # passed on


@pytest.mark.parametrize("kind", ["linkage.translation_authorised", "linkage.translated"])
def test_invariant_2_no_key_before_the_leave_and_no_pseudonym_before_the_outcome_is_written(kind: str) -> None:
    works = Works()
    linkage = works.house.linkage
    linkage._commands._log = Unwritable(works.house.log, kind)  # type: ignore[assignment]  # what carries out alone
    before = dict(works.store.kept)
    with pytest.raises(LedgerUnavailableError):
        works.translate(A)
    assert bool(works.ring.openings) == (kind == "linkage.translated")
    assert works.store.kept == before
    assert works.types() == ([] if kind != "linkage.translated" else ["translation_authorised"])


def test_a_call_sent_twice_counts_once_and_is_answered_the_same() -> None:
    works = Works()
    first, again = (works.translate(A, call=works.call()) for _ in range(2))
    assert given(first) == given(again)
    assert works.types() == ["translation_authorised", "translated"]
    assert works.house.agreement.tokens_used == 2
    assert code(works.translate(B, call=works.call(body="c"))) == "KEY_REUSED"


def test_a_call_cut_short_goes_on_where_it_stopped() -> None:
    works = Works()
    works.store.trouble = ["no answer"]
    with pytest.raises(OSError, match="no answer"):
        works.translate(A, call=works.call())
    assert works.types() == ["translation_authorised", "translated"]
    assert given(works.translate(A, call=works.call())) == [tokens(A, TARGET)]
    assert works.types() == ["translation_authorised", "translated"]
    assert (TARGET, "T1") in works.store.kept, "under the first call's id"


def test_keys_that_are_switched_off_leave_the_leave_to_be_used_later() -> None:
    class Off:
        def open(self, *_: object) -> object:
            raise KeyUnavailableError

    works = Works()
    with pytest.raises(KeyUnavailableError):
        works.translate(A, call=works.call(), work=works.work(ring=Off()))
    assert works.types() == ["translation_authorised"]
    assert given(works.translate(A, call=works.call())) == [tokens(A, TARGET)]
    assert works.types() == ["translation_authorised", "translated"]
    assert works.house.agreement.tokens_used == 2


def test_an_answer_that_would_be_another_one_now_is_not_given() -> None:
    works = Works(gp=True)
    works.store.held = registry_of(B[NUMBER])
    assert given(works.translate(A, B, call=works.call())) == [tokens(A, TARGET), {}]
    works.store.held = registry_of()
    assert code(works.translate(A, B, call=works.call())) == "CHOICES_CHANGED"
    assert given(works.translate(A, B)) == [tokens(A, TARGET), tokens(B, TARGET)]
    withheld = [event.data["withheld"] for event in works.house.events() if event.type == "linkage.translated"]
    assert withheld == [{"TYPE1_ACTIVE": 1}, {}]


def ends(works: Works) -> None:
    assert isinstance(works.house.end(BETH), Entry)


def approver_leaves(works: Works) -> None:
    works.house.changed(BETH, disabled=True)


@pytest.mark.parametrize(("happens", "expected"), [(ends, "AGREEMENT_OVER"), (approver_leaves, "APPROVALS_LOST")])
def test_what_stops_an_agreement_stops_repeated_calls_too(happens: Callable[[Works], None], expected: str) -> None:
    works = Works()
    given(works.translate(A, call=works.call()))
    happens(works)
    openings = len(works.ring.openings)
    assert code(works.translate(A, call=works.call())) == expected
    assert code(works.translate(A)) == expected
    assert len(works.ring.openings) == openings


def test_whoever_ends_an_agreement_ends_a_translation_that_is_running() -> None:
    works = Works()
    ring = works.ring

    class EndsMeanwhile:
        def open(self, domain: DomainId, kind: IdentifierType, version: int) -> object:
            if works.house.state == "in_force":
                ends(works)
            return ring.open(domain, kind, version)

    before = dict(works.store.kept)
    assert code(works.translate(A, work=works.work(ring=EndsMeanwhile()))) == "AGREEMENT_OVER"
    assert works.types() == ["translation_authorised", "ended"]
    assert works.store.kept == before


def test_row_ids_are_unique_and_somebody_else_gets_nothing() -> None:
    works = Works()
    twice = Job("T1", ID, [TokenRow("1", tokens(A))] * 2)
    carrier = works.house.registry.person(CARRIER.id)
    assert code(works.work().translate(works.call(), twice, carrier, works.house.now)) == "ROW_IDS_NOT_UNIQUE"
    assert code(works.translate(A, call=works.call(who=BETH.id))) == "NOT_THE_CARRIER"
    stranger = works.call(who=PersonId("person/" + "0" * 32))
    assert code(works.translate(A, call=stranger)) == "AGREEMENT_UNKNOWN"
    assert not works.ring.openings


# -- what the target may release afterwards ---------------------------------------------------------------------------


def test_everybodys_rows_are_the_targets_own_from_then_on() -> None:
    works = Works()
    given(works.translate(A))
    assert works.store.holds(TARGET, A[NUMBER], POSTCODE, A[POSTCODE])
    assert works.store.holds(TARGET, A[NUMBER], NUMBER, A[NUMBER])
    assert not works.store.holds(TARGET, B[NUMBER], NUMBER, B[NUMBER])
    assert not works.store.holds(TARGET, A[NUMBER], POSTCODE, B[POSTCODE])


def test_types_that_were_not_agreed_are_linked_to_nobody() -> None:
    works = Works(replace(TERMS, identifier_types=(POSTCODE,)))
    given(works.translate(A))
    assert works.store.holds(TARGET, A[NUMBER], POSTCODE, A[POSTCODE])
    assert not works.store.holds(TARGET, A[NUMBER], NUMBER, A[NUMBER])


def test_an_agreement_about_people_of_both_adds_nobody_to_the_target() -> None:
    works = Works(replace(TERMS, covers=Covers.PEOPLE_OF_BOTH))
    works.extract(TARGET, {NUMBER: A[NUMBER]})
    before = dict(works.store.kept)
    assert given(works.translate(A, B)) == [tokens(A, TARGET), {}]
    assert works.store.kept == before


def test_who_is_withheld_is_linked_to_nothing() -> None:
    works = Works(gp=True)
    works.store.held = registry_of(B[NUMBER])
    given(works.translate(A, B))
    assert not works.store.holds(TARGET, B[NUMBER], NUMBER, B[NUMBER])
