"""What callers are answered about requests: states, decisions, what is allowed; as in `answers`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from keyholder.edge.answers.delegations import Delegated
from keyholder.edge.answers.domains import Factors
from keyholder.edge.answers.form import (
    Answer,
    Count,
    Hash,
    Kinds,
    PersonReference,
    ReleaseReference,
    RequestReference,
    SafeCount,
    Success,
    Text,
)
from keyholder.edge.answers.receipts import Receipt
from keyholder.edge.delegation_bodies import DelegationId
from keyholder.registry.factors import Factor
from keyholder.registry.people import Capacity
from keyholder.requests.codes import (
    Awaited,
    DecisionState,
    Destruction,
    EscalationReason,
    Finding,
    QuestionTopic,
    RecuseReason,
    RejectReason,
    State,
    Vote,
)
from keyholder.requests.commands import CommandName
from keyholder.requests.conditions import ConditionCode
from keyholder.requests.content import Delivery


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
    delegation: Delegated | None
    """In whose place it was decided, where in somebody's."""


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
    result_sha256: Hash | None
    """Of the encrypted file, where there is one."""
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
    delegation: DelegationId | None
    """In somebody's place: the delegation to name with the command."""
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


class FileNoteView(Answer):
    """A file of records: its length, and whether it was read. Until it was, no record is counted."""

    bytes: Annotated[int, Field(ge=1)]
    read: bool


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
    file: FileNoteView | None = None
    """Where the records come as a file."""
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


class CommandedRequest(RequestView):
    """The request as the command left it, and proof that the command is in the ledger."""

    receipts: Annotated[list[Receipt], Field(min_length=1)]


class RequestPage(Answer):
    """A page of requests. It may be shorter than asked for, even empty, and still not be the last."""

    items: list[RequestSummary]
    next: str | None
    """`cursor` of the next page; null on the last."""


_COMMANDED = Success(CommandedRequest, versioned=True)

SUCCESSES: Mapping[str, Success] = {
    "GET /v1/requests": Success(RequestPage),
    "GET /v1/requests/{request_id}": Success(RequestView, versioned=True),
    "POST /v1/requests/{request_id}/submit": _COMMANDED,
    "POST /v1/requests/{request_id}/take-over": _COMMANDED,
    "POST /v1/requests/{request_id}/accept-conditions": _COMMANDED,
    "POST /v1/requests/{request_id}/withdraw": _COMMANDED,
    "POST /v1/requests/{request_id}/discard": _COMMANDED,
    "POST /v1/requests/{request_id}/reply": _COMMANDED,
    "POST /v1/requests/{request_id}/nudge": _COMMANDED,
    "POST /v1/requests/{request_id}/report-outcome": _COMMANDED,
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
}
"""By route."""
