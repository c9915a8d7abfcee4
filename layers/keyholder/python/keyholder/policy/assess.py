"""The decision for one request and for each person, at the moment of disclosure. Pure, and closed where in doubt."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime

from keyholder.policy import checks
from keyholder.policy.by_kind import ByKind
from keyholder.policy.days import london_day
from keyholder.policy.evidence import review_overdue
from keyholder.policy.facts import Person, PolicyRequest
from keyholder.policy.settings import PolicyFacts
from keyholder.policy.tables import BASES, EFFECT, LOCATING_IDENTIFIERS, OUTWARD
from keyholder.policy.type1 import recorded_after_retirement
from keyholder.policy.vocabulary import (
    Decision,
    OutputForm,
    OutwardCode,
    PdsSecurity,
    PolicyIdentifier,
    PolicyWarning,
    Reason,
    Scope,
)
from keyholder.vocabulary import ContentHash


@dataclass(frozen=True, slots=True)
class Assessment:
    """One answer of the policy.

    `reasons` are those that decided, in the order of the checks, the lawful reason of a release first. They are for
    the ledger and for auditors: the requester sees `outward_code` alone. `ndoo_applied` and `type1_applied` say
    whether the opt-out was in scope, whatever the person chose; None where the evaluation ended before that.
    """

    decision: Decision
    scope: Scope
    outward_code: OutwardCode
    policy_hash: ContentHash
    reasons: tuple[Reason, ...] = field(repr=False)
    warnings: tuple[PolicyWarning, ...] = field(default=(), repr=False)
    ndoo_applied: bool | None = None
    type1_applied: bool | None = None
    identifiers_released: tuple[PolicyIdentifier, ...] = ()

    @property
    def passes(self) -> bool:
        """Whether nothing stands against: the request may go on to its people, or something of the person leaves."""
        return self.decision in {Decision.RELEASE, Decision.RELEASE_PARTIAL}


def assess_request(request: PolicyRequest, facts: PolicyFacts, now: datetime) -> Assessment:
    """Refused, pending, or `RELEASE` with request scope: nothing about the request stands against asking its people.

    A passed request releases nothing by itself. Raises `ValueError` for a moment without a zone.
    """
    today = london_day(now)
    warnings = _request_warnings(request, today)
    for check in checks.REQUEST_CHECKS:
        reasons = check(request, facts, today)
        if reasons:
            decision = EFFECT[reasons[0]].decision
            return Assessment(decision, Scope.REQUEST, OUTWARD[decision], facts.policy_hash, reasons, warnings)
    row = BASES.get(request.legal_basis)
    lawful = () if row is None else (row.lawful,)
    return Assessment(Decision.RELEASE, Scope.REQUEST, OUTWARD[Decision.RELEASE], facts.policy_hash, lawful, warnings)


def assess_person(request: PolicyRequest, person: Person, facts: PolicyFacts, now: datetime) -> Assessment:
    """What one person's pseudonym gives. A request that does not pass answers for the person too."""
    about_request = assess_request(request, facts, now)
    if not about_request.passes:
        return about_request
    return _assess(request, person, facts, now, about_request.warnings)


def assess_people(
    request: PolicyRequest, people: ByKind[Person], facts: PolicyFacts, now: datetime
) -> ByKind[Assessment]:
    """`assess_person` for each, in order. The request is looked at once, and people about whom the same is known once.

    What grows with the number of people is finding out what is known of them: `choices.Choices.of_all`.
    """
    about_request = assess_request(request, facts, now)
    if not about_request.passes:
        return people.map(lambda _: about_request)
    return people.map(lambda person: _assess(request, person, facts, now, about_request.warnings))


def supposing_approved(request: PolicyRequest) -> PolicyRequest:
    """The request as if every responsible controller had approved: to count, at submission, who could be released.

    Never to release anything: a release is assessed with the approvals that are on record.
    """
    return replace(
        request, controllers_approved=request.controllers_required, identifiers_approved=request.identifiers_requested
    )


def _assess(
    request: PolicyRequest,
    person: Person,
    facts: PolicyFacts,
    now: datetime,
    warnings: tuple[PolicyWarning, ...],
) -> Assessment:
    today = london_day(now)
    reach = checks.reach_of(request, person, facts, today)
    case = checks.PersonSituation(request, person, facts, now, today, reach)
    against = _against(case)
    if Reason.PSEUDONYM_UNKNOWN in against:
        decision = Decision.WITHHOLD
        return Assessment(
            decision, Scope.SUBJECT, OUTWARD[decision], facts.policy_hash, (Reason.PSEUDONYM_UNKNOWN,), warnings
        )
    if recorded_after_retirement(person.type2_events):
        warnings = (*warnings, PolicyWarning.TYPE2_CODE_AFTER_RETIREMENT)
    decision, reasons, released = _decide(case, against)
    return Assessment(
        decision,
        Scope.SUBJECT,
        OUTWARD[decision],
        facts.policy_hash,
        reasons,
        warnings,
        ndoo_applied=reach.ndoo,
        type1_applied=reach.type1,
        identifiers_released=released,
    )


def _against(case: checks.PersonSituation) -> tuple[Reason, ...]:
    return tuple(reason for check in checks.PERSON_CHECKS for reason in check(case))


def _decide(
    case: checks.PersonSituation, against: tuple[Reason, ...]
) -> tuple[Decision, tuple[Reason, ...], tuple[PolicyIdentifier, ...]]:
    """The graver decision wins, and only the reasons that led to it are named."""
    for decision in (Decision.WITHHOLD, Decision.HOLD):
        decisive = tuple(reason for reason in against if EFFECT[reason].decision == decision)
        if decisive:
            return decision, decisive, ()
    return _minimise(case)


def _minimise(
    case: checks.PersonSituation,
) -> tuple[Decision, tuple[Reason, ...], tuple[PolicyIdentifier, ...]]:
    """Only what was asked for, approved, and may leave for a restricted record; nothing left is a withholding."""
    lawful = _lawful(case)
    if case.request.output_form == OutputForm.AGGREGATE:
        return Decision.RELEASE, lawful, ()
    asked = tuple(dict.fromkeys(case.request.identifiers_requested))
    approved = tuple(identifier for identifier in asked if identifier in case.request.identifiers_approved)
    released = tuple(item for item in approved if not (_restricted(case) and item in LOCATING_IDENTIFIERS))
    narrowed: tuple[Reason, ...] = ()
    if len(approved) < len(asked):
        narrowed = (Reason.IDENTIFIER_NOT_APPROVED,)
    if len(released) < len(approved):
        narrowed = (*narrowed, Reason.PDS_RESTRICTED)
    if not narrowed:
        return Decision.RELEASE, lawful, released
    if not released:
        return Decision.WITHHOLD, narrowed, ()
    return Decision.RELEASE_PARTIAL, (*lawful, *narrowed), released


def _restricted(case: checks.PersonSituation) -> bool:
    security = case.person.pds_security
    return case.facts.untraced_is_restricted if security is None else security != PdsSecurity.UNRESTRICTED


def _lawful(case: checks.PersonSituation) -> tuple[Reason, ...]:
    """Why the release is lawful. An excluded flow is named by its exclusion alone, as in the published cases."""
    if case.request.output_form == OutputForm.AGGREGATE:
        return (Reason.NOT_IDENTIFIABLE,)
    if case.reach.flow is not None:
        return (Reason.NDOO_EXEMPT_FLOW,)
    lawful = BASES[case.request.legal_basis].lawful
    return (lawful,) if case.reach.exemption is None else (lawful, case.reach.exemption)


def _request_warnings(request: PolicyRequest, today: date) -> tuple[PolicyWarning, ...]:
    if request.legal_basis in checks.S251 and review_overdue(request, today):
        return (PolicyWarning.CAG_REVIEW_OVERDUE,)
    return ()
