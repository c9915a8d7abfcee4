"""What callers are answered about domains, their keys and their rules; as in `answers`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from keyholder.edge.answers.form import Answer, Count, Kinds, PersonReference, Success
from keyholder.pseudonyms.schemes import SchemeWarning
from keyholder.pseudonyms.token import Scheme
from keyholder.registry.domains import CareOrigin, KeyState, SourceDataset
from keyholder.registry.key_changes import Change, ChangeReason, ChangeState
from keyholder.registry.rule_changes import RuleChangeReason
from keyholder.registry.rules import Rule
from keyholder.vocabulary import IdentifierType


class KeyVersion(Answer):
    """One version of one identifier type's key."""

    identifier_type: IdentifierType
    version: Annotated[int, Field(ge=1)]


class KeyChangeView(Answer):
    """A change of a domain's keys that one operator proposed, and what became of it."""

    change_id: Annotated[str, StringConstraints(pattern=r"^KCH-[0-9A-HJKMNP-TV-Z]{26}$")]
    change: Change
    keys: Annotated[list[KeyVersion], Field(min_length=1)]
    """The versions it makes, retires or destroys."""
    reason: ChangeReason
    state: ChangeState
    proposed_by: PersonReference
    proposed_at: AwareDatetime
    expires_at: AwareDatetime
    """From this moment on nobody can confirm it."""
    closed_by: PersonReference | None
    """Who confirmed or withdrew it."""


class Factors(Answer):
    """How many people of each kind have to approve beside the controllers."""

    caldicott_guardian: Count
    data_protection_officer: Count


class RulesView(Answer):
    """The rules of a domain that can be changed."""

    controllers: list[str]
    quorum: Annotated[int, Field(ge=2)]
    factors: Factors
    identifier_types: Kinds
    schemes: dict[IdentifierType, Scheme]
    """Of the types that are not `aes_256_siv_1`."""
    source_dataset: SourceDataset
    care_origin: CareOrigin
    collection_began_on: dt.date | None
    emergency_access: bool


class RuleChangeView(Answer):
    """A change of a domain's rules that an operator proposed, and what became of it."""

    change_id: Annotated[str, StringConstraints(pattern=r"^RCH-[0-9A-HJKMNP-TV-Z]{26}$")]
    rules: RulesView
    """All rules as they would be."""
    changes: Annotated[list[Rule], Field(min_length=1)]
    loosens: list[Rule]
    """Those that are not stricter: with any, it takes the people that a release takes; else one of them."""
    reason: RuleChangeReason
    state: ChangeState
    proposed_by: PersonReference
    proposed_at: AwareDatetime
    expires_at: AwareDatetime
    """From this moment on nobody can confirm it."""
    confirmed_by: list[PersonReference]
    closed_by: PersonReference | None
    """Who confirmed last, or withdrew it."""


class DomainView(Answer):
    """A pseudonym space, its controllers, the state of each version of its keys, and the changes that wait."""

    domain_id: str
    id: str
    controllers: list[str]
    identifier_types: Kinds
    source_dataset: SourceDataset
    care_origin: CareOrigin
    quorum: Annotated[int, Field(ge=2)]
    """Distinct controllers, one of every organisation among them."""
    factors: Factors
    kms_key_arn: str | None
    """The controller's own KMS key; null where the environment's wraps the keys."""
    schemes: dict[IdentifierType, Scheme]
    """How pseudonyms are made, for each of the identifier types."""
    warnings: dict[IdentifierType, SchemeWarning]
    """What has to be known of a scheme, for the types whose scheme gives something up."""
    collection_began_on: dt.date | None
    """Who had died before this day gets no pseudonym."""
    keys: dict[IdentifierType, dict[Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*$")], KeyState]]
    key_changes: list[KeyChangeView]
    """Proposals that wait for another operator."""
    emergency_access: bool
    """Whether clinicians may ask for emergency access."""
    rule_changes: list[RuleChangeView]
    """Proposals that wait for those who decide for the domain."""


SUCCESSES: Mapping[str, Success] = {
    "POST /v1/domains": Success(DomainView, versioned=True),
    "GET /v1/domains/{domain_id}": Success(DomainView, versioned=True),
    "POST /v1/domains/{domain_id}/key-changes": Success(KeyChangeView, versioned=True),
    "POST /v1/domains/{domain_id}/key-changes/{change_id}/confirm": Success(KeyChangeView, versioned=True),
    "POST /v1/domains/{domain_id}/key-changes/{change_id}/withdraw": Success(KeyChangeView, versioned=True),
    "POST /v1/domains/{domain_id}/rule-changes": Success(RuleChangeView, versioned=True),
    "POST /v1/domains/{domain_id}/rule-changes/{change_id}/confirm": Success(RuleChangeView, versioned=True),
    "POST /v1/domains/{domain_id}/rule-changes/{change_id}/withdraw": Success(RuleChangeView, versioned=True),
}
"""By route."""
