"""What callers are answered: the shape of every success, for the API's description.

No function imports this: answers are not parsed on their way out, and their models would only make a cold start longer.
That what is sent has these shapes is shown by the tests, which hold real answers against the description.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, RootModel, StringConstraints

from keyholder.audit.vocabulary import ExportFormat
from keyholder.collection.vocabulary import DropRule
from keyholder.extracts.events import Kept
from keyholder.extracts.state import ExtractStatus
from keyholder.linkage.agreement import AgreementState, LinkageEndReason
from keyholder.linkage.terms import Covers
from keyholder.linkage.translating import TranslateStatus
from keyholder.opt_outs.check_events import EndReason
from keyholder.opt_outs.checks import Stage
from keyholder.opt_outs.overview import Source
from keyholder.policy.changes import ChangeReason as PolicyChangeReason
from keyholder.policy.consent_list import ConsentState
from keyholder.policy.opt_outs import ReplyState
from keyholder.policy.register_form import RegisterKind
from keyholder.policy.type1 import Type1State
from keyholder.policy.vocabulary import CheckMode, CheckState, CodeSystem, ConsentGiver, LegalBasis, Purpose
from keyholder.pseudonyms.rekeying import RekeyStatus
from keyholder.pseudonyms.schemes import SchemeWarning
from keyholder.pseudonyms.token import Scheme
from keyholder.registry.domains import CareOrigin, KeyState, SourceDataset
from keyholder.registry.factors import Factor
from keyholder.registry.key_changes import Change, ChangeReason, ChangeState
from keyholder.registry.people import Capacity, PersonKind
from keyholder.registry.projects import CagStatus, CopiPurpose, OptOutCondition
from keyholder.registry.rule_changes import RuleChangeReason
from keyholder.registry.rules import Rule
from keyholder.registry.terms import Document
from keyholder.release.items import ItemStatus
from keyholder.requests.codes import (
    Advice,
    Audience,
    Awaited,
    DecisionState,
    Destruction,
    EscalationReason,
    Finding,
    MessageKind,
    QuestionTopic,
    RecuseReason,
    RejectReason,
    State,
    Vote,
)
from keyholder.requests.commands import CommandName
from keyholder.requests.conditions import ConditionCode
from keyholder.requests.content import Delivery, NeedCode, ReferenceKind
from keyholder.vocabulary import IdentifierType, Role

Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256 in hexadecimal."""
PersonReference = Annotated[str, StringConstraints(pattern=r"^person/[0-9a-f]{32}$")]
Ulid = Annotated[str, StringConstraints(pattern=r"^[0-9A-HJKMNP-TV-Z]{26}$")]
RequestReference = Annotated[str, StringConstraints(pattern=r"^REQ-[0-9A-HJKMNP-TV-Z]{26}$")]
ExtractReference = Annotated[str, StringConstraints(pattern=r"^EXT-[0-9A-HJKMNP-TV-Z]{26}$")]
EmergencyReference = Annotated[str, StringConstraints(pattern=r"^EMG-[0-9a-f]{32}-[1-9][0-9]{0,3}$")]
ReleaseReference = Annotated[str, StringConstraints(pattern=r"^REL-[0-9A-HJKMNP-TV-Z]{26}$")]
PolicyChangeReference = Annotated[str, StringConstraints(pattern=r"^PCH-[0-9A-HJKMNP-TV-Z]{26}$")]
SafeCount = Annotated[str, StringConstraints(pattern=r"^(0|1-7|[1-9][0-9]*)$")]
Count = Annotated[int, Field(ge=0)]
Text = Annotated[str, StringConstraints(min_length=1)]
Kinds = list[IdentifierType]


class Answer(BaseModel):
    """Closed: nothing else is ever in it. A field with a default may be absent; every other one is there."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Membership(Answer):
    """A role held for an organisation (ODS code)."""

    role: Role
    organisation: str


class AwaitingRole(Membership):
    """A role that does not count before a second person has confirmed it."""

    given_by: Annotated[list[PersonReference], Field(min_length=1)]
    """Who has registered it, and so can't confirm it."""
    expires_at: AwareDatetime
    """From this moment on nobody can confirm it."""


class AcceptedTerms(Answer):
    """A text of the terms of use that somebody accepted."""

    document: Document
    version: Annotated[int, Field(ge=1)]
    sha256: Hash
    at: AwareDatetime


class PersonRecord(Answer):
    """A person or machine as Keyholder knows them: a hash for a name."""

    person_id: PersonReference
    id: PersonReference
    roles: list[Membership]
    kind: PersonKind
    accredited_until: dt.date | None
    capacities: list[Capacity]
    disabled: bool
    awaiting: list[AwaitingRole]


class PersonView(PersonRecord):
    """A person, and the terms of use they accepted last."""

    terms: list[AcceptedTerms]


class TermsState(Answer):
    """A text of the terms of use in force, and whether the caller has accepted it."""

    document: Document
    version: Annotated[int, Field(ge=1)]
    sha256: Hash
    """Of the text's UTF-8 bytes."""
    accepted_version: int | None
    accepted_at: AwareDatetime | None
    current: bool
    """The text in force is accepted."""


class TermsText(TermsState):
    """The same, with the text."""

    text: Text
    """Markdown."""


class TermsList(Answer):
    """The texts in force. Who asks accepts `requester`, who decides `approver`."""

    items: list[TermsText]


class SignInState(Answer):
    """How the caller signed in, and what it is good for."""

    acr: str | None
    """Null for one that Keyholder does not know."""
    at: AwareDatetime | None
    strong: bool
    """Strong and recent enough for a step that matters."""
    strong_enough_to_release: bool
    good_until: AwareDatetime | None


class MissingPart(Answer):
    """What keeps the caller from a command, whatever the request."""

    command: CommandName
    code: str
    advice: Text


class Me(PersonRecord):
    """Who the caller is to Keyholder, and what they lack for the steps that matter."""

    organisations: list[str]
    """Those they hold a role for that counts."""
    accredited: bool
    terms: list[TermsState]
    sign_in: SignInState
    missing: list[MissingPart]
    may: list[CommandName]
    """The steps that matter which nothing in the person keeps them from now; each request has rules of its own."""


class AgreementView(Answer):
    """A data sharing agreement and the last day it holds."""

    ref: str
    ends_on: dt.date


class CagView(Answer):
    """Support under section 251 of the NHS Act 2006."""

    ref: str
    status: CagStatus
    next_review_on: dt.date | None
    ends_on: dt.date | None
    opt_out_condition: OptOutCondition
    exemption_letter_on_file: bool
    permits_reidentification: bool


class RecView(Answer):
    """A research ethics committee's opinion."""

    ref: str
    favourable: bool


class OnFileView(Answer):
    """A statutory direction or a court order."""

    ref: str
    on_file: bool


class CopiView(Answer):
    """A notice under the COPI Regulations 2002, or regulation 3 use."""

    notice: bool
    notice_from: dt.date | None
    notice_to: dt.date | None
    purpose: CopiPurpose


class PublicInterestTestView(Answer):
    """A documented public interest test."""

    documented: bool
    individual: bool
    approved_by_role: str | None


class CareRelationshipView(Answer):
    """Direct care: from when, and until just before when."""

    starts_at: AwareDatetime
    ends_at: AwareDatetime | None


class EvidenceView(Answer):
    """What the operator holds on file for a project; null for what there is none of."""

    cag: CagView | None
    rec: RecView | None
    direction: OnFileView | None
    court_order: OnFileView | None
    copi: CopiView | None
    public_interest_test: PublicInterestTestView | None
    care_relationship: CareRelationshipView | None


class ProjectView(Answer):
    """A project: its people, what it may ask from, until when, and the evidence on file."""

    project_id: str
    id: str
    organisation: str
    members: list[PersonReference]
    active_until: dt.date
    domains: list[str]
    agreement: AgreementView
    evidence: EvidenceView


class KeyVersion(Answer):
    """One version of one identifier type's key."""

    identifier_type: IdentifierType
    version: Annotated[int, Field(ge=1)]


class KeyChangeView(Answer):
    """A change of a domain's keys that one operator proposed, and what became of it."""

    change_id: Annotated[str, StringConstraints(pattern=r"^KCH-[0-9A-HJKMNP-TV-Z]{26}$")]
    change: Change
    keys: Annotated[list[KeyVersion], Field(min_length=1)]
    """The versions it makes, retires or destroys."""
    reason: ChangeReason
    state: ChangeState
    proposed_by: PersonReference
    proposed_at: AwareDatetime
    expires_at: AwareDatetime
    """From this moment on nobody can confirm it."""
    closed_by: PersonReference | None
    """Who confirmed or withdrew it."""


class FreshnessView(Answer):
    """How many calendar days (London) an answer of the opt-out service may be used."""

    direct_days: Annotated[int, Field(ge=0, le=20)]
    cache_days: Annotated[int, Field(ge=0, le=13)]
    cache_refresh_days: Annotated[int, Field(ge=0, le=7)]


class ExemptFlowView(Answer):
    """A flow that the national data opt-out does not stop."""

    purpose: Purpose
    project: str | None
    """Of this project alone; null for a published exclusion, which is everybody's."""
    own_opt_out: bool
    source: Text
    from_: Annotated[dt.date, Field(alias="from")]
    to: dt.date | None


class CollectionType1View(Answer):
    """Whether Type 1 opt-outs count for one collection under one basis."""

    collection: str
    legal_basis: LegalBasis
    upheld: bool
    source: Text
    from_: Annotated[dt.date, Field(alias="from")]
    to: dt.date | None


class SettingsView(Answer):
    """All settings of the policy."""

    freshness: FreshnessView
    exempt_flows: list[ExemptFlowView]
    type1_by_collection: list[CollectionType1View]
    type1_after_extraction_withholds: bool
    untraced_is_restricted: bool


SettingValue = int | bool | ExemptFlowView | CollectionType1View | None


class SettingDifference(Answer):
    """A field with both values; a row that goes has no `after`, one that comes no `before`."""

    field: Text
    before: SettingValue
    after: SettingValue


class PolicyChangeView(Answer):
    """Settings that an operator proposed, how they differ from those in force then, and what became of them."""

    change_id: PolicyChangeReference
    reason: PolicyChangeReason
    state: ChangeState
    differences: list[SettingDifference]
    settings: SettingsView
    settings_sha256: Hash
    proposed_by: PersonReference
    proposed_at: AwareDatetime
    expires_at: AwareDatetime
    """From this moment on nobody can confirm it."""
    closed_by: PersonReference | None
    """Who confirmed or withdrew it."""
    closed_at: AwareDatetime | None


class PolicyChangeLine(Answer):
    """One change in the list."""

    change_id: PolicyChangeReference
    reason: PolicyChangeReason
    state: ChangeState
    settings_sha256: Hash
    proposed_at: AwareDatetime


class PolicyView(Answer):
    """What everything is decided under, now."""

    policy_hash: Hash
    """Of the rules and the settings together: every decision in the ledger names it."""
    settings: SettingsView
    settings_sha256: Hash
    waiting: PolicyChangeView | None
    """The change that waits for its second person."""
    changes: list[PolicyChangeLine]
    """Every change, the newest first."""


class Factors(Answer):
    """How many people of each kind have to approve beside the controllers."""

    caldicott_guardian: Count
    data_protection_officer: Count


class RulesView(Answer):
    """The rules of a domain that can be changed."""

    controllers: list[str]
    quorum: Annotated[int, Field(ge=2)]
    factors: Factors
    identifier_types: Kinds
    schemes: dict[IdentifierType, Scheme]
    """Of the types that are not `aes_256_siv_1`."""
    source_dataset: SourceDataset
    care_origin: CareOrigin
    collection_began_on: dt.date | None
    emergency_access: bool


class RuleChangeView(Answer):
    """A change of a domain's rules that an operator proposed, and what became of it."""

    change_id: Annotated[str, StringConstraints(pattern=r"^RCH-[0-9A-HJKMNP-TV-Z]{26}$")]
    rules: RulesView
    """All rules as they would be."""
    changes: Annotated[list[Rule], Field(min_length=1)]
    loosens: list[Rule]
    """Those that are not stricter: with any, it takes the people that a release takes; else one of them."""
    reason: RuleChangeReason
    state: ChangeState
    proposed_by: PersonReference
    proposed_at: AwareDatetime
    expires_at: AwareDatetime
    """From this moment on nobody can confirm it."""
    confirmed_by: list[PersonReference]
    closed_by: PersonReference | None
    """Who confirmed last, or withdrew it."""


class DomainView(Answer):
    """A pseudonym space, its controllers, the state of each version of its keys, and the changes that wait."""

    domain_id: str
    id: str
    controllers: list[str]
    identifier_types: Kinds
    source_dataset: SourceDataset
    care_origin: CareOrigin
    quorum: Annotated[int, Field(ge=2)]
    """Distinct controllers, one of every organisation among them."""
    factors: Factors
    kms_key_arn: str | None
    """The controller's own KMS key; null where the environment's wraps the keys."""
    schemes: dict[IdentifierType, Scheme]
    """How pseudonyms are made, for each of the identifier types."""
    warnings: dict[IdentifierType, SchemeWarning]
    """What has to be known of a scheme, for the types whose scheme gives something up."""
    collection_began_on: dt.date | None
    """Who had died before this day gets no pseudonym."""
    keys: dict[IdentifierType, dict[Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*$")], KeyState]]
    key_changes: list[KeyChangeView]
    """Proposals that wait for another operator."""
    emergency_access: bool
    """Whether clinicians may ask for emergency access."""
    rule_changes: list[RuleChangeView]
    """Proposals that wait for those who decide for the domain."""


class ConditionView(Answer):
    """One condition of an approval: its code, the one parameter its kind takes, and what it says."""

    code: ConditionCode
    by: dt.date | None
    days: Count | None
    times: Count | None
    sentence: Text


class ConditionsView(Answer):
    """What the requester undertakes: the conditions of all approvals as one set."""

    hash: Hash
    """What an acceptance names."""
    items: Annotated[list[ConditionView], Field(min_length=1)]
    offered_at: AwareDatetime
    accepted_at: AwareDatetime | None


class QuestionView(Answer):
    """One thing the author was asked."""

    about: QuestionTopic
    sha256: Hash
    """Names the text in the request's content."""


class ReturnedView(Answer):
    """How a revision came back to its author."""

    by: PersonReference
    domain: str
    at: AwareDatetime
    questions: Annotated[list[QuestionView], Field(min_length=1)]
    void_votes: Count


class Ballot(Answer):
    """What one person decided for one domain, filling one factor for one organisation."""

    person: PersonReference
    organisation: str
    factor: Factor
    vote: Vote
    content_hash: Hash
    at: AwareDatetime
    until: AwareDatetime | None
    reason: RejectReason | None
    comment_sha256: Hash | None
    """Names the comment in the request's content."""
    conditions: list[ConditionView]


class DomainDecisionView(Answer):
    """Where one domain stands."""

    domain: str
    state: DecisionState
    controllers: list[str]
    quorum: Annotated[int, Field(ge=2)]
    factors: Factors
    """What the domain asked for when the request was submitted."""
    identifier_types: Kinds
    """What every approval so far covers."""
    records_narrowed: bool
    """Somebody approved only some of the records."""
    records_left: Count | None = None
    """How many every approval so far covers, null for all; for those who decide for the domain, and who audit."""
    ballots: list[Ballot]
    handler: PersonReference | None
    """Who said that they look after it for this domain. Others may still decide."""


class Recusal(Answer):
    """Somebody who stepped aside."""

    person: PersonReference
    reason: RecuseReason


class Interests(Answer):
    """What those who decide said of their own interests."""

    no_conflict_declared: list[PersonReference]
    """In the content that stands."""
    recused: list[Recusal]


class Retrievals(Answer):
    """How often the request may be released, and how often it was."""

    allowed: Count
    used: Count


class ReleaseView(Answer):
    """One release of the request, running, finished or failed."""

    id: ReleaseReference
    delivery: Delivery
    authorised_at: AwareDatetime
    finished_at: AwareDatetime | None
    failed: str | None
    """The code of what cut it short."""
    collected_at: AwareDatetime | None


class CheckCounts(Answer):
    """What the checks found, suppressed and rounded (0, 1-7, then to the nearest 5)."""

    eligible: SafeCount
    held: SafeCount
    withheld: SafeCount


class AllowedCommand(Answer):
    """A command on this request: whether you may send it now, and if not, what would change that."""

    command: CommandName
    domain: str | None
    release: ReleaseReference | None
    allowed: bool
    code: str | None
    advice: str | None


class OutcomeReport(Answer):
    """What came of the releases. The text, if any, is with the content, under its hash."""

    author: PersonReference
    at: AwareDatetime
    used: Count
    finding: Finding
    destruction: Destruction
    destroyed_on: dt.date | None
    late: bool
    """Destroyed after the day agreed on."""
    text_sha256: Hash | None


class RequestSummary(Answer):
    """A request as a list shows it."""

    id: RequestReference
    version: Annotated[int, Field(ge=1)]
    """What the ETag says: name it in If-Match."""
    state: State
    revision: Count
    requester: PersonReference
    created_at: AwareDatetime
    changed_at: AwareDatetime
    due_at: AwareDatetime | None
    """When the present state runs out."""
    waits_for: Awaited | None
    """What it waits for, and so who has to act."""
    escalated: dict[EscalationReason, AwareDatetime]
    """Why more people had to know, and since when."""
    policy_hash: Hash | None
    reasons: list[str]
    """Why it was blocked."""
    checks_held: Literal["KEYS_UNAVAILABLE"] | None
    """Why the checks of a submitted request can't be made for now: a domain's controller has switched its own key off.
    They are made once it is back, and nobody has to ask for them."""
    held_for: list[str]
    """The volume limits that hold it until a controller lets it through."""
    consent_fell: bool
    """Somebody in it has withdrawn their consent since it was approved. The next release leaves them out."""
    decisions: list[DomainDecisionView]
    release_until: AwareDatetime | None
    standing_approval: str | None
    """The standing approval that approved it, where no controllers decided on it one by one."""
    report_due_at: AwareDatetime | None
    """When what came of the releases has to be reported, and that they are destroyed; null before the first release."""
    report_overdue: bool
    """It is late: until it is there, its requester and its project submit nothing new."""
    report: OutcomeReport | None
    nudged_at: AwareDatetime | None
    """When its requester last reminded those who decide."""
    retrievals: Retrievals
    releases: list[ReleaseView]
    conditions: ConditionsView | None
    returned: ReturnedView | None
    """The questions asked last."""
    destroy_by_agreed: dt.date | None
    """The day asked for, or an earlier one that was a condition."""
    destruction_required_by: dt.date | None
    """Set where a request was revoked after identifiers had left."""
    project: str
    purpose: str
    legal_basis: str
    capacity: Capacity
    identifier_types: Kinds
    records: dict[str, Count]
    """How many records are asked for, by domain; who decides is told of those they decide for."""
    recipient: str
    delivery: Delivery
    window_days: Annotated[int, Field(ge=1)]
    destroy_by: dt.date
    content_hash: Hash
    justification_sha256: Hash
    checks: CheckCounts | Annotated[dict[str, str], Field(max_length=0)] = Field(default_factory=dict)
    """Only for those who decide for every domain and audit; empty until the checks are made."""
    checks_by_domain: dict[str, CheckCounts] = Field(default_factory=dict)
    """Only for those who decide, for the domains they decide for, and those who audit."""
    interests: Interests | None = None
    """Only for those who decide and audit."""


class Places(Answer):
    """How many people of one kind have to approve, and how many of these places are filled: "1 of 2"."""

    factor: Factor
    needed: Count
    filled: Count


class Approver(Answer):
    """Somebody who could approve, and the part they could take."""

    person: PersonReference
    factor: Factor
    organisation: str


class QuorumView(Answer):
    """How far one domain's quorum is, counted with the people, the project and the rules of now."""

    domain: str
    met: bool
    places: list[Places]
    organisations_missing: list[str]
    """Organisations of which no controller has approved."""
    attainable: bool | None
    """Whether enough people could still approve: if not, an operator can register more. Null once all is decided."""
    could_approve: list[Approver]
    """Who could still approve; somebody named with several parts can take one of them."""


class RequestView(RequestSummary):
    """A request and what you may do with it."""

    allowed_commands: list[AllowedCommand]
    quorum: list[QuorumView]
    """For each domain; of a draft, as it would be if it were submitted now."""


class Receipt(Answer):
    """Proof, to be kept, that an event is in the ledger: it is verified offline, with the pinned key and the leaf."""

    index: Count
    number: Annotated[int, Field(ge=1)]
    """The event's number in its stream."""
    type: str
    leaf_hash: Hash
    """SHA-256 of a zero byte and the leaf (RFC 6962)."""
    leaf: str | None
    """The event itself, byte for byte; null where it is not the caller's own act."""
    receipt: Annotated[str, StringConstraints(pattern=r"^c2sp\.org/tlog-proof@v1\n")]
    """A tlog-proof (c2sp.org/tlog-proof@v1)."""


class ReceiptPage(Answer):
    """A page of receipts, in order."""

    items: list[Receipt]
    next: int | None
    """`cursor` of the next page; null on the last."""


class CommandedRequest(RequestView):
    """The request as the command left it, and proof that the command is in the ledger."""

    receipts: Annotated[list[Receipt], Field(min_length=1)]


class GivenView(Answer):
    """What a draft names from one domain. A pseudonym in several rows is one, and counts once."""

    domain: str
    records: Count
    pseudonyms: Count
    distinct: Count
    repeated: Count
    """Sent beyond the first of their kind."""


class WrittenRequest(CommandedRequest):
    """A draft as it was written, and what it names, counted."""

    given: list[GivenView]


class RequestPage(Answer):
    """A page of requests. It may be shorter than asked for, even empty, and still not be the last."""

    items: list[RequestSummary]
    next: str | None
    """`cursor` of the next page; null on the last."""


class Want(Answer):
    """One identifier type asked for, and why it is needed."""

    identifier_type: IdentifierType
    need: NeedCode


class RecipientView(Answer):
    """Who receives the result."""

    organisation: str
    public_key: str | None


class ContentView(Answer):
    """What is asked for, without the pseudonyms and row ids."""

    format: Literal[1]
    project: str
    purpose: str
    legal_basis: str
    capacity: Capacity
    references: dict[ReferenceKind, str]
    wanted: list[Want]
    recipient: RecipientView
    delivery: Delivery
    window_days: Annotated[int, Field(ge=1)]
    destroy_by: dt.date
    justification_sha256: Hash


class Narrative(Answer):
    """What a decision is made on."""

    content: ContentView
    opened: bool
    """The texts are open to you. To a controller they are once they have declared that they have no conflict of
    interest in this revision (`declare`)."""
    justification: str | None
    """Null where it was erased, or is not open to you."""
    comments: dict[Hash, str | None]
    """By their SHA-256, as the ballots name them; null where erased, and none where they are not open to you."""


class SaidView(Answer):
    """One thing that was said about a request."""

    kind: MessageKind
    author: PersonReference
    at: AwareDatetime
    audience: Audience
    text_sha256: Hash | None
    """Names the text; null where a person's advice has no words."""
    text: str | None
    """Null where it was erased, or is not open to you."""
    about: Hash | None
    """The text that is answered."""
    adviser: PersonReference | None
    """Who was asked."""
    advice: Advice | None
    """What they answered."""


class ConversationPage(Answer):
    """What was said, as far as you may know of it, in order. Who asks never learns what is internal."""

    items: list[SaidView]
    opened: bool
    """The words are open to you."""
    next: int | None
    """`cursor` of the next page; null on the last."""


class RevisionView(Answer):
    """What was submitted once."""

    revision: Annotated[int, Field(ge=1)]
    content_hash: Hash
    submitted_at: AwareDatetime
    identifier_types: Kinds
    records: dict[str, Count]
    returned: ReturnedView | None


class Revisions(Answer):
    """Everything that was submitted, in order."""

    items: list[RevisionView]


class RevisionName(Answer):
    """A revision and its content."""

    revision: Annotated[int, Field(ge=1)]
    content_hash: Hash


class FieldChange(Answer):
    """One field of the content (RFC 6901), null where it was or is not there."""

    field: Text
    before: object
    after: object


class RecordChangeView(Answer):
    """One domain's records, counted."""

    domain: str
    before: Count
    after: Count
    added: Count
    removed: Count


class TextChange(Answer):
    """A text before and after; null where erased."""

    changed: bool
    before: str | None
    after: str | None


class ChangesView(Answer):
    """What changed between two revisions."""

    earlier: Annotated[RevisionName, Field(alias="from")]
    later: Annotated[RevisionName, Field(alias="to")]
    fields: list[FieldChange]
    records: list[RecordChangeView]
    justification: TextChange


class RecordView(Answer):
    """One record asked for."""

    row_id: str
    pseudonyms: dict[IdentifierType, str]


class RecordPage(Answer):
    """A page of a domain's records, in the order of the request."""

    items: list[RecordView]
    next: int | None
    """`cursor` of the next page; null on the last."""


class GivenItem(Answer):
    """One record that was released. Partial: a type that was asked for and granted has no value."""

    row_id: str
    domain: str
    status: Literal[ItemStatus.RELEASED, ItemStatus.RELEASED_PARTIAL]
    identifiers: Annotated[dict[IdentifierType, str], Field(min_length=1)]


class WithheldItem(Answer):
    """One record without a value. Every reason that lies in one person or one code is `not_available`, and so is a
    record that an approver left out; `not_approved` is one whose whole domain was refused."""

    row_id: str
    domain: str
    status: Literal[
        ItemStatus.NOT_AVAILABLE,
        ItemStatus.PENDING,
        ItemStatus.NOT_APPROVED,
        ItemStatus.MALFORMED,
        ItemStatus.KEY_RETIRED,
        ItemStatus.KEY_DESTROYED,
    ]


class FileView(Answer):
    """The file that waits to be collected: the size and SHA-256 of its encrypted bytes."""

    bytes: Annotated[int, Field(ge=1)]
    sha256: Hash


ShownCounts = dict[ItemStatus, Annotated[str, StringConstraints(pattern=r"^(<10|suppressed|[1-9][0-9]+)$")]]
"""Items by status. A count below 10 is `<10`; `suppressed` stands where it would follow from the others."""


class ReleasedItems(Answer):
    """A release in the answer itself."""

    release_id: ReleaseReference
    counts: ShownCounts
    receipts: list[Receipt]
    items: list[GivenItem | WithheldItem]


class ReleasedFile(Answer):
    """A release as a file. A repeated call has no counts."""

    release_id: ReleaseReference
    counts: ShownCounts
    receipts: list[Receipt]
    file: FileView


class Released(RootModel[ReleasedItems | ReleasedFile]):
    """What was released, as the approved delivery says."""


class PseudonymisedRow(Answer):
    """One row's pseudonyms; `errors` has the code of what was wrong with the other cells."""

    row_id: str
    status: Literal["pseudonymised"]
    pseudonyms: dict[IdentifierType, Text]
    errors: dict[IdentifierType, str] = Field(default_factory=dict)


class RefusedRow(Answer):
    """One row of which nothing may leave."""

    row_id: str
    status: Literal["refused"]
    pseudonyms: Annotated[dict[IdentifierType, Text], Field(max_length=0)]
    reason: Literal[DropRule.TYPE_1_OPT_OUT, DropRule.DIED_BEFORE_START, DropRule.DATE_OF_DEATH_UNREADABLE]


class Pseudonymised(Answer):
    """The rows in the order they were sent."""

    domain: str
    rows: list[PseudonymisedRow | RefusedRow]


class RekeyedRow(Answer):
    """What became of each of a row's pseudonyms, and the new ones: of those that are `rekeyed` or `current`."""

    row_id: str
    statuses: Annotated[dict[IdentifierType, RekeyStatus], Field(min_length=1)]
    pseudonyms: dict[IdentifierType, Text]


class Rekeyed(Answer):
    """The rows in the order they were sent."""

    domain: str
    rows: list[RekeyedRow]


class UploadView(Answer):
    """Where to upload the file, once: a PUT with exactly these headers. Whoever has the address can use it."""

    method: Literal["PUT"]
    url: Text
    headers: dict[str, str]
    good_until: AwareDatetime
    """When the upload has to have begun."""


class ExtractCounts(Answer):
    """What became of the rows and cells."""

    pseudonymised: Count
    with_errors: Count
    refused: dict[DropRule, Count]
    """Rows that are not in the result, by the rule that kept them out."""
    faults: dict[IdentifierType, dict[str, Count]]
    """Cells that are empty in the result and named in its last column, by code."""
    pseudonyms: dict[IdentifierType, Count]


class ExtractView(Answer):
    """A file on its way to its pseudonyms."""

    extract_id: ExtractReference
    domain: str
    status: ExtractStatus
    identifier_types: Kinds
    rows: Annotated[int, Field(ge=1)]
    rows_done: Count
    announced_at: AwareDatetime
    kept_until: AwareDatetime | None
    """Until when the result can be collected."""
    kept: list[Kept]
    """What there may still be of it outside the ledger; `upload` identifies patients."""
    held: str | None
    """What it waits for."""
    code: str | None
    """Why it was refused, or failed."""
    row: Annotated[int, Field(ge=1)] | None
    """The row that is not as it has to be, the header not counted."""
    counts: ExtractCounts | None
    upload: UploadView | None


class PartView(Answer):
    """One part of the result; put together in order they are one CSV."""

    url: Text
    rows: Count
    bytes: Count
    sha256: Hash


class CollectedExtract(ExtractView):
    """Where the result can be downloaded, for some minutes."""

    parts: Annotated[list[PartView], Field(min_length=1)]
    good_until: AwareDatetime


class LinkageTermsView(Answer):
    """What a linkage agreement allows."""

    format: Literal[1]
    from_domain: str
    to_domain: str
    identifier_types: Annotated[Kinds, Field(min_length=1)]
    covers: Covers
    purpose: Purpose
    legal_basis: LegalBasis
    project: str | None
    carried_out_by: str
    """Whose providers translate (ODS code)."""
    most_tokens: Annotated[int, Field(ge=1)]
    until: dt.date
    """The last day."""


class LinkageApproval(Answer):
    """One person's yes for one of the two domains, and the place they fill."""

    person: PersonReference
    domain: str
    factor: Factor
    organisation: str
    at: AwareDatetime


class LinkageEnd(Answer):
    """Who refused or ended an agreement."""

    by: PersonReference
    at: AwareDatetime
    reason: LinkageEndReason


class LinkageAgreementView(Answer):
    """An agreement between two domains' controllers that one's pseudonyms may be translated into the other's."""

    agreement_id: Annotated[str, StringConstraints(pattern=r"^LNK-[0-9A-HJKMNP-TV-Z]{26}$")]
    version: Annotated[int, Field(ge=1)]
    """What the ETag says: name it in If-Match."""
    state: AgreementState
    terms: LinkageTermsView
    terms_hash: Hash
    """SHA-256 of the canonical terms."""
    proposed_by: PersonReference
    proposed_at: AwareDatetime
    proposal_ends_at: AwareDatetime
    """From this moment on nobody can approve it."""
    approvals: list[LinkageApproval]
    in_force_since: AwareDatetime | None
    ended: LinkageEnd | None
    tokens_used: Count
    """Pseudonyms that were sent so far."""
    translations: Count


class CommandedLinkageAgreement(LinkageAgreementView):
    """The agreement as the command left it, and proof that the command is in the ledger."""

    receipts: list[Receipt]


class LinkagePage(Answer):
    """A page of agreements, in order. It may be shorter than asked for, even empty, and still not be the last."""

    items: list[LinkageAgreementView]
    next: str | None
    """`cursor` of the next page; null on the last."""


class TranslatedRow(Answer):
    """What became of each of a row's pseudonyms that the agreement is about, and the target domain's where there are
    any. Everything that lies in one person or one code is `not_available`."""

    row_id: str
    statuses: dict[IdentifierType, TranslateStatus]
    pseudonyms: dict[IdentifierType, Text]


class Translated(Answer):
    """The rows in the order they were sent; their pseudonyms are of `domain`."""

    agreement_id: str
    domain: str
    rows: list[TranslatedRow]


class LedgerEvent(Answer):
    """One event, with its place in the verified ledger. Codes, counts, hashes and keyed tags only."""

    index: Count
    stream: str
    number: Annotated[int, Field(ge=1)]
    type: str
    at: AwareDatetime
    actor: str
    trace: str
    data: dict[str, object]


class ShownEvent(LedgerEvent):
    """One event, its exact bytes, and what proves that they are in the ledger."""

    leaf: Text
    """SHA-256 over a zero byte and these bytes is `leaf_hash` (RFC 6962)."""
    leaf_hash: Hash
    proof: Text
    """`c2sp.org/tlog-proof@v1`: index, path, signed checkpoint."""
    size: Annotated[int, Field(ge=1)]
    """The tree that the checkpoint signs."""


class EventPage(Answer):
    """A page of events, in order. It may be shorter than asked for, even empty, and still not be the last."""

    items: list[LedgerEvent]
    size: Annotated[int, Field(ge=1)]
    """All pages together are complete up to the tree of this size, which the first page fixed."""
    next: str | None
    """`cursor` of the next page; null on the last."""


class Reidentified(Answer):
    """One time a person was in a release."""

    index: Count
    request: RequestReference | EmergencyReference
    """An emergency access has no request: its own id stands for it."""
    release_id: ReleaseReference | EmergencyReference
    at: AwareDatetime
    actor: PersonReference | None
    outcome: str
    """The deciding reason."""
    disclosed: bool
    """Whether identifiers left; false where the record was withheld."""
    domain: str
    project: str
    organisation: str | None
    """The project's (ODS code)."""
    recipient: str | None
    """Who received the result (ODS code)."""
    capacity: str
    purpose: str
    legal_basis: str
    identifier_types: Kinds
    """What was approved: at most these left."""


class Searched(Answer):
    """How much of the ledger was searched: a signed checkpoint's size and root (hexadecimal)."""

    size: Annotated[int, Field(ge=1)]
    root: Hash


class SubjectSearch(Answer):
    """Every release the person was in. Each is proven; that there is no other only where `proven` is true.

    `tags` stand for the person in releases, one for each domain and year (`audit verify --subject`).
    """

    found: list[Reidentified]
    searched: Searched
    proven: bool
    tags: list[Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]]


class Export(Answer):
    """An export ready to be read object by object, and the verifier key of the ledger's checkpoints."""

    export_id: Ulid
    format: ExportFormat
    size: Annotated[int, Field(ge=1)]
    vkey: Text
    first: str | None
    """`cursor` of the first object of an export of events; the ledger's objects are begun without one."""


class ObjectVersion(Answer):
    """One version of a ledger object as storage lists it: a second one is an alarm."""

    version_id: str
    is_delete_marker: bool
    last_modified: AwareDatetime
    size: Count


class LedgerObject(Answer):
    """One object: of the ledger, `journal/…` or `checkpoint/…`, exactly as stored, or of events, `events/…`."""

    key: str
    body: str
    versions: list[ObjectVersion]
    """None for events: these are made when they are asked for."""


class ExportPage(Answer):
    """A page of an export."""

    items: list[LedgerObject]
    next: str | None
    """`cursor` of the next page; null on the last."""


class SubmittedCounts(Answer):
    """Requests submitted in the quarter."""

    total: Count
    by_purpose: dict[str, Count]
    by_legal_basis: dict[str, Count]


class DecidedCounts(SubmittedCounts):
    """Requests whose outcome fell into the quarter."""

    by_outcome: dict[str, Count]


class TimeToDecide(Answer):
    """From submission to the last controller's decision, of what controllers approved or rejected."""

    decisions: Count
    median_minutes: Count | None
    p90_minutes: Count | None


class SuppressedCounts(Answer):
    """Records by reason. A count below 10 is `<10`, and then the total is `suppressed`."""

    by_reason: dict[str, Annotated[str, StringConstraints(pattern=r"^(<10|[1-9][0-9]+)$")]]
    total: Annotated[str, StringConstraints(pattern=r"^(suppressed|0|[1-9][0-9]+)$")]


class QuarterReport(Answer):
    """A calendar quarter, by days in London."""

    quarter: Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}-Q[1-4]$")]
    complete: bool
    """The quarter is over."""
    size: Annotated[int, Field(ge=1)]
    """The tree it was counted from."""
    submitted: SubmittedCounts
    decided: DecidedCounts
    time_to_decide: TimeToDecide
    records_released: SuppressedCounts
    records_withheld: SuppressedCounts


class RegisterLoaded(Answer):
    """A list of choices in use, as the ledger names it."""

    register_id: Annotated[Ulid, Field(alias="register")]
    made_at: AwareDatetime
    performed_on: dt.date
    sha256: Hash


class OptOutsLoaded(RegisterLoaded):
    """A reply of the opt-out service, judged."""

    kind: Literal[RegisterKind.OPT_OUTS]
    state: ReplyState
    mode: CheckMode
    asked: Count
    clear: Count
    opted_out: Count


class OptOutCheck(Answer):
    """One check of national data opt-outs: asked for over MESH, or loaded by an operator."""

    id: Ulid
    source: Source
    state: Stage
    people: Count
    """Whom it was asked about: how many."""
    performed_on: dt.date
    usable_until: dt.date | None
    """The last day its answer can be used; null where there is none."""
    at: AwareDatetime
    overdue: bool
    """The service should have answered by now."""
    removed: bool
    """Past the cap of 20 days, and deleted."""
    why: EndReason | None
    """Why there will be no answer."""


class OptOutChecks(Answer):
    """The checks of the last three weeks, newest first, at most 500."""

    items: Annotated[list[OptOutCheck], Field(max_length=500)]


class Type1Loaded(RegisterLoaded):
    """Type 1 events, and how many people's records were read."""

    kind: Literal[RegisterKind.TYPE1]
    people: Count
    events: Count


class ConsentsLoaded(RegisterLoaded):
    """Consents, and how many people gave or refused them."""

    kind: Literal[RegisterKind.CONSENTS]
    people: Count
    consents: Count
    withdrawn: Count
    """How many of them say that the consent is withdrawn. They act on the next release; what was released stays so."""


class ConsentView(Answer):
    """One consent."""

    covers_reidentification: bool
    given_on: dt.date
    given_by: ConsentGiver
    withdrawn_on: dt.date | None
    ends_on: dt.date | None


class ListedConsent(ConsentView):
    """One person's deciding consent for a project, without whose it is."""

    state: ConsentState


class ConsentList(Answer):
    """The consents held for a project as they stand today."""

    project: str
    people: Count
    states: dict[ConsentState, Count]
    consents: list[ListedConsent]


class ProjectConsent(ConsentView):
    """One consent and the project it is for."""

    project: str


class OptOutView(Answer):
    """The newest answer of the opt-out service about a person."""

    state: CheckState
    performed_on: dt.date | None
    mode: CheckMode | None


class CodedEventView(Answer):
    """One coded event of a GP record."""

    system: CodeSystem
    code: str
    recorded_on: dt.date


class Type1View(Answer):
    """Whether a Type 1 opt-out is active today, and the events that say so."""

    state: Type1State
    events: list[CodedEventView]


class PersonChoicesView(Answer):
    """What Keyholder knows of one person's choices: for the controller's data protection officer."""

    domain: str
    national_data_opt_out: OptOutView | None
    """Null where nobody asked, or so long ago that the answer was deleted."""
    type_1: Type1View
    consents: list[ProjectConsent]


class Status(Answer):
    """It answers."""

    status: Literal["ok"]


class Description(BaseModel):
    """An OpenAPI 3.1 document."""

    model_config = ConfigDict(extra="allow")

    openapi: Literal["3.1.0"]
    info: dict[str, object]
    paths: dict[str, object]
    components: dict[str, object]


@dataclass(frozen=True, slots=True)
class Success:
    """What one route answers when it does what was asked: JSON of this model, or an age file where there is none."""

    model: type[BaseModel] | None
    versioned: bool = False
    """It carries an ETag."""


_COMMANDED = Success(CommandedRequest, versioned=True)
_WRITTEN = Success(WrittenRequest, versioned=True)

SUCCESSES: Mapping[str, Success] = {
    "POST /v1/requests": _WRITTEN,
    "GET /v1/requests": Success(RequestPage),
    "GET /v1/requests/{request_id}": Success(RequestView, versioned=True),
    "GET /v1/requests/{request_id}/content": Success(Narrative),
    "GET /v1/requests/{request_id}/conversation": Success(ConversationPage),
    "GET /v1/requests/{request_id}/receipts": Success(ReceiptPage),
    "GET /v1/requests/{request_id}/revisions": Success(Revisions),
    "GET /v1/requests/{request_id}/changes": Success(ChangesView),
    "GET /v1/requests/{request_id}/records": Success(RecordPage),
    "POST /v1/requests/{request_id}/save": _WRITTEN,
    "POST /v1/requests/{request_id}/submit": _COMMANDED,
    "POST /v1/requests/{request_id}/accept-conditions": _COMMANDED,
    "POST /v1/requests/{request_id}/withdraw": _COMMANDED,
    "POST /v1/requests/{request_id}/discard": _COMMANDED,
    "POST /v1/requests/{request_id}/reply": _COMMANDED,
    "POST /v1/requests/{request_id}/nudge": _COMMANDED,
    "POST /v1/requests/{request_id}/report-outcome": _COMMANDED,
    "GET /v1/me": Success(Me),
    "GET /v1/terms": Success(TermsList),
    "POST /v1/terms/accept": Success(TermsState),
    "POST /v1/requests/{request_id}/declare": _COMMANDED,
    "POST /v1/requests/{request_id}/recuse": _COMMANDED,
    "POST /v1/requests/{request_id}/claim": _COMMANDED,
    "POST /v1/requests/{request_id}/hand-back": _COMMANDED,
    "POST /v1/requests/{request_id}/comment": _COMMANDED,
    "POST /v1/requests/{request_id}/ask": _COMMANDED,
    "POST /v1/requests/{request_id}/advise": _COMMANDED,
    "POST /v1/requests/{request_id}/approve": _COMMANDED,
    "POST /v1/requests/{request_id}/return": _COMMANDED,
    "POST /v1/requests/{request_id}/withdraw-vote": _COMMANDED,
    "POST /v1/requests/{request_id}/reject": _COMMANDED,
    "POST /v1/requests/{request_id}/revoke": _COMMANDED,
    "POST /v1/requests/{request_id}/let-through": _COMMANDED,
    "POST /v1/requests/{request_id}/release": Success(Released),
    "POST /v1/requests/{request_id}/collect": Success(None),
    "POST /v1/domains/{domain_id}/pseudonyms": Success(Pseudonymised),
    "POST /v1/domains/{domain_id}/rekeyings": Success(Rekeyed),
    "POST /v1/domains/{domain_id}/extracts": Success(ExtractView),
    "GET /v1/extracts/{extract_id}": Success(ExtractView),
    "POST /v1/extracts/{extract_id}/start": Success(ExtractView),
    "POST /v1/extracts/{extract_id}/collect": Success(CollectedExtract),
    "POST /v1/extracts/{extract_id}/discard": Success(ExtractView),
    "POST /v1/linkage-agreements": Success(CommandedLinkageAgreement, versioned=True),
    "GET /v1/linkage-agreements/{agreement_id}": Success(LinkageAgreementView, versioned=True),
    "GET /v1/domains/{domain_id}/linkage-agreements": Success(LinkagePage),
    "POST /v1/linkage-agreements/{agreement_id}/approve": Success(CommandedLinkageAgreement, versioned=True),
    "POST /v1/linkage-agreements/{agreement_id}/end": Success(CommandedLinkageAgreement, versioned=True),
    "POST /v1/linkage-agreements/{agreement_id}/translations": Success(Translated),
    "GET /v1/audit/events": Success(EventPage),
    "GET /v1/audit/events/{index}": Success(ShownEvent),
    "POST /v1/audit/subject-searches": Success(SubjectSearch),
    "POST /v1/audit/exports": Success(Export),
    "GET /v1/audit/exports/{export_id}/objects": Success(ExportPage),
    "GET /v1/audit/reports/{quarter}": Success(QuarterReport),
    "POST /v1/people": Success(PersonView, versioned=True),
    "POST /v1/projects": Success(ProjectView, versioned=True),
    "POST /v1/domains": Success(DomainView, versioned=True),
    "GET /v1/people/{person_id}": Success(PersonView, versioned=True),
    "POST /v1/people/{person_id}/confirm": Success(PersonView, versioned=True),
    "GET /v1/projects/{project_id}": Success(ProjectView, versioned=True),
    "GET /v1/domains/{domain_id}": Success(DomainView, versioned=True),
    "POST /v1/domains/{domain_id}/key-changes": Success(KeyChangeView, versioned=True),
    "POST /v1/domains/{domain_id}/key-changes/{change_id}/confirm": Success(KeyChangeView, versioned=True),
    "POST /v1/domains/{domain_id}/key-changes/{change_id}/withdraw": Success(KeyChangeView, versioned=True),
    "GET /v1/choices/national-data-opt-outs": Success(OptOutChecks),
    "GET /v1/policy": Success(PolicyView, versioned=True),
    "GET /v1/policy/changes/{change_id}": Success(PolicyChangeView, versioned=True),
    "POST /v1/policy/changes": Success(PolicyChangeView, versioned=True),
    "POST /v1/policy/changes/{change_id}/confirm": Success(PolicyChangeView, versioned=True),
    "POST /v1/policy/changes/{change_id}/stop": Success(PolicyChangeView, versioned=True),
    "POST /v1/policy/changes/{change_id}/withdraw": Success(PolicyChangeView, versioned=True),
    "POST /v1/domains/{domain_id}/rule-changes": Success(RuleChangeView, versioned=True),
    "POST /v1/domains/{domain_id}/rule-changes/{change_id}/confirm": Success(RuleChangeView, versioned=True),
    "POST /v1/domains/{domain_id}/rule-changes/{change_id}/withdraw": Success(RuleChangeView, versioned=True),
    "POST /v1/choices/national-data-opt-outs": Success(OptOutsLoaded),
    "POST /v1/choices/type-1-events": Success(Type1Loaded),
    "POST /v1/choices/consents": Success(ConsentsLoaded),
    "POST /v1/choices/consents/withdrawals": Success(ConsentsLoaded),
    "GET /v1/choices/consents/{project_id}": Success(ConsentList),
    "POST /v1/people/choices": Success(PersonChoicesView),
    "GET /v1/openapi.json": Success(Description),
    "GET /v1/status": Success(Status),
}
"""By route."""
