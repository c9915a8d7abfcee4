"""Quorum is an assignment of distinct people, checked against trying every assignment."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from keyholder.requests.quorum import attainable, quorum_met
from keyholder.vocabulary import OrganisationCode, PersonId

ORGANISATIONS = st.sampled_from([OrganisationCode(code) for code in ("X26", "RJ1", "RJ2", "ZZ9")])
PEOPLE = st.sampled_from([PersonId(f"person/{name}") for name in "abcde"])
STANDING = st.dictionaries(PEOPLE, st.frozensets(ORGANISATIONS))
WANTED = st.frozensets(ORGANISATIONS, min_size=1, max_size=3)


def by_trying(people: dict[PersonId, frozenset[OrganisationCode]], wanted: list[OrganisationCode], quorum: int) -> bool:
    able = [person for person, organisations in people.items() if organisations & set(wanted)]
    return len(able) >= max(2, quorum) and any(
        all(place in people[person] for person, place in zip(chosen, wanted, strict=True))
        for chosen in itertools.permutations(able, len(wanted))
    )


@given(STANDING, WANTED, st.integers(-1, 4))
def test_attainable_is_what_trying_everything_finds(
    people: dict[PersonId, frozenset[OrganisationCode]], wanted: frozenset[OrganisationCode], quorum: int
) -> None:
    assert attainable(people, wanted, quorum) == by_trying(people, sorted(wanted), quorum)


@given(st.lists(st.tuples(PEOPLE, ORGANISATIONS)), WANTED, st.integers(-5, 4))
def test_no_approvals_of_fewer_than_two_people_suffice(
    approvals: list[tuple[PersonId, OrganisationCode]], wanted: frozenset[OrganisationCode], quorum: int
) -> None:
    if quorum_met(approvals, wanted, quorum):
        assert len({person for person, _ in approvals}) >= max(2, quorum, len(wanted))
        assert wanted <= {organisation for _, organisation in approvals}


@given(st.lists(st.tuples(PEOPLE, ORGANISATIONS)), WANTED)
def test_saying_it_again_changes_nothing(
    approvals: list[tuple[PersonId, OrganisationCode]], wanted: frozenset[OrganisationCode]
) -> None:
    assert quorum_met(approvals, wanted, 2) == quorum_met([*approvals, *approvals], wanted, 2)


def test_nobody_controls_nothing() -> None:
    assert not quorum_met([], [], 0)
