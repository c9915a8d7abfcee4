"""What callers may send: shapes and limits only. The rules live in the domain, which is handed plain values.

Unknown fields are refused, so that a misspelt condition is never silently dropped.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from keyholder.audit.vocabulary import Decision, ExportFormat
from keyholder.collection.rules import COLUMN
from keyholder.collection.vocabulary import ColumnReason, DropRule
from keyholder.extracts.announcement import MOST_COLUMNS
from keyholder.policy import references
from keyholder.policy.changes import ChangeReason as PolicyChangeReason
from keyholder.policy.person_view import ViewReason
from keyholder.policy.settings import CACHE_CAP_DAYS, CACHE_REFRESH_CAP_DAYS, DIRECT_CAP_DAYS
from keyholder.policy.settings_form import MOST_ROWS, SOURCE
from keyholder.policy.vocabulary import CheckMode, LegalBasis, Purpose
from keyholder.pseudonyms.token import HIGHEST_KEY_VERSION, Scheme
from keyholder.registry.domains import KMS_KEY_ARN, CareOrigin, SourceDataset
from keyholder.registry.factors import LEAST_QUORUM, MOST_OF_A_FACTOR, MOST_QUORUM, Factor
from keyholder.registry.key_changes import MOST_VERSIONS, Change, ChangeReason
from keyholder.registry.people import Capacity, PersonKind
from keyholder.registry.projects import CagStatus, CopiPurpose, OptOutCondition
from keyholder.registry.rule_changes import RuleChangeReason
from keyholder.registry.terms import HIGHEST_VERSION, Document
from keyholder.requests.codes import RejectReason, RevokeReason
from keyholder.requests.conditions import ConditionCode
from keyholder.requests.content import (
    LONGEST_JUSTIFICATION,
    LONGEST_PSEUDONYM,
    LONGEST_WINDOW,
    MOST_DOMAINS,
    MOST_RECORDS,
    Delivery,
    NeedCode,
)
from keyholder.requests.record_file import MOST_BYTES, FileFormat
from keyholder.vocabulary import IdentifierType, Role

Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,60}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Organisation = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{3,10}$")]
Delegation = Annotated[str, StringConstraints(pattern=r"^DLG-[0-9A-HJKMNP-TV-Z]{26}$")]
PersonReference = Annotated[str, StringConstraints(pattern=r"^person/[0-9a-f]{32}$")]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=60)]
CagReference = Annotated[str, StringConstraints(max_length=60, pattern=f"^(?:{references.CAG.pattern})$")]
RecReference = Annotated[str, StringConstraints(max_length=60, pattern=f"^{references.REC.pattern}$")]
IrasReference = Annotated[str, StringConstraints(max_length=60, pattern=f"^{references.IRAS.pattern}$")]
DarsReference = Annotated[str, StringConstraints(max_length=60, pattern=f"^{references.DARS.pattern}$")]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
FreeText = Annotated[str, StringConstraints(min_length=20, max_length=LONGEST_JUSTIFICATION)]
Token = Annotated[str, StringConstraints(max_length=LONGEST_PSEUDONYM)]
Cell = Annotated[str, StringConstraints(max_length=200)]
SettingSource = Annotated[str, StringConstraints(max_length=80, pattern=f"^(?:{SOURCE.pattern})$")]
FactorCount = Annotated[int, Field(ge=0, le=MOST_OF_A_FACTOR)]
ColumnName = Annotated[str, StringConstraints(pattern=f"^{COLUMN.pattern}$")]
RowId = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class Body(BaseModel):
    """Strict, closed, immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class NoBody(Body):
    """An empty object: the command says everything."""


class MembershipBody(Body):
    """One role a person has for one organisation (ODS code)."""

    role: Role
    organisation: Organisation


class PersonBody(Body):
    """A person (or machine) as the token issuer knows them. Names and e-mail addresses are not held."""

    subject: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    roles: Annotated[list[MembershipBody], Field(min_length=1, max_length=20)]
    kind: PersonKind = PersonKind.HUMAN
    accredited_until: dt.date | None = None
    capacities: Annotated[list[Capacity], Field(max_length=6)] = []
    disabled: bool = False


class RolesBody(Body):
    """The roles that a second person agrees to, as the record has them."""

    roles: Annotated[list[MembershipBody], Field(min_length=1, max_length=20)]


class TermsBody(Body):
    """The text that is accepted: its version and hash, as `GET /v1/terms` shows them."""

    document: Document
    version: Annotated[int, Field(ge=1, le=HIGHEST_VERSION)]
    sha256: Hash


class AgreementBody(Body):
    """A data sharing agreement (DARS reference) and the last day it holds."""

    ref: DarsReference
    ends_on: dt.date


class CagBody(Body):
    """Section 251 support as its letter says (Confidentiality Advisory Group)."""

    ref: CagReference
    status: CagStatus
    next_review_on: dt.date | None = None
    ends_on: dt.date | None = None
    opt_out_condition: OptOutCondition
    exemption_letter_on_file: bool = False
    permits_reidentification: bool


class RecBody(Body):
    """A research ethics committee's opinion."""

    ref: RecReference
    favourable: bool


class CopiBody(Body):
    """Regulation 3 of the COPI Regulations 2002: the purpose, and the notice's dates if one is relied on."""

    purpose: CopiPurpose
    notice: bool
    notice_from: dt.date | None = None
    notice_to: dt.date | None = None


class OnFileBody(Body):
    """A court order or direction that the operator has read and filed."""

    ref: Reference
    on_file: bool


class PublicInterestTestBody(Body):
    """A documented public interest test for one case."""

    documented: bool
    individual: bool
    approved_by_role: Literal["caldicott_guardian"] | None = None


class CareRelationshipBody(Body):
    """Direct care: from when, and until just before when."""

    starts_at: AwareDatetime
    ends_at: AwareDatetime | None = None


class EvidenceBody(Body):
    """What the operator has on file for a project's legal bases."""

    cag: CagBody | None = None
    rec: RecBody | None = None
    copi: CopiBody | None = None
    court_order: OnFileBody | None = None
    direction: OnFileBody | None = None
    public_interest_test: PublicInterestTestBody | None = None
    care_relationship: CareRelationshipBody | None = None


class ProjectBody(Body):
    """A project: its people, what it may ask from, until when, and the evidence on file."""

    project_id: Name
    organisation: Organisation
    members: Annotated[list[PersonReference], Field(min_length=1, max_length=200)]
    domains: Annotated[list[Name], Field(min_length=1, max_length=50)]
    active_until: dt.date
    agreement: AgreementBody
    evidence: EvidenceBody = EvidenceBody()


class FactorsBody(Body):
    """How many people of each kind have to approve beside the controllers, of any of the controllers' organisations."""

    caldicott_guardian: FactorCount = 0
    data_protection_officer: FactorCount = 0


class DomainBody(Body):
    """A pseudonym space with its own keys, controllers and rules. Keys are made with it."""

    domain_id: Name
    controllers: Annotated[list[Organisation], Field(min_length=1, max_length=20)]
    identifier_types: Annotated[list[IdentifierType], Field(min_length=1, max_length=5)]
    source_dataset: SourceDataset
    care_origin: CareOrigin = CareOrigin.ENGLAND_PUBLIC
    quorum: Annotated[int, Field(ge=0, le=MOST_QUORUM)] = LEAST_QUORUM
    """How many distinct controllers have to approve, one of every organisation among them. Below two is refused."""
    factors: FactorsBody = FactorsBody()
    """Who has to approve beside the controllers."""
    kms_key_arn: Annotated[str, StringConstraints(max_length=150, pattern=f"^{KMS_KEY_ARN.pattern}$")] | None = None
    """The controller's own KMS key, which the deployment has to name too: switched off, nothing of the domain opens."""
    schemes: Annotated[dict[IdentifierType, Scheme], Field(max_length=5)] = {}
    """How pseudonyms are made, by type: `aes_256_siv_1` where none is named, `ff1` for NHS numbers only. It makes ten
    digits, which are not authenticated (`docs/pseudonyms.md` says what that gives up). It can't be changed later."""
    collection_began_on: dt.date | None = None
    """The first day of the collection: rows of people who had died before are refused, whatever the client says."""


class RuleChangeBody(Body):
    """Other rules for a domain: the fields named here take these values, the others stay as they are."""

    reason: RuleChangeReason
    controllers: Annotated[list[Organisation], Field(min_length=1, max_length=20)] | None = None
    quorum: Annotated[int, Field(ge=0, le=MOST_QUORUM)] | None = None
    factors: FactorsBody | None = None
    identifier_types: Annotated[list[IdentifierType], Field(min_length=1, max_length=5)] | None = None
    schemes: Annotated[dict[IdentifierType, Scheme], Field(max_length=5)] | None = None
    """Of all types that are not `aes_256_siv_1`. That of a type with pseudonyms can't be changed."""
    source_dataset: SourceDataset | None = None
    care_origin: CareOrigin | None = None
    collection_began_on: dt.date | None = None
    """Null, where it is sent, takes it away."""
    emergency_access: bool | None = None
    """Whether clinicians may ask for emergency access. No domain is registered with it."""

    def wanted(self) -> dict[str, Any]:
        """The fields that were sent, but for the reason."""
        sent: dict[str, Any] = self.model_dump(mode="json", exclude_unset=True, exclude={"reason"})
        return sent


class KeyChangeBody(Body):
    """What to do to versions of a domain's keys: a rotation names types, the others every version of these types."""

    change: Change
    identifier_types: Annotated[list[IdentifierType], Field(min_length=1, max_length=5)]
    versions: Annotated[list[Annotated[int, Field(ge=1, le=HIGHEST_KEY_VERSION)]], Field(max_length=MOST_VERSIONS)] = []
    reason: ChangeReason


class FreshnessBody(Body):
    """How many calendar days (London) an answer of the opt-out service may be used."""

    direct_days: Annotated[int, Field(ge=0, le=DIRECT_CAP_DAYS)]
    cache_days: Annotated[int, Field(ge=0, le=CACHE_CAP_DAYS)]
    cache_refresh_days: Annotated[int, Field(ge=0, le=CACHE_REFRESH_CAP_DAYS)]


class ExemptFlowBody(Body):
    """A flow that the national data opt-out does not stop: of everybody for the published exclusions, else of one
    project. `source` is a code of the policy page, a CAG reference, or `sha256:` and the hash of the paper on file."""

    purpose: Purpose
    project: Name | None = None
    own_opt_out: bool
    """The programme has an opt-out of its own, which then counts."""
    source: SettingSource
    from_: Annotated[dt.date, Field(alias="from")]
    to: dt.date | None = None
    """The last day."""


class CollectionType1Body(Body):
    """Whether Type 1 opt-outs count for one collection (a domain), under regulation 3 or under a direction."""

    collection: Name
    legal_basis: LegalBasis
    upheld: bool
    source: SettingSource
    from_: Annotated[dt.date, Field(alias="from")]
    to: dt.date | None = None


class SettingsBody(Body):
    """All settings of the policy, within caps that no deployment can set aside."""

    freshness: FreshnessBody
    exempt_flows: Annotated[list[ExemptFlowBody], Field(max_length=MOST_ROWS)]
    type1_by_collection: Annotated[list[CollectionType1Body], Field(max_length=MOST_ROWS)]
    type1_after_extraction_withholds: bool
    """A Type 1 opt-out set after the data left the practice still counts."""
    untraced_is_restricted: bool
    """A record that nobody looked up in PDS is treated as restricted."""


class PolicyChangeBody(Body):
    """The settings as they are to be, whole, and why."""

    settings: SettingsBody
    reason: PolicyChangeReason


class WantBody(Body):
    """One identifier type asked for, and why it is needed."""

    identifier_type: IdentifierType
    need: NeedCode


class RecordBody(Body):
    """One row of the extract: its own id and its pseudonyms by identifier type."""

    row_id: RowId
    pseudonyms: Annotated[dict[IdentifierType, Token], Field(min_length=1, max_length=5)]


class SelectionBody(Body):
    """The records asked for from one domain."""

    domain: Name
    records: Annotated[list[RecordBody], Field(min_length=1, max_length=MOST_RECORDS)]


class FileBody(Body):
    """A file of up to 1,000,000 pseudonyms that is uploaded afterwards: its length, its SHA-256 in hex, its domains.

    CSV in UTF-8 with the `*_deid` columns of the NHS Data Dictionary; a column `row_id` where rows have ids, and one
    `domain` where there are several domains.
    """

    format: FileFormat = FileFormat.CSV
    bytes: Annotated[int, Field(ge=1, le=MOST_BYTES)]
    sha256: Hash
    domains: Annotated[list[Name], Field(min_length=1, max_length=MOST_DOMAINS)]


class RecipientBody(Body):
    """Who receives the result: their own age or ssh-ed25519 public key, and their organisation."""

    organisation: Organisation
    public_key: Annotated[str, StringConstraints(min_length=20, max_length=1_000)] | None = None
    """Needed for a file."""


class ReferencesBody(Body):
    """The references the request rests on; each must match what is on file for the project."""

    cag: CagReference | None = None
    rec: RecReference | None = None
    iras: IrasReference | None = None
    dsa: DarsReference | None = None
    direction: Reference | None = None
    court_order: Reference | None = None
    copi_notice: Reference | None = None
    public_interest_test: Reference | None = None


class RequestBody(Body):
    """What a researcher asks for and why."""

    project: Name
    purpose: Code
    legal_basis: Code
    capacity: Capacity = Capacity.RESEARCHER
    references: ReferencesBody = ReferencesBody()
    wanted: Annotated[list[WantBody], Field(min_length=1, max_length=5)]
    justification: FreeText
    recipient: RecipientBody
    delivery: Delivery
    window_days: Annotated[int, Field(ge=1, le=LONGEST_WINDOW)] = 30
    destroy_by: dt.date
    domains: Annotated[list[SelectionBody], Field(min_length=1, max_length=MOST_DOMAINS)] | None = None
    """The records themselves, 10,000 at most; or `file`."""
    file: FileBody | None = None
    """Declares a file of records, to be uploaded next."""


class RecordsBody(Body):
    """Which of the domain's records an approval covers, by their row ids: those to keep, or those to leave out."""

    keep: Annotated[list[RowId], Field(min_length=1, max_length=MOST_RECORDS)] | None = None
    leave_out: Annotated[list[RowId], Field(min_length=1, max_length=MOST_RECORDS)] | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.keep is None) == (self.leave_out is None):
            raise ValueError("keep or leave_out")
        return self


class ConditionBody(Body):
    """One condition of the closed list, with the one parameter its kind takes (`docs/conditions.md`)."""

    code: ConditionCode
    by: dt.date | None = None
    days: Annotated[int, Field(ge=1, le=365)] | None = None
    times: Annotated[int, Field(ge=1, le=100)] | None = None


class ApproveBody(Body):
    """Approval of exactly this content for one domain."""

    domain: Name
    content_hash: Hash
    no_conflict_of_interest: Literal[True]
    organisation: Organisation | None = None
    """Which organisation the approval stands for; needed only of who decides for several."""
    factor: Factor | None = None
    """Which place the approval fills; needed only of who could fill several."""
    until: AwareDatetime | None = None
    """Narrows: the release window ends here at the latest."""
    identifier_types: Annotated[list[IdentifierType], Field(min_length=1, max_length=5)] | None = None
    """Narrows: only these of the types asked for."""
    records: RecordsBody | None = None
    """Narrows: only some of the domain's records."""
    conditions: Annotated[list[ConditionBody], Field(max_length=len(ConditionCode))] = []
    """What the requester has to accept before anything is released."""
    delegation: Delegation | None = None
    """Under which delegation, if in somebody's place."""


class RejectBody(Body):
    """Rejection for one domain, with its reason; the comment goes to the requester and stays out of the ledger."""

    domain: Name
    content_hash: Hash
    reason: RejectReason
    comment: Annotated[str, StringConstraints(max_length=2_000)] = ""
    organisation: Organisation | None = None
    factor: Factor | None = None
    delegation: Delegation | None = None
    """Under which delegation, if in somebody's place."""


class RevokeBody(Body):
    """One controller stops an approved request."""

    reason: RevokeReason
    delegation: Delegation | None = None
    """Under which delegation, if in somebody's place."""


class LetThroughBody(Body):
    """A held request may go above the volume limits that held it, once."""

    content_hash: Hash
    delegation: Delegation | None = None
    """Under which delegation, if in somebody's place."""


class ReleaseBody(Body):
    """Release of exactly the approved content."""

    content_hash: Hash


class CollectBody(Body):
    """Which release's file is collected."""

    release_id: Name


class IdentifierRowBody(Body):
    """One row to pseudonymise: clear identifiers by type."""

    row_id: RowId
    identifiers: Annotated[dict[IdentifierType, Cell], Field(min_length=1, max_length=5)]


class CollectionBody(Body):
    """What the provider's client dropped since the call before, under which rules: codes and counts.

    `rules` is the hash of the rules; rows of people who died before `began_on` are refused here as well.
    """

    rules: Hash
    began_on: dt.date
    dropped: dict[DropRule, Annotated[int, Field(ge=1, le=1_000_000_000)]] = {}
    columns_refused: dict[ColumnReason, Annotated[int, Field(ge=1, le=100_000)]] = {}


class PseudonymiseBody(Body):
    """Up to 5,000 rows."""

    collection: CollectionBody | None = None
    rows: Annotated[list[IdentifierRowBody], Field(min_length=1, max_length=5_000)]


class TokenRowsBody(Body):
    """Up to 5,000 rows of an extract, each with its own id and pseudonyms by identifier type."""

    rows: Annotated[list[RecordBody], Field(min_length=1, max_length=5_000)]


class ExtractBody(Body):
    """A CSV that will be uploaded: UTF-8, a header of exactly these columns, `row_id` first.

    Identifiers stand in columns called by their type. The others stay as they are; those of names, addresses, contact
    details, free text and images are refused by what they are called. `bytes` and `sha256` are of the whole file.
    """

    rows: Annotated[int, Field(ge=1, le=1_000_000_000)]
    bytes: Annotated[int, Field(ge=1, le=1_000_000_000_000)]
    sha256: Hash
    columns: Annotated[list[ColumnName], Field(min_length=2, max_length=MOST_COLUMNS)]
    collection: CollectionBody | None = None


class OptOutReplyBody(Body):
    """A request list and the reply of the Check for National Data Opt-outs service (MESH), both as sent."""

    requested: Annotated[str, StringConstraints(min_length=1, max_length=4_000_000)]
    reply: Annotated[str, StringConstraints(max_length=4_000_000)]
    performed_at: AwareDatetime
    mode: CheckMode = CheckMode.DIRECT
    cache_refreshed_at: AwareDatetime | None = None
    source: Name


class Type1Body(Body):
    """Type 1 events as CSV (`nhs_number,system,code,recorded_on`).

    A line with the NHS number alone says that the record was read and holds none; who is not named stays unknown.
    """

    rows: Annotated[str, StringConstraints(min_length=1, max_length=5_000_000)]
    as_at: AwareDatetime
    source: Name


class ConsentsBody(Body):
    """FHIR R4 Consent resources, one JSON document a line."""

    resources: Annotated[str, StringConstraints(min_length=1, max_length=5_000_000)]
    source: Name


class ConsentWithdrawalBody(Body):
    """One person's consent for a project, withdrawn from that day on."""

    nhs_number: Cell
    project: Name
    withdrawn_on: dt.date
    source: Name


class PersonChoicesBody(Body):
    """What did this person choose? The NHS number travels in the body and is never kept."""

    nhs_number: Cell
    domain: Name
    reason: ViewReason


class SubjectSearchBody(Body):
    """Who re-identified this person? The NHS number travels in the body and is never kept."""

    nhs_number: Cell
    reason: Code
    proof: bool = False
    """Read and verify the whole ledger instead of asking the index."""


class EventFilterBody(Body):
    """Conditions on events; all that are set must hold."""

    request: Annotated[str, StringConstraints(pattern=r"^REQ-[0-9A-HJKMNP-TV-Z]{26}$")] | None = None
    project: Name | None = None
    actor: Annotated[str, StringConstraints(pattern=r"^(person/[0-9a-f]{32}|system/[a-z_]{1,32})$")] | None = None
    domain: Name | None = None
    type: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,30}\.[a-z][a-z0-9_]{0,40}$")] | None = None
    decision: Decision | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


class ExportBody(Body):
    """The whole ledger as it is stored, or chosen events in a format for others."""

    format: ExportFormat = ExportFormat.LEDGER
    filter: EventFilterBody = EventFilterBody()
