"""The checks, one rule each, in the order in which they are made. Pure; an empty answer means nothing stands against.

Two tuples hold them. `assess` walks `REQUEST_CHECKS` and stops at the first that answers; of `PERSON_CHECKS` it hears
all, because each opt-out has to be on record (only an unknown pseudonym ends it there).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from keyholder.policy import tables
from keyholder.policy.days import over
from keyholder.policy.evidence import EVIDENCE
from keyholder.policy.facts import CodedEvent, NdooCheck, Person, PolicyRequest
from keyholder.policy.settings import ExemptFlow, Freshness, PolicyFacts
from keyholder.policy.type1 import MEANINGS, Type1State, state_of
from keyholder.policy.vocabulary import (
    CheckMode,
    CheckState,
    LegalBasis,
    OptOutCondition,
    OutputForm,
    Reason,
    SourceDataset,
)

Reasons = tuple[Reason, ...]
RequestCheck = Callable[[PolicyRequest, PolicyFacts, date], Reasons]

S251 = frozenset({LegalBasis.S251_REG5, LegalBasis.S251_REG2})


def prohibited_purpose(request: PolicyRequest, _facts: PolicyFacts, _today: date) -> Reasons:
    """Nothing makes these lawful, consent included."""
    prohibited = any(row.purpose == request.purpose for row in tables.PROHIBITIONS)
    return (Reason.PURPOSE_PROHIBITED,) if prohibited else ()


def basis_named(request: PolicyRequest, _facts: PolicyFacts, _today: date) -> Reasons:
    """A basis with a row in the matrix."""
    return () if request.legal_basis in tables.BASES else (Reason.BASIS_MISSING,)


def role_may_claim_basis(request: PolicyRequest, _facts: PolicyFacts, _today: date) -> Reasons:
    """Direct care is for clinicians."""
    row = tables.BASES.get(request.legal_basis)
    if row is None or row.roles is None or request.requester.role in row.roles:
        return ()
    return (Reason.ROLE_NOT_PERMITTED,)


def basis_fits_purpose(request: PolicyRequest, _facts: PolicyFacts, _today: date) -> Reasons:
    """The matrix names the purpose for the basis."""
    row = tables.BASES.get(request.legal_basis)
    return () if row is not None and request.purpose in row.purposes else (Reason.BASIS_PURPOSE_MISMATCH,)


def basis_evidence(request: PolicyRequest, _facts: PolicyFacts, today: date) -> Reasons:
    """What the basis rests on is on file, in force today, and permits re-identification."""
    rule = EVIDENCE.get(request.legal_basis)
    return rule(request, today) if rule is not None else (Reason.BASIS_EVIDENCE_MISSING,)


def ethics(request: PolicyRequest, _facts: PolicyFacts, _today: date) -> Reasons:
    """Research has a favourable opinion of an ethics committee."""
    row = tables.BASES.get(request.legal_basis)
    needed = row is None or request.purpose in row.ethics_for
    opinion = request.rec
    favourable = opinion is not None and bool(opinion.ref) and opinion.favourable
    return (Reason.REC_MISSING,) if needed and not favourable else ()


def accreditation_and_agreement(request: PolicyRequest, _facts: PolicyFacts, today: date) -> Reasons:
    """Accreditation and data sharing agreement both hold on the day of disclosure, their last days included."""
    accredited_until = request.requester.accredited_until
    found: list[Reason] = []
    if accredited_until is None or over(accredited_until, today):
        found.append(Reason.REQUESTER_NOT_ACCREDITED)
    if request.agreement is None or over(request.agreement.ends_on, today):
        found.append(Reason.DSA_EXPIRED)
    return tuple(found)


def controllers(request: PolicyRequest, _facts: PolicyFacts, _today: date) -> Reasons:
    """Every responsible controller approved and nobody refused; without a responsible controller nothing moves."""
    if request.controllers_refused:
        return (Reason.CONTROLLER_REFUSED,)
    required = set(request.controllers_required)
    if not required or not required <= set(request.controllers_approved):
        return (Reason.AWAITING_CONTROLLER,)
    return ()


REQUEST_CHECKS: tuple[RequestCheck, ...] = (
    prohibited_purpose,
    basis_named,
    role_may_claim_basis,
    basis_fits_purpose,
    basis_evidence,
    ethics,
    accreditation_and_agreement,
    controllers,
)


@dataclass(frozen=True, slots=True)
class Reach:
    """Which opt-outs are in scope for one person's release, whatever the person chose, and why one is not.

    `exemption` is the reason to name beside the lawful basis (support or effort exemption); `flow` the excluded flow.
    """

    ndoo: bool
    type1: bool
    flow: ExemptFlow | None
    exemption: Reason | None


def reach_of(request: PolicyRequest, person: Person, facts: PolicyFacts, today: date) -> Reach:
    """The opt-outs' reach: basis, then output, origin of care, excluded flow, the support's exemption, the number."""
    flow = facts.exempt_flow(request.purpose, request.project_id, today)
    type1 = _type1_reaches(request, facts, today)
    if flow is not None or not _ndoo_reaches(request):
        return Reach(ndoo=False, type1=type1, flow=flow, exemption=None)
    exemption = _exemption(request, person)
    return Reach(ndoo=exemption is None, type1=type1, flow=None, exemption=exemption)


def _ndoo_reaches(request: PolicyRequest) -> bool:
    row = tables.BASES.get(request.legal_basis)
    basis = row is None or row.ndoo
    origin = all(reach.reached for reach in tables.NDOO_REACH if reach.origin == request.care_origin)
    return basis and origin and request.output_form != OutputForm.AGGREGATE


def _exemption(request: PolicyRequest, person: Person) -> Reason | None:
    cag = request.cag
    if cag is not None and cag.opt_out_condition == OptOutCondition.EXEMPT and cag.exemption_letter_on_file:
        return Reason.CAG_OPTOUT_EXEMPTION
    if not person.nhs_number_known and person.nhs_number_effort_exemption:
        return Reason.NHS_NUMBER_EFFORT_EXEMPTION
    return None


def _type1_reaches(request: PolicyRequest, facts: PolicyFacts, today: date) -> bool:
    if request.source_dataset != SourceDataset.GP or request.output_form == OutputForm.AGGREGATE:
        return False
    row = tables.BASES.get(request.legal_basis)
    if row is None:
        return True
    rules = [
        rule.upheld
        for rule in facts.type1_by_collection
        if rule.collection == request.collection and rule.legal_basis == row.basis and rule.in_force(today)
    ]
    return any(rules) if rules else row.type1


@dataclass(frozen=True, slots=True)
class PersonSituation:
    """Everything a person's checks look at."""

    request: PolicyRequest
    person: Person
    facts: PolicyFacts
    now: datetime
    today: date
    reach: Reach


PersonCheck = Callable[[PersonSituation], Reasons]


def pseudonym_resolves(case: PersonSituation) -> Reasons:
    """The code leads to somebody."""
    return () if case.person.pseudonym_resolves else (Reason.PSEUDONYM_UNKNOWN,)


def consent(case: PersonSituation) -> Reasons:
    """Under explicit consent: given, not withdrawn, for this project, and for being re-identified."""
    if case.request.legal_basis != LegalBasis.EXPLICIT_CONSENT:
        return ()
    held = case.person.choices.consent
    if held is None:
        return (Reason.CONSENT_ABSENT,)
    withdrawn = held.withdrawn_on is not None and held.withdrawn_on <= case.today
    ended = held.ends_on is not None and over(held.ends_on, case.today)
    found = (
        (Reason.CONSENT_NOT_YET_GIVEN, held.given_on > case.today),
        (Reason.CONSENT_WITHDRAWN, withdrawn or ended),
        (Reason.CONSENT_WRONG_PROJECT, held.project_id != case.request.project_id),
        (Reason.CONSENT_SCOPE, not held.covers_reidentification),
    )
    return tuple(reason for reason, holds in found if holds)


def care_relationship(case: PersonSituation) -> Reasons:
    """Under direct care: a relationship in force at this moment, its end exclusive."""
    if case.request.legal_basis != LegalBasis.IMPLIED_CONSENT_DIRECT_CARE:
        return ()
    held = case.person.care_relationship
    if held is not None and held.starts_at <= case.now and (held.ends_at is None or case.now < held.ends_at):
        return ()
    return (Reason.NO_CARE_RELATIONSHIP,)


def programme_opt_out(case: PersonSituation) -> Reasons:
    """An excluded flow with an opt-out of its own respects that one; unknown counts as used."""
    flow = case.reach.flow
    if flow is None or not flow.own_opt_out or case.request.output_form == OutputForm.AGGREGATE:
        return ()
    return () if case.person.programme_opt_out is False else (Reason.PROGRAMME_OPT_OUT,)


def type1(case: PersonSituation) -> Reasons:
    """Type 1, where it is in scope, is known and not set."""
    if not case.reach.type1:
        return ()
    events = tuple(event for event in case.person.choices.type1_events if _counts(event, case))
    state = state_of(events, known=case.person.choices.type1_known, today=case.today)
    if state is Type1State.INACTIVE:
        return ()
    return (Reason.TYPE1_ACTIVE if state is Type1State.ACTIVE else Reason.TYPE1_UNKNOWN,)


def _counts(event: CodedEvent, case: PersonSituation) -> bool:
    """A set event after the extraction may be left out, only where the deployment says so and the day is known."""
    extracted_on = case.request.extracted_on
    if case.facts.type1_after_extraction_withholds or extracted_on is None or event.on <= extracted_on:
        return True
    return MEANINGS.get((event.system, event.code)) is not tables.CodeMeaning.TYPE1_SET


def ndoo(case: PersonSituation) -> Reasons:
    """The national data opt-out, where it is in scope, was checked for this person, lately enough, and is clear."""
    if not case.reach.ndoo:
        return ()
    if not case.person.nhs_number_known:
        return (Reason.NHS_NUMBER_UNAVAILABLE,)
    check = case.person.choices.ndoo_check
    unusable = _unusable(check, case.facts.freshness, case.today)
    if check is None or unusable is not None:
        return (unusable or Reason.NDOO_CHECK_MISSING,)
    return () if check.state == CheckState.CLEAR else (Reason.NDOO_OPTED_OUT,)


_NO_ANSWER = {
    CheckState.NONE: Reason.NDOO_CHECK_MISSING,
    CheckState.PENDING: Reason.NDOO_CHECK_PENDING,
    CheckState.FAILED: Reason.NDOO_CHECK_FAILED,
}


def _unusable(check: NdooCheck | None, limits: Freshness, today: date) -> Reason | None:
    """Why the check can't be used. An old answer is not used even where it says opted out: an old `clear` and an old
    `opted out` must look alike from outside."""
    if check is None:
        return Reason.NDOO_CHECK_MISSING
    if check.state in _NO_ANSWER:
        return _NO_ANSWER[check.state]
    taken = check.performed_on
    if taken is None or taken > today:
        return Reason.NDOO_CHECK_INVALID
    if check.mode == CheckMode.DIRECT:
        return Reason.NDOO_CHECK_STALE if (today - taken).days > limits.direct_days else None
    refreshed = check.cache_refreshed_on
    if refreshed is None or refreshed > taken:
        return Reason.NDOO_CHECK_INVALID
    stale = (today - taken).days > limits.cache_days or (taken - refreshed).days > limits.cache_refresh_days
    return Reason.NDOO_CHECK_STALE if stale else None


PERSON_CHECKS: tuple[PersonCheck, ...] = (
    pseudonym_resolves,
    consent,
    care_relationship,
    programme_opt_out,
    type1,
    ndoo,
)
