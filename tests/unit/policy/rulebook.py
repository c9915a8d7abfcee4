"""Every rule of the policy on an example: what is changed, when, and the reasons and identifiers that must come out.

The published cases hold a part of the rules; these hold the rest, and both ends of every dated boundary. The reasons
are written out here, never taken from the engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from keyholder.policy.assess import Assessment, assess_person
from keyholder.policy.facts import (
    Agreement,
    CareRelationship,
    CodedEvent,
    CopiReliance,
    EthicsOpinion,
    LegalInstrument,
    PublicInterestTest,
    Requester,
)
from keyholder.policy.settings import STATED, CollectionType1, ExemptFlow, Freshness, PolicyFacts
from keyholder.policy.vocabulary import (
    ApproverRole,
    CagStatus,
    CareOrigin,
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
from tests.unit.policy.examples import (
    CARE,
    CONSENTED,
    COVID_NOTICE,
    DAY,
    DIRECTED,
    HARM,
    NHS_NUMBER,
    NOW,
    OPTED_OUT,
    ORDERED,
    PANDEMIC,
    POSTCODE,
    RELATIONSHIP,
    TODAY,
    TYPE1_SET,
    TYPE1_WITHDRAWN,
    TYPE2_SET,
    cached,
    consent,
    direct,
    person,
    request,
    support,
)

HOSPITAL = {"source_dataset": SourceDataset.HOSPITAL}
EXEMPT = support(opt_out_condition=OptOutCondition.EXEMPT, exemption_letter_on_file=True)
NO_NUMBER = {"nhs_number_known": False, "ndoo_check": None}
PAIR = {"identifiers_requested": (NHS_NUMBER, POSTCODE), "identifiers_approved": (NHS_NUMBER, POSTCODE)}


@dataclass(frozen=True)
class Rule:
    """One example. `reasons` in order, separated by spaces; `warning` likewise."""

    name: str
    reasons: str
    asked: dict[str, Any] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    decision: str = "release"
    released: tuple[PolicyIdentifier, ...] = (NHS_NUMBER,)
    ndoo: bool | None = None
    type1: bool | None = None
    warning: str = ""
    now: datetime = NOW
    facts: PolicyFacts = STATED

    def assessment(self) -> Assessment:
        """What the engine says."""
        return assess_person(request(**self.asked), person(**self.about), self.facts, self.now)

    def holds(self) -> bool:
        """Whether the engine says what is written here."""
        got = self.assessment()
        return (
            got.decision == self.decision
            and " ".join(got.reasons) == self.reasons
            and " ".join(got.warnings) == self.warning
            and got.identifiers_released == (self.released if self.decision.startswith("release") else ())
            and (self.ndoo is None or got.ndoo_applied is self.ndoo)
            and (self.type1 is None or got.type1_applied is self.type1)
        )


def refused(name: str, reasons: str, **asked: Any) -> Rule:
    """A request that is refused."""
    now = asked.pop("now", NOW)
    return Rule(name, reasons, asked, decision="refuse", now=now)


def withheld(name: str, reasons: str, asked: dict[str, Any], about: dict[str, Any], **more: Any) -> Rule:
    """A person who is withheld."""
    return Rule(name, reasons, asked, about, decision="withhold", **more)


def held(name: str, reasons: str, about: dict[str, Any], **more: Any) -> Rule:
    """A person whose check must be made again; hospital data, so that Type 1 plays no part."""
    return Rule(name, reasons, HOSPITAL, about, decision="hold", ndoo=True, **more)


def _requests() -> Iterator[Rule]:
    for purpose in ("marketing", "insurance", "solely_commercial", "opt_out_targeting"):
        for asked in ({}, CONSENTED, DIRECTED, ORDERED, PANDEMIC, HARM, CARE):
            changed = {**asked, "purpose": Purpose(purpose)}
            yield refused(f"{purpose} {asked.get('legal_basis', 's251')}", "PURPOSE_PROHIBITED", **changed)
    yield refused("no basis", "BASIS_MISSING", legal_basis=LegalBasis.NONE)
    for role in RequesterRole:
        if role != RequesterRole.CLINICIAN:
            asked = {**CARE, "requester": Requester(role, TODAY)}
            yield refused(f"care by {role}", "ROLE_NOT_PERMITTED", **asked)
    yield refused("care role before care purpose", "ROLE_NOT_PERMITTED", legal_basis=CARE["legal_basis"])
    yield refused("care for research", "BASIS_PURPOSE_MISMATCH", **{**CARE, "purpose": Purpose.RESEARCH})
    yield refused("consent for care", "BASIS_PURPOSE_MISMATCH", **{**CONSENTED, "purpose": Purpose.INDIVIDUAL_CARE})
    yield refused("s251 for care", "BASIS_PURPOSE_MISMATCH", purpose=Purpose.INDIVIDUAL_CARE)
    yield refused("court order for research", "BASIS_PURPOSE_MISMATCH", **{**ORDERED, "purpose": Purpose.RESEARCH})
    yield refused("no CAG reference", "BASIS_EVIDENCE_MISSING", cag=support(ref=None))
    yield refused("CAG closed", "BASIS_EXPIRED", cag=support(status=CagStatus.CLOSED))
    yield refused("CAG ended yesterday", "BASIS_EXPIRED", cag=support(ends_on=TODAY - DAY))
    yield Rule("CAG ends today", "S251_SUPPORTED", {"cag": support(ends_on=TODAY)})
    yield refused("CAG without re-identification", "BASIS_SCOPE", cag=support(permits_reidentification=False))
    yield refused(
        "CAG closed and too narrow",
        "BASIS_EXPIRED BASIS_SCOPE",
        cag=support(status=CagStatus.CLOSED, permits_reidentification=False),
    )
    yield Rule(
        "review passed",
        "S251_SUPPORTED",
        {"cag": support(next_review_on=TODAY - DAY)},
        warning="CAG_REVIEW_OVERDUE",
    )
    yield Rule("review today", "S251_SUPPORTED", {"cag": support(next_review_on=TODAY)})
    yield Rule("no review date", "S251_SUPPORTED", {"cag": support(next_review_on=None)})
    yield refused("no REC", "REC_MISSING", rec=None)
    yield refused("unfavourable REC", "REC_MISSING", rec=EthicsOpinion("25/LO/0123", False))
    yield refused("REC without reference", "REC_MISSING", rec=EthicsOpinion(None, True))
    yield refused("consent without REC", "REC_MISSING", **CONSENTED, rec=None)
    yield refused("recruitment without REC", "REC_MISSING", purpose=Purpose.RESEARCH_RECRUITMENT, rec=None)
    yield Rule("planning needs no REC", "S251_SUPPORTED", {"purpose": Purpose.PLANNING_COMMISSIONING, "rec": None})
    yield refused(
        "accreditation lapsed",
        "REQUESTER_NOT_ACCREDITED",
        requester=Requester(RequesterRole.RESEARCHER, TODAY - DAY),
    )
    yield refused("never accredited", "REQUESTER_NOT_ACCREDITED", requester=Requester(RequesterRole.RESEARCHER, None))
    yield Rule("accredited until today", "S251_SUPPORTED", {"requester": Requester(RequesterRole.RESEARCHER, TODAY)})
    yield refused("DSA ended yesterday", "DSA_EXPIRED", agreement=Agreement("DARS-NIC-12345-A1B2C", TODAY - DAY))
    yield refused("no DSA", "DSA_EXPIRED", agreement=None)
    yield Rule("DSA ends today", "S251_SUPPORTED", {"agreement": Agreement("DARS-NIC-12345-A1B2C", TODAY)})
    yield refused(
        "both lapsed",
        "REQUESTER_NOT_ACCREDITED DSA_EXPIRED",
        requester=Requester(RequesterRole.RESEARCHER, TODAY - DAY),
        agreement=None,
    )
    yield refused("a refusal outweighs", "CONTROLLER_REFUSED", controllers_refused=("X26",))
    yield refused("a stranger's refusal", "CONTROLLER_REFUSED", controllers_refused=("RJ1",))
    wrong: dict[str, Any] = {"controllers_refused": ("X26",)}
    for reason, more in (
        ("CONTROLLER_REFUSED", {}),
        ("DSA_EXPIRED", {"agreement": None}),
        ("REC_MISSING", {"rec": None}),
        ("BASIS_EVIDENCE_MISSING", {"cag": None}),
        ("BASIS_PURPOSE_MISMATCH", {"purpose": Purpose.INDIVIDUAL_CARE}),
        ("BASIS_MISSING", {"legal_basis": LegalBasis.NONE}),
        ("PURPOSE_PROHIBITED", {"purpose": Purpose.INSURANCE}),
    ):
        wrong = {**wrong, **more}
        yield refused(f"everything from {reason} on", reason, **wrong)
    for name, asked in (
        ("one of two", {"controllers_required": ("X26", "RJ1")}),
        ("another one", {"controllers_approved": ("RJ1",)}),
        ("nobody responsible", {"controllers_required": (), "controllers_approved": ()}),
    ):
        yield Rule(f"awaiting: {name}", "AWAITING_CONTROLLER", asked, decision="pending")
    yield Rule(
        "two of two",
        "S251_SUPPORTED",
        {"controllers_required": ("X26", "RJ1"), "controllers_approved": ("RJ1", "X26")},
    )


def _bases() -> Iterator[Rule]:
    reg2 = {"legal_basis": LegalBasis.S251_REG2}
    yield Rule("reg 2", "S251_SUPPORTED", reg2, ndoo=True, type1=True)
    yield refused("reg 2 without approval", "BASIS_EVIDENCE_MISSING", **reg2, cag=None)
    yield refused("reg 2 for recruitment", "BASIS_PURPOSE_MISMATCH", **reg2, purpose=Purpose.RESEARCH_RECRUITMENT)
    stay = {"ndoo": False, "type1": False}
    yield Rule("reg 3 without a notice", "COPI_REG3", PANDEMIC, {"ndoo_check": OPTED_OUT}, **stay)
    yield refused("reg 3 without its purpose", "BASIS_EVIDENCE_MISSING", **{**PANDEMIC, "copi": None})
    covid = {**PANDEMIC, "copi": COVID_NOTICE}
    early, late = datetime(2022, 2, 9, 23, 59, tzinfo=UTC), datetime(2022, 6, 30, 23, 30, tzinfo=UTC)
    yield refused("before the notice", "BASIS_EVIDENCE_MISSING", **covid, now=early)
    yield Rule("notice begins", "COPI_REG3", covid, now=datetime(2022, 2, 10, tzinfo=UTC))
    yield Rule("notice ends", "COPI_REG3", covid, now=datetime(2022, 6, 30, 22, 59, tzinfo=UTC))
    yield refused("1 July in London", "BASIS_EXPIRED", **covid, now=late)
    longer = CopiReliance(True, date(2022, 2, 10), date(2025, 12, 31), CopiPurpose.COVID19)
    yield refused("a longer COVID notice", "BASIS_EXPIRED", **{**PANDEMIC, "copi": longer})
    open_end = CopiReliance(True, date(2022, 2, 10), None, CopiPurpose.COVID19)
    yield refused("an open COVID notice", "BASIS_EXPIRED", **{**PANDEMIC, "copi": open_end})
    outbreak = CopiReliance(True, date(2025, 6, 1), TODAY, CopiPurpose.COMMUNICABLE_DISEASE_OUTBREAK)
    yield Rule("another notice in force", "COPI_REG3", {**PANDEMIC, "copi": outbreak})
    for first, last in ((None, TODAY), (date(2025, 6, 1), None)):
        undated = CopiReliance(True, first, last, CopiPurpose.COMMUNICABLE_DISEASE_OUTBREAK)
        yield refused(f"a notice without days {first}", "BASIS_EVIDENCE_MISSING", **{**PANDEMIC, "copi": undated})
    yield Rule(
        "COVID under reg 3 itself",
        "COPI_REG3",
        {**PANDEMIC, "copi": CopiReliance(False, None, None, CopiPurpose.COVID19)},
    )
    for asked, key in ((ORDERED, "court_order"), (DIRECTED, "direction")):
        for instrument in (None, LegalInstrument("R1", False), LegalInstrument(None, True)):
            yield refused(f"{key} {instrument}", "BASIS_EVIDENCE_MISSING", **{**asked, key: instrument})
        over = LegalInstrument("R1", True, TODAY - DAY)
        yield refused(f"{key} over", "BASIS_EXPIRED", **{**asked, key: over})
    last_day = LegalInstrument("R1", True, TODAY)
    yield Rule("order, last day", "COURT_ORDER", {**ORDERED, "court_order": last_day}, {"ndoo_check": None}, **stay)
    yield Rule("direction, hospital", "REQUIRED_BY_LAW", {**DIRECTED, **HOSPITAL}, {"ndoo_check": OPTED_OUT}, **stay)
    yield Rule("direction, legal requirement", "REQUIRED_BY_LAW", {**DIRECTED, "purpose": Purpose.LEGAL_REQUIREMENT})
    for test in (
        None,
        PublicInterestTest(False, True, ApproverRole.CALDICOTT_GUARDIAN),
        PublicInterestTest(True, False, ApproverRole.CALDICOTT_GUARDIAN),
        PublicInterestTest(True, True, None),
    ):
        yield refused(f"public interest {test}", "BASIS_EVIDENCE_MISSING", **{**HARM, "public_interest_test": test})
    yield Rule("public interest", "OVERRIDING_PUBLIC_INTEREST", HARM, {"ndoo_check": OPTED_OUT}, **stay)
    invited = {**CARE, "purpose": Purpose.RESEARCH_RECRUITMENT}
    about = {"care_relationship": RELATIONSHIP, "ndoo_check": OPTED_OUT, "type1_events": (TYPE1_SET,)}
    yield Rule("own patient invited", "CARE_RELATIONSHIP", invited, about, **stay)
    for name, relationship in (
        ("none", None),
        ("begins later", CareRelationship(NOW + DAY, None)),
        ("ended now", CareRelationship(NOW - DAY, NOW)),
    ):
        yield withheld(f"care {name}", "NO_CARE_RELATIONSHIP", CARE, {"care_relationship": relationship}, **stay)
    for name, relationship in (
        ("begins now", CareRelationship(NOW, None)),
        ("ends in a moment", CareRelationship(NOW - DAY, NOW + DAY / 86_400)),
    ):
        yield Rule(f"care {name}", "CARE_RELATIONSHIP", CARE, {"care_relationship": relationship}, **stay)


WITH_EVERYTHING: dict[str, Any] = {
    "rec": EthicsOpinion("25/LO/0123", True),
    "cag": support(),
    "copi": PANDEMIC["copi"],
    "court_order": ORDERED["court_order"],
    "direction": DIRECTED["direction"],
    "public_interest_test": HARM["public_interest_test"],
    "requester": CARE["requester"],
    **HOSPITAL,
}
FLOWS = (
    "official_statistics_ons cancer_patient_experience_survey cqc_patient_survey cancer_registration "
    "rare_disease_registration population_screening_oversight assuring_transformation invoice_validation_non_contracted"
)
FITS = {
    "explicit_consent": "research research_recruitment",
    "s251_reg5": f"research research_recruitment planning_commissioning {FLOWS}",
    "s251_reg2": "research planning_commissioning cancer_registration",
    "copi_reg3": "public_health_protection",
    "statutory_direction": f"research planning_commissioning public_health_protection legal_requirement {FLOWS}",
    "court_order": "legal_requirement",
    "overriding_public_interest": "serious_harm_prevention",
    "implied_consent_direct_care": "individual_care risk_stratification_case_finding research_recruitment",
}
PROHIBITED = "marketing insurance solely_commercial opt_out_targeting"


def _fits() -> Iterator[Rule]:
    """The matrix once more, by hand: with all evidence there is, only the fit decides."""
    about = {"consent": consent(), "care_relationship": RELATIONSHIP}
    lawful = {
        "explicit_consent": "PROJECT_CONSENT",
        "copi_reg3": "COPI_REG3",
        "statutory_direction": "REQUIRED_BY_LAW",
        "court_order": "COURT_ORDER",
        "overriding_public_interest": "OVERRIDING_PUBLIC_INTEREST",
        "implied_consent_direct_care": "CARE_RELATIONSHIP",
    }
    for basis, purposes in FITS.items():
        for purpose in Purpose:
            asked = {**WITH_EVERYTHING, "legal_basis": LegalBasis(basis), "purpose": purpose}
            name = f"{basis} for {purpose}"
            if purpose in purposes.split():
                reason = "NDOO_EXEMPT_FLOW" if purpose in FLOWS.split() else lawful.get(basis, "S251_SUPPORTED")
                yield Rule(name, reason, asked, about)
            elif purpose not in PROHIBITED.split():
                yield refused(name, "BASIS_PURPOSE_MISMATCH", **asked)
            else:
                yield refused(name, "PURPOSE_PROHIBITED", **asked)
        research = {**WITH_EVERYTHING, "legal_basis": LegalBasis(basis), "rec": None}
        for purpose in purposes.split():
            if purpose.startswith("research") and basis != "implied_consent_direct_care":
                yield refused(f"{basis} for {purpose}, no REC", "REC_MISSING", **research, purpose=Purpose(purpose))
            else:
                name = f"{basis} for {purpose}, no REC"
                asked = {**research, "purpose": Purpose(purpose)}
                reason = "NDOO_EXEMPT_FLOW" if purpose in FLOWS.split() else lawful.get(basis, "S251_SUPPORTED")
                yield Rule(name, reason, asked, about)


def _consents() -> Iterator[Rule]:
    for name, reasons, given in (
        ("absent", "CONSENT_ABSENT", None),
        ("tomorrow", "CONSENT_NOT_YET_GIVEN", consent(given_on=TODAY + DAY)),
        ("withdrawn today", "CONSENT_WITHDRAWN", consent(withdrawn_on=TODAY)),
        ("withdrawn before", "CONSENT_WITHDRAWN", consent(withdrawn_on=TODAY - DAY)),
        ("ended yesterday", "CONSENT_WITHDRAWN", consent(ends_on=TODAY - DAY)),
        ("other project", "CONSENT_WRONG_PROJECT", consent(project_id="PRJ-0002")),
        ("narrow", "CONSENT_SCOPE", consent(covers_reidentification=False)),
        (
            "everything",
            "CONSENT_NOT_YET_GIVEN CONSENT_WITHDRAWN CONSENT_WRONG_PROJECT CONSENT_SCOPE",
            consent(given_on=TODAY + DAY, withdrawn_on=TODAY, project_id="PRJ-0002", covers_reidentification=False),
        ),
    ):
        yield withheld(f"consent {name}", reasons, CONSENTED, {"consent": given}, ndoo=False, type1=False)
    for name, given in (
        ("today", consent(given_on=TODAY)),
        ("withdrawn tomorrow", consent(withdrawn_on=TODAY + DAY)),
        ("ends today", consent(ends_on=TODAY)),
        ("by a consultee", consent(given_by=ConsentGiver.CONSULTEE)),
    ):
        about = {"consent": given, "ndoo_check": OPTED_OUT, "type1_events": (TYPE1_SET,), "nhs_number_known": False}
        yield Rule(f"consent {name}", "PROJECT_CONSENT", CONSENTED, about, ndoo=False, type1=False)


def _national() -> Iterator[Rule]:
    out = {"ndoo_check": OPTED_OUT}
    for origin in (CareOrigin.ENGLAND_PUBLIC, CareOrigin.ENGLAND_PRIVATE_IN_NHS_SETTING):
        yield withheld(f"reached: {origin}", "NDOO_OPTED_OUT", {**HOSPITAL, "care_origin": origin}, out, ndoo=True)
    for origin in (CareOrigin.ENGLAND_PRIVATE, CareOrigin.WALES):
        yield Rule(f"not reached: {origin}", "S251_SUPPORTED", {**HOSPITAL, "care_origin": origin}, out, ndoo=False)
    yield Rule("exempt with letter", "S251_SUPPORTED CAG_OPTOUT_EXEMPTION", {"cag": EXEMPT}, out, ndoo=False)
    yield withheld(
        "exempt without letter", "NDOO_OPTED_OUT", {"cag": support(opt_out_condition=OptOutCondition.EXEMPT)}, out
    )
    yield withheld("a letter alone", "NDOO_OPTED_OUT", {"cag": support(exemption_letter_on_file=True)}, out)
    yield withheld("no number", "NHS_NUMBER_UNAVAILABLE", HOSPITAL, NO_NUMBER, ndoo=True)
    yield Rule(
        "no number, effort",
        "S251_SUPPORTED NHS_NUMBER_EFFORT_EXEMPTION",
        HOSPITAL,
        {**NO_NUMBER, "nhs_number_effort_exemption": True},
        ndoo=False,
    )
    yield withheld(
        "effort with a number", "NDOO_OPTED_OUT", HOSPITAL, {**out, "nhs_number_effort_exemption": True}, ndoo=True
    )
    for name, reasons, check in (
        ("never", "NDOO_CHECK_MISSING", None),
        ("none", "NDOO_CHECK_MISSING", direct(TODAY, CheckState.NONE)),
        ("pending", "NDOO_CHECK_PENDING", direct(TODAY, CheckState.PENDING)),
        ("failed", "NDOO_CHECK_FAILED", direct(TODAY, CheckState.FAILED)),
        ("tomorrow", "NDOO_CHECK_INVALID", direct(TODAY + DAY)),
        ("opted out, tomorrow", "NDOO_CHECK_INVALID", direct(TODAY + DAY, CheckState.OPTED_OUT)),
        ("without a day", "NDOO_CHECK_INVALID", direct(None)),
        ("21 days", "NDOO_CHECK_STALE", direct(TODAY - 21 * DAY)),
        ("21 days, opted out", "NDOO_CHECK_STALE", direct(TODAY - 21 * DAY, CheckState.OPTED_OUT)),
        ("cache, no refresh", "NDOO_CHECK_INVALID", cached(TODAY, None)),
        ("cache, refreshed after", "NDOO_CHECK_INVALID", cached(TODAY - DAY, TODAY)),
        ("cache, tomorrow", "NDOO_CHECK_INVALID", cached(TODAY + DAY, TODAY)),
        ("cache, 8 before", "NDOO_CHECK_STALE", cached(TODAY, TODAY - 8 * DAY)),
        ("cache, 14 old", "NDOO_CHECK_STALE", cached(TODAY - 14 * DAY, TODAY - 14 * DAY)),
    ):
        yield held(f"check {name}", reasons, {"ndoo_check": check})
    for name, check in (
        ("today", direct(TODAY)),
        ("20 days", direct(TODAY - 20 * DAY)),
        ("cache, 7 and 13", cached(TODAY - 13 * DAY, TODAY - 20 * DAY)),
        ("cache, now", cached(TODAY, TODAY)),
    ):
        yield Rule(f"check {name}", "S251_SUPPORTED", HOSPITAL, {"ndoo_check": check}, ndoo=True)
    strict = PolicyFacts(freshness=Freshness(direct_days=1, cache_days=1))
    yield held("a day limit", "NDOO_CHECK_STALE", {"ndoo_check": direct(TODAY - 2 * DAY)}, facts=strict)
    yield Rule("within a day", "S251_SUPPORTED", HOSPITAL, {"ndoo_check": direct(TODAY - DAY)}, facts=strict)
    night = datetime(2025, 6, 10, 23, 30, tzinfo=UTC)
    yield held("after midnight in London", "NDOO_CHECK_STALE", {"ndoo_check": direct(date(2025, 5, 21))}, now=night)


def _flows() -> Iterator[Rule]:
    own = {
        Purpose.CANCER_REGISTRATION,
        Purpose.RARE_DISEASE_REGISTRATION,
        Purpose.POPULATION_SCREENING_OVERSIGHT,
        Purpose.ASSURING_TRANSFORMATION,
    }
    others = {
        Purpose.OFFICIAL_STATISTICS_ONS,
        Purpose.CANCER_PATIENT_EXPERIENCE_SURVEY,
        Purpose.CQC_PATIENT_SURVEY,
        Purpose.INVOICE_VALIDATION_NON_CONTRACTED,
    }
    for purpose in sorted(own | others):
        asked = {**HOSPITAL, "purpose": purpose, "rec": None}
        about = {"ndoo_check": OPTED_OUT, "nhs_number_known": False}
        yield Rule(f"excluded {purpose}", "NDOO_EXEMPT_FLOW", asked, about, ndoo=False, type1=False)
        used = {"programme_opt_out": True}
        if purpose in own:
            yield withheld(f"own opt-out {purpose}", "PROGRAMME_OPT_OUT", asked, used, ndoo=False)
            unknown = {"programme_opt_out": None}
            yield withheld(f"unknown {purpose}", "PROGRAMME_OPT_OUT", asked, unknown, ndoo=False)
        else:
            yield Rule(f"no own opt-out {purpose}", "NDOO_EXEMPT_FLOW", asked, used, ndoo=False)
    screening = {"purpose": Purpose.POPULATION_SCREENING_OVERSIGHT, "rec": None}
    yield withheld(
        "Type 1 in a flow", "TYPE1_ACTIVE", screening, {"type1_events": (TYPE1_SET,)}, ndoo=False, type1=True
    )
    yield withheld(
        "both of a flow",
        "PROGRAMME_OPT_OUT TYPE1_ACTIVE",
        screening,
        {"type1_events": (TYPE1_SET,), "programme_opt_out": True},
    )
    yield Rule("programme opt-out elsewhere", "S251_SUPPORTED", {}, {"programme_opt_out": True})
    yield Rule(
        "reg 2 cancer registration",
        "NDOO_EXEMPT_FLOW",
        {**HOSPITAL, "purpose": Purpose.CANCER_REGISTRATION, "legal_basis": LegalBasis.S251_REG2, "rec": None},
        {"ndoo_check": OPTED_OUT},
        ndoo=False,
    )
    for name, first, last, reasons, decision in (
        ("begins today", TODAY, None, "NDOO_EXEMPT_FLOW", "release"),
        ("begins tomorrow", TODAY + DAY, None, "NDOO_OPTED_OUT", "withhold"),
        ("ends today", date(2020, 1, 1), TODAY, "NDOO_EXEMPT_FLOW", "release"),
        ("ended", date(2020, 1, 1), TODAY - DAY, "NDOO_OPTED_OUT", "withhold"),
    ):
        flow = ExemptFlow(Purpose.CQC_PATIENT_SURVEY, False, "test", first, last)
        yield Rule(
            f"exemption {name}",
            reasons,
            {**HOSPITAL, "purpose": Purpose.CQC_PATIENT_SURVEY, "rec": None},
            {"ndoo_check": OPTED_OUT},
            decision=decision,
            facts=PolicyFacts(exempt_flows=(flow,)),
        )


def _type1() -> Iterator[Rule]:
    def event(on: date, system: str, code: str) -> CodedEvent:
        return CodedEvent(on, CodeSystem(system), code)

    for system, code in (("readv2", "9Nu0."), ("ctv3", "XaZ89"), ("snomed", "827241000000103")):
        about = {"type1_events": (event(TODAY, system, code),)}
        yield withheld(f"set today in {system}", "TYPE1_ACTIVE", {}, about, type1=True)
    for system, code in (("readv2", "9Nu1."), ("snomed", "827261000000102")):
        ended = event(date(2023, 1, 1), system, code)
        yield Rule(f"withdrawn in {system}", "S251_SUPPORTED", {}, {"type1_events": (ended, TYPE1_SET)}, type1=True)
    again = (TYPE1_SET, TYPE1_WITHDRAWN, event(date(2024, 1, 1), "ctv3", "XaZ89"))
    yield withheld("set again", "TYPE1_ACTIVE", {}, {"type1_events": again})
    tie = (TYPE1_WITHDRAWN, event(TYPE1_WITHDRAWN.on, "readv2", "9Nu0."))
    yield withheld("one day", "TYPE1_ACTIVE", {}, {"type1_events": tie})
    yield withheld("one day, other order", "TYPE1_ACTIVE", {}, {"type1_events": tie[::-1]})
    tomorrow = event(TODAY + DAY, "readv2", "9Nu1.")
    yield withheld("withdrawn tomorrow", "TYPE1_ACTIVE", {}, {"type1_events": (TYPE1_SET, tomorrow)})
    yield withheld("unknown", "TYPE1_UNKNOWN", {}, {"type1_known": False}, type1=True)
    yield withheld("unknown though set", "TYPE1_UNKNOWN", {}, {"type1_known": False, "type1_events": (TYPE1_SET,)})
    foreign = event(TODAY, "ctv3", "XaZ8A")
    yield withheld("a code nobody verified", "TYPE1_UNKNOWN", {}, {"type1_events": (TYPE1_SET, foreign)})
    for source in (SourceDataset.HOSPITAL, SourceDataset.SOCIAL_CARE):
        about = {"type1_known": False, "type1_events": (TYPE1_SET,)}
        yield Rule(f"not {source}", "S251_SUPPORTED", {"source_dataset": source}, about, type1=False)
    reg2 = {"legal_basis": LegalBasis.S251_REG2}
    yield withheld("Type 1 under reg 2", "TYPE1_ACTIVE", reg2, {"type1_events": (TYPE1_SET,)}, type1=True)
    yield withheld("directed", "TYPE1_ACTIVE", DIRECTED, {"type1_events": (TYPE1_SET,)}, ndoo=False, type1=True)
    waived = CollectionType1("gdppr", LegalBasis.STATUTORY_DIRECTION, False, "test", date(2020, 1, 1), TODAY)
    kept = CollectionType1("gdppr", LegalBasis.COPI_REG3, True, "test", TODAY)
    facts = PolicyFacts(type1_by_collection=(waived, kept))
    about = {"type1_events": (TYPE1_SET,)}
    gdppr = {"collection": "gdppr"}
    yield Rule("waived", "REQUIRED_BY_LAW", {**DIRECTED, **gdppr}, about, type1=False, facts=facts)
    yield withheld("not this one", "TYPE1_ACTIVE", {**DIRECTED, "collection": "other"}, about, facts=facts)
    after = NOW + DAY
    yield withheld("waived until", "TYPE1_ACTIVE", {**DIRECTED, **gdppr}, about, facts=facts, now=after)
    yield withheld("kept under reg 3", "TYPE1_ACTIVE", {**PANDEMIC, **gdppr}, about, type1=True, facts=facts)
    yield Rule("kept from", "COPI_REG3", {**PANDEMIC, **gdppr}, about, facts=facts, now=NOW - DAY)
    older = PolicyFacts(type1_after_extraction_withholds=False)
    taken = {"extracted_on": TYPE1_SET.on - DAY}
    yield withheld("set after extraction", "TYPE1_ACTIVE", taken, about)
    yield Rule("set after extraction, by setting", "S251_SUPPORTED", taken, about, facts=older)
    yield withheld("set that day", "TYPE1_ACTIVE", {"extracted_on": TYPE1_SET.on}, about, facts=older)
    yield withheld("extraction unknown", "TYPE1_ACTIVE", {}, about, facts=older)
    yield withheld(
        "both opt-outs", "TYPE1_ACTIVE NDOO_OPTED_OUT", {}, {**about, "ndoo_check": OPTED_OUT}, ndoo=True, type1=True
    )
    yield withheld("a withholding outweighs a hold", "TYPE1_ACTIVE", {}, {**about, "ndoo_check": None}, ndoo=True)


def _people() -> Iterator[Rule]:
    yield withheld("unknown code", "PSEUDONYM_UNKNOWN", {}, {"pseudonym_resolves": False, "ndoo_check": OPTED_OUT})
    for on, warning in ((date(2018, 10, 11), ""), (date(2018, 10, 12), "TYPE2_CODE_AFTER_RETIREMENT")):
        event = CodedEvent(on, CodeSystem.READV2, "9Nu4.")
        yield Rule(f"Type 2 on {on}", "S251_SUPPORTED", {}, {"type2_events": (TYPE2_SET, event)}, warning=warning)
    both = {"cag": support(next_review_on=TODAY - DAY)}
    late = {"type2_events": (CodedEvent(TODAY, CodeSystem.CTV3, "XaaVL"),), "ndoo_check": OPTED_OUT}
    warnings = "CAG_REVIEW_OVERDUE TYPE2_CODE_AFTER_RETIREMENT"
    yield withheld("warnings change nothing", "NDOO_OPTED_OUT", both, late, warning=warnings)
    aggregate = {"output_form": OutputForm.AGGREGATE}
    about = {"ndoo_check": OPTED_OUT, "type1_events": (TYPE1_SET,), "nhs_number_known": False}
    yield Rule("aggregate", "NOT_IDENTIFIABLE", aggregate, about, released=(), ndoo=False, type1=False)
    yield withheld("aggregate without consent", "CONSENT_ABSENT", {**CONSENTED, **aggregate}, {})


def _identifiers() -> Iterator[Rule]:
    restricted = {"pds_security": PdsSecurity.RESTRICTED}
    yield Rule("both", "S251_SUPPORTED", PAIR, released=(NHS_NUMBER, POSTCODE))
    turned = {"identifiers_requested": (POSTCODE, NHS_NUMBER, POSTCODE), "identifiers_approved": (NHS_NUMBER, POSTCODE)}
    yield Rule("as asked, once", "S251_SUPPORTED", turned, released=(POSTCODE, NHS_NUMBER))
    more = {"identifiers_approved": (NHS_NUMBER, POSTCODE)}
    yield Rule("approved but not asked", "S251_SUPPORTED", more)
    partial = "release_partial"
    narrow = {**PAIR, "identifiers_approved": (NHS_NUMBER,)}
    yield Rule("one approved", "S251_SUPPORTED IDENTIFIER_NOT_APPROVED", narrow, decision=partial)
    yield Rule("restricted", "S251_SUPPORTED PDS_RESTRICTED", PAIR, restricted, decision=partial)
    yield Rule("restricted, nothing to keep back", "S251_SUPPORTED", {}, restricted)
    yield Rule("nobody looked", "S251_SUPPORTED PDS_RESTRICTED", PAIR, {"pds_security": None}, decision=partial)
    trusting = PolicyFacts(untraced_is_restricted=False)
    yield Rule(
        "nobody looks here",
        "S251_SUPPORTED",
        PAIR,
        {"pds_security": None},
        released=(NHS_NUMBER, POSTCODE),
        facts=trusting,
    )
    yield Rule(
        "restricted, by setting", "S251_SUPPORTED PDS_RESTRICTED", PAIR, restricted, decision=partial, facts=trusting
    )
    every = tuple(PolicyIdentifier)
    stays = (NHS_NUMBER, PolicyIdentifier.DATE_OF_BIRTH, PolicyIdentifier.DATE_OF_DEATH)
    asked = {"identifiers_requested": every, "identifiers_approved": every}
    yield Rule("restricted, all", "S251_SUPPORTED PDS_RESTRICTED", asked, restricted, decision=partial, released=stays)
    some = {"identifiers_requested": every, "identifiers_approved": (NHS_NUMBER, POSTCODE)}
    yield Rule(
        "both narrowed", "S251_SUPPORTED IDENTIFIER_NOT_APPROVED PDS_RESTRICTED", some, restricted, decision=partial
    )
    yield withheld("none approved", "IDENTIFIER_NOT_APPROVED", {"identifiers_approved": ()}, {})
    where = {"identifiers_requested": (POSTCODE,), "identifiers_approved": (POSTCODE,)}
    yield withheld("nothing left", "PDS_RESTRICTED", where, restricted)
    yield Rule(
        "exempt and narrowed",
        "S251_SUPPORTED CAG_OPTOUT_EXEMPTION IDENTIFIER_NOT_APPROVED",
        {**narrow, "cag": EXEMPT},
        decision=partial,
    )


RULES: tuple[Rule, ...] = (
    *_requests(),
    *_bases(),
    *_fits(),
    *_consents(),
    *_national(),
    *_flows(),
    *_type1(),
    *_people(),
    *_identifiers(),
)
