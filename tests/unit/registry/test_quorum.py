"""Quorum is an assignment of distinct people to places, checked against trying every assignment."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from keyholder.registry.factors import BESIDE_CONTROLLERS, Factor, Needs, Standing
from keyholder.registry.quorum import Place, met, open_places, places
from keyholder.vocabulary import OrganisationCode, PersonId

CODES = [OrganisationCode(code) for code in ("X26", "RJ1", "ZZ9")]
PARTS = st.tuples(st.sampled_from(Factor), st.sampled_from(CODES))
PEOPLE = st.dictionaries(
    st.sampled_from([PersonId(f"person/{name}") for name in "abcde"]), st.frozensets(PARTS, max_size=4)
)
NEEDS = st.builds(
    Needs,
    st.lists(st.sampled_from(CODES), min_size=1, max_size=3, unique=True).map(tuple),
    st.integers(-1, 4),
    st.dictionaries(st.sampled_from(BESIDE_CONTROLLERS), st.integers(0, 2)),
)
Able = Mapping[PersonId, frozenset[Standing]]


def most_by_trying(people: Able, needs: Needs) -> int:
    """How many places can be filled, the slow way, from what the words say."""
    wanted: list[tuple[Factor, frozenset[OrganisationCode]]] = [
        (Factor.CONTROLLER, frozenset({code})) for code in needs.controllers
    ]
    while len(wanted) < max(2, needs.quorum):
        wanted.append((Factor.CONTROLLER, frozenset(needs.controllers)))
    for factor, count in needs.factors.items():
        wanted += [(factor, frozenset(needs.controllers))] * count
    assert len(places(needs)) == len(wanted)

    def best(place: int, free: frozenset[PersonId]) -> int:
        if place == len(wanted):
            return 0
        factor, codes = wanted[place]
        fitting = [who for who in free if any(part[0] is factor and part[1] in codes for part in people[who])]
        return max([best(place + 1, free), *(1 + best(place + 1, free - {who}) for who in fitting)])

    return best(0, frozenset(people))


@given(PEOPLE, NEEDS)
def test_as_many_places_are_filled_as_trying_everything_fills(people: Able, needs: Needs) -> None:
    most = most_by_trying(people, needs)
    assert len(open_places(people, needs)) == len(places(needs)) - most
    assert met(people, needs) == (most == len(places(needs)))


@given(PEOPLE, NEEDS)
def test_what_is_met_has_distinct_people_for_every_factor_and_organisation(people: Able, needs: Needs) -> None:
    if met(people, needs):
        total = max(2, needs.quorum, len(needs.controllers)) + sum(needs.factors.values())
        assert len(people) >= total
        for factor in needs.wanted():
            able = [who for who, parts in people.items() if any(part[0] is factor for part in parts)]
            assert len(able) >= needs.count(factor)
        controlling = {code for parts in people.values() for factor, code in parts if factor is Factor.CONTROLLER}
        assert set(needs.controllers) <= controlling


@given(PEOPLE, NEEDS, st.sampled_from(CODES), st.sampled_from(Factor))
def test_one_person_more_never_hurts_and_fills_one_place_at_most(
    people: Able, needs: Needs, code: OrganisationCode, factor: Factor
) -> None:
    every_part = frozenset(itertools.product(Factor, CODES))
    before = len(open_places(people, needs))
    for parts in (frozenset({(factor, code)}), every_part):
        after = len(open_places({**people, PersonId("person/new"): parts}, needs))
        assert before - 1 <= after <= before


@given(PEOPLE, NEEDS, NEEDS)
def test_asking_for_more_is_never_met_by_less(people: Able, needs: Needs, more: Needs) -> None:
    stricter = Needs(
        tuple(dict.fromkeys((*needs.controllers, *more.controllers))),
        max(needs.quorum, more.quorum),
        {factor: max(needs.factors.get(factor, 0), more.factors.get(factor, 0)) for factor in BESIDE_CONTROLLERS},
    )
    inside = {who: frozenset(part for part in parts if part[1] in needs.controllers) for who, parts in people.items()}
    if met(inside, stricter):
        assert met(inside, needs)


def test_the_floor_of_two_holds_whatever_is_configured() -> None:
    one, two = PersonId("person/a"), PersonId("person/b")
    part = frozenset({(Factor.CONTROLLER, CODES[0])})
    for quorum in (-1, 0, 1, 2):
        assert not met({one: part}, Needs((CODES[0],), quorum))
        assert met({one: part, two: part}, Needs((CODES[0],), quorum))


def test_nobody_controls_nothing() -> None:
    assert not met({}, Needs((), 0))


def test_a_person_in_two_roles_fills_one_place() -> None:
    """Workflow F9: OpenBao let somebody in both groups satisfy both factors at once."""
    needs = Needs((CODES[0],), 2, {Factor.CALDICOTT_GUARDIAN: 1})
    both = frozenset({(Factor.CONTROLLER, CODES[0]), (Factor.CALDICOTT_GUARDIAN, CODES[0])})
    controller = frozenset({(Factor.CONTROLLER, CODES[0])})
    a, b, c = (PersonId(f"person/{name}") for name in "abc")
    assert not met({a: both, b: controller}, needs)
    assert open_places({a: controller, b: controller}, needs) == (Place(Factor.CALDICOTT_GUARDIAN),)
    assert met({a: both, b: controller, c: controller}, needs)
    assert met({a: both, b: both, c: both}, needs)


def test_of_another_organisation_is_of_none() -> None:
    needs = Needs((CODES[0],), 2, {Factor.DATA_PROTECTION_OFFICER: 1})
    controller = frozenset({(Factor.CONTROLLER, CODES[0])})
    outside = frozenset({(Factor.DATA_PROTECTION_OFFICER, CODES[1])})
    people = {PersonId("person/a"): controller, PersonId("person/b"): controller, PersonId("person/c"): outside}
    assert open_places(people, needs) == (Place(Factor.DATA_PROTECTION_OFFICER),)
