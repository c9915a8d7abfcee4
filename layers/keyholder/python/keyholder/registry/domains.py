"""Domains: a pseudonym space with its own keys, controllers and rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum

from keyholder.canonical import JsonObject, JsonValue
from keyholder.pseudonyms.schemes import WARNINGS
from keyholder.pseudonyms.token import Scheme
from keyholder.refusals import Refusal, RefusalKind
from keyholder.registry.factors import (
    LEAST_QUORUM,
    MOST_QUORUM,
    Factor,
    Needs,
    factors_json,
    factors_view,
    read_factors,
)
from keyholder.registry.fields import FieldError, Fields
from keyholder.registry.key_changes import KeyChange, KeyName, key_change_view, open_changes
from keyholder.registry.projects import DOMAIN
from keyholder.registry.rule_changes import RuleChange, open_rule_changes, rule_change_view
from keyholder.registry.rules import CareOrigin, Rules, SourceDataset, read_controllers, read_schemes, read_types
from keyholder.vocabulary import DomainId, IdentifierType, OrganisationCode

QUORUM_TOO_SMALL = Refusal(
    "QUORUM_TOO_SMALL",
    RefusalKind.INVALID,
    "Ask for two controllers or more: nobody, an operator included, can let one person release alone.",
    "/quorum",
)

__all__ = [
    "KMS_KEY_ARN",
    "LEAST_QUORUM",
    "QUORUM_TOO_SMALL",
    "CareOrigin",
    "Domain",
    "KeyState",
    "KeyVersions",
    "SourceDataset",
    "domain_json",
    "domain_view",
    "parse_domain",
    "quorum_too_small",
    "read_domain",
    "scheme_warnings",
]

KMS_KEY_ARN = re.compile(
    r"arn:aws(?:-[a-z]+)*:kms:[a-z]{2}(?:-[a-z]+)+-[0-9]:[0-9]{12}:key/"
    r"(?:mrk-[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
)
"""A KMS key by its own name (KMS Developer Guide, "Key identifiers"): an alias could be pointed elsewhere."""


class KeyState(StrEnum):
    """What a version of a data key is good for."""

    ACTIVE = "active"
    """Makes new tokens and opens its own."""
    REVERSIBLE = "reversible"
    """A newer version makes tokens; this one still opens its own."""
    RETIRED = "retired"
    """Opens nothing; the wrapped key is kept until it is destroyed."""
    DESTROYED = "destroyed"
    """Gone for good."""


KeyVersions = Mapping[IdentifierType, Mapping[int, KeyState]]


@dataclass(frozen=True, slots=True)
class Domain:
    """One domain. Raises `ValueError` for a quorum below two, no controller or no identifier type.

    `quorum` counts distinct controllers; every organisation in `controllers` must be among them. `factors` counts the
    others who have to agree beside them. `kms_key_arn` is the controller's own KMS key where the domain brings one.
    `schemes` has the columns that are not AES-256-SIV. `collection_began_on` is the first day of the collection: who
    had died before gets no pseudonym. `key_changes` holds every proposal there ever was, in order. `keys_behind`: a
    change was confirmed, and nobody has noted since that the keys table follows. `emergency_access` is off until a
    change of the rules switches it on. `rule_changes` holds every proposal of that kind.
    """

    id: DomainId
    controllers: tuple[OrganisationCode, ...]
    identifier_types: tuple[IdentifierType, ...]
    source_dataset: SourceDataset
    care_origin: CareOrigin
    quorum: int = LEAST_QUORUM
    factors: Mapping[Factor, int] = field(default_factory=dict)
    kms_key_arn: str | None = None
    schemes: Mapping[IdentifierType, Scheme] = field(default_factory=dict)
    collection_began_on: date | None = None
    keys: KeyVersions = field(default_factory=dict)
    key_changes: tuple[KeyChange, ...] = ()
    keys_behind: bool = False
    emergency_access: bool = False
    rule_changes: tuple[RuleChange, ...] = ()

    def __post_init__(self) -> None:
        if self.quorum < LEAST_QUORUM:
            raise ValueError("a domain's quorum is two or more")
        if not self.controllers or not self.identifier_types:
            raise ValueError("a domain needs a controller and an identifier type")

    def needs(self) -> Needs:
        """Who has to agree before anything of it leaves."""
        return Needs(self.controllers, self.quorum, self.factors)

    def rules(self) -> Rules:
        """The rules that can be changed."""
        return Rules(
            controllers=self.controllers,
            quorum=self.quorum,
            factors=self.factors,
            identifier_types=self.identifier_types,
            schemes=self.schemes,
            source_dataset=self.source_dataset,
            care_origin=self.care_origin,
            collection_began_on=self.collection_began_on,
            emergency_access=self.emergency_access,
        )

    def ruled_by(self, rules: Rules) -> Domain:
        """The domain under other rules."""
        return replace(
            self,
            controllers=rules.controllers,
            quorum=rules.quorum,
            factors=rules.factors,
            identifier_types=rules.identifier_types,
            schemes=rules.schemes,
            source_dataset=rules.source_dataset,
            care_origin=rules.care_origin,
            collection_began_on=rules.collection_began_on,
            emergency_access=rules.emergency_access,
        )

    def types_without_keys(self) -> tuple[IdentifierType, ...]:
        """The identifier types of which no key was ever made."""
        return tuple(kind for kind in self.identifier_types if not self.newest_version(kind))

    def scheme(self, identifier_type: IdentifierType) -> Scheme:
        """How the pseudonyms of a type are made."""
        return self.schemes.get(identifier_type, Scheme.AES_256_SIV_1)

    def newest_versions(self) -> Mapping[IdentifierType, int]:
        """The newest key version of each type that has one."""
        return {kind: max(versions) for kind, versions in self.keys.items() if versions}

    def newest_version(self, identifier_type: IdentifierType) -> int:
        """The newest key version of a type; 0 where no key was made."""
        return max(self.keys.get(identifier_type, {}), default=0)

    def active_versions(self) -> Mapping[IdentifierType, int]:
        """The version that makes pseudonyms for each type: the newest one, where that is active."""
        newest = self.newest_versions().items()
        return {kind: version for kind, version in newest if self.key_state((kind, version)) is KeyState.ACTIVE}

    def key_state(self, key: KeyName) -> KeyState | None:
        """What one key version is good for; None where it was never made."""
        identifier_type, version = key
        return self.keys.get(identifier_type, {}).get(version)

    def key_change(self, change_id: str) -> KeyChange | None:
        """The proposal of that id."""
        return next((change for change in self.key_changes if change.id == change_id), None)

    def rule_change(self, change_id: str) -> RuleChange | None:
        """The proposal to change the rules of that id."""
        return next((change for change in self.rule_changes if change.id == change_id), None)


def domain_json(domain: Domain) -> JsonObject:
    """The form of the registration event: a domain before its keys."""
    return {
        "id": domain.id,
        "controllers": list(domain.controllers),
        "identifier_types": [identifier_type.value for identifier_type in domain.identifier_types],
        "source_dataset": domain.source_dataset.value,
        "care_origin": domain.care_origin.value,
        "quorum": domain.quorum,
        **({"factors": factors_json(domain.factors)} if domain.factors else {}),
        **({} if domain.kms_key_arn is None else {"kms_key_arn": domain.kms_key_arn}),
        **(
            {"schemes": {kind.value: scheme.value for kind, scheme in domain.schemes.items()}} if domain.schemes else {}
        ),
        **(
            {}
            if domain.collection_began_on is None
            else {"collection_began_on": domain.collection_began_on.isoformat()}
        ),
    }


def scheme_warnings(domain: Domain) -> JsonObject:
    """By identifier type, what has to be known of its scheme."""
    return {kind.value: WARNINGS[scheme].value for kind, scheme in domain.schemes.items() if scheme in WARNINGS}


def domain_view(domain: Domain, now: datetime) -> JsonObject:
    """The form of answers: the domain, the state of each key version, and the proposals that are open at the moment."""
    keys = {
        identifier_type.value: {str(version): state.value for version, state in versions.items()}
        for identifier_type, versions in domain.keys.items()
    }
    return {
        **domain_json(domain),
        "factors": factors_view(domain.factors),
        "kms_key_arn": domain.kms_key_arn,
        "schemes": {kind.value: domain.scheme(kind).value for kind in domain.identifier_types},
        "warnings": scheme_warnings(domain),
        "collection_began_on": domain.collection_began_on.isoformat() if domain.collection_began_on else None,
        "keys": keys,
        "key_changes": [key_change_view(change, now) for change in open_changes(domain.key_changes, now)],
        "emergency_access": domain.emergency_access,
        "rule_changes": [rule_change_view(change, now) for change in open_rule_changes(domain.rule_changes, now)],
    }


def read_domain(fields: Fields) -> Domain:
    """Raises `FieldError`."""
    domain = Domain(
        id=DomainId(fields.text("id", DOMAIN)),
        controllers=read_controllers(fields),
        identifier_types=read_types(fields),
        source_dataset=fields.choice("source_dataset", SourceDataset),
        care_origin=fields.choice("care_origin", CareOrigin),
        quorum=fields.number("quorum", LEAST_QUORUM, MOST_QUORUM) if fields.has("quorum") else LEAST_QUORUM,
        factors=read_factors(fields),
        kms_key_arn=fields.maybe_text("kms_key_arn", KMS_KEY_ARN),
        schemes=read_schemes(fields.maybe_inner("schemes")),
        collection_began_on=fields.maybe_day("collection_began_on"),
    )
    fields.end()
    return domain


def parse_domain(raw: JsonObject) -> Domain | Refusal:
    """A domain from a request body: the form of `domain_json`; what has a default in `Domain` is optional."""
    if quorum_too_small(raw.get("quorum")):
        return QUORUM_TOO_SMALL
    try:
        return read_domain(Fields(raw))
    except FieldError as error:
        return error.refusal()


def quorum_too_small(quorum: JsonValue) -> bool:
    """Whether this is a number of people that is none or one person's."""
    return isinstance(quorum, int) and not isinstance(quorum, bool) and quorum < LEAST_QUORUM
