"""What a deployment may set, within limits that it may not: dated exemptions, freshness, Type 1 by collection.

Every value is part of the policy hash, so that an answer names the settings it was given under.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

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


@dataclass(frozen=True, slots=True)
class Freshness:
    """How many calendar days an answer of the opt-out service may be used. Raises `ValueError` over a cap."""

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
            raise ValueError("freshness is from 0 days to the cap: 20 direct, 13 cached, 7 since the refresh")


@dataclass(frozen=True, slots=True)
class ExemptFlow:
    """A flow that the national data opt-out does not stop, from and to the days given (both included).

    `own_opt_out`: the programme has an opt-out of its own, which then counts.
    """

    purpose: Purpose
    own_opt_out: bool
    source: str
    in_force_from: date
    in_force_to: date | None = None

    def in_force(self, today: date) -> bool:
        """Whether the exemption holds on this day."""
        return self.in_force_from <= today and (self.in_force_to is None or today <= self.in_force_to)


NDOO_BEGAN_ON = date(2018, 5, 25)
"""The day the national data opt-out began (NHS Digital newsletter, 25 May 2018)."""


def _flow(purpose: Purpose, *, own_opt_out: bool = False) -> ExemptFlow:
    return ExemptFlow(purpose, own_opt_out, tables.MANAGE_YOUR_CHOICE, NDOO_BEGAN_ON)


STATED_EXEMPT_FLOWS: tuple[ExemptFlow, ...] = (
    _flow(Purpose.OFFICIAL_STATISTICS_ONS),
    _flow(Purpose.CANCER_PATIENT_EXPERIENCE_SURVEY),
    _flow(Purpose.CQC_PATIENT_SURVEY),
    _flow(Purpose.CANCER_REGISTRATION, own_opt_out=True),
    _flow(Purpose.RARE_DISEASE_REGISTRATION, own_opt_out=True),
    _flow(Purpose.POPULATION_SCREENING_OVERSIGHT, own_opt_out=True),
    _flow(Purpose.ASSURING_TRANSFORMATION, own_opt_out=True),
    _flow(Purpose.INVOICE_VALIDATION_NON_CONTRACTED),
)


@dataclass(frozen=True, slots=True)
class CollectionType1:
    """How one collection treats Type 1 under one basis, from and to the days given (both included).

    Raises `ValueError` for a basis whose Type 1 behaviour is not a setting.
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
            raise ValueError("Type 1 is a setting only under regulation 3 and under a statutory direction")

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
        object.__setattr__(self, "policy_hash", content_hash(_canonical_rules(self)))

    def exempt_flow(self, purpose: Purpose, today: date) -> ExemptFlow | None:
        """The exemption of this purpose that is in force, if there is one."""
        return next((flow for flow in self.exempt_flows if flow.purpose == purpose and flow.in_force(today)), None)


def policy_hash(facts: PolicyFacts) -> ContentHash:
    """SHA-256 over the canonical form of every table and setting: which policy gave an answer."""
    return facts.policy_hash


def _canonical_rules(facts: PolicyFacts) -> JsonObject:
    return {
        "prohibitions": [{"purpose": row.purpose, "source": row.source} for row in tables.PROHIBITIONS],
        "matrix": [_basis(row) for row in tables.MATRIX],
        "reach": [{"origin": row.origin, "reached": row.reached, "source": row.source} for row in tables.NDOO_REACH],
        "codes": [{"meaning": row.meaning, "system": row.system, "code": row.code} for row in tables.OPT_OUT_CODES],
        "type2_retired_on": tables.TYPE2_RETIRED_ON.isoformat(),
        "copi_notices_end": [[purpose, end.isoformat()] for purpose, end in tables.COPI_NOTICES_END],
        "locating_identifiers": sorted(tables.LOCATING_IDENTIFIERS),
        "decisions": [{"decision": row.decision, "outward": row.outward} for row in tables.DECISIONS],
        "reasons": [
            {"reason": row.reason, "decision": row.decision, "scope": row.scope, "when": row.when}
            for row in tables.REASONS
        ],
        "freshness": {
            "direct_days": facts.freshness.direct_days,
            "cache_days": facts.freshness.cache_days,
            "cache_refresh_days": facts.freshness.cache_refresh_days,
        },
        "exempt_flows": [
            _dated(flow, purpose=flow.purpose, own_opt_out=flow.own_opt_out) for flow in facts.exempt_flows
        ],
        "type1_by_collection": [
            _dated(rule, collection=rule.collection, legal_basis=rule.legal_basis, upheld=rule.upheld)
            for rule in facts.type1_by_collection
        ],
        "type1_after_extraction_withholds": facts.type1_after_extraction_withholds,
        "untraced_is_restricted": facts.untraced_is_restricted,
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
