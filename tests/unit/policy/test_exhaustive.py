"""Every combination of what a request can be, against what must always hold. The invariants are written out here."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import date

import pytest

from keyholder.policy import checks
from keyholder.policy.assess import Assessment, assess_person, assess_request
from keyholder.policy.facts import (
    Agreement,
    CopiReliance,
    EthicsOpinion,
    LegalInstrument,
    Person,
    PolicyRequest,
    PublicInterestTest,
    Requester,
)
from keyholder.policy.settings import STATED
from keyholder.policy.vocabulary import (
    ApproverRole,
    CagStatus,
    CheckState,
    CopiPurpose,
    Decision,
    LegalBasis,
    OutputForm,
    OutwardCode,
    Purpose,
    Reason,
    RequesterRole,
    Scope,
    SourceDataset,
)
from tests.unit.policy.examples import DAY, NOW, TODAY, TYPE1_SET, direct, person, request, support

PROHIBITED = {Purpose.MARKETING, Purpose.INSURANCE, Purpose.SOLELY_COMMERCIAL, Purpose.OPT_OUT_TARGETING}
OUTWARD = {
    Decision.RELEASE: OutwardCode.RELEASED,
    Decision.RELEASE_PARTIAL: OutwardCode.RELEASED_PARTIAL,
    Decision.WITHHOLD: OutwardCode.NOT_AVAILABLE,
    Decision.HOLD: OutwardCode.PENDING,
    Decision.PENDING: OutwardCode.PENDING,
    Decision.REFUSE: OutwardCode.REFUSED,
}
S251 = {LegalBasis.S251_REG5, LegalBasis.S251_REG2}

FULL = support()
EVIDENCE = (
    {},
    {
        "cag": FULL,
        "copi": CopiReliance(False, None, None, CopiPurpose.COMMUNICABLE_DISEASE_OUTBREAK),
        "court_order": LegalInstrument("R1", True),
        "direction": LegalInstrument("R2", True),
        "public_interest_test": PublicInterestTest(True, True, ApproverRole.CALDICOTT_GUARDIAN),
    },
    {
        "cag": support(status=CagStatus.CLOSED),
        "copi": CopiReliance(True, date(2022, 2, 10), date(2022, 6, 30), CopiPurpose.COVID19),
        "court_order": LegalInstrument("R1", False),
        "direction": LegalInstrument(None, True),
        "public_interest_test": PublicInterestTest(True, True, None),
    },
    {"cag": support(permits_reidentification=False)},
)
OPINIONS = (None, EthicsOpinion("25/LO/0123", False), EthicsOpinion("25/LO/0123", True))
CONTROLLERS = (
    (("X26",), ("X26",), ()),
    (("X26", "RJ1"), ("X26",), ()),
    (("X26", "RJ1"), ("X26",), ("RJ1",)),
    ((), (), ()),
)
AGREEMENTS = (None, Agreement("DARS-NIC-12345-A1B2C", TODAY - DAY), Agreement("DARS-NIC-12345-A1B2C", TODAY))


def every_request() -> Iterator[PolicyRequest]:
    """20 x 9 x 6 x 4 x 3 x 2 x 3 x 4 x 2 requests."""
    for purpose, basis, role, evidence, opinion, until, agreement, parts, output in itertools.product(
        Purpose,
        LegalBasis,
        RequesterRole,
        EVIDENCE,
        OPINIONS,
        (TODAY, TODAY - DAY),
        AGREEMENTS,
        CONTROLLERS,
        OutputForm,
    ):
        required, approved, refused = parts
        yield request(
            **{
                "cag": None,
                "purpose": purpose,
                "output_form": output,
                "legal_basis": basis,
                "requester": Requester(role, until),
                "rec": opinion,
                "agreement": agreement,
                "controllers_required": required,
                "controllers_approved": approved,
                "controllers_refused": refused,
                **evidence,
            }
        )


def broken(asked: PolicyRequest, got: Assessment) -> str | None:
    """The first invariant that does not hold; None if all do."""
    released = got.decision in {Decision.RELEASE, Decision.RELEASE_PARTIAL}
    prohibited = asked.purpose in PROHIBITED
    required = set(asked.controllers_required)
    rules = {
        "prohibited": prohibited == (got.reasons == (Reason.PURPOSE_PROHIBITED,)),
        "basis": prohibited or asked.legal_basis != LegalBasis.NONE or got.reasons == (Reason.BASIS_MISSING,),
        "care": asked.legal_basis != LegalBasis.IMPLIED_CONSENT_DIRECT_CARE
        or asked.requester.role == RequesterRole.CLINICIAN
        or not released,
        "refusal": not asked.controllers_refused or got.decision == Decision.REFUSE,
        "approval": not released or (bool(required) and required <= set(asked.controllers_approved)),
        "pending": got.decision != Decision.PENDING or got.reasons == (Reason.AWAITING_CONTROLLER,),
        "agreement": not released or (asked.agreement is not None and asked.agreement.ends_on >= TODAY),
        "accreditation": not released
        or (asked.requester.accredited_until is not None and asked.requester.accredited_until >= TODAY),
        "ethics": not released or asked.purpose != Purpose.RESEARCH or (asked.rec is not None and asked.rec.favourable),
        "support": not released or asked.legal_basis not in S251 or asked.cag is FULL,
        "scope": released or got.scope == Scope.REQUEST,
        "nothing in hand": got.identifiers_released == () and got.ndoo_applied is None and got.type1_applied is None,
        "outward": got.outward_code == OUTWARD[got.decision],
        "reason": bool(got.reasons),
        "hash": got.policy_hash == STATED.policy_hash,
    }
    return next((name for name, holds in rules.items() if not holds), None)


def test_every_request_keeps_the_invariants() -> None:
    seen: dict[Decision, int] = {}
    for asked in every_request():
        got = assess_request(asked, STATED, NOW)
        assert broken(asked, got) is None, (broken(asked, got), asked, got)
        seen[got.decision] = seen.get(got.decision, 0) + 1
    assert sum(seen.values()) == 20 * 9 * 6 * 4 * 3 * 2 * 3 * 4 * 2 == 622_080
    assert set(seen) == {Decision.REFUSE, Decision.PENDING, Decision.RELEASE}


PINNED_HERE = [check for check in checks.REQUEST_CHECKS if check is not checks.basis_fits_purpose]


@pytest.mark.parametrize("check", PINNED_HERE, ids=lambda check: check.__name__)
def test_the_invariants_notice_a_missing_check(check: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a missing fit only the rule book can know; every other check is pinned here too."""
    monkeypatch.setattr(checks, "REQUEST_CHECKS", tuple(one for one in checks.REQUEST_CHECKS if one is not check))
    assert any(broken(asked, assess_request(asked, STATED, NOW)) for asked in every_request())


REQUESTS_THAT_PASS = (
    {},
    {"source_dataset": SourceDataset.HOSPITAL},
    {"legal_basis": LegalBasis.S251_REG2},
    {"purpose": Purpose.CANCER_REGISTRATION, "rec": None},
    {"legal_basis": LegalBasis.EXPLICIT_CONSENT, "cag": None},
)


def every_person() -> Iterator[Person]:
    """2^6 x 7 people."""
    checked = [None, *(direct(TODAY, state) for state in CheckState), direct(TODAY - 21 * DAY)]
    flags = (True, False)
    for resolves, number, effort, known, is_set, programme, check in itertools.product(*([flags] * 6), checked):
        yield person(
            pseudonym_resolves=resolves,
            nhs_number_known=number,
            nhs_number_effort_exemption=effort,
            type1_known=known,
            type1_events=(TYPE1_SET,) if is_set else (),
            programme_opt_out=programme,
            ndoo_check=check,
        )


@pytest.mark.parametrize("changes", REQUESTS_THAT_PASS, ids=str)
def test_every_person_keeps_the_invariants(changes: dict[str, object]) -> None:
    asked = request(**changes)
    for somebody in every_person():
        got = assess_person(asked, somebody, STATED, NOW)
        choices = somebody.choices
        released = got.decision in {Decision.RELEASE, Decision.RELEASE_PARTIAL}
        assert got.scope == Scope.SUBJECT
        assert got.outward_code == OUTWARD[got.decision]
        assert bool(got.identifiers_released) == released
        assert not (released and not somebody.pseudonym_resolves)
        assert not (released and asked.legal_basis == LegalBasis.EXPLICIT_CONSENT)
        if got.type1_applied:
            assert not (released and (choices.type1_events or not choices.type1_known))
        if got.ndoo_applied:
            assert not (released and (choices.ndoo_check is None or choices.ndoo_check != direct(TODAY)))
            assert not (released and not somebody.nhs_number_known)
        if not somebody.pseudonym_resolves:
            assert (got.reasons, got.ndoo_applied, got.type1_applied) == ((Reason.PSEUDONYM_UNKNOWN,), None, None)
        if got.decision == Decision.HOLD:
            assert all(reason.startswith("NDOO_CHECK_") for reason in got.reasons)
