"""The rules that no deployment can change, as tables, each row with its source.

What a deployment may set (exempt flows, freshness, Type 1 of a collection) is in `policy.settings`.
`(derived)` marks a product choice that no published source states; `(secondary)` one read only in summaries.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from keyholder.policy.sources import (
    CAG_CONDITIONS,
    CALDICOTT,
    CHECK_SERVICE,
    CONSENTED,
    COPI_2002,
    DERIVED,
    DONCASTER,
    GP_PAGE,
    GPES,
    LICENCE,
    LONDON,
    MANAGE_YOUR_CHOICE,
    MICROTEST,
    OFFENCE,
    OPENSAFELY,
    POLICY_CH5,
    POLICY_CH6,
    POLICY_CH8,
    PRACTICE,
    RESEARCH_HRA,
    RESEARCHERS,
    TO_BE_CONFIRMED,
    TPP,
)
from keyholder.policy.vocabulary import (
    CareOrigin,
    CodeSystem,
    CopiPurpose,
    Decision,
    LegalBasis,
    OutwardCode,
    PolicyIdentifier,
    Purpose,
    Reason,
    RequesterRole,
    Scope,
)


@dataclass(frozen=True, slots=True)
class Prohibition:
    """A purpose that nothing makes lawful here, consent included."""

    purpose: Purpose
    source: str


PROHIBITIONS: tuple[Prohibition, ...] = (
    Prohibition(Purpose.MARKETING, GP_PAGE),
    Prohibition(Purpose.INSURANCE, GP_PAGE),
    Prohibition(Purpose.SOLELY_COMMERCIAL, "Care Act 2014 s.122, inserting HSCA 2012 s.261(1A)"),
    Prohibition(Purpose.OPT_OUT_TARGETING, LICENCE),
)


@dataclass(frozen=True, slots=True)
class BasisRow:
    """One legal basis: what it fits, who may claim it, and which opt-outs stand against it.

    `roles` None: anyone. `ethics_for`: the purposes for which it also needs a favourable ethics opinion.
    `type1_settable`: whether a collection may set its own Type 1 behaviour under this basis.
    """

    basis: LegalBasis
    purposes: frozenset[Purpose]
    lawful: Reason
    evidence: str
    source: str
    roles: frozenset[RequesterRole] | None = None
    ethics_for: frozenset[Purpose] = frozenset()
    ndoo: bool = False
    type1: bool = False
    type1_settable: bool = False


_EXCLUDED_FLOWS = frozenset(
    {
        Purpose.OFFICIAL_STATISTICS_ONS,
        Purpose.CANCER_PATIENT_EXPERIENCE_SURVEY,
        Purpose.CQC_PATIENT_SURVEY,
        Purpose.CANCER_REGISTRATION,
        Purpose.RARE_DISEASE_REGISTRATION,
        Purpose.POPULATION_SCREENING_OVERSIGHT,
        Purpose.ASSURING_TRANSFORMATION,
        Purpose.INVOICE_VALIDATION_NON_CONTRACTED,
    }
)
_RESEARCH = frozenset({Purpose.RESEARCH, Purpose.RESEARCH_RECRUITMENT})

MATRIX: tuple[BasisRow, ...] = (
    BasisRow(
        LegalBasis.EXPLICIT_CONSENT,
        _RESEARCH,
        Reason.PROJECT_CONSENT,
        "each person's consent, to this project, covering re-identification, not withdrawn",
        f"{RESEARCHERS}, ch.6; RCGP, Type 1 objections and the National Data Opt-Out (Oct 2019)",
        ethics_for=_RESEARCH,
    ),
    BasisRow(
        LegalBasis.S251_REG5,
        _RESEARCH | {Purpose.PLANNING_COMMISSIONING} | _EXCLUDED_FLOWS,
        Reason.S251_SUPPORTED,
        "support in force that permits re-identification",
        f"{POLICY_CH5}; {COPI_2002}, reg 5",
        ethics_for=_RESEARCH,
        ndoo=True,
        type1=True,
    ),
    BasisRow(
        LegalBasis.S251_REG2,
        frozenset({Purpose.RESEARCH, Purpose.PLANNING_COMMISSIONING, Purpose.CANCER_REGISTRATION}),
        Reason.S251_SUPPORTED,
        "approval in force that permits re-identification; neoplasia medical purposes",
        f"{POLICY_CH5}; {COPI_2002}, reg 2",
        ethics_for=_RESEARCH,
        ndoo=True,
        type1=True,
    ),
    BasisRow(
        LegalBasis.COPI_REG3,
        frozenset({Purpose.PUBLIC_HEALTH_PROTECTION}),
        Reason.COPI_REG3,
        "a regulation 3 purpose; the days of the notice where one is relied on",
        f"{POLICY_CH6} (6.2); {COPI_2002}, reg 3",
        type1_settable=True,
    ),
    BasisRow(
        LegalBasis.STATUTORY_DIRECTION,
        frozenset(
            {
                Purpose.LEGAL_REQUIREMENT,
                Purpose.PLANNING_COMMISSIONING,
                Purpose.PUBLIC_HEALTH_PROTECTION,
                Purpose.RESEARCH,
            }
        )
        | _EXCLUDED_FLOWS,
        Reason.REQUIRED_BY_LAW,
        "the direction or notice on file",
        GPES,
        ethics_for=_RESEARCH,
        type1=True,
        type1_settable=True,
    ),
    BasisRow(
        LegalBasis.COURT_ORDER,
        frozenset({Purpose.LEGAL_REQUIREMENT}),
        Reason.COURT_ORDER,
        "the order on file",
        f"{MANAGE_YOUR_CHOICE}; {OFFENCE}",
    ),
    BasisRow(
        LegalBasis.OVERRIDING_PUBLIC_INTEREST,
        frozenset({Purpose.SERIOUS_HARM_PREVENTION}),
        Reason.OVERRIDING_PUBLIC_INTEREST,
        "a documented positive test for one case, approved by a Caldicott Guardian",
        f"{POLICY_CH6} (6.3)",
    ),
    BasisRow(
        LegalBasis.IMPLIED_CONSENT_DIRECT_CARE,
        frozenset(
            {
                Purpose.INDIVIDUAL_CARE,
                Purpose.RISK_STRATIFICATION_CASE_FINDING,
                Purpose.RESEARCH_RECRUITMENT,
            }
        ),
        Reason.CARE_RELATIONSHIP,
        "a clinician's care relationship in force with that person (own patients only)",
        f"{GP_PAGE}; {RESEARCHERS}, ch.5 (own-patient invitation)",
        roles=frozenset({RequesterRole.CLINICIAN}),
    ),
)


@dataclass(frozen=True, slots=True)
class ReachRow:
    """Whether the national data opt-out reaches care of this origin."""

    origin: CareOrigin
    reached: bool
    source: str


NDOO_REACH: tuple[ReachRow, ...] = (
    ReachRow(CareOrigin.ENGLAND_PUBLIC, True, POLICY_CH5),
    ReachRow(CareOrigin.ENGLAND_PRIVATE_IN_NHS_SETTING, True, POLICY_CH5),
    ReachRow(CareOrigin.ENGLAND_PRIVATE, False, POLICY_CH5),
    ReachRow(CareOrigin.WALES, False, POLICY_CH5),
)


class CodeMeaning(StrEnum):
    """What a coded event says."""

    TYPE1_SET = "type1_set"
    TYPE1_WITHDRAWN = "type1_withdrawn"
    TYPE2_SET = "type2_set"
    TYPE2_WITHDRAWN = "type2_withdrawn"


@dataclass(frozen=True, slots=True)
class CodeRow:
    """One clinical code that speaks of an opt-out, and where it was read."""

    meaning: CodeMeaning
    system: CodeSystem
    code: str
    source: str


OPT_OUT_CODES: tuple[CodeRow, ...] = (
    CodeRow(CodeMeaning.TYPE1_SET, CodeSystem.READV2, "9Nu0.", LONDON),
    CodeRow(CodeMeaning.TYPE1_SET, CodeSystem.CTV3, "XaZ89", f"{LONDON}; {PRACTICE}"),
    CodeRow(CodeMeaning.TYPE1_SET, CodeSystem.SNOMED, "827241000000103", PRACTICE),
    CodeRow(CodeMeaning.TYPE1_WITHDRAWN, CodeSystem.READV2, "9Nu1.", LONDON),
    CodeRow(CodeMeaning.TYPE1_WITHDRAWN, CodeSystem.SNOMED, "827261000000102", TO_BE_CONFIRMED),
    CodeRow(CodeMeaning.TYPE2_SET, CodeSystem.READV2, "9Nu4.", MICROTEST),
    CodeRow(CodeMeaning.TYPE2_SET, CodeSystem.CTV3, "XaaVL", TPP),
    CodeRow(CodeMeaning.TYPE2_SET, CodeSystem.SNOMED, "881561000000100", DONCASTER),
    CodeRow(CodeMeaning.TYPE2_WITHDRAWN, CodeSystem.READV2, "9Nu5.", MICROTEST),
    CodeRow(CodeMeaning.TYPE2_WITHDRAWN, CodeSystem.CTV3, "XaaVM", TPP),
    CodeRow(CodeMeaning.TYPE2_WITHDRAWN, CodeSystem.SNOMED, "881581000000109", TO_BE_CONFIRMED),
)
"""The CTV3 withdrawal of a Type 1 is left out: public sources disagree on its letter case."""

TYPE2_RETIRED_ON = date(2018, 10, 11)
"""Type 2 codes up to this day became national data opt-outs; a later one has no effect."""
TYPE2_SOURCE = "NHS Digital, Prevent type 2 opt-out code use (7 March 2019)"


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """The last day of the general notices for a regulation 3 purpose, whatever a request says of its own."""

    purpose: CopiPurpose
    last_day: date
    source: str


COPI_NOTICES_END: tuple[NoticeRow, ...] = (
    NoticeRow(CopiPurpose.COVID19, date(2022, 6, 30), "NHS Digital, COPI exit guidance v2 (8 June 2022)"),
)

LOCATING_IDENTIFIERS: frozenset[PolicyIdentifier] = frozenset(
    {PolicyIdentifier.POSTCODE, PolicyIdentifier.GP_LOCAL_PATIENT_NUMBER, PolicyIdentifier.LOCAL_PATIENT_ID}
)
"""What leads to where a person lives or is cared for: for a restricted record PDS drops address, telecom and general
practitioner. A local number names its practice or provider."""
LOCATING_SOURCE = "NHS England, PDS FHIR API (restricted records); local numbers (derived)"


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """What a decision means for the requester."""

    decision: Decision
    outward: OutwardCode
    meaning: str
    source: str


DECISIONS: tuple[DecisionRow, ...] = (
    DecisionRow(Decision.RELEASE, OutwardCode.RELEASED, "the identifiers are returned", DERIVED),
    DecisionRow(Decision.RELEASE_PARTIAL, OutwardCode.RELEASED_PARTIAL, "some identifiers are returned", CALDICOTT),
    DecisionRow(Decision.WITHHOLD, OutwardCode.NOT_AVAILABLE, "nothing for this pseudonym; never says why", LICENCE),
    DecisionRow(Decision.HOLD, OutwardCode.PENDING, "check again, then decide again", CHECK_SERVICE),
    DecisionRow(Decision.PENDING, OutwardCode.PENDING, "the request waits for approvals", OFFENCE),
    DecisionRow(Decision.REFUSE, OutwardCode.REFUSED, "the whole request is refused, with the reason", DERIVED),
)


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """What a reason decides, about what, and in which case it is given."""

    reason: Reason
    decision: Decision
    scope: Scope
    when: str
    source: str


def _refuses(reason: Reason, when: str, source: str) -> ReasonRow:
    return ReasonRow(reason, Decision.REFUSE, Scope.REQUEST, when, source)


def _withholds(reason: Reason, when: str, source: str) -> ReasonRow:
    return ReasonRow(reason, Decision.WITHHOLD, Scope.SUBJECT, when, source)


def _holds(reason: Reason, when: str, source: str) -> ReasonRow:
    return ReasonRow(reason, Decision.HOLD, Scope.SUBJECT, when, source)


def _narrows(reason: Reason, when: str, source: str) -> ReasonRow:
    return ReasonRow(reason, Decision.RELEASE_PARTIAL, Scope.SUBJECT, when, source)


def _releases(reason: Reason, when: str, source: str) -> ReasonRow:
    return ReasonRow(reason, Decision.RELEASE, Scope.SUBJECT, when, source)


REASONS: tuple[ReasonRow, ...] = (
    _refuses(
        Reason.PURPOSE_PROHIBITED,
        "the purpose is prohibited, whatever else is true, even with consent",
        f"{GP_PAGE}; Care Act 2014 s.122",
    ),
    _refuses(Reason.BASIS_MISSING, "no legal basis is named", f"common law duty of confidentiality {DERIVED}"),
    _refuses(Reason.ROLE_NOT_PERMITTED, "this role may not claim the basis", GP_PAGE),
    _refuses(Reason.BASIS_PURPOSE_MISMATCH, "the basis does not fit the purpose", f"{COPI_2002}; {POLICY_CH6}"),
    _refuses(
        Reason.BASIS_EVIDENCE_MISSING,
        "the evidence of the basis is not on file or not sufficient",
        f"{CAG_CONDITIONS}; {POLICY_CH6}",
    ),
    _refuses(Reason.BASIS_EXPIRED, "the notice, support, direction or order is over or closed", CAG_CONDITIONS),
    _refuses(Reason.BASIS_SCOPE, "the support does not permit re-identification", f"{CAG_CONDITIONS} (condition 2)"),
    _refuses(Reason.REC_MISSING, "research without a favourable ethics opinion", f"{COPI_2002}, reg 2"),
    _refuses(Reason.REQUESTER_NOT_ACCREDITED, "the requester's accreditation has lapsed", DERIVED),
    _refuses(Reason.DSA_EXPIRED, "no data sharing agreement, or it ended before the day of disclosure", DERIVED),
    _refuses(Reason.CONTROLLER_REFUSED, "a controller refused", OFFENCE),
    ReasonRow(
        Reason.AWAITING_CONTROLLER,
        Decision.PENDING,
        Scope.REQUEST,
        "a responsible controller has not approved yet, or none is named",
        OFFENCE,
    ),
    _withholds(Reason.PSEUDONYM_UNKNOWN, "the code does not resolve", DERIVED),
    _withholds(Reason.CONSENT_ABSENT, "the basis is consent and there is none", f"{RESEARCHERS}, ch.6"),
    _withholds(Reason.CONSENT_NOT_YET_GIVEN, "the consent is dated after today", DERIVED),
    _withholds(Reason.CONSENT_WITHDRAWN, "the consent is withdrawn (the day itself counts) or has ended", DERIVED),
    _withholds(Reason.CONSENT_WRONG_PROJECT, "the consent is for another project", f"{RESEARCHERS}, ch.6"),
    _withholds(Reason.CONSENT_SCOPE, "the consent does not cover being re-identified", CONSENTED),
    _withholds(
        Reason.NO_CARE_RELATIONSHIP,
        "no care relationship in force at this moment (its end is exclusive)",
        "NHSISL/ISL.ReIdentification (North East London ICB)",
    ),
    _withholds(
        Reason.PROGRAMME_OPT_OUT,
        "the person used the excluded flow's own opt-out, or whether they did is unknown",
        MANAGE_YOUR_CHOICE,
    ),
    _withholds(Reason.TYPE1_ACTIVE, "a Type 1 opt-out is in scope and set", f"{GP_PAGE}; {GPES}"),
    _withholds(
        Reason.TYPE1_UNKNOWN, "a Type 1 opt-out is in scope and its state cannot be known", f"{OPENSAFELY}; {DERIVED}"
    ),
    _withholds(
        Reason.NHS_NUMBER_UNAVAILABLE,
        "the opt-out is in scope and there is no NHS number to check",
        f"{POLICY_CH5}; {DERIVED}",
    ),
    _withholds(Reason.NDOO_OPTED_OUT, "the national data opt-out is in scope and set", f"{POLICY_CH5}; {RESEARCH_HRA}"),
    _holds(Reason.NDOO_CHECK_MISSING, "the opt-out is in scope and no check was made", POLICY_CH8),
    _holds(Reason.NDOO_CHECK_PENDING, "the service has only confirmed the job", CHECK_SERVICE),
    _holds(Reason.NDOO_CHECK_FAILED, "the service answered with an error, or unreadably", CHECK_SERVICE),
    _holds(
        Reason.NDOO_CHECK_INVALID,
        "the check has no day, or its days lie in the future or contradict each other",
        DERIVED,
    ),
    _holds(Reason.NDOO_CHECK_STALE, "the check is too old", POLICY_CH8),
    _narrows(Reason.IDENTIFIER_NOT_APPROVED, "some identifier types asked for were not approved", CALDICOTT),
    _narrows(
        Reason.PDS_RESTRICTED,
        "a restricted record: identifiers that locate the person stay back",
        "NHS England, PDS FHIR API (restricted records)",
    ),
    _releases(Reason.S251_SUPPORTED, "section 251 support", POLICY_CH5),
    _releases(Reason.PROJECT_CONSENT, "the person's consent to this project", f"{RESEARCHERS}, ch.6; {CONSENTED}"),
    _releases(Reason.COPI_REG3, "regulation 3", f"{POLICY_CH6} (6.2); {COPI_2002}, reg 3"),
    _releases(Reason.REQUIRED_BY_LAW, "a statutory direction", GPES),
    _releases(Reason.COURT_ORDER, "a court order", f"{MANAGE_YOUR_CHOICE}; {OFFENCE}"),
    _releases(Reason.OVERRIDING_PUBLIC_INTEREST, "an overriding public interest", f"{POLICY_CH6} (6.3)"),
    _releases(Reason.CARE_RELATIONSHIP, "direct care", GP_PAGE),
    _releases(Reason.NOT_IDENTIFIABLE, "nothing identifiable leaves", f"{POLICY_CH5}; {RESEARCHERS}, ch.6"),
    _releases(
        Reason.CAG_OPTOUT_EXEMPTION, "the support exempts this flow from the opt-out, by a letter on file", POLICY_CH5
    ),
    _releases(Reason.NDOO_EXEMPT_FLOW, "the flow is excluded from the opt-out", MANAGE_YOUR_CHOICE),
    _releases(
        Reason.NHS_NUMBER_EFFORT_EXEMPTION, "finding an NHS number would be disproportionate effort", MANAGE_YOUR_CHOICE
    ),
)

OUTWARD: dict[Decision, OutwardCode] = {row.decision: row.outward for row in DECISIONS}
EFFECT: dict[Reason, ReasonRow] = {row.reason: row for row in REASONS}
BASES: dict[LegalBasis, BasisRow] = {row.basis: row for row in MATRIX}
"""`LegalBasis.NONE` has no row: it fits nothing."""
