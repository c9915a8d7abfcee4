"""What is known about a request and about a person at the moment of disclosure.

Days are Europe/London calendar days; moments carry their zone. None means unknown or not on file, and never helps:
every rule reads it as the case that withholds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

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


@dataclass(frozen=True, slots=True)
class Agreement:
    """The data sharing agreement; `ends_on` is its last day."""

    ref: str
    ends_on: date


@dataclass(frozen=True, slots=True)
class Requester:
    """Who asks; `accredited_until` is the last day of their accreditation."""

    role: RequesterRole
    accredited_until: date | None


@dataclass(frozen=True, slots=True)
class CagSupport:
    """Support under section 251 of the NHS Act 2006, as the letter and the register say."""

    ref: str | None
    status: CagStatus
    next_review_on: date | None
    ends_on: date | None
    opt_out_condition: OptOutCondition
    exemption_letter_on_file: bool
    permits_reidentification: bool


@dataclass(frozen=True, slots=True)
class EthicsOpinion:
    """What a research ethics committee said."""

    ref: str | None
    favourable: bool


@dataclass(frozen=True, slots=True)
class CopiReliance:
    """Regulation 3 of the COPI Regulations 2002: its purpose, and the days of a notice where one is relied on."""

    notice: bool
    notice_from: date | None
    notice_to: date | None
    purpose: CopiPurpose


@dataclass(frozen=True, slots=True)
class LegalInstrument:
    """A court order or a statutory direction; `ends_on` is its last day where it has one."""

    ref: str | None
    on_file: bool
    ends_on: date | None = None


@dataclass(frozen=True, slots=True)
class PublicInterestTest:
    """A test that the public interest outweighs confidentiality, for one case."""

    documented: bool
    individual: bool
    approved_by_role: ApproverRole | None


@dataclass(frozen=True, slots=True)
class PolicyRequest:
    """One request as the policy sees it. `collection` names the collection whose Type 1 setting counts;
    `extracted_on` is the day its data left the practice."""

    purpose: Purpose
    legal_basis: LegalBasis
    output_form: OutputForm
    source_dataset: SourceDataset
    care_origin: CareOrigin
    project_id: str
    identifiers_requested: tuple[PolicyIdentifier, ...]
    identifiers_approved: tuple[PolicyIdentifier, ...]
    controllers_required: tuple[str, ...]
    controllers_approved: tuple[str, ...]
    controllers_refused: tuple[str, ...]
    agreement: Agreement | None
    requester: Requester
    cag: CagSupport | None = None
    rec: EthicsOpinion | None = None
    copi: CopiReliance | None = None
    court_order: LegalInstrument | None = None
    direction: LegalInstrument | None = None
    public_interest_test: PublicInterestTest | None = None
    collection: str | None = None
    extracted_on: date | None = None


@dataclass(frozen=True, slots=True)
class NdooCheck:
    """One answer of the Check for National Data Opt-outs service about one person."""

    state: CheckState
    mode: CheckMode
    performed_on: date | None
    cache_refreshed_on: date | None = None


@dataclass(frozen=True, slots=True, order=True)
class CodedEvent:
    """A code recorded in a GP record on a day."""

    on: date
    system: CodeSystem
    code: str


@dataclass(frozen=True, slots=True)
class Consent:
    """One person's consent to one project. `withdrawn_on` counts from its first moment; `ends_on` is a last day."""

    project_id: str
    covers_reidentification: bool
    given_on: date
    withdrawn_on: date | None
    given_by: ConsentGiver
    ends_on: date | None = None


@dataclass(frozen=True, slots=True)
class CareRelationship:
    """Direct care of one person by the requester: from `starts_at`, until just before `ends_at`."""

    starts_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class PersonChoices:
    """What the registers hold about one person. No check, no events known, no consent: the state of a stranger."""

    ndoo_check: NdooCheck | None = field(default=None, repr=False)
    type1_known: bool = field(default=False, repr=False)
    type1_events: tuple[CodedEvent, ...] = field(default=(), repr=False)
    consent: Consent | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Person:
    """One person as the policy sees them, without a name or a number.

    `programme_opt_out`: whether they used the own opt-out of the excluded flow asked for. `pds_security` None means
    that nobody looked the record up.
    """

    pseudonym_resolves: bool
    nhs_number_known: bool = field(default=False, repr=False)
    nhs_number_effort_exemption: bool = field(default=False, repr=False)
    choices: PersonChoices = field(default_factory=PersonChoices, repr=False)
    type2_events: tuple[CodedEvent, ...] = field(default=(), repr=False)
    programme_opt_out: bool | None = field(default=None, repr=False)
    care_relationship: CareRelationship | None = field(default=None, repr=False)
    pds_security: PdsSecurity | None = field(default=None, repr=False)
