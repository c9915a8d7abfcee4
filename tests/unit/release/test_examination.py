"""What leaves and what does not, for every mix of people, choices, damaged tokens and forged rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.policy.by_kind import ByKind
from keyholder.policy.facts import (
    Agreement,
    CagSupport,
    CodedEvent,
    Consent,
    EthicsOpinion,
    NdooCheck,
    PersonChoices,
    PolicyRequest,
    Requester,
)
from keyholder.policy.settings import CHECK_AT_DISCLOSURE
from keyholder.policy.vocabulary import (
    CagStatus,
    CareOrigin,
    CheckMode,
    CheckState,
    CodeSystem,
    ConsentGiver,
    LegalBasis,
    OptOutCondition,
    OutputForm,
    PdsSecurity,
    PolicyIdentifier,
    Purpose,
    RequesterRole,
    SourceDataset,
)
from keyholder.pseudonyms.batch.ff1_column import Ff1Column
from keyholder.pseudonyms.key_ring import DataKey, KeyGone, OpenedKeys
from keyholder.pseudonyms.siv import seal
from keyholder.pseudonyms.token import Scheme
from keyholder.release.examination import Asked, Examination
from keyholder.release.items import ItemStatus, Outcome, item_json, result_csv
from keyholder.vocabulary import DomainId, IdentifierType, Pseudonym
from tests.people import some_nhs_numbers

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TODAY = date(2026, 11, 22)
DOMAIN, FOREIGN = DomainId("gp-2026"), DomainId("hes-2026")
NUMBER, POSTCODE = IdentifierType.NHS_NUMBER, IdentifierType.POSTCODE
CLEAR = NdooCheck(CheckState.CLEAR, CheckMode.DIRECT, TODAY)
FINE = PersonChoices(CLEAR, type1_known=True)
CONSENT = Consent("P1", covers_reidentification=True, given_on=TODAY, withdrawn_on=None, given_by=ConsentGiver.PATIENT)

WITHHELD = {
    "NDOO_OPTED_OUT": replace(FINE, ndoo_check=replace(CLEAR, state=CheckState.OPTED_OUT)),
    "TYPE1_ACTIVE": replace(FINE, type1_events=(CodedEvent(TODAY, CodeSystem.READV2, "9Nu0."),)),
    "TYPE1_UNKNOWN": replace(FINE, type1_known=False),
}


class Ring:
    """Keys of two domains; version 7 is retired and 8 destroyed. Counts its openings."""

    def __init__(self) -> None:
        self.calls = 0

    def open(self, domain: DomainId, identifier_type: IdentifierType, version: int) -> DataKey | KeyGone:
        self.calls += 1
        gone = {7: KeyGone.RETIRED, 8: KeyGone.DESTROYED, 9: KeyGone.UNKNOWN}
        return gone.get(version) or key(domain, identifier_type, version)


def key(domain: DomainId, identifier_type: IdentifierType, version: int) -> DataKey:
    seed = f"{domain}{identifier_type}{version}".encode()
    return DataKey((seed * 64)[:64], version)


def token(value: str, kind: IdentifierType = NUMBER, domain: DomainId = DOMAIN, version: int = 1) -> Pseudonym:
    return seal(key(domain, kind, version), domain, kind, value)


@dataclass
class Register:
    """Choices by NHS number; every postcode belongs to the one number it was registered with."""

    held: dict[str, PersonChoices] = field(default_factory=dict)
    rows: set[tuple[str, str]] = field(default_factory=set)
    restricted: frozenset[str] = frozenset()

    def choices(self, nhs_numbers: Sequence[str]) -> ByKind[PersonChoices]:
        return ByKind.group(self.held.get(nhs_number, PersonChoices()) for nhs_number in nhs_numbers)

    def pds_security(self, nhs_number: str) -> PdsSecurity | None:
        return PdsSecurity.RESTRICTED if nhs_number in self.restricted else PdsSecurity.UNRESTRICTED

    def linked(self, domain: DomainId, nhs_number: str, identifier_type: IdentifierType, value: str) -> bool:
        return (nhs_number, value) in self.rows

    def counted(self, names: Sequence[str]) -> Sequence[bytes]:
        return [hashlib.sha256(name.encode()).digest()[:8] for name in names]

    def tag(self, domain: DomainId, nhs_number: str) -> str:
        return f"tag-{nhs_number[::-1]}"


def request(*wanted: PolicyIdentifier, basis: LegalBasis = LegalBasis.S251_REG5) -> PolicyRequest:
    asked = wanted or (PolicyIdentifier.NHS_NUMBER,)
    return PolicyRequest(
        purpose=Purpose.RESEARCH,
        legal_basis=basis,
        output_form=OutputForm.IDENTIFIABLE,
        source_dataset=SourceDataset.GP,
        care_origin=CareOrigin.ENGLAND_PUBLIC,
        project_id="P1",
        identifiers_requested=asked,
        identifiers_approved=asked,
        controllers_required=("RX1", "X26"),
        controllers_approved=("RX1", "X26"),
        controllers_refused=(),
        agreement=Agreement("DARS-NIC-123456-A1B2C", date(2027, 1, 1)),
        requester=Requester(RequesterRole.RESEARCHER, date(2027, 1, 1)),
        cag=CagSupport(
            ref="25/CAG/0036",
            status=CagStatus.SUPPORTED,
            next_review_on=date(2027, 1, 1),
            ends_on=None,
            opt_out_condition=OptOutCondition.STANDARD,
            exemption_letter_on_file=False,
            permits_reidentification=True,
        ),
        rec=EthicsOpinion("25/LO/0123", favourable=True),
    )


def examine(register: Register, records: list[Asked], asked: PolicyRequest | None = None) -> list[Outcome]:
    ring = Ring()
    with OpenedKeys(ring) as keys:
        found = Examination(DOMAIN, asked or request(), register, CHECK_AT_DISCLOSURE, NOW).outcomes(records, keys)
    versions = {(kind, text[2:4]) for record in records for kind, text in record.pseudonyms.items()}
    assert ring.calls <= len(versions)
    return found


def record(row_id: str, nhs_number: Pseudonym | str, **others: Pseudonym) -> Asked:
    cells = {NUMBER: Pseudonym(nhs_number)} | {IdentifierType(name): text for name, text in others.items()}
    return Asked(row_id, cells)


A, B = "9990000018", "9990000026"


def test_a_clear_person_is_released_and_a_chosen_one_is_not() -> None:
    register = Register({A: FINE, B: WITHHELD["NDOO_OPTED_OUT"]})
    released, withheld = examine(register, [record("1", token(A)), record("2", token(B))])
    assert (released.item.status, released.item.values) == (ItemStatus.RELEASED, {NUMBER: A})
    assert (withheld.item.status, withheld.item.values, withheld.reason) == (
        ItemStatus.NOT_AVAILABLE,
        {},
        "NDOO_OPTED_OUT",
    )
    assert withheld.tag is not None


def test_invariant_6_one_bad_pseudonym_never_sinks_a_batch() -> None:
    good = token(A)
    mistyped = good[:10] + ("0" if good[10] != "0" else "1") + good[11:]
    texts = {
        "malformed": "NOT A TOKEN",
        "empty": "",
        "mistyped": mistyped,
        "foreign": token(A, domain=FOREIGN),
        "wrong column": token("SW1A 1AA", POSTCODE),
        "retired": token(A, version=7),
        "destroyed": token(A, version=8),
        "unknown version": token(A, version=9),
        "good": good,
    }
    outcomes = examine(Register({A: FINE}), [record(name, text) for name, text in texts.items()])
    assert [outcome.item.row_id for outcome in outcomes] == list(texts)
    assert {outcome.item.row_id: outcome.item.status.value for outcome in outcomes} == {
        "malformed": "malformed",
        "empty": "malformed",
        "mistyped": "malformed",
        "foreign": "not_available",
        "wrong column": "not_available",
        "retired": "key_retired",
        "destroyed": "key_destroyed",
        "unknown version": "not_available",
        "good": "released",
    }
    assert all(bool(outcome.item.values) == (outcome.item.row_id == "good") for outcome in outcomes)


@given(st.lists(st.sampled_from([*WITHHELD, "FINE", "FOREIGN", "FORGED_ROW", "NO_CHOICE_KNOWN"]), max_size=12))
def test_invariant_7_the_requester_cannot_learn_a_patients_choice(kinds: list[str]) -> None:
    register = Register()
    records = []
    for place, kind in enumerate(kinds):
        number = NUMBERS[place]
        register.held[number] = WITHHELD.get(kind, FINE)
        register.rows.add((number, "SW1A 1AA"))
        foreign = DOMAIN if kind != "FOREIGN" else FOREIGN
        postcode = "SW1A 1AA" if kind != "FORGED_ROW" else "EC1A 1BB"
        if kind == "NO_CHOICE_KNOWN":
            register.held[number] = replace(FINE, type1_known=False, ndoo_check=CLEAR)
        records.append(record(str(place), token(number, domain=foreign), postcode=token(postcode, POSTCODE)))
    asked = request(PolicyIdentifier.NHS_NUMBER, PolicyIdentifier.POSTCODE)
    outcomes = examine(register, records, asked)
    bodies = {
        json.dumps(item_json(replace(outcome.item, row_id="x"))) for outcome in outcomes if not outcome.item.values
    }
    assert len(bodies) <= 1
    assert [outcome.item.row_id for outcome in outcomes] == [str(place) for place in range(len(kinds))]
    for kind, outcome in zip(kinds, outcomes, strict=True):
        assert bool(outcome.item.values) == (kind == "FINE")


NUMBERS = [f"99900{stem:05d}" for stem in range(20_000)]


def _valid(text: str) -> bool:
    check = 11 - sum(int(digit) * weight for digit, weight in zip(text[:9], range(10, 1, -1), strict=True)) % 11
    return check % 11 == int(text[9]) and check != 10


NUMBERS = [text for text in NUMBERS if _valid(text)][:12]


def test_invariant_7_a_stale_opt_out_list_does_not_show_who_has_a_type_1_opt_out() -> None:
    stale = replace(CLEAR, performed_on=date(2026, 10, 1))
    register = Register({A: replace(FINE, ndoo_check=stale), B: replace(WITHHELD["TYPE1_ACTIVE"], ndoo_check=stale)})
    outcomes = examine(register, [record("x", token(A)), record("x", token(B))])
    assert [outcome.item.status for outcome in outcomes] == [ItemStatus.PENDING, ItemStatus.PENDING]
    assert [outcome.reason for outcome in outcomes] == ["NDOO_CHECK_STALE", "TYPE1_ACTIVE"]


@dataclass
class Watched(Register):
    """Writes down what is asked of it: which port, and for how many."""

    asked: list[tuple[str, int]] = field(default_factory=list)

    def choices(self, nhs_numbers: Sequence[str]) -> ByKind[PersonChoices]:
        self.asked.append(("choices", len(nhs_numbers)))
        return super().choices(nhs_numbers)

    def pds_security(self, nhs_number: str) -> PdsSecurity | None:
        self.asked.append(("pds_security", 1))
        return super().pds_security(nhs_number)

    def linked(self, domain: DomainId, nhs_number: str, identifier_type: IdentifierType, value: str) -> bool:
        self.asked.append(("linked", 1))
        return super().linked(domain, nhs_number, identifier_type, value)

    def counted(self, names: Sequence[str]) -> Sequence[bytes]:
        self.asked.append(("counted", len(names)))
        return super().counted(names)

    def tag(self, domain: DomainId, nhs_number: str) -> str:
        self.asked.append(("tag", 1))
        return super().tag(domain, nhs_number)


WITHOUT_CONSENT = {
    "CONSENT_ABSENT": FINE,
    "CONSENT_WITHDRAWN": replace(FINE, consent=replace(CONSENT, withdrawn_on=TODAY)),
    "CONSENT_WRONG_PROJECT": replace(FINE, consent=replace(CONSENT, project_id="P2")),
}


def work(reason: str, choices: PersonChoices, basis: LegalBasis) -> tuple[list[tuple[str, int]], int, bytes]:
    """What is done for three records that are withheld for one reason, and the file that is made of them."""
    register, ring, records = Watched(), Ring(), []
    for place, number in enumerate(NUMBERS[:3]):
        register.held[number] = choices
        register.rows |= set() if reason == "ROW_NOT_LINKED" else {(number, "SW1A 1AA")}
        domain = FOREIGN if reason == "PSEUDONYM_UNKNOWN" else DOMAIN
        records.append(record(str(place), token(number, domain=domain), postcode=token("SW1A 1AA", POSTCODE)))
    asked = request(PolicyIdentifier.NHS_NUMBER, PolicyIdentifier.POSTCODE, basis=basis)
    with OpenedKeys(ring) as keys:
        examination = Examination(DOMAIN, asked, register, CHECK_AT_DISCLOSURE, NOW)
        outcomes = examination.outcomes(records, keys)
    assert [outcome.item.status for outcome in outcomes] == [ItemStatus.NOT_AVAILABLE] * 3, reason
    assert {outcome.reason for outcome in outcomes} == {reason}
    made = result_csv([outcome.item for outcome in outcomes], [NUMBER, POSTCODE])
    return register.asked, ring.calls, made


def test_invariant_7_no_reason_takes_more_work_or_makes_a_larger_file_than_another() -> None:
    """The timing class: the same questions to the same ports in the same order, the same keys, and the same bytes."""
    section_251 = {**WITHHELD, "PSEUDONYM_UNKNOWN": FINE, "ROW_NOT_LINKED": FINE}
    consent = {**WITHOUT_CONSENT, "PSEUDONYM_UNKNOWN": FINE}
    for basis, reasons in ((LegalBasis.S251_REG5, section_251), (LegalBasis.EXPLICIT_CONSENT, consent)):
        done = {reason: work(reason, choices, basis) for reason, choices in reasons.items()}
        first = next(iter(done.values()))
        assert {port for port, _ in first[0]} == {"choices", "pds_security", "linked", "counted", "tag"}
        for reason, what in done.items():
            assert what == first, reason


@pytest.mark.parametrize(
    "purpose",
    [
        Purpose.CANCER_REGISTRATION,
        Purpose.RARE_DISEASE_REGISTRATION,
        Purpose.POPULATION_SCREENING_OVERSIGHT,
        Purpose.ASSURING_TRANSFORMATION,
    ],
)
def test_a_programme_s_own_opt_out_is_never_known_and_so_withholds(purpose: Purpose) -> None:
    (outcome,) = examine(Register({A: FINE}), [record("x", token(A))], replace(request(), purpose=purpose))
    assert (outcome.item.status, outcome.reason) == (ItemStatus.NOT_AVAILABLE, "PROGRAMME_OPT_OUT")


def test_a_type_1_of_any_day_counts_whatever_the_setting_on_extraction_says() -> None:
    facts = replace(CHECK_AT_DISCLOSURE, type1_after_extraction_withholds=False)
    register = Register({A: WITHHELD["TYPE1_ACTIVE"]})
    with OpenedKeys(Ring()) as keys:
        (outcome,) = Examination(DOMAIN, request(), register, facts, NOW).outcomes([record("x", token(A))], keys)
    assert outcome.reason == "TYPE1_ACTIVE"


def test_a_forged_row_gives_nothing_of_either_person() -> None:
    register = Register({A: FINE, B: WITHHELD["NDOO_OPTED_OUT"]}, {(A, "SW1A 1AA"), (B, "EC1A 1BB")})
    asked = request(PolicyIdentifier.NHS_NUMBER, PolicyIdentifier.POSTCODE)
    true, forged = examine(
        register,
        [
            record("true", token(A), postcode=token("SW1A 1AA", POSTCODE)),
            record("forged", token(A), postcode=token("EC1A 1BB", POSTCODE)),
        ],
        asked,
    )
    assert true.item.values == {NUMBER: A, POSTCODE: "SW1A 1AA"}
    assert (forged.item.values, forged.reason) == ({}, "ROW_NOT_LINKED")


def test_a_record_without_an_nhs_number_gives_nothing() -> None:
    outcomes = examine(
        Register({}, {(A, "SW1A 1AA")}),
        [Asked("1", {POSTCODE: token("SW1A 1AA", POSTCODE)})],
        request(PolicyIdentifier.POSTCODE),
    )
    assert (outcomes[0].item.status, outcomes[0].item.values) == (ItemStatus.NOT_AVAILABLE, {})


def test_only_what_was_asked_for_leaves() -> None:
    register = Register({A: FINE}, {(A, "SW1A 1AA")})
    (outcome,) = examine(register, [record("1", token(A), postcode=token("SW1A 1AA", POSTCODE))])
    assert outcome.item.values == {NUMBER: A}


def test_a_restricted_record_gives_no_place() -> None:
    register = Register({A: FINE}, {(A, "SW1A 1AA")}, frozenset({A}))
    asked = request(PolicyIdentifier.NHS_NUMBER, PolicyIdentifier.POSTCODE)
    (outcome,) = examine(register, [record("1", token(A), postcode=token("SW1A 1AA", POSTCODE))], asked)
    assert (outcome.item.status, outcome.item.values) == (ItemStatus.RELEASED_PARTIAL, {NUMBER: A})


@pytest.mark.parametrize("controllers", [(), ("RX1",)])
def test_without_every_controller_nothing_leaves(controllers: tuple[str, ...]) -> None:
    asked = replace(request(), controllers_approved=controllers)
    (outcome,) = examine(Register({A: FINE}), [record("1", token(A))], asked)
    assert not outcome.item.values


def test_consent_counts_where_the_basis_is_consent() -> None:
    asked = request(basis=LegalBasis.EXPLICIT_CONSENT)
    register = Register({A: replace(WITHHELD["NDOO_OPTED_OUT"], consent=CONSENT), B: FINE})
    consented, silent = examine(register, [record("1", token(A)), record("2", token(B))], asked)
    assert consented.item.values == {NUMBER: A}
    assert (silent.item.values, silent.reason) == ({}, "CONSENT_ABSENT")


def test_no_identifier_shows_in_a_repr() -> None:
    text = repr(examine(Register({A: FINE}), [record("1", token(A))])) + repr(record("1", token(A)))
    assert A not in text
    assert token(A) not in text


FF1 = {NUMBER: Scheme.FF1}
PERSON = some_nhs_numbers(12)[11]


def ten_digits(value: str) -> Pseudonym:
    return Ff1Column(key(DOMAIN, NUMBER, 1), DOMAIN, NUMBER).seal([value])[0]


@pytest.mark.parametrize(
    ("made", "versions", "status"),
    [
        (True, {NUMBER: 1}, ItemStatus.RELEASED),
        (False, {NUMBER: 1}, ItemStatus.NOT_AVAILABLE),
        (True, {}, ItemStatus.NOT_AVAILABLE),
        (True, {NUMBER: 7}, ItemStatus.KEY_RETIRED),
        (True, {NUMBER: 8}, ItemStatus.KEY_DESTROYED),
        (True, {NUMBER: 9}, ItemStatus.NOT_AVAILABLE),
    ],
)
def test_ten_digits_open_under_the_domains_version_and_to_its_own_people_only(
    made: bool, versions: dict[IdentifierType, int], status: ItemStatus
) -> None:
    people = Register({PERSON: FINE}, {(PERSON, PERSON)} if made else set())
    examination = Examination(DOMAIN, request(), people, CHECK_AT_DISCLOSURE, NOW, FF1, versions)
    with OpenedKeys(Ring()) as keys:
        (outcome,) = examination.outcomes([Asked("1", {NUMBER: ten_digits(PERSON)})], keys)
    assert outcome.item.status is status
    assert (outcome.tag is not None) == (outcome.item.values == {NUMBER: PERSON})
