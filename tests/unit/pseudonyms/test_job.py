"""A pseudonymisation job: who may run one, what it answers, and that the ledger has it first."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from keyholder.collection.report import CollectionReport
from keyholder.collection.vocabulary import ColumnReason, DropRule
from keyholder.ledger.log import IdempotencyKey, LedgerUnavailableError
from keyholder.policy.choices import Choices
from keyholder.policy.digests import Digester
from keyholder.policy.type1_opt_outs import Type1OptOuts
from keyholder.pseudonyms.job import ClearRow, Job, MadeRow, Workbench, pseudonymise
from keyholder.pseudonyms.key_ring import SecretKey
from keyholder.refusals import Refusal
from keyholder.registry.domains import CareOrigin, Domain, KeyState, SourceDataset
from keyholder.registry.people import Membership, Person, PersonKind
from keyholder.vocabulary import ContentHash, DomainId, IdentifierType, OrganisationCode, PersonId, Role, StreamId
from tests.fakes.key_ring import KeyRingInMemory
from tests.fakes.ledger import ManualClock, memory_ledger
from tests.people import TODAY

NUMBER, POSTCODE = IdentifierType.NHS_NUMBER, IdentifierType.POSTCODE
DIED = IdentifierType.DATE_OF_DEATH
RX1 = OrganisationCode("RX1")
DOMAIN = Domain(
    DomainId("gp-2026"),
    (RX1, OrganisationCode("X26")),
    (NUMBER, POSTCODE),
    SourceDataset.GP,
    CareOrigin.ENGLAND_PUBLIC,
    keys={NUMBER: {1: KeyState.ACTIVE}, POSTCODE: {1: KeyState.ACTIVE}},
)
PROVIDER = Person(PersonId("person/" + "a" * 32), (Membership(Role.PROVIDER, RX1),), PersonKind.MACHINE)
A, B = "9990000018", "9990000026"


@dataclass
class Links:
    kept: list[bytes] = field(default_factory=list)

    def keep_links(self, domain: DomainId, job_id: str, links: bytes) -> None:
        self.kept.append(links)


@dataclass
class Type1:
    numbers: frozenset[str] = frozenset()

    def active(self, nhs_number: str) -> bool:
        return nhs_number in self.numbers


def bench(**changes: object) -> Workbench:
    made = Workbench(
        memory_ledger(ManualClock()), KeyRingInMemory(), SecretKey(b"d" * 32), Links(), Type1(frozenset({B}))
    )
    return replace(made, **changes)


def job(*rows: ClearRow, key: str = "k", body: str = "b", id_: str = "JOB1") -> Job:
    return Job(id_, DOMAIN.id, rows, "trace", IdempotencyKey(key * 64, body * 64))


def row(row_id: str, number: str, postcode: str = "SW1A 1AA") -> ClearRow:
    return ClearRow(row_id, {NUMBER: number, POSTCODE: postcode})


def made(outcome: object) -> list[MadeRow]:
    assert isinstance(outcome, list)
    return outcome


def test_rows_come_back_in_order_and_a_bad_cell_costs_only_itself() -> None:
    at = bench()
    first, second, third = made(
        pseudonymise(at, job(row("1", A), row("2", "9990000019"), row("3", A, "")), PROVIDER, DOMAIN, TODAY)
    )
    assert set(first.pseudonyms) == {NUMBER, POSTCODE}
    assert set(second.pseudonyms) == {POSTCODE}
    assert set(second.errors) == {NUMBER}
    assert (set(third.pseudonyms), third.errors) == ({NUMBER}, {})
    assert first.pseudonyms[NUMBER] == third.pseudonyms[NUMBER]


@given(st.text(max_size=15))
@example("\u00b2")
def test_whatever_stands_for_an_nhs_number_costs_only_its_cell(text: str) -> None:
    """Through the real digests: superscript digits, for one, are digits to Python and not ASCII."""
    known = Type1OptOuts(Choices(), Digester(b"d" * 32), datetime(2026, 7, 1, tzinfo=UTC))
    first, second = made(pseudonymise(bench(type_1=known), job(row("1", text), row("2", A)), PROVIDER, DOMAIN, TODAY))
    assert (set(second.pseudonyms), second.errors) == ({NUMBER, POSTCODE}, {})
    assert POSTCODE in first.pseudonyms


def test_a_person_with_an_active_type_1_opt_out_gets_no_pseudonym() -> None:
    (refused,) = made(pseudonymise(bench(), job(row("1", "999 000 0026")), PROVIDER, DOMAIN, TODAY))
    assert (refused.refused, dict(refused.pseudonyms)) == ("type_1_opt_out", {})


REPORT = CollectionReport(
    ContentHash("ab" * 32),
    date(2021, 7, 1),
    {DropRule.CODE_NOT_SHARED: 3, DropRule.TYPE_1_UNKNOWN: 1},
    {ColumnReason.NAME: 2},
)
DEATHS = ("2021-06-30", "2021-07-01", "", "soon")


def deaths() -> list[ClearRow]:
    return [ClearRow(f"{place}", {NUMBER: A, DIED: cell}) for place, cell in enumerate(DEATHS)]


def test_who_died_before_the_collection_gets_no_pseudonym_whatever_the_provider_let_through() -> None:
    domain = replace(DOMAIN, identifier_types=(NUMBER, DIED), keys={NUMBER: {1: KeyState.ACTIVE}})
    at = bench()
    rows = made(pseudonymise(at, replace(job(*deaths()), collection=REPORT), PROVIDER, domain, TODAY))
    assert [one.refused for one in rows] == ["died_before_start", None, None, "date_of_death_unreadable"]
    assert [bool(one.pseudonyms) for one in rows] == [False, True, True, False]
    (event,) = at.log.read(StreamId("pseudonymisation/JOB1"))
    assert (event.data["rows"], event.data["type_1_opt_out"]) == (4, 0)
    assert (event.data["died_before_start"], event.data["date_of_death_unreadable"]) == (1, 1)


def test_nothing_is_kept_of_a_row_that_is_refused() -> None:
    alone, among = Links(), Links()
    made(pseudonymise(bench(links=alone), job(row("1", A)), PROVIDER, DOMAIN, TODAY))
    at = bench(links=among)
    made(pseudonymise(at, job(row("1", A), row("2", B)), PROVIDER, DOMAIN, TODAY))
    assert among.kept == alone.kept
    (event,) = at.log.read(StreamId("pseudonymisation/JOB1"))
    assert event.data["pseudonyms"] == {"nhs_number": 1, "postcode": 1}


def test_the_ledger_says_what_was_dropped_before_it_was_sent_and_under_which_rules() -> None:
    at = bench()
    made(pseudonymise(at, replace(job(row("1", A)), collection=REPORT), PROVIDER, DOMAIN, TODAY))
    (event,) = at.log.read(StreamId("pseudonymisation/JOB1"))
    assert event.data["collection"] == {
        "rules": "ab" * 32,
        "began_on": "2021-07-01",
        "dropped": {"type_1_unknown": 1, "code_not_shared": 3},
        "columns_refused": {"name": 2},
    }


def test_a_job_that_tells_nothing_of_its_collection_is_seen_in_the_ledger() -> None:
    at = bench()
    made(pseudonymise(at, job(row("1", A)), PROVIDER, DOMAIN, TODAY))
    (event,) = at.log.read(StreamId("pseudonymisation/JOB1"))
    assert event.data["collection"] is None


def test_the_ledger_holds_counts_and_nothing_of_a_patient() -> None:
    at = bench()
    rows = made(pseudonymise(at, job(row("1", A), row("2", B), row("3", "bad")), PROVIDER, DOMAIN, TODAY))
    (event,) = at.log.read(StreamId("pseudonymisation/JOB1"))
    assert event.data["rows"] == 3
    assert event.data["type_1_opt_out"] == 1
    assert event.data["rows_with_errors"] == 1
    text = event.line().decode()
    assert A not in text
    assert all(token not in text for made_row in rows for token in made_row.pseudonyms.values())


def test_a_repeated_job_is_answered_again_and_logged_once() -> None:
    at = bench()
    first = pseudonymise(at, job(row("1", A)), PROVIDER, DOMAIN, TODAY)
    again = pseudonymise(at, job(row("1", A), id_="JOB2"), PROVIDER, DOMAIN, TODAY)
    assert again == first
    assert not at.log.read(StreamId("pseudonymisation/JOB2"))
    other = pseudonymise(at, job(row("1", B), body="c", id_="JOB3"), PROVIDER, DOMAIN, TODAY)
    assert isinstance(other, Refusal)
    assert other.code == "KEY_REUSED"


def test_invariant_2_without_the_ledger_nobody_gets_a_pseudonym() -> None:
    class Unwritable:
        def record(self, *_: object, **__: object) -> None:
            raise LedgerUnavailableError

    with pytest.raises(LedgerUnavailableError):
        pseudonymise(bench(log=Unwritable()), job(row("1", A)), PROVIDER, DOMAIN, TODAY)


@pytest.mark.parametrize(
    ("person", "domain", "code"),
    [
        (None, DOMAIN, "NOT_A_PROVIDER"),
        (replace(PROVIDER, disabled=True), DOMAIN, "NOT_A_PROVIDER"),
        (replace(PROVIDER, roles=(Membership(Role.CONTROLLER, RX1),)), DOMAIN, "NOT_A_PROVIDER"),
        (replace(PROVIDER, roles=(Membership(Role.PROVIDER, OrganisationCode("ABC")),)), DOMAIN, "NOT_A_PROVIDER"),
        (PROVIDER, None, "DOMAIN_UNKNOWN"),
        (PROVIDER, replace(DOMAIN, identifier_types=(NUMBER,)), "TYPE_NOT_IN_DOMAIN"),
    ],
)
def test_only_a_provider_of_the_domains_controllers_pseudonymises(
    person: Person | None, domain: Domain | None, code: str
) -> None:
    at = bench()
    outcome = pseudonymise(at, job(row("1", A)), person, domain, TODAY)
    assert isinstance(outcome, Refusal)
    assert outcome.code == code
    assert not at.ring.openings  # type: ignore[attr-defined] - the test's own ring


def test_row_ids_are_unique_within_a_job() -> None:
    outcome = pseudonymise(bench(), job(row("1", A), row("1", B)), PROVIDER, DOMAIN, TODAY)
    assert isinstance(outcome, Refusal)
    assert outcome.code == "ROW_IDS_NOT_UNIQUE"


def test_a_version_that_is_not_active_makes_no_pseudonyms() -> None:
    retired = replace(DOMAIN, keys={NUMBER: {1: KeyState.RETIRED}, POSTCODE: {1: KeyState.ACTIVE}})
    (only,) = made(pseudonymise(bench(), job(row("1", A)), PROVIDER, retired, TODAY))
    assert set(only.pseudonyms) == {POSTCODE}
    assert set(only.errors) == {NUMBER}
    assert A not in json.dumps({kind.value: code for kind, code in only.errors.items()})
