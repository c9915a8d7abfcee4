"""Many people at once get the answers of one after the other: in the registers, and from the policy."""

from __future__ import annotations

import sys
from array import array
from datetime import UTC, date, datetime
from importlib.util import find_spec
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyholder.policy import digests, lookup
from keyholder.policy.assess import assess_people, assess_person
from keyholder.policy.by_kind import ByKind
from keyholder.policy.case_fields import read_person, read_request
from keyholder.policy.choices import Choices
from keyholder.policy.consents import ConsentRecord
from keyholder.policy.digests import Digester, PersonDigests
from keyholder.policy.facts import Person
from keyholder.policy.lookup import LookupMaker, PlainLookup
from keyholder.policy.opt_outs import Reply, ReplyState
from keyholder.policy.reading import Node
from keyholder.policy.register_form import Header
from keyholder.policy.registers import ConsentRegister, OptOutRegister, Type1Register
from keyholder.policy.settings import STATED, CollectionType1, Freshness, PolicyFacts
from keyholder.policy.type1 import Type1Row
from keyholder.policy.vocabulary import CheckMode, LegalBasis
from keyholder.pseudonyms.batch.checked import BatchDisagreesError
from tests.people import nhs_numbers, some_nhs_numbers
from tests.unit.policy import any_case
from tests.unit.policy.examples import CONSENT, DAY, NOW, TODAY, TYPE1_SET, TYPE1_WITHDRAWN, consent

LOOKUPS: list[LookupMaker] = [PlainLookup]
if find_spec("numpy") is not None:
    from keyholder.policy.array_lookup import ArrayLookup

    LOOKUPS.append(ArrayLookup)

NUMBERS = some_nhs_numbers(60)
DIGESTER = Digester(bytes(range(32)))
MADE = datetime(2025, 6, 10, 8, tzinfo=UTC)
SETTINGS = [
    STATED,
    PolicyFacts(
        freshness=Freshness(direct_days=1, cache_days=1),
        type1_by_collection=(CollectionType1("gdppr", LegalBasis.COPI_REG3, True, "test", date(2018, 1, 1)),),
        type1_after_extraction_withholds=False,
        untraced_is_restricted=False,
    ),
]


def headers() -> st.SearchStrategy[Header]:
    """Of a few days, so that registers tie."""
    days = st.integers(0, 2).map(lambda age: TODAY - age * DAY)
    return st.builds(
        lambda day, mode: Header(MADE, day, "X26HC036", mode, day if mode is CheckMode.CACHE else None),
        days,
        st.sampled_from(CheckMode),
    )


crowds = st.lists(st.sampled_from(NUMBERS[:20]), min_size=1, unique=True)


@st.composite
def opt_outs(draw: st.DrawFn) -> OptOutRegister:
    asked, state = draw(crowds), draw(st.sampled_from(ReplyState))
    opted_out = frozenset(draw(st.sets(st.sampled_from(asked))) if state is ReplyState.CLEANED else ())
    clear = frozenset(asked) - opted_out if state is ReplyState.CLEANED else frozenset()
    return OptOutRegister.of_reply(draw(headers()), Reply(state, clear=clear, opted_out=opted_out), asked, DIGESTER)


@st.composite
def type_1(draw: st.DrawFn) -> Type1Register:
    events = st.sampled_from([None, TYPE1_SET, TYPE1_WITHDRAWN])
    rows = draw(st.lists(st.builds(Type1Row, st.sampled_from(NUMBERS[:20]), events), max_size=12))
    return Type1Register.of_rows(draw(headers()), rows, DIGESTER)


@st.composite
def consents(draw: st.DrawFn) -> ConsentRegister:
    given_ones = st.sampled_from(
        [CONSENT, consent(project_id="PRJ-0002"), consent(withdrawn_on=TODAY), consent(given_on=TODAY + DAY)]
    )
    records = draw(st.lists(st.builds(ConsentRecord, st.sampled_from(NUMBERS[:20]), given_ones), max_size=12))
    return ConsentRegister.of_records(draw(headers()), records, DIGESTER)


def several(register: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(register, max_size=4).map(tuple)


@settings(max_examples=120)
@given(
    st.builds(Choices, several(opt_outs()), several(type_1()), several(consents())),
    st.lists(st.sampled_from(NUMBERS[:24]), max_size=40),
    st.sampled_from(LOOKUPS),
)
def test_a_crowd_is_looked_up_as_one_by_one(held: Choices, crowd: list[str], make: LookupMaker) -> None:
    asked = DIGESTER.digests(crowd)
    together = held.of_all(asked, "PRJ-0001", NOW, make)
    assert list(together) == [held.of(digest, "PRJ-0001", NOW) for digest in asked]
    assert list(held.of_all(asked, "PRJ-0001", NOW)) == list(together)


@pytest.mark.parametrize("size", [31, 32, 60])
def test_a_few_and_many_are_looked_up_alike(size: int) -> None:
    register = OptOutRegister.of_reply(
        Header(MADE, TODAY, "X26HC036"),
        Reply(ReplyState.CLEANED, clear=frozenset(NUMBERS[5:]), opted_out=frozenset(NUMBERS[:5])),
        NUMBERS,
        DIGESTER,
    )
    held, asked = Choices((register,)), DIGESTER.digests(NUMBERS[:size])
    found = held.of_all(asked, "PRJ-0001", NOW)
    assert list(found) == [held.of(digest, "PRJ-0001", NOW) for digest in asked]
    assert len(found.kinds) == 2


@st.composite
def requests_and_people(draw: st.DrawFn) -> tuple[Any, list[Person], datetime]:
    """A request and some people of whom some are alike, with every field of both drawn."""
    day = draw(any_case.DAYS)
    asked = draw(any_case.requests(day))
    asked |= draw(
        st.fixed_dictionaries({}, optional={"collection": st.just("gdppr"), "extracted_on": any_case.near(day)})
    )
    request = read_request(Node(asked))
    given_people = draw(st.lists(any_case.subjects(day), min_size=1, max_size=4))
    people = []
    for subject in given_people:
        relationship = draw(any_case.maybe(any_case.relationships(day)))
        requester = Node({"care_relationship": relationship})
        people.append(read_person(Node(subject), requester))
    crowd = draw(st.lists(st.sampled_from(people), max_size=12))
    return request, crowd, datetime.fromisoformat(draw(any_case.moments(day)))


@given(requests_and_people(), st.sampled_from(SETTINGS))
def test_a_crowd_is_assessed_as_one_by_one(drawn: tuple[Any, list[Person], datetime], facts: PolicyFacts) -> None:
    request, crowd, now = drawn
    together = assess_people(request, ByKind.group(crowd), facts, now)
    assert list(together) == [assess_person(request, person, facts, now) for person in crowd]
    assert len(together) == len(crowd)


@given(st.lists(nhs_numbers(), max_size=80))
def test_digests_of_many_are_those_of_each(numbers: list[str]) -> None:
    found = DIGESTER.digests(numbers)
    assert list(found) == [DIGESTER.digest(number) for number in numbers]
    assert len(found) == len(numbers)


def test_digests_across_blocks_are_those_of_each() -> None:
    numbers = [f"{serial:010d}" for serial in range(2 * 4096 + 1)]
    assert list(DIGESTER.digests(numbers)) == [DIGESTER.digest(number) for number in numbers]


@pytest.mark.parametrize("numbers", [["999000001"], ["99900000189"], ["999000001", "99900000189"], ["999000\x8018"]])
def test_numbers_of_another_length_have_no_digest(numbers: list[str]) -> None:
    with pytest.raises(ValueError, match="ten digits"):
        DIGESTER.digests(numbers)


def test_digests_that_the_library_does_not_confirm_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "_PADDING", "\x80\0\0\0\0\1")
    with pytest.raises(BatchDisagreesError):
        Digester(bytes(32)).digests(NUMBERS)


def test_digests_do_not_show() -> None:
    assert "digest" not in repr(DIGESTER.digests(NUMBERS)).lower().replace("persondigests", "")


@given(st.lists(st.integers(0, 5)))
def test_a_sequence_by_kind_is_the_sequence(values: list[int]) -> None:
    grouped = ByKind.group(values)
    assert list(grouped) == values
    assert [grouped[place] for place in range(len(grouped))] == values
    assert len(grouped.kinds) == len(set(values))
    assert dict(zip(grouped.kinds, grouped.counts(), strict=True)) == {one: values.count(one) for one in values}
    assert list(grouped.map(str)) == [str(value) for value in values]


@pytest.mark.parametrize(
    ("people", "imported", "expected"),
    [(100, True, LOOKUPS[-1]), (99, True, PlainLookup), (299_999, False, PlainLookup), (300_000, False, LOOKUPS[-1])],
)
def test_numpy_is_imported_for_a_crowd_that_is_worth_it(
    people: int, imported: bool, expected: LookupMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not imported:
        monkeypatch.delitem(lookup.sys.modules, "numpy", raising=False)
    assert lookup.lookup_for(people) is expected
    assert find_spec("numpy") is not None


def test_without_numpy_a_crowd_is_looked_up_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyholder.policy.array_lookup", None)
    assert lookup.lookup_for(1_000_000) is PlainLookup


@pytest.mark.parametrize("make", LOOKUPS)
def test_many_possible_combinations_are_told_apart(make: LookupMaker) -> None:
    """More than a table is made for."""
    asked = PersonDigests(b"".join(sorted(DIGESTER.digests(NUMBERS[:9]))))
    crowd = make(asked, 3)
    crowd.note_each(0, asked.joined, lambda place: 1000 * place)
    crowd.note_each(1, asked.joined, lambda place: 1000 * (8 - place))
    crowd.note(2, asked.joined[:16], 7)
    combinations, of = crowd.combinations()
    assert isinstance(of, array)
    found = [combinations[kind] for kind in of]
    assert found == [(1000 * place, 1000 * (8 - place), 7 if place < 2 else 0) for place in range(9)]


@pytest.mark.parametrize("make", LOOKUPS)
def test_the_greater_number_counts_in_any_order(make: LookupMaker) -> None:
    asked = PersonDigests(b"".join(sorted(DIGESTER.digests(NUMBERS[:2]))))
    for order in ((5, 3), (3, 5)):
        crowd = make(asked, 1)
        for value in order:
            crowd.note(0, asked.joined, value)
        assert list(crowd.combinations()[0]) == [(5,)]
