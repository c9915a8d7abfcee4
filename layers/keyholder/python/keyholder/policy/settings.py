"""What a deployment may set, within limits that it may not: dated exemptions, freshness, Type 1 by collection.

Every value is part of the policy hash, so that an answer names the settings it was given under.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from keyholder.canonical import JsonObject, JsonValue, content_hash
from keyholder.policy import tables
from keyholder.policy.vocabulary import LegalBasis, Purpose
from keyholder.vocabulary import ContentHash

DIRECT_CAP_DAYS = 20
CACHE_CAP_DAYS = 13
CACHE_REFRESH_CAP_DAYS = 7
FRESHNESS_SOURCE = (
    "National data opt-out operational policy guidance, ch.8, as two notes of 2026 summarise it (secondary): "
    "a check at most 20 days old, or 13 days from a cache refreshed at least weekly"
)


class Cap(StrEnum):
    """Which limit a setting went over. No deployment can set it aside."""

    FRESHNESS = "FRESHNESS_OVER_CAP"
    PURPOSE_NEVER_EXEMPT = "PURPOSE_NEVER_EXEMPT"
    EXEMPTION_NEEDS_PROJECT = "EXEMPTION_NEEDS_PROJECT"
    OWN_OPT_OUT_STANDS = "OWN_OPT_OUT_STANDS"
    TYPE1_NO_SETTING = "TYPE1_NO_SETTING"
    DAYS_REVERSED = "DAYS_REVERSED"


CAPS: Mapping[Cap, str] = {
    Cap.FRESHNESS: "Use a check for at most 20 days, one from a cache for 13, refreshed at most 7 days before.",
    Cap.PURPOSE_NEVER_EXEMPT: "Leave it out: the national data opt-out never stops this purpose, or nothing allows it.",
    Cap.EXEMPTION_NEEDS_PROJECT: "Name the one project: only the published exclusions are exempt for everybody.",
    Cap.OWN_OPT_OUT_STANDS: "This programme has an opt-out of its own, which stands: say so in the exemption.",
    Cap.TYPE1_NO_SETTING: "Type 1 is a setting only under regulation 3 and under a statutory direction.",
    Cap.DAYS_REVERSED: "Give a last day that is not before the first.",
}
"""What would be allowed."""


class CapError(ValueError):
    """A setting that no deployment may make. The text is constant; `pointer` is where the setting stands, if known."""

    def __init__(self, cap: Cap, pointer: str | None = None) -> None:
        super().__init__(CAPS[cap])
        self.cap = cap
        self.pointer = pointer


@dataclass(frozen=True, slots=True)
class Freshness:
    """How many calendar days an answer of the opt-out service may be used. Raises `CapError`."""

    direct_days: int = DIRECT_CAP_DAYS
    cache_days: int = CACHE_CAP_DAYS
    cache_refresh_days: int = CACHE_REFRESH_CAP_DAYS

    def __post_init__(self) -> None:
        limits = (
            (self.direct_days, DIRECT_CAP_DAYS),
            (self.cache_days, CACHE_CAP_DAYS),
            (self.cache_refresh_days, CACHE_REFRESH_CAP_DAYS),
        )
        if any(not 0 <= days <= cap for days, cap in limits):
            raise CapError(Cap.FRESHNESS)


def _require_order(first: date, last: date | None) -> None:
    if last is not None and last < first:
        raise CapError(Cap.DAYS_REVERSED)


NDOO_BEGAN_ON = date(2018, 5, 25)
"""The day the national data opt-out began (NHS Digital newsletter, 25 May 2018)."""

PUBLISHED_EXCLUSIONS: Mapping[Purpose, bool] = {
    Purpose.OFFICIAL_STATISTICS_ONS: False,
    Purpose.CANCER_PATIENT_EXPERIENCE_SURVEY: False,
    Purpose.CQC_PATIENT_SURVEY: False,
    Purpose.CANCER_REGISTRATION: True,
    Purpose.RARE_DISEASE_REGISTRATION: True,
    Purpose.POPULATION_SCREENING_OVERSIGHT: True,
    Purpose.ASSURING_TRANSFORMATION: True,
    Purpose.INVOICE_VALIDATION_NON_CONTRACTED: False,
}
"""The flows that patients are told the opt-out does not stop, and whether each has an opt-out of its own (NHS Digital,
Manage your choice, national data opt-out service privacy notice)."""

_MAY_BE_EXEMPT = frozenset(purpose for row in tables.MATRIX if row.ndoo for purpose in row.purposes) - frozenset(
    row.purpose for row in tables.PROHIBITIONS
)


@dataclass(frozen=True, slots=True)
class ExemptFlow:
    """A flow that the national data opt-out does not stop, from and to the days given (both included).

    `own_opt_out`: the programme has an opt-out of its own, which then counts. `project_id`: of this project alone, as
    the Confidentiality Advisory Group exempts single audits and registries. `source`: a code of `sources.SOURCES`, a
    CAG reference, or the SHA-256 of the paper on file. Raises `CapError`.
    """

    purpose: Purpose
    own_opt_out: bool
    source: str
    in_force_from: date
    in_force_to: date | None = None
    project_id: str | None = None

    def __post_init__(self) -> None:
        if self.purpose not in _MAY_BE_EXEMPT:
            raise CapError(Cap.PURPOSE_NEVER_EXEMPT)
        if self.project_id is None and self.purpose not in PUBLISHED_EXCLUSIONS:
            raise CapError(Cap.EXEMPTION_NEEDS_PROJECT)
        if PUBLISHED_EXCLUSIONS.get(self.purpose, False) and not self.own_opt_out:
            raise CapError(Cap.OWN_OPT_OUT_STANDS)
        _require_order(self.in_force_from, self.in_force_to)

    def in_force(self, today: date) -> bool:
        """Whether the exemption holds on this day."""
        return self.in_force_from <= today and (self.in_force_to is None or today <= self.in_force_to)


STATED_EXEMPT_FLOWS: tuple[ExemptFlow, ...] = tuple(
    ExemptFlow(purpose, own_opt_out, "manage-your-choice", NDOO_BEGAN_ON)
    for purpose, own_opt_out in PUBLISHED_EXCLUSIONS.items()
)


@dataclass(frozen=True, slots=True)
class CollectionType1:
    """How one collection treats Type 1 under one basis, from and to the days given (both included).

    `source` as in `ExemptFlow`. Raises `CapError`.
    """

    collection: str
    legal_basis: LegalBasis
    upheld: bool
    source: str
    in_force_from: date
    in_force_to: date | None = None

    def __post_init__(self) -> None:
        row = tables.BASES.get(self.legal_basis)
        if row is None or not row.type1_settable:
            raise CapError(Cap.TYPE1_NO_SETTING)
        _require_order(self.in_force_from, self.in_force_to)

    def in_force(self, today: date) -> bool:
        """Whether the setting holds on this day."""
        return self.in_force_from <= today and (self.in_force_to is None or today <= self.in_force_to)


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """The settings one deployment decides under.

    `type1_after_extraction_withholds`: a Type 1 set after the data left the practice still counts (the July 2021
    letter promises deletion; older practice notices did not). `untraced_is_restricted`: a record nobody looked up in
    PDS is treated as restricted.
    """

    freshness: Freshness = Freshness()
    exempt_flows: tuple[ExemptFlow, ...] = STATED_EXEMPT_FLOWS
    type1_by_collection: tuple[CollectionType1, ...] = ()
    type1_after_extraction_withholds: bool = True
    untraced_is_restricted: bool = True
    policy_hash: ContentHash = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "policy_hash", content_hash({**_rules(), **settings_json(self)}))

    def exempt_flow(self, purpose: Purpose, project_id: str, today: date) -> ExemptFlow | None:
        """The exemption of this flow that is in force, if there is one; of several one with an opt-out of its own."""
        found = [
            flow
            for flow in self.exempt_flows
            if flow.purpose == purpose and flow.project_id in (None, project_id) and flow.in_force(today)
        ]
        return max(found, key=lambda flow: flow.own_opt_out, default=None)


def policy_hash(facts: PolicyFacts) -> ContentHash:
    """SHA-256 over the canonical form of every table and setting: which policy gave an answer."""
    return facts.policy_hash


def settings_json(facts: PolicyFacts) -> JsonObject:
    """The form of settings in events, answers and files."""
    return {
        "freshness": {
            "direct_days": facts.freshness.direct_days,
            "cache_days": facts.freshness.cache_days,
            "cache_refresh_days": facts.freshness.cache_refresh_days,
        },
        "exempt_flows": [
            _dated(flow, purpose=flow.purpose, project=flow.project_id, own_opt_out=flow.own_opt_out)
            for flow in facts.exempt_flows
        ],
        "type1_by_collection": [
            _dated(rule, collection=rule.collection, legal_basis=rule.legal_basis, upheld=rule.upheld)
            for rule in facts.type1_by_collection
        ],
        "type1_after_extraction_withholds": facts.type1_after_extraction_withholds,
        "untraced_is_restricted": facts.untraced_is_restricted,
    }


def _rules() -> JsonObject:
    return {
        "prohibitions": [{"purpose": row.purpose, "source": row.source} for row in tables.PROHIBITIONS],
        "matrix": [_basis(row) for row in tables.MATRIX],
        "reach": [{"origin": row.origin, "reached": row.reached, "source": row.source} for row in tables.NDOO_REACH],
        "codes": [
            {"meaning": row.meaning, "system": row.system, "code": row.code, "source": row.source}
            for row in tables.OPT_OUT_CODES
        ],
        "type2_retired_on": tables.TYPE2_RETIRED_ON.isoformat(),
        "copi_notices_end": [[row.purpose, row.last_day.isoformat(), row.source] for row in tables.COPI_NOTICES_END],
        "locating_identifiers": sorted(tables.LOCATING_IDENTIFIERS),
        "decisions": [
            {"decision": row.decision, "outward": row.outward, "source": row.source} for row in tables.DECISIONS
        ],
        "reasons": [
            {
                "reason": row.reason,
                "decision": row.decision,
                "scope": row.scope,
                "when": row.when,
                "source": row.source,
            }
            for row in tables.REASONS
        ],
    }


def _basis(row: tables.BasisRow) -> JsonObject:
    return {
        "basis": row.basis,
        "purposes": sorted(row.purposes),
        "roles": None if row.roles is None else sorted(row.roles),
        "ethics_for": sorted(row.ethics_for),
        "ndoo": row.ndoo,
        "type1": row.type1,
        "type1_settable": row.type1_settable,
        "lawful": row.lawful,
        "evidence": row.evidence,
        "source": row.source,
    }


def _dated(row: ExemptFlow | CollectionType1, **fields: JsonValue) -> JsonObject:
    return {
        **fields,
        "source": row.source,
        "from": row.in_force_from.isoformat(),
        "to": None if row.in_force_to is None else row.in_force_to.isoformat(),
    }


STATED = PolicyFacts()
"""The published rules at their limits: what case files are evaluated under."""

CHECK_AT_DISCLOSURE = PolicyFacts(freshness=Freshness(direct_days=1, cache_days=1))
"""The product's default: a check of today or yesterday (24 hours, counted in calendar days)."""
