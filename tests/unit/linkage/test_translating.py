"""Rows of pseudonyms from one domain to another: what opens there, what is withheld, and that both look alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.linkage.policy_view import requests_of
from keyholder.linkage.terms import Covers, Terms
from keyholder.linkage.translating import Translation, Translator
from keyholder.policy.by_kind import ByKind
from keyholder.policy.facts import CodedEvent, Consent, NdooCheck, Person, PersonChoices
from keyholder.policy.settings import CHECK_AT_DISCLOSURE
from keyholder.policy.vocabulary import CheckMode, CheckState, CodeSystem, ConsentGiver, LegalBasis, Purpose
from keyholder.pseudonyms.batch import siv_column
from keyholder.pseudonyms.key_ring import KeyGone, OpenedKeys
from keyholder.pseudonyms.opening import TokenCell, open_tokens
from keyholder.pseudonyms.rekeying import TokenRow
from keyholder.pseudonyms.row_links import LinkedCell
from keyholder.pseudonyms.sealing import seal_rows
from keyholder.pseudonyms.token import Scheme
from keyholder.registry.domains import CareOrigin, Domain, KeyState, SourceDataset
from keyholder.registry.projects import Project
from keyholder.vocabulary import DomainId, IdentifierType, ProjectId, Pseudonym
from tests.fakes.key_ring import KeyRingInMemory
from tests.people import TODAY, canonical_identifiers, extract_rows, nhs_numbers, some_nhs_numbers
from tests.unit.linkage.world import BORN, NHSE, NOW, NUMBER, POSTCODE, SOURCE, TARGET, TERMS, TRUST, a_domain

FOREIGN = DomainId("elsewhere-2026")
RETIRED, DESTROYED, NEWEST, NEVER = 2, 3, 4, 6
STATES = {1: KeyState.REVERSIBLE, RETIRED: KeyState.RETIRED, DESTROYED: KeyState.DESTROYED, NEWEST: KeyState.ACTIVE}
ALL = tuple(IdentifierType)
FROM = a_domain(SOURCE, NHSE, TRUST, identifier_types=ALL, keys=dict.fromkeys(ALL, STATES))
INTO = a_domain(TARGET, TRUST, identifier_types=ALL, keys={kind: {1: KeyState.ACTIVE} for kind in ALL})
WIDE = replace(TERMS, identifier_types=ALL)
TODAY_CHECK = NdooCheck(CheckState.CLEAR, CheckMode.DIRECT, NOW.date())
FINE = PersonChoices(TODAY_CHECK, type1_known=True)

Row = dict[IdentifierType, str]


@dataclass
class People:
    """Everybody has `FINE` choices but for those in `choices`; everything is linked but for `unlinked`."""

    choices: Mapping[str, PersonChoices] = field(default_factory=dict)
    unlinked: frozenset[tuple[DomainId, LinkedCell]] = frozenset()
    asked: list[DomainId] = field(default_factory=list)

    def known(self, nhs_numbers: Sequence[str]) -> ByKind[Person]:
        return ByKind.group(Person(True, True, choices=self.choices.get(number, FINE)) for number in nhs_numbers)

    def linked(self, domain: DomainId, cells: Sequence[LinkedCell]) -> list[bool]:
        self.asked.append(domain)
        return [(domain, cell) not in self.unlinked for cell in cells]


def ring() -> KeyRingInMemory:
    gone = {(SOURCE, kind, RETIRED): KeyGone.RETIRED for kind in IdentifierType}
    gone |= {(SOURCE, kind, DESTROYED): KeyGone.DESTROYED for kind in IdentifierType}
    return KeyRingInMemory(newest=NEWEST, gone=gone)


def sealed(row: Row, domain: DomainId = SOURCE, version: int = 1, ff1: bool = False) -> dict[IdentifierType, Pseudonym]:
    """A row's pseudonyms as pseudonymising makes them."""
    schemes = {NUMBER: Scheme.FF1} if ff1 else {}
    with OpenedKeys(KeyRingInMemory(newest=1023)) as keys:
        [made] = seal_rows([row], domain, dict.fromkeys(row, version), keys, TODAY, schemes=schemes)
    tokens = {kind: cell.pseudonym for kind, cell in made.items() if cell.pseudonym is not None}
    assert tokens.keys() == row.keys()
    return tokens


def translate(
    rows: Sequence[Mapping[IdentifierType, str]],
    people: People | None = None,
    *,
    terms: Terms = WIDE,
    source: Domain = FROM,
    target: Domain = INTO,
    project: Project | None = None,
    at: KeyRingInMemory | None = None,
    now: datetime = NOW,
) -> Translation:
    asked = requests_of(terms, source, target, project)
    work = Translator(terms, source, target, asked, CHECK_AT_DISCLOSURE, people or People(), now)
    with OpenedKeys(at or ring()) as keys:
        return work.translate([TokenRow(str(place), row) for place, row in enumerate(rows)], keys)


def opened(row: Mapping[IdentifierType, str], domain: Domain, version: int = 1) -> Row:
    with OpenedKeys(KeyRingInMemory(newest=NEWEST)) as keys:
        cells = [TokenCell(kind, text) for kind, text in row.items()]
        found = open_tokens(
            cells, domain.id, keys, schemes=domain.schemes, versions=dict.fromkeys(IdentifierType, version)
        )
    return {kind: one.value for kind, one in zip(row, found, strict=True) if one.value is not None}


def statuses(done: Translation) -> list[dict[IdentifierType, str]]:
    return [{kind: cell.status.value for kind, cell in row.cells.items()} for row in done.rows]


def new(done: Translation, place: int = 0) -> dict[IdentifierType, Pseudonym]:
    return {kind: cell.pseudonym for kind, cell in done.rows[place].cells.items() if cell.pseudonym is not None}


# -- what is translated -----------------------------------------------------------------------------------------------


@given(
    st.lists(extract_rows(), min_size=1, max_size=6),
    st.sampled_from([1, NEWEST]),
    st.booleans(),
    st.booleans(),
)
def test_what_opens_in_the_target_is_what_opened_in_the_source(
    rows: list[Row], version: int, from_digits: bool, to_digits: bool
) -> None:
    source = replace(FROM, schemes={NUMBER: Scheme.FF1}, keys={**FROM.keys, NUMBER: {version: KeyState.ACTIVE}})
    source = source if from_digits else FROM
    target = replace(INTO, schemes={NUMBER: Scheme.FF1}) if to_digits else INTO
    tokens = [sealed(row, version=version, ff1=from_digits) for row in rows]
    done = translate(tokens, source=source, target=target)
    for place, row in enumerate(rows):
        made = new(done, place)
        assert opened(made, target) == row
        assert made == sealed(row, TARGET, ff1=to_digits), "the target's own, so that columns join"
        assert not set(made.values()) & set(tokens[place].values())
    assert done.withheld == {}
    assert [dict(kept) for kept in done.identifiers] == rows


@given(st.data())
def test_whatever_stands_in_a_cell_nothing_is_translated_but_what_the_source_made(data: st.DataObject) -> None:
    """Texts, damaged pseudonyms, those of another column, domain or version: none becomes one of the target."""
    kind = data.draw(st.sampled_from([one for one in IdentifierType if one is not NUMBER]))
    number, value = data.draw(nhs_numbers()), data.draw(canonical_identifiers(kind))
    right = sealed({NUMBER: number, kind: value})
    damaged = list(right[kind])
    place = data.draw(st.integers(0, len(damaged) - 1))
    damaged[place] = data.draw(st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ!"))
    other_kind = data.draw(st.sampled_from([one for one in IdentifierType if one is not kind]))
    text, expected = data.draw(
        st.sampled_from(
            [
                ("".join(damaged), None),
                (value, "malformed"),
                (str(sealed({kind: value}, FOREIGN)[kind]), "not_available"),
                (str(sealed({kind: value}, TARGET)[kind]), "not_available"),
                (str(sealed({other_kind: data.draw(canonical_identifiers(other_kind))})[other_kind]), "not_available"),
                (str(sealed({kind: value}, version=RETIRED)[kind]), "key_retired"),
                (str(sealed({kind: value}, version=DESTROYED)[kind]), "key_destroyed"),
                (str(sealed({kind: value}, version=NEVER)[kind]), "key_unknown"),
            ]
        )
    )
    done = translate([{NUMBER: right[NUMBER], kind: text}])
    [found] = statuses(done)
    if text == right[kind]:
        assert found[kind] == "translated"
        return
    assert found[NUMBER] == "translated", "one bad pseudonym costs the others nothing"
    assert found[kind] == expected or (expected is None and found[kind] in {"malformed", "not_available"})
    assert kind not in new(done)


def test_a_row_is_about_the_person_of_its_nhs_number() -> None:
    row = sealed({NUMBER: "9990000018", POSTCODE: "LS1 4AP"})
    retired = sealed({NUMBER: "9990000018"}, version=RETIRED)
    foreign = sealed({NUMBER: "9990000018"}, FOREIGN)
    rows = [{POSTCODE: row[POSTCODE]}, {**row, **foreign}, {**row, **retired}, {**row, NUMBER: "typo"}, row]
    done = translate(rows)
    assert [found[POSTCODE] for found in statuses(done)] == [*["not_available"] * 4, "translated"]
    assert [found.get(NUMBER) for found in statuses(done)] == [
        None,
        "not_available",
        "key_retired",
        "malformed",
        "translated",
    ]
    assert done.withheld == {"NHS_NUMBER_UNAVAILABLE": 1, "PSEUDONYM_UNKNOWN": 1, "KEY_RETIRED": 1, "MALFORMED": 1}


def test_only_agreed_types_are_translated_and_the_number_is_asked_about_all_the_same() -> None:
    row = sealed({NUMBER: "9990000018", POSTCODE: "LS1 4AP"})
    done = translate([row], terms=replace(TERMS, identifier_types=(POSTCODE,)))
    assert statuses(done) == [{POSTCODE: "translated"}]
    people = People({"9990000018": WITHHELD["TYPE1_ACTIVE"]})
    assert statuses(translate([row], people, terms=replace(TERMS, identifier_types=(POSTCODE,)))) == [
        {POSTCODE: "not_available"}
    ]


def test_without_a_key_of_the_target_nothing_of_the_source_is_opened() -> None:
    at = ring()
    target = replace(INTO, keys={**INTO.keys, POSTCODE: {1: KeyState.RETIRED}, BORN: {}})
    at.gone[TARGET, NUMBER, 1] = KeyGone.RETIRED
    row = sealed({NUMBER: "9990000018", POSTCODE: "LS1 4AP", BORN: "1948-07-05"})
    done = translate([row], target=target, at=at)
    assert statuses(done) == [dict.fromkeys(row, "key_unknown")]
    assert not [name for name in at.openings if name[0] == SOURCE]


def test_each_key_of_both_domains_is_opened_once_whatever_the_number_of_rows() -> None:
    at = ring()
    numbers = some_nhs_numbers(siv_column.FEW * 2)
    rows = [
        sealed({NUMBER: number, BORN: "1948-07-05"}, version=(1, NEWEST)[place % 2])
        for place, number in enumerate(numbers)
    ]
    lanes: list[int] = []
    lane_for = siv_column._lane_for
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(siv_column, "_lane_for", lambda count: lanes.append(count) or lane_for(count))
        done = translate(rows, at=at)
    assert all(found == {NUMBER: "translated", BORN: "translated"} for found in statuses(done))
    assert sorted(at.openings) == sorted(
        [(SOURCE, kind, version) for kind in (NUMBER, BORN) for version in (1, NEWEST)]
        + [(TARGET, kind, 1) for kind in (NUMBER, BORN)]
    )
    assert sorted(lanes) == sorted([len(numbers) // 2] * 4 + [len(numbers)] * 2), "whole columns at once"
    for key in at.handed_out:
        with pytest.raises(ValueError, match="wiped"):
            _ = key.material


# -- what is withheld -------------------------------------------------------------------------------------------------

S251 = replace(WIDE, legal_basis=LegalBasis.S251_REG5)
CONSENTED = replace(
    WIDE, legal_basis=LegalBasis.EXPLICIT_CONSENT, purpose=Purpose.RESEARCH, project=ProjectId("PRJ-0001")
)
CONSENT = Consent(
    "PRJ-0001", covers_reidentification=True, given_on=NOW.date(), withdrawn_on=None, given_by=ConsentGiver.PATIENT
)
WITHHELD = {
    "TYPE1_ACTIVE": replace(FINE, type1_events=(CodedEvent(NOW.date(), CodeSystem.READV2, "9Nu0."),)),
    "TYPE1_UNKNOWN": replace(FINE, type1_known=False),
    "NDOO_OPTED_OUT": replace(FINE, ndoo_check=replace(TODAY_CHECK, state=CheckState.OPTED_OUT)),
    "NDOO_CHECK_MISSING": replace(FINE, ndoo_check=None),
    "NDOO_CHECK_STALE": replace(FINE, ndoo_check=replace(TODAY_CHECK, performed_on=NOW.date() - timedelta(days=3))),
}


@pytest.mark.parametrize("reason", WITHHELD)
def test_what_a_person_chose_withholds_the_row_and_is_told_to_nobody_but_the_ledger(reason: str) -> None:
    row = {NUMBER: "9990000018", POSTCODE: "LS1 4AP"}
    done = translate([sealed(row)], People({"9990000018": WITHHELD[reason]}), terms=S251)
    assert done.withheld == {reason: 1}
    foreign = translate([sealed(row, FOREIGN)], terms=S251)
    assert foreign.withheld == {"PSEUDONYM_UNKNOWN": 1}
    assert done.rows == foreign.rows, "it looks like a pseudonym that nobody knows"
    assert done.identifiers == ()


def test_opt_outs_hang_on_the_legal_basis_as_in_a_release() -> None:
    row = sealed({NUMBER: "9990000018"})
    for reason, choices in WITHHELD.items():
        people = People({"9990000018": choices})
        by_direction = translate([row], people)
        assert (statuses(by_direction)[0][NUMBER] == "not_available") == reason.startswith("TYPE1")
        consented = translate([row], People({"9990000018": replace(choices, consent=CONSENT)}), terms=CONSENTED)
        assert statuses(consented) == [{NUMBER: "translated"}], "who was asked decides for themselves"
    assert translate([row], terms=CONSENTED).withheld == {"CONSENT_ABSENT": 1}


@pytest.mark.parametrize(("source", "target"), [(True, False), (False, True), (False, False)])
def test_a_type_1_opt_out_counts_where_either_domain_has_data_of_general_practice(source: bool, target: bool) -> None:
    def dataset(domain: Domain, gp: bool) -> Domain:
        return replace(domain, source_dataset=SourceDataset.GP if gp else SourceDataset.HOSPITAL)

    done = translate(
        [sealed({NUMBER: "9990000018"})],
        People({"9990000018": WITHHELD["TYPE1_ACTIVE"]}),
        source=dataset(FROM, source),
        target=dataset(INTO, target),
    )
    assert statuses(done) == [{NUMBER: "not_available" if source or target else "translated"}]


@pytest.mark.parametrize("welsh", [FROM, INTO])
def test_the_national_opt_out_counts_where_it_reaches_either_domain(welsh: Domain) -> None:
    people = People({"9990000018": WITHHELD["NDOO_OPTED_OUT"]})
    domains = {"source": FROM, "target": INTO}
    for name, domain in domains.items():
        domains[name] = replace(domain, care_origin=CareOrigin.WALES) if domain is welsh else domain
    done = translate([sealed({NUMBER: "9990000018"})], people, terms=S251, **domains)  # type: ignore[arg-type]
    assert done.withheld == {"NDOO_OPTED_OUT": 1}


def test_identifiers_that_never_stood_together_withhold_their_row() -> None:
    """A postcode of somebody who opted out beside the number of somebody who did not."""
    mixed = sealed({NUMBER: "9990000018", POSTCODE: "LS1 4AP"})
    people = People(unlinked=frozenset({(SOURCE, ("9990000018", POSTCODE, "LS1 4AP"))}))
    done = translate([mixed, sealed({NUMBER: "9990000026", POSTCODE: "LS1 4AP"})], people)
    assert [set(found.values()) for found in statuses(done)] == [{"not_available"}, {"translated"}]
    assert done.withheld == {"ROW_NOT_LINKED": 1}


def test_ten_digits_that_no_extract_held_are_nobodys() -> None:
    source = replace(FROM, schemes={NUMBER: Scheme.FF1}, keys={**FROM.keys, NUMBER: {1: KeyState.ACTIVE}})
    row = sealed({NUMBER: "9990000018"}, ff1=True)
    people = People(unlinked=frozenset({(SOURCE, ("9990000018", NUMBER, "9990000018"))}))
    assert statuses(translate([row], source=source)) == [{NUMBER: "translated"}]
    done = translate([row], people, source=source)
    assert (statuses(done), done.withheld) == ([{NUMBER: "not_available"}], {"PSEUDONYM_UNKNOWN": 1})
    digits = translate([{NUMBER: f"{place:010}"} for place in range(200)], source=source, target=INTO)
    assert {found[NUMBER] for found in statuses(digits)} <= {"translated", "not_available"}
    assert statuses(translate([{NUMBER: "123"}], source=source)) == [{NUMBER: "malformed"}]


def test_an_agreement_about_people_of_both_finds_nobody_new() -> None:
    rows = [sealed({NUMBER: number, POSTCODE: "LS1 4AP"}) for number in ("9990000018", "9990000026")]
    absent = People(unlinked=frozenset({(TARGET, ("9990000018", NUMBER, "9990000018"))}))
    both = replace(WIDE, covers=Covers.PEOPLE_OF_BOTH)
    done = translate(rows, absent, terms=both)
    assert [set(found.values()) for found in statuses(done)] == [{"not_available"}, {"translated"}]
    assert done.withheld == {"NOT_IN_TARGET_DOMAIN": 1}
    asked = People()
    translate(rows, asked)
    assert TARGET not in asked.asked, "an agreement about everybody asks nothing of the target"


def test_nothing_of_a_person_shows_in_what_comes_out() -> None:
    row = {NUMBER: "9990000018", POSTCODE: "LS1 4AP", BORN: "1948-07-05"}
    tokens = sealed(row)
    done = translate([tokens])
    told = repr(done) + repr(done.rows) + repr(done.counts())
    for value in (*row.values(), *tokens.values(), *new(done).values()):
        assert value not in told
