"""What callers are answered about the policy in force and its changes; as in `answers`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated

from pydantic import AwareDatetime, Field

from keyholder.edge.answers.form import Answer, Hash, PersonReference, PolicyChangeReference, Success, Text
from keyholder.policy.changes import ChangeReason as PolicyChangeReason
from keyholder.policy.vocabulary import LegalBasis, Purpose
from keyholder.registry.key_changes import ChangeState


class FreshnessView(Answer):
    """How many calendar days (London) an answer of the opt-out service may be used."""

    direct_days: Annotated[int, Field(ge=0, le=20)]
    cache_days: Annotated[int, Field(ge=0, le=13)]
    cache_refresh_days: Annotated[int, Field(ge=0, le=7)]


class ExemptFlowView(Answer):
    """A flow that the national data opt-out does not stop."""

    purpose: Purpose
    project: str | None
    """Of this project alone; null for a published exclusion, which is everybody's."""
    own_opt_out: bool
    source: Text
    from_: Annotated[dt.date, Field(alias="from")]
    to: dt.date | None


class CollectionType1View(Answer):
    """Whether Type 1 opt-outs count for one collection under one basis."""

    collection: str
    legal_basis: LegalBasis
    upheld: bool
    source: Text
    from_: Annotated[dt.date, Field(alias="from")]
    to: dt.date | None


class SettingsView(Answer):
    """All settings of the policy."""

    freshness: FreshnessView
    exempt_flows: list[ExemptFlowView]
    type1_by_collection: list[CollectionType1View]
    type1_after_extraction_withholds: bool
    untraced_is_restricted: bool


SettingValue = int | bool | ExemptFlowView | CollectionType1View | None


class SettingDifference(Answer):
    """A field with both values; a row that goes has no `after`, one that comes no `before`."""

    field: Text
    before: SettingValue
    after: SettingValue


class PolicyChangeView(Answer):
    """Settings that an operator proposed, how they differ from those in force then, and what became of them."""

    change_id: PolicyChangeReference
    reason: PolicyChangeReason
    state: ChangeState
    differences: list[SettingDifference]
    settings: SettingsView
    settings_sha256: Hash
    proposed_by: PersonReference
    proposed_at: AwareDatetime
    expires_at: AwareDatetime
    """From this moment on nobody can confirm it."""
    closed_by: PersonReference | None
    """Who confirmed or withdrew it."""
    closed_at: AwareDatetime | None


class PolicyChangeLine(Answer):
    """One change in the list."""

    change_id: PolicyChangeReference
    reason: PolicyChangeReason
    state: ChangeState
    settings_sha256: Hash
    proposed_at: AwareDatetime


class PolicyView(Answer):
    """What everything is decided under, now."""

    policy_hash: Hash
    """Of the rules and the settings together: every decision in the ledger names it."""
    settings: SettingsView
    settings_sha256: Hash
    waiting: PolicyChangeView | None
    """The change that waits for its second person."""
    changes: list[PolicyChangeLine]
    """Every change, the newest first."""


SUCCESSES: Mapping[str, Success] = {
    "GET /v1/policy": Success(PolicyView, versioned=True),
    "GET /v1/policy/changes/{change_id}": Success(PolicyChangeView, versioned=True),
    "POST /v1/policy/changes": Success(PolicyChangeView, versioned=True),
    "POST /v1/policy/changes/{change_id}/confirm": Success(PolicyChangeView, versioned=True),
    "POST /v1/policy/changes/{change_id}/stop": Success(PolicyChangeView, versioned=True),
    "POST /v1/policy/changes/{change_id}/withdraw": Success(PolicyChangeView, versioned=True),
}
"""By route."""
