"""A request as its events leave it. Only `folding.fold` makes one; nothing else is the truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from keyholder.registry.delegations import Delegated
from keyholder.registry.factors import Factor, Needs
from keyholder.requests.codes import (
    DecisionState,
    Destruction,
    EscalationReason,
    FileStage,
    Finding,
    RecuseReason,
    State,
    Vote,
)
from keyholder.requests.conditions import Condition, merged
from keyholder.requests.content import Delivery, Summary
from keyholder.requests.conversation import Message
from keyholder.requests.given import Given
from keyholder.requests.questions import ReviewQuestion
from keyholder.requests.records import Narrowed, approved_records
from keyholder.vocabulary import ContentHash, DomainId, IdentifierType, OrganisationCode, PersonId, RequestId


@dataclass(frozen=True, slots=True)
class Ballot:
    """What one person decided for one domain, filling one factor for one organisation."""

    person: PersonId
    organisation: OrganisationCode
    vote: Vote
    content_hash: ContentHash
    at: datetime
    identifier_types: tuple[IdentifierType, ...] = ()
    until: datetime | None = None
    reason: str | None = None
    comment_sha256: str | None = None
    factor: Factor = Factor.CONTROLLER
    records: Narrowed | None = None
    conditions: tuple[Condition, ...] = ()
    delegated: Delegated | None = None
    """In whose place it was cast."""

    @property
    def behind(self) -> frozenset[PersonId]:
        """Whoever stands behind it: who cast it, and in whose place."""
        return frozenset({self.person, *({self.delegated.in_place_of} if self.delegated else ())})


@dataclass(frozen=True, slots=True)
class DomainDecision:
    """Where one domain stands.

    `records_left` is how many records every approval covers: None where none narrows them, or where a vote was taken
    back and nobody has counted since.
    """

    needs: Needs
    state: DecisionState = DecisionState.OPEN
    ballots: tuple[Ballot, ...] = ()
    records_left: int | None = None

    def approvals(self) -> tuple[Ballot, ...]:
        return tuple(ballot for ballot in self.ballots if ballot.vote is Vote.APPROVE)

    def granted(self) -> tuple[IdentifierType, ...]:
        """The identifier types every approval covers, in the order of the first."""
        approvals = self.approvals()
        if not approvals:
            return ()
        common = set(approvals[0].identifier_types).intersection(*(ballot.identifier_types for ballot in approvals))
        return tuple(kind for kind in approvals[0].identifier_types if kind in common)

    def narrowed(self) -> tuple[Narrowed, ...]:
        """The choices of records that approvals made, where they made one."""
        return tuple(ballot.records for ballot in self.approvals() if ballot.records)

    def conditions(self) -> tuple[Condition, ...]:
        """What every approval asks for, the strictest of each kind."""
        return merged(condition for ballot in self.approvals() for condition in ballot.conditions)


@dataclass(frozen=True, slots=True)
class Returned:
    """How a revision came back to its author."""

    by: PersonId
    domain: DomainId
    at: datetime
    questions: tuple[ReviewQuestion, ...]
    ballots: Mapping[DomainId, tuple[Ballot, ...]]
    """The votes it made void."""


@dataclass(frozen=True, slots=True)
class Revision:
    """What was submitted, as often as it was."""

    number: int
    summary: Summary
    submitted_at: datetime
    returned: Returned | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What came of it, as its author reported; `destroyed_on` is None where nothing was ever received."""

    author: PersonId
    at: datetime
    used: int
    finding: Finding
    destruction: Destruction
    destroyed_on: date | None = None
    text_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the requester undertakes, or has to before anything is released."""

    hash: ContentHash
    items: tuple[Condition, ...]
    offered_at: datetime
    accepted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """One retrieval. `chunks_written` of `chunks` have left."""

    id: str
    delivery: Delivery
    authorised_at: datetime
    granted: Mapping[DomainId, tuple[IdentifierType, ...]]
    chunks_written: int = 0
    chunks: int = 0
    finished_at: datetime | None = None
    failed: str | None = None
    collected_at: datetime | None = None
    report_due_at: datetime | None = None
    result_sha256: str | None = None
    """Of the encrypted file, where there is one."""

    @property
    def running(self) -> bool:
        return self.finished_at is None and self.failed is None

    @property
    def counts(self) -> bool:
        """Whether it uses up a retrieval: all do but one that failed before anything left."""
        return self.failed is None or self.chunks_written > 0


@dataclass(frozen=True, slots=True)
class FileProgress:
    """Where the file of a draft stands since `at`; `code` and `row` say why it was refused, the rest what it holds."""

    stage: FileStage
    at: datetime
    code: str | None = None
    row: int | None = None
    given: tuple[Given, ...] = ()
    bad: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RequestState:
    """One request. `version` is the number of its newest event, 0 before the first.

    `edition` counts the changes its requester can see, and `edition_at` is when the last was. These are told outside:
    nobody learns from a version or a time that others said or declared something among themselves.

    `status` is None before the first event. `checks_held` says what the checks wait for. `until` and `retrievals` count
    from the approval. `cleared` has the content for which each person declared that they have no conflict of interest,
    `recused` who stepped aside, `handlers` who looks after it for a domain, `escalated` why more people had to know.
    """

    id: RequestId
    version: int = 0
    status: State | None = None
    requester: PersonId | None = None
    summary: Summary | None = None
    file: FileProgress | None = None
    """None where the records came in the request itself."""
    revision: int = 0
    policy_hash: str | None = None
    counts: Mapping[str, str] = field(default_factory=dict)
    domain_counts: Mapping[DomainId, Mapping[str, str]] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    checks_held: str | None = None
    held_for: tuple[str, ...] = ()
    """The volume thresholds that hold it until a controller lets it through."""
    let_through: tuple[str, ...] = ()
    """Those its next release may go above."""
    consents_withdrawn: int = 0
    """How many of its people have withdrawn their consent since it was approved."""
    domains: Mapping[DomainId, DomainDecision] = field(default_factory=dict)
    revisions: tuple[Revision, ...] = ()
    conditions: Conditions | None = None
    destruction_required_by: date | None = None
    releases: tuple[Release, ...] = ()
    until: datetime | None = None
    retrievals: int = 0
    due_at: datetime | None = None
    waiting_since: datetime | None = None
    reminded: int | None = None
    cleared: Mapping[PersonId, ContentHash] = field(default_factory=dict)
    recused: Mapping[PersonId, RecuseReason] = field(default_factory=dict)
    handlers: Mapping[DomainId, PersonId] = field(default_factory=dict)
    messages: tuple[Message, ...] = ()
    nudged_at: datetime | None = None
    escalated: Mapping[EscalationReason, datetime] = field(default_factory=dict)
    standing: str | None = None
    """The standing approval that approved it, where one did."""
    report: Report | None = None
    created_at: datetime | None = None
    changed_at: datetime | None = None
    edition: int = 0
    edition_at: datetime | None = None

    @property
    def content_hash(self) -> ContentHash | None:
        return self.summary.content_hash if self.summary else None

    @property
    def submitted(self) -> Summary | None:
        """What was submitted last, while its author writes something else."""
        return self.revisions[-1].summary if self.revisions else None

    @property
    def destroy_by(self) -> date | None:
        """The day agreed on: the one asked for, or an earlier one that was a condition."""
        asked = self.summary.destroy_by if self.summary else None
        earlier = (one.by for one in (self.conditions.items if self.conditions else ()) if one.by)
        return min(earlier, default=asked) if asked else None

    def conditions_asked(self) -> tuple[Condition, ...]:
        """What the approvals of every approved domain ask for together."""
        return merged(one for domain in self.approved_domains() for one in self.domains[domain].conditions())

    def records_approved(self) -> Mapping[DomainId, int]:
        """How many records of each approved domain may be released, as far as those who decided go."""
        asked = self.summary.records if self.summary else {}
        left = {domain: self.domains[domain].records_left for domain in self.approved_domains()}
        return approved_records(left, asked)

    def approved_domains(self) -> tuple[DomainId, ...]:
        return tuple(domain for domain, decision in self.domains.items() if decision.state is DecisionState.APPROVED)

    def cleared_for(self, person: PersonId) -> bool:
        """Whether `person` declared that they have no conflict of interest in what was submitted last."""
        read = self.submitted
        return read is not None and self.cleared.get(person) == read.content_hash

    @property
    def report_due_at(self) -> datetime | None:
        """When what came of the releases has to be reported; None before the first, and once it is over."""
        return self.due_at if any(one.report_due_at and one.chunks_written for one in self.releases) else None

    def left_keyholder(self) -> bool:
        """Whether identifiers may have reached anybody: in an answer, or in a file that was collected."""
        return any(
            one.collected_at is not None or (one.delivery is Delivery.INLINE and one.chunks_written)
            for one in self.releases
        )

    def retrievals_used(self) -> int:
        return sum(release.counts for release in self.releases)

    def release(self, release: str) -> Release | None:
        return next((known for known in self.releases if known.id == release), None)
