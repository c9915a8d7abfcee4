"""Is a quorum met, or could it be? An assignment of distinct people to the places a domain wants filled.

Nobody is counted twice: a person fills one place, whatever roles they hold (OpenBao's control groups let one person in
two groups fill both). The floor of two controllers holds whatever is configured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from keyholder.registry.factors import Factor, Needs, Standing
from keyholder.vocabulary import OrganisationCode, PersonId

Able = Mapping[PersonId, AbstractSet[Standing]]
"""People, and the parts each of them could take; who has decided has taken one."""


@dataclass(frozen=True, slots=True)
class Place:
    """One person's place. `organisation` is whom they must stand for, None for any of the controllers'."""

    factor: Factor
    organisation: OrganisationCode | None = None


def places(needs: Needs) -> tuple[Place, ...]:
    """Everything that has to be filled: a controller of each organisation, the other controllers, the other factors."""
    each = tuple(Place(Factor.CONTROLLER, organisation) for organisation in sorted(set(needs.controllers)))
    more = needs.count(Factor.CONTROLLER) - len(each)
    beside = [Place(factor) for factor in Factor if factor is not Factor.CONTROLLER for _ in range(needs.count(factor))]
    return (*each, *(Place(Factor.CONTROLLER) for _ in range(more)), *beside)


def met(people: Able, needs: Needs) -> bool:
    """Whether every place can be filled by somebody of their own. No controller is nobody's quorum."""
    wanted = places(needs)
    return bool(needs.controllers) and len(_assigned(people, needs, wanted)) == len(wanted)


def open_places(people: Able, needs: Needs) -> tuple[Place, ...]:
    """The places left when as many as possible are filled, earlier ones first."""
    wanted = places(needs)
    filled = _assigned(people, needs, wanted)
    return tuple(place for number, place in enumerate(wanted) if number not in filled)


def _assigned(people: Able, needs: Needs, wanted: Sequence[Place]) -> Mapping[int, PersonId]:
    """Who fills which place, by its number; as many as possible (augmenting paths, Kuhn 1955)."""
    controllers = frozenset(needs.controllers)
    able = {
        person: frozenset(part for part in parts if part[1] in controllers) for person, parts in sorted(people.items())
    }
    filled: dict[int, PersonId] = {}
    for number in range(len(wanted)):
        _fill(number, wanted, able, filled, set())
    return filled


def _fill(number: int, wanted: Sequence[Place], able: Able, filled: dict[int, PersonId], tried: set[PersonId]) -> bool:
    """Find somebody for a place, moving others if need be."""
    taken = {person: place for place, person in filled.items()}
    for person, parts in able.items():
        if person in tried or not any(_fits(part, wanted[number]) for part in parts):
            continue
        tried.add(person)
        if person not in taken or _fill(taken[person], wanted, able, filled, tried):
            filled[number] = person
            return True
    return False


def _fits(part: Standing, place: Place) -> bool:
    return part[0] is place.factor and place.organisation in (None, part[1])
