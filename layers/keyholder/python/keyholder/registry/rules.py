"""The rules of a domain that two people or more can change later: what they are, and which change loosens them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from keyholder.canonical import JsonObject
from keyholder.pseudonyms.token import Scheme
from keyholder.registry.factors import LEAST_QUORUM, MOST_QUORUM, Factor, Needs, factors_json, read_factors
from keyholder.registry.fields import ORGANISATION, FieldError, FieldFault, Fields
from keyholder.vocabulary import IdentifierType, OrganisationCode


class SourceDataset(StrEnum):
    """Where the data came from: what the Type 1 opt-out depends on."""

    GP = "gp"
    HOSPITAL = "hospital"
    SOCIAL_CARE = "social_care"


class CareOrigin(StrEnum):
    """Who arranged and paid for the care: what the national data opt-out depends on."""

    ENGLAND_PUBLIC = "england_public"
    ENGLAND_PRIVATE = "england_private"
    ENGLAND_PRIVATE_IN_NHS_SETTING = "england_private_in_nhs_setting"
    WALES = "wales"


class Rule(StrEnum):
    """One rule, by its field."""

    CONTROLLERS = "controllers"
    QUORUM = "quorum"
    FACTORS = "factors"
    IDENTIFIER_TYPES = "identifier_types"
    SCHEMES = "schemes"
    SOURCE_DATASET = "source_dataset"
    CARE_ORIGIN = "care_origin"
    COLLECTION_BEGAN_ON = "collection_began_on"
    EMERGENCY_ACCESS = "emergency_access"


@dataclass(frozen=True, slots=True)
class Rules:
    """Every rule of a domain that a change may name. `registry.domains.Domain` says what each means."""

    controllers: tuple[OrganisationCode, ...]
    quorum: int
    factors: Mapping[Factor, int]
    identifier_types: tuple[IdentifierType, ...]
    schemes: Mapping[IdentifierType, Scheme] = field(default_factory=dict)
    source_dataset: SourceDataset = SourceDataset.GP
    care_origin: CareOrigin = CareOrigin.ENGLAND_PUBLIC
    collection_began_on: date | None = None
    emergency_access: bool = False

    def needs(self) -> Needs:
        """Who would have to agree under these rules."""
        return Needs(self.controllers, self.quorum, self.factors)


def changed(before: Rules, after: Rules) -> tuple[Rule, ...]:
    """The rules that differ."""
    return tuple(rule for rule in Rule if _differs(rule, before, after))


def loosened(before: Rules, after: Rules) -> tuple[Rule, ...]:
    """The rules that differ and are not stricter beyond doubt.

    Another set of controllers always loosens: who leaves has no say any more, who joins takes a place of the others.
    """
    return tuple(rule for rule in changed(before, after) if not _STRICTER.get(rule, _never)(before, after))


def _differs(rule: Rule, before: Rules, after: Rules) -> bool:
    old, new = getattr(before, rule.value), getattr(after, rule.value)
    if rule in (Rule.CONTROLLERS, Rule.IDENTIFIER_TYPES):
        return set(old) != set(new)
    return bool(old != new)


def _never(_before: Rules, _after: Rules) -> bool:
    return False


def _began_later(before: Rules, after: Rules) -> bool:
    """More rows are refused the later the collection began."""
    if after.collection_began_on is None:
        return False
    return before.collection_began_on is None or after.collection_began_on > before.collection_began_on


_STRICTER: Mapping[Rule, Callable[[Rules, Rules], bool]] = {
    Rule.QUORUM: lambda before, after: after.quorum > before.quorum,
    Rule.FACTORS: lambda before, after: all(
        after.factors.get(factor, 0) >= before.factors.get(factor, 0) for factor in Factor
    ),
    Rule.IDENTIFIER_TYPES: lambda before, after: set(after.identifier_types) < set(before.identifier_types),
    Rule.COLLECTION_BEGAN_ON: _began_later,
    Rule.EMERGENCY_ACCESS: lambda _, after: not after.emergency_access,
}


def rules_json(rules: Rules) -> JsonObject:
    """The form of events and answers: every rule."""
    return {
        "controllers": list(rules.controllers),
        "quorum": rules.quorum,
        "factors": factors_json(rules.factors),
        "identifier_types": [kind.value for kind in rules.identifier_types],
        "schemes": {kind.value: scheme.value for kind, scheme in rules.schemes.items()},
        "source_dataset": rules.source_dataset.value,
        "care_origin": rules.care_origin.value,
        "collection_began_on": rules.collection_began_on.isoformat() if rules.collection_began_on else None,
        "emergency_access": rules.emergency_access,
    }


def read_rules(fields: Fields) -> Rules:
    """Raises `FieldError`."""
    rules = Rules(
        controllers=read_controllers(fields),
        quorum=fields.number("quorum", LEAST_QUORUM, MOST_QUORUM),
        factors=read_factors(fields),
        identifier_types=read_types(fields),
        schemes=read_schemes(fields.maybe_inner("schemes")),
        source_dataset=fields.choice("source_dataset", SourceDataset),
        care_origin=fields.choice("care_origin", CareOrigin),
        collection_began_on=fields.maybe_day("collection_began_on"),
        emergency_access=fields.flag("emergency_access"),
    )
    fields.end()
    return rules


def read_controllers(fields: Fields) -> tuple[OrganisationCode, ...]:
    """The organisations that control a domain, one or more. Raises `FieldError`."""
    controllers = tuple(OrganisationCode(text) for text in fields.texts("controllers", ORGANISATION, MOST_QUORUM))
    if not controllers:
        raise FieldError(fields.at("controllers"), FieldFault.RANGE)
    return controllers


def read_types(fields: Fields) -> tuple[IdentifierType, ...]:
    """The identifier types of a domain, one or more. Raises `FieldError`."""
    kinds = fields.choices("identifier_types", IdentifierType)
    if not kinds:
        raise FieldError(fields.at("identifier_types"), FieldFault.RANGE)
    return kinds


def read_schemes(fields: Fields | None) -> Mapping[IdentifierType, Scheme]:
    """The types that are not made by AES-256-SIV, and how they are. Raises `FieldError`."""
    if fields is None:
        return {}
    chosen = {kind: fields.choice(kind, Scheme) for kind in IdentifierType if fields.has(kind)}
    fields.end()
    return {kind: scheme for kind, scheme in chosen.items() if scheme is not Scheme.AES_256_SIV_1}
