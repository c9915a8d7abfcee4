"""A lawful request and a person with nothing against them, to be changed in one place at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from keyholder.policy import cases
from keyholder.policy.facts import (
    Agreement,
    CagSupport,
    CareRelationship,
    CodedEvent,
    Consent,
    CopiReliance,
    EthicsOpinion,
    LegalInstrument,
    NdooCheck,
    Person,
    PersonChoices,
    PolicyRequest,
    PublicInterestTest,
    Requester,
)
from keyholder.policy.vocabulary import (
    ApproverRole,
    CagStatus,
    CareOrigin,
    CheckMode,
    CheckState,
    CodeSystem,
    ConsentGiver,
    CopiPurpose,
    LegalBasis,
    OptOutCondition,
    OutputForm,
    PdsSecurity,
    PolicyIdentifier,
    Purpose,
    RequesterRole,
    SourceDataset,
)

CASE_FILE = Path(cases.__file__).with_name("published_cases.json")

NOW = datetime.fromisoformat("2025-06-10T10:00:00+01:00")
TODAY = date(2025, 6, 10)
DAY = timedelta(days=1)

NHS_NUMBER, POSTCODE = PolicyIdentifier.NHS_NUMBER, PolicyIdentifier.POSTCODE
TYPE1_SET = CodedEvent(date(2021, 6, 15), CodeSystem.SNOMED, "827241000000103")
TYPE1_WITHDRAWN = CodedEvent(date(2023, 6, 15), CodeSystem.SNOMED, "827261000000102")
TYPE2_SET = CodedEvent(date(2018, 9, 20), CodeSystem.CTV3, "XaaVL")

CAG = CagSupport("25/CAG/0036", CagStatus.SUPPORTED, date(2026, 1, 31), None, OptOutCondition.STANDARD, False, True)
CONSENT = Consent("PRJ-0001", True, date(2024, 5, 1), None, ConsentGiver.PATIENT)
CLEAR = NdooCheck(CheckState.CLEAR, CheckMode.DIRECT, TODAY)
OPTED_OUT = NdooCheck(CheckState.OPTED_OUT, CheckMode.DIRECT, TODAY)

BASE_REQUEST = PolicyRequest(
    purpose=Purpose.RESEARCH,
    legal_basis=LegalBasis.S251_REG5,
    output_form=OutputForm.IDENTIFIABLE,
    source_dataset=SourceDataset.GP,
    care_origin=CareOrigin.ENGLAND_PUBLIC,
    project_id="PRJ-0001",
    identifiers_requested=(NHS_NUMBER,),
    identifiers_approved=(NHS_NUMBER,),
    controllers_required=("X26",),
    controllers_approved=("X26",),
    controllers_refused=(),
    agreement=Agreement("DARS-NIC-123456-A1B2C-v1.2", date(2026, 3, 31)),
    requester=Requester(RequesterRole.RESEARCHER, date(2026, 12, 31)),
    cag=CAG,
    rec=EthicsOpinion("25/LO/0123", True),
)
BASE_CHOICES = PersonChoices(ndoo_check=CLEAR, type1_known=True)
BASE_PERSON = Person(
    pseudonym_resolves=True,
    nhs_number_known=True,
    choices=BASE_CHOICES,
    programme_opt_out=False,
    pds_security=PdsSecurity.UNRESTRICTED,
)

CONSENTED: dict[str, Any] = {"legal_basis": LegalBasis.EXPLICIT_CONSENT, "cag": None}
PANDEMIC: dict[str, Any] = {
    "purpose": Purpose.PUBLIC_HEALTH_PROTECTION,
    "legal_basis": LegalBasis.COPI_REG3,
    "cag": None,
    "copi": CopiReliance(False, None, None, CopiPurpose.COMMUNICABLE_DISEASE_OUTBREAK),
}
COVID_NOTICE = CopiReliance(True, date(2022, 2, 10), date(2022, 6, 30), CopiPurpose.COVID19)
DIRECTED: dict[str, Any] = {
    "purpose": Purpose.PLANNING_COMMISSIONING,
    "legal_basis": LegalBasis.STATUTORY_DIRECTION,
    "cag": None,
    "rec": None,
    "direction": LegalInstrument("HSCA2012-s259-DPN-2025", True),
}
ORDERED: dict[str, Any] = {
    "purpose": Purpose.LEGAL_REQUIREMENT,
    "legal_basis": LegalBasis.COURT_ORDER,
    "requester": Requester(RequesterRole.CONTROLLER_OFFICER, date(2026, 12, 31)),
    "cag": None,
    "rec": None,
    "court_order": LegalInstrument("KB-2025-000123", True),
}
HARM: dict[str, Any] = {
    "purpose": Purpose.SERIOUS_HARM_PREVENTION,
    "legal_basis": LegalBasis.OVERRIDING_PUBLIC_INTEREST,
    "cag": None,
    "rec": None,
    "public_interest_test": PublicInterestTest(True, True, ApproverRole.CALDICOTT_GUARDIAN),
}
CARE: dict[str, Any] = {
    "purpose": Purpose.INDIVIDUAL_CARE,
    "legal_basis": LegalBasis.IMPLIED_CONSENT_DIRECT_CARE,
    "requester": Requester(RequesterRole.CLINICIAN, date(2026, 12, 31)),
    "cag": None,
    "rec": None,
}
RELATIONSHIP = CareRelationship(NOW - 400 * DAY, None)


def request(**changes: Any) -> PolicyRequest:
    """The lawful request with fields changed."""
    return replace(BASE_REQUEST, **changes)


def person(**changes: Any) -> Person:
    """The person with fields changed; those of `PersonChoices` may be named directly."""
    names = PersonChoices.__dataclass_fields__
    choices = {name: changes.pop(name) for name in list(changes) if name in names}
    return replace(BASE_PERSON, choices=replace(BASE_CHOICES, **choices), **changes)


def support(**changes: Any) -> CagSupport:
    """The section 251 support with fields changed."""
    return replace(CAG, **changes)


def consent(**changes: Any) -> Consent:
    """The consent with fields changed."""
    return replace(CONSENT, **changes)


def cached(taken: date | None, refreshed: date | None, state: CheckState = CheckState.CLEAR) -> NdooCheck:
    """A check from a cache."""
    return NdooCheck(state, CheckMode.CACHE, taken, refreshed)


def direct(taken: date | None, state: CheckState = CheckState.CLEAR) -> NdooCheck:
    """A check made of the service."""
    return NdooCheck(state, CheckMode.DIRECT, taken)
