"""The command that must have made some events of a request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from keyholder.audit.records import MEANWHILE, moments
from keyholder.registry.terms import Document, Terms
from keyholder.requests import commands as ask
from keyholder.requests.actors import Limits
from keyholder.requests.codec import RequestEvent
from keyholder.requests.codes import EscalationReason
from keyholder.requests.events import (
    AdviceGiven,
    AdviceRequested,
    ChecksHeld,
    ChecksRecorded,
    Claimed,
    Commented,
    ConditionsAccepted,
    ConditionsOffered,
    ConflictCleared,
    ConsentFell,
    DestructionRequired,
    DomainApproved,
    DomainRejected,
    DraftSaved,
    Escalated,
    FileHandedIn,
    FileRead,
    FileRefused,
    HandedBack,
    Nudged,
    OutcomeReported,
    Recused,
    Reminded,
    Replied,
    RequestApproved,
    RequestBlocked,
    RequestCreated,
    RequestDiscarded,
    RequestExpired,
    RequestRejected,
    RequestReturned,
    RequestRevoked,
    RequestSubmitted,
    RequestTakenOver,
    RequestWithdrawn,
    StandingApprovalUsed,
    VolumeExceeded,
    VolumeLetThrough,
    VoteWithdrawn,
)
from keyholder.requests.events.releasing import (
    ItemsReleased,
    ReleaseAuthorised,
    ReleaseCollected,
    ReleaseFailed,
    ReleaseFinished,
)
from keyholder.requests.state import RequestState


def command_of(events: Sequence[RequestEvent]) -> ask.Command | None:  # noqa: C901, PLR0911, PLR0912 - one case an event
    """The command, None where no command begins with such an event."""
    match events[0]:
        case RequestCreated() if len(events) == 2 and isinstance(events[1], DraftSaved):
            return ask.Create(events[1].summary)
        case DraftSaved(summary=summary):
            return ask.Save(summary)
        case FileHandedIn(content_hash=content_hash):
            return ask.HandInFile(content_hash)
        case FileRead(declared, summary, given, bad):
            return ask.RecordFileRead(declared, summary, given, bad)
        case FileRefused(content_hash, code, row):
            return ask.RefuseFile(content_hash, code, row)
        case RequestDiscarded():
            return ask.Discard()
        case RequestTakenOver():
            return ask.TakeOver()
        case RequestSubmitted(summary=summary):
            return ask.Submit(summary.content_hash)
        case ChecksRecorded() | RequestBlocked() as checked:
            return _checks(checked)
        case ChecksHeld(content_hash, code):
            return ask.HoldChecks(content_hash, code)
        case DomainApproved() as yes:
            return ask.Approve(
                yes.domain,
                yes.content_hash,
                yes.organisation,
                yes.until,
                yes.identifier_types,
                yes.factor,
                yes.records,
                yes.records_left,
                yes.conditions,
            )
        case DomainRejected() as no:
            return ask.Reject(no.domain, no.content_hash, no.reason, no.comment_sha256, no.organisation, no.factor)
        case RequestReturned() as back:
            return ask.Return(back.domain, back.content_hash, back.questions, back.organisation, back.factor)
        case StandingApprovalUsed(standing=standing):
            return ask.UseStanding(standing)
        case VoteWithdrawn(domain=domain, content_hash=content_hash):
            return ask.WithdrawVote(domain, content_hash)
        case ConditionsAccepted(conditions_hash=accepted):
            return ask.AcceptConditions(accepted)
        case RequestWithdrawn():
            return ask.Withdraw()
        case RequestRevoked(reason=reason):
            return ask.Revoke(reason)
        case ReleaseAuthorised() as authorised:
            return ask.AuthoriseRelease(authorised.release, authorised.content_hash, authorised.delivery)
        case ItemsReleased() as left:
            return ask.RecordChunk.of(left, *(event for event in events[1:] if isinstance(event, ItemsReleased)))
        case ReleaseFinished(release, counts, digest):
            return ask.FinishRelease(release, counts, digest)
        case ReleaseFailed(release, code):
            return ask.FailRelease(release, code)
        case ReleaseCollected(release=release):
            return ask.Collect(release)
        case VolumeExceeded(release, limits_hash, action, stopped, exceeded):
            return ask.RecordVolume(release, limits_hash, action, stopped, exceeded)
        case ConsentFell(content_hash, people):
            return ask.RecordConsentFall(content_hash, people)
        case VolumeLetThrough(content_hash=content_hash):
            return ask.LetThrough(content_hash)
        case OutcomeReported() as report:
            return ask.ReportOutcome(
                report.used, report.finding, report.destruction, report.destroyed_on, report.text_sha256
            )
        case Reminded(days=days):
            return ask.Remind(days)
        case Escalated(reason=reason) if reason is not EscalationReason.QUORUM_LOST:
            return ask.Escalate(reason)
        case RequestExpired():
            return ask.Expire()
        case ConflictCleared():
            return ask.DeclareNoConflict()
        case Recused(reason=reason):
            return ask.Recuse(reason)
        case Claimed(domain=domain):
            return ask.Claim(domain)
        case HandedBack(domain=domain):
            return ask.HandBack(domain)
        case Commented(audience=audience, text_sha256=text, about=about):
            return ask.Comment(audience, text, about)
        case Replied(text_sha256=text, about=about):
            return ask.Reply(text, about)
        case Nudged():
            return ask.Nudge()
        case AdviceRequested(adviser=adviser, question_sha256=question):
            return ask.AskAdvice(adviser, question)
        case AdviceGiven(question_sha256=question, advice=advice, text_sha256=answer):
            return ask.Advise(question, advice, answer)
        case (
            RequestCreated()
            | ConditionsOffered()
            | RequestApproved()
            | RequestRejected()
            | DestructionRequired()
            | Escalated()
        ):
            return None


def policy_hash_of(event: RequestEvent) -> str | None:
    """The policy that was asked for this event, where one was."""
    return event.policy_hash if isinstance(event, RequestSubmitted | ReleaseAuthorised) else None


def terms_of(event: RequestEvent) -> tuple[Document, Terms | None] | None:
    """Which terms of use were asked for before this event, and the text that was in force; None where none are."""
    match event:
        case RequestSubmitted(terms=terms):
            return Document.REQUESTER, terms
        case DomainApproved(terms=terms):
            return Document.APPROVER, terms
        case _:
            return None


def decided_at(events: Sequence[RequestEvent], at: datetime, state: RequestState, limits: Limits) -> Iterator[datetime]:
    """When these events, written at `at`, may have been decided: what they say themselves where they do."""
    yield at
    said = _said(events, state, limits)
    if said is not None and at - MEANWHILE <= said <= at:
        yield said
    yield from moments(at)


def _said(events: Sequence[RequestEvent], state: RequestState, limits: Limits) -> datetime | None:  # noqa: PLR0911 - one case an event
    match events[-1]:
        case RequestSubmitted(due_at=due_at):
            return due_at - limits.checks_within
        case DraftSaved(due_at=due_at) | RequestTakenOver(due_at=due_at) if due_at is not None:
            return due_at - limits.draft_within
        case ChecksRecorded(due_at=due_at):
            return due_at - limits.decision_within
        case RequestReturned(due_at=due_at):
            return due_at - limits.answer_within
        case ConditionsOffered(due_at=due_at):
            return due_at - limits.accept_within
        case RequestApproved(until=until) if state.summary is not None:
            return until - timedelta(days=state.summary.window_days)
        case _:
            return None


def _checks(checked: ChecksRecorded | RequestBlocked) -> ask.RecordChecks:
    """Counts stand in the ledger only as they may be shown; any count that is shown so is as good as the true one."""
    if isinstance(checked, RequestBlocked):
        checks = ask.Checks(checked.policy_hash, 0, 0, 0, checked.reasons)
    else:
        whole, by_domain = _found(checked.counts), {name: _found(some) for name, some in checked.domains.items()}
        checks = ask.Checks(checked.policy_hash, whole.eligible, whole.held, whole.withheld, (), by_domain)
    return ask.RecordChecks(checked.content_hash, checks)


def _found(shown: Mapping[str, str]) -> ask.Found:
    counts = {name: 1 if count == "1-7" else int(count) for name, count in shown.items()}
    return ask.Found(counts.get("eligible", 0), counts.get("held", 0), counts.get("withheld", 0))
