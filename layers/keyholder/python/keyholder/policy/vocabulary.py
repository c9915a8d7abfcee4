"""Every word the policy knows. A value that is not here is refused where it comes in, never guessed at.

Purposes, bases, reasons and outward codes follow the published rules named in `policy.tables`; the spelling of each
value is the one case files use (`policy.cases`).
"""

from __future__ import annotations

from enum import StrEnum

from keyholder.vocabulary import IdentifierType


class Purpose(StrEnum):
    """What the identifiers are wanted for."""

    RESEARCH = "research"
    RESEARCH_RECRUITMENT = "research_recruitment"
    PLANNING_COMMISSIONING = "planning_commissioning"
    PUBLIC_HEALTH_PROTECTION = "public_health_protection"
    INDIVIDUAL_CARE = "individual_care"
    RISK_STRATIFICATION_CASE_FINDING = "risk_stratification_case_finding"
    LEGAL_REQUIREMENT = "legal_requirement"
    SERIOUS_HARM_PREVENTION = "serious_harm_prevention"
    OFFICIAL_STATISTICS_ONS = "official_statistics_ons"
    CANCER_PATIENT_EXPERIENCE_SURVEY = "cancer_patient_experience_survey"
    CQC_PATIENT_SURVEY = "cqc_patient_survey"
    CANCER_REGISTRATION = "cancer_registration"
    RARE_DISEASE_REGISTRATION = "rare_disease_registration"
    POPULATION_SCREENING_OVERSIGHT = "population_screening_oversight"
    ASSURING_TRANSFORMATION = "assuring_transformation"
    INVOICE_VALIDATION_NON_CONTRACTED = "invoice_validation_non_contracted"
    MARKETING = "marketing"
    INSURANCE = "insurance"
    SOLELY_COMMERCIAL = "solely_commercial"
    OPT_OUT_TARGETING = "opt_out_targeting"


class LegalBasis(StrEnum):
    """What lifts the common law duty of confidentiality."""

    EXPLICIT_CONSENT = "explicit_consent"
    S251_REG5 = "s251_reg5"
    S251_REG2 = "s251_reg2"
    COPI_REG3 = "copi_reg3"
    STATUTORY_DIRECTION = "statutory_direction"
    COURT_ORDER = "court_order"
    OVERRIDING_PUBLIC_INTEREST = "overriding_public_interest"
    IMPLIED_CONSENT_DIRECT_CARE = "implied_consent_direct_care"
    NONE = "none"


class OutputForm(StrEnum):
    """Whether anything that names a person leaves."""

    IDENTIFIABLE = "identifiable"
    AGGREGATE = "aggregate"


class SourceDataset(StrEnum):
    """Where the data was collected. Type 1 opt-outs speak about `GP` alone."""

    GP = "gp"
    HOSPITAL = "hospital"
    SOCIAL_CARE = "social_care"


class CareOrigin(StrEnum):
    """Where and how the care was given: the reach of the national data opt-out."""

    ENGLAND_PUBLIC = "england_public"
    ENGLAND_PRIVATE_IN_NHS_SETTING = "england_private_in_nhs_setting"
    ENGLAND_PRIVATE = "england_private"
    WALES = "wales"


class RequesterRole(StrEnum):
    """What the person who asks does for a living."""

    RESEARCHER = "researcher"
    CLINICIAN = "clinician"
    COMMISSIONER_ANALYST = "commissioner_analyst"
    CONTROLLER_OFFICER = "controller_officer"
    PROGRAMME_OFFICER = "programme_officer"
    PUBLIC_HEALTH_OFFICER = "public_health_officer"


class ApproverRole(StrEnum):
    """Who may approve a public interest test."""

    CALDICOTT_GUARDIAN = "caldicott_guardian"


class PolicyIdentifier(StrEnum):
    """Identifier types the policy speaks of: those of the GP extract, and another care provider's local number."""

    NHS_NUMBER = "nhs_number"
    GP_LOCAL_PATIENT_NUMBER = "gp_local_patient_number"
    LOCAL_PATIENT_ID = "local_patient_id"
    POSTCODE = "postcode"
    DATE_OF_BIRTH = "date_of_birth"
    DATE_OF_DEATH = "date_of_death"

    @classmethod
    def of(cls, identifier: IdentifierType) -> PolicyIdentifier:
        """The same type in the policy's words."""
        return cls(identifier.value)


class CagStatus(StrEnum):
    """How section 251 support stands in the register of the Confidentiality Advisory Group."""

    SUPPORTED = "supported"
    CLOSED = "closed"


class OptOutCondition(StrEnum):
    """Whether the support keeps the standard condition that opt-outs are respected."""

    STANDARD = "standard"
    EXEMPT = "exempt"


class CopiPurpose(StrEnum):
    """What regulation 3 is relied on for."""

    COMMUNICABLE_DISEASE_OUTBREAK = "communicable_disease_outbreak"
    COVID19 = "covid19"


class CheckState(StrEnum):
    """What the national data opt-out check said about one person."""

    CLEAR = "clear"
    OPTED_OUT = "opted_out"
    PENDING = "pending"
    FAILED = "failed"
    NONE = "none"


class CheckMode(StrEnum):
    """Whether the service was asked for this list (`DIRECT`), or an earlier answer kept for a while (`CACHE`)."""

    DIRECT = "direct"
    CACHE = "cache"


class ConsentGiver(StrEnum):
    """Who said yes: the person, or a consultee under the Mental Capacity Act 2005."""

    PATIENT = "patient"
    CONSULTEE = "consultee"


class CodeSystem(StrEnum):
    """The code system of a coded event in a GP record. Read codes are case-sensitive."""

    READV2 = "readv2"
    CTV3 = "ctv3"
    SNOMED = "snomed"


class PdsSecurity(StrEnum):
    """How the Personal Demographics Service marks a record: unrestricted, or restricted (sensitive)."""

    UNRESTRICTED = "U"
    RESTRICTED = "R"


class Decision(StrEnum):
    """What happens."""

    RELEASE = "release"
    RELEASE_PARTIAL = "release_partial"
    WITHHOLD = "withhold"
    HOLD = "hold"
    PENDING = "pending"
    REFUSE = "refuse"


class Scope(StrEnum):
    """Whether the decision is about the whole request or about one person."""

    REQUEST = "request"
    SUBJECT = "subject"


class OutwardCode(StrEnum):
    """What the requester sees. All per-person reasons for withholding share `NOT_AVAILABLE`."""

    RELEASED = "RELEASED"
    RELEASED_PARTIAL = "RELEASED_PARTIAL"
    NOT_AVAILABLE = "NOT_AVAILABLE"
    PENDING = "PENDING"
    REFUSED = "REFUSED"


class Reason(StrEnum):
    """Why. What each one means, decides and shows outward is in `tables.REASONS`."""

    PURPOSE_PROHIBITED = "PURPOSE_PROHIBITED"
    BASIS_MISSING = "BASIS_MISSING"
    ROLE_NOT_PERMITTED = "ROLE_NOT_PERMITTED"
    BASIS_PURPOSE_MISMATCH = "BASIS_PURPOSE_MISMATCH"
    BASIS_EVIDENCE_MISSING = "BASIS_EVIDENCE_MISSING"
    BASIS_EXPIRED = "BASIS_EXPIRED"
    BASIS_SCOPE = "BASIS_SCOPE"
    REC_MISSING = "REC_MISSING"
    REQUESTER_NOT_ACCREDITED = "REQUESTER_NOT_ACCREDITED"
    DSA_EXPIRED = "DSA_EXPIRED"
    CONTROLLER_REFUSED = "CONTROLLER_REFUSED"
    AWAITING_CONTROLLER = "AWAITING_CONTROLLER"
    PSEUDONYM_UNKNOWN = "PSEUDONYM_UNKNOWN"
    CONSENT_ABSENT = "CONSENT_ABSENT"
    CONSENT_NOT_YET_GIVEN = "CONSENT_NOT_YET_GIVEN"
    CONSENT_WITHDRAWN = "CONSENT_WITHDRAWN"
    CONSENT_WRONG_PROJECT = "CONSENT_WRONG_PROJECT"
    CONSENT_SCOPE = "CONSENT_SCOPE"
    NO_CARE_RELATIONSHIP = "NO_CARE_RELATIONSHIP"
    PROGRAMME_OPT_OUT = "PROGRAMME_OPT_OUT"
    TYPE1_ACTIVE = "TYPE1_ACTIVE"
    TYPE1_UNKNOWN = "TYPE1_UNKNOWN"
    NHS_NUMBER_UNAVAILABLE = "NHS_NUMBER_UNAVAILABLE"
    NDOO_OPTED_OUT = "NDOO_OPTED_OUT"
    NDOO_CHECK_MISSING = "NDOO_CHECK_MISSING"
    NDOO_CHECK_PENDING = "NDOO_CHECK_PENDING"
    NDOO_CHECK_FAILED = "NDOO_CHECK_FAILED"
    NDOO_CHECK_INVALID = "NDOO_CHECK_INVALID"
    NDOO_CHECK_STALE = "NDOO_CHECK_STALE"
    IDENTIFIER_NOT_APPROVED = "IDENTIFIER_NOT_APPROVED"
    PDS_RESTRICTED = "PDS_RESTRICTED"
    S251_SUPPORTED = "S251_SUPPORTED"
    PROJECT_CONSENT = "PROJECT_CONSENT"
    COPI_REG3 = "COPI_REG3"
    REQUIRED_BY_LAW = "REQUIRED_BY_LAW"
    COURT_ORDER = "COURT_ORDER"
    OVERRIDING_PUBLIC_INTEREST = "OVERRIDING_PUBLIC_INTEREST"
    CARE_RELATIONSHIP = "CARE_RELATIONSHIP"
    NOT_IDENTIFIABLE = "NOT_IDENTIFIABLE"
    CAG_OPTOUT_EXEMPTION = "CAG_OPTOUT_EXEMPTION"
    NDOO_EXEMPT_FLOW = "NDOO_EXEMPT_FLOW"
    NHS_NUMBER_EFFORT_EXEMPTION = "NHS_NUMBER_EFFORT_EXEMPTION"


class PolicyWarning(StrEnum):
    """What is worth knowing and changes nothing."""

    CAG_REVIEW_OVERDUE = "CAG_REVIEW_OVERDUE"
    TYPE2_CODE_AFTER_RETIREMENT = "TYPE2_CODE_AFTER_RETIREMENT"
