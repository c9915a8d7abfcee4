"""Who has to agree before a domain's identifiers may leave: controllers, and whoever the domain asks for beside them.

A factor is a part that has to be filled. Factors are ANDed, and each is filled by people of its own: one person in two
roles fills one place (`registry.quorum`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from keyholder.canonical import JsonObject
from keyholder.registry.fields import ORGANISATION, Fields
from keyholder.registry.people import Person
from keyholder.vocabulary import OrganisationCode, Role

LEAST_QUORUM = 2
"""Four eyes. Nothing in Keyholder can be set below it."""

MOST_QUORUM = 20
MOST_OF_A_FACTOR = 5


class Factor(StrEnum):
    """A part in an approval. The order is that in which places are looked at."""

    CONTROLLER = "controller"
    CALDICOTT_GUARDIAN = "caldicott_guardian"
    """The senior person who protects the confidentiality of people's information in an organisation."""
    DATA_PROTECTION_OFFICER = "data_protection_officer"
    """UK GDPR, Articles 37 to 39."""


BESIDE_CONTROLLERS = (Factor.CALDICOTT_GUARDIAN, Factor.DATA_PROTECTION_OFFICER)
"""What a domain may ask for beside its controllers."""

ROLES: Mapping[Factor, Role] = {
    Factor.CONTROLLER: Role.CONTROLLER,
    Factor.CALDICOTT_GUARDIAN: Role.CALDICOTT_GUARDIAN,
    Factor.DATA_PROTECTION_OFFICER: Role.DATA_PROTECTION_OFFICER,
}
"""The role that fills a factor, held for an organisation that controls the domain."""

Standing = tuple[Factor, OrganisationCode]
"""A part somebody may take, and the organisation they take it for."""


@dataclass(frozen=True, slots=True)
class Needs:
    """Who must agree for one domain: that many distinct controllers, every organisation among them, and beside them
    that many people of each further factor, of any of the organisations."""

    controllers: tuple[OrganisationCode, ...]
    quorum: int = LEAST_QUORUM
    factors: Mapping[Factor, int] = field(default_factory=dict)

    def count(self, factor: Factor) -> int:
        """How many people have to fill it."""
        if factor is Factor.CONTROLLER:
            return max(LEAST_QUORUM, self.quorum, len(self.controllers))
        return self.factors.get(factor, 0)

    def wanted(self) -> tuple[Factor, ...]:
        """The factors that have to be filled."""
        return tuple(factor for factor in Factor if self.count(factor))


def standings(person: Person, controllers: Iterable[OrganisationCode]) -> frozenset[Standing]:
    """Every part this person's roles let them take for a domain of these controllers."""
    wanted = frozenset(controllers)
    return frozenset(
        (factor, organisation) for factor, role in ROLES.items() for organisation in person.organisations(role) & wanted
    )


def factors_json(factors: Mapping[Factor, int]) -> JsonObject:
    """The form of events: those that are asked for."""
    return {factor.value: factors[factor] for factor in BESIDE_CONTROLLERS if factors.get(factor)}


def factors_view(factors: Mapping[Factor, int]) -> JsonObject:
    """The form of answers: each of them, with how many."""
    return {factor.value: factors.get(factor, 0) for factor in BESIDE_CONTROLLERS}


def read_factors(fields: Fields, name: str = "factors") -> Mapping[Factor, int]:
    """What a domain asks for beside its controllers; absent is nothing. Raises `FieldError`."""
    if not fields.has(name):
        return {}
    inner = fields.inner(name)
    found = {factor: inner.number(factor, 0, MOST_OF_A_FACTOR) for factor in BESIDE_CONTROLLERS if inner.has(factor)}
    inner.end()
    return {factor: count for factor, count in found.items() if count}


def needs_json(needs: Needs) -> JsonObject:
    """The form of events. Without further factors it is the one that ledgers began with."""
    plain: JsonObject = {"controllers": list(needs.controllers), "quorum": needs.quorum}
    return {**plain, "factors": factors_json(needs.factors)} if needs.factors else plain


def read_needs(fields: Fields) -> Needs:
    """Raises `FieldError`."""
    needs = Needs(
        tuple(OrganisationCode(text) for text in fields.texts("controllers", ORGANISATION)),
        fields.number("quorum", LEAST_QUORUM),
        read_factors(fields),
    )
    fields.end()
    return needs
