"""What each legal basis rests on: is it on file, is it in force today, does it permit re-identification."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from types import MappingProxyType

from keyholder.policy import tables
from keyholder.policy.days import over
from keyholder.policy.facts import LegalInstrument, PolicyRequest
from keyholder.policy.vocabulary import ApproverRole, CagStatus, LegalBasis, Reason

Reasons = tuple[Reason, ...]
EvidenceRule = Callable[[PolicyRequest, date], Reasons]

_MISSING: Reasons = (Reason.BASIS_EVIDENCE_MISSING,)


def section_251(request: PolicyRequest, today: date) -> Reasons:
    """A reference to support that is neither closed nor over, and that names re-identification."""
    cag = request.cag
    if cag is None or not cag.ref:
        return _MISSING
    found: list[Reason] = []
    if cag.status != CagStatus.SUPPORTED or (cag.ends_on is not None and over(cag.ends_on, today)):
        found.append(Reason.BASIS_EXPIRED)
    if not cag.permits_reidentification:
        found.append(Reason.BASIS_SCOPE)
    return tuple(found)


def review_overdue(request: PolicyRequest, today: date) -> bool:
    """Whether support that still stands has passed its review date, which is only worth a warning."""
    cag = request.cag
    if cag is None or cag.next_review_on is None or section_251(request, today):
        return False
    return over(cag.next_review_on, today)


def regulation_3(request: PolicyRequest, today: date) -> Reasons:
    """A regulation 3 purpose. A notice, where relied on, runs from its first to its last day, both included; the
    general COVID-19 notices end on 30 June 2022 whatever the request says."""
    copi = request.copi
    if copi is None:
        return _MISSING
    if not copi.notice:
        return ()
    ends = [row.last_day for row in tables.COPI_NOTICES_END if row.purpose == copi.purpose]
    if copi.notice_to is not None:
        ends.append(copi.notice_to)
    if copi.notice_from is None or not ends or copi.notice_from > today:
        return _MISSING
    return (Reason.BASIS_EXPIRED,) if over(min(ends), today) else ()


def public_interest(request: PolicyRequest, _today: date) -> Reasons:
    """A documented test for one case, approved by a Caldicott Guardian."""
    test = request.public_interest_test
    if test is None or not test.documented or not test.individual:
        return _MISSING
    return () if test.approved_by_role == ApproverRole.CALDICOTT_GUARDIAN else _MISSING


def court_order(request: PolicyRequest, today: date) -> Reasons:
    """The order is on file."""
    return _instrument(request.court_order, today)


def direction(request: PolicyRequest, today: date) -> Reasons:
    """The direction or notice is on file."""
    return _instrument(request.direction, today)


def with_each_person(_request: PolicyRequest, _today: date) -> Reasons:
    """Consent and care relationships are each person's: `checks.consent` and `checks.care_relationship` ask there."""
    return ()


def _instrument(held: LegalInstrument | None, today: date) -> Reasons:
    if held is None or not held.on_file or not held.ref:
        return _MISSING
    return (Reason.BASIS_EXPIRED,) if held.ends_on is not None and over(held.ends_on, today) else ()


EVIDENCE: Mapping[LegalBasis, EvidenceRule] = MappingProxyType(
    {
        LegalBasis.S251_REG5: section_251,
        LegalBasis.S251_REG2: section_251,
        LegalBasis.COPI_REG3: regulation_3,
        LegalBasis.OVERRIDING_PUBLIC_INTEREST: public_interest,
        LegalBasis.COURT_ORDER: court_order,
        LegalBasis.STATUTORY_DIRECTION: direction,
        LegalBasis.EXPLICIT_CONSENT: with_each_person,
        LegalBasis.IMPLIED_CONSENT_DIRECT_CARE: with_each_person,
    }
)
"""A basis without a rule has no evidence."""
