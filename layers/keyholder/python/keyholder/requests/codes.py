"""The closed lists of the life cycle: states, reasons, and counts that are safe to show."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a request stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    """Frozen, waiting for the checks."""
    IN_REVIEW = "in_review"
    RETURNED = "returned"
    """Back with its author, who is asked something; nothing that was decided stands."""
    CONDITIONS_OFFERED = "conditions_offered"
    """Approved if the requester accepts exactly these conditions."""
    APPROVED = "approved"
    RELEASED = "released"
    """Identifiers have left at least once."""
    CLOSED = "closed"
    """What came of it is reported, and what was released is destroyed."""
    BLOCKED = "blocked"
    """Something stands against the request as a whole."""
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    REVOKED = "revoked"
    DISCARDED = "discarded"


TERMINAL = frozenset(
    {
        State.CLOSED,
        State.BLOCKED,
        State.REJECTED,
        State.WITHDRAWN,
        State.EXPIRED,
        State.REVOKED,
        State.DISCARDED,
    }
)


OPEN_TO_RELEASE = frozenset({State.APPROVED, State.RELEASED})
"""While a request is in one of these, identifiers may leave."""


class DecisionState(StrEnum):
    """What a domain has decided."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    VOID = "void"
    """The request was returned: the next revision is decided afresh."""


class Vote(StrEnum):
    """What one person has decided."""

    APPROVE = "approve"
    REJECT = "reject"


class RejectReason(StrEnum):
    """Why a controller says no."""

    PURPOSE_NOT_JUSTIFIED = "purpose_not_justified"
    MORE_THAN_NEEDED = "more_than_needed"
    BASIS_NOT_SHOWN = "basis_not_shown"
    RECIPIENT_NOT_ACCEPTED = "recipient_not_accepted"
    PUBLIC_TRUST = "public_trust"
    OTHER = "other"


class QuestionTopic(StrEnum):
    """What a controller asks the author about, in returning a request."""

    PURPOSE = "purpose"
    LEGAL_BASIS = "legal_basis"
    JUSTIFICATION = "justification"
    IDENTIFIER_TYPES = "identifier_types"
    RECORDS = "records"
    RECIPIENT = "recipient"
    TIME = "time"
    """The release window, or the day of destruction."""
    OTHER = "other"


class RevokeReason(StrEnum):
    """Why a controller takes an approval back."""

    BASIS_ENDED = "basis_ended"
    SECURITY_CONCERN = "security_concern"
    USE_NOT_AS_APPROVED = "use_not_as_approved"
    APPROVED_IN_ERROR = "approved_in_error"
    OTHER = "other"


class RecuseReason(StrEnum):
    """Why somebody steps aside."""

    CONFLICT_OF_INTEREST = "conflict_of_interest"
    TOOK_PART = "took_part"
    """They helped to write the request, or work with its project."""
    NOT_COMPETENT = "not_competent"
    """It needs knowledge they do not have."""
    OTHER = "other"


class EscalationReason(StrEnum):
    """Why more people have to know of a request that waits."""

    UNATTENDED = "unattended"
    """Much of the time for deciding has gone by, and it is not decided."""
    UNCHECKED = "unchecked"
    """Much of the time has gone by, and the checks could not be made: an operator has to see why."""
    REPORT_OVERDUE = "report_overdue"
    """What was released should be destroyed and reported on by now: until it is, its requester and its project submit
    nothing new."""
    QUORUM_LOST = "quorum_lost"
    """Too few people are left who could approve it; only an operator can register more."""


class Audience(StrEnum):
    """Who may read what was said."""

    INTERNAL = "internal"
    """Those who decide, those whose advice they asked, and auditors; never who asks."""
    REQUESTER = "requester"
    """The requester and their project too."""


class MessageKind(StrEnum):
    """What somebody said."""

    COMMENT = "comment"
    REPLY = "reply"
    """By the requester."""
    QUESTION = "question"
    """To a named person, for their advice."""
    ADVICE = "advice"
    """Their answer."""


class Advice(StrEnum):
    """What an adviser says. None of it is a vote."""

    SUPPORTS = "supports"
    SUPPORTS_WITH_CONDITIONS = "supports_with_conditions"
    CONCERNS = "concerns"
    OBJECTS = "objects"
    NO_VIEW = "no_view"
    DECLINED = "declined"
    """They have an interest of their own, or it is not theirs to say."""


class Awaited(StrEnum):
    """What a request waits for, and so who has to act."""

    SUBMISSION = "submission"
    """Of the draft, by its author."""
    CHECKS = "checks"
    """By Keyholder; where they can't be made, an operator sees why."""
    DECISION = "decision"
    """By those who decide for the domains that are open."""
    ANSWER = "answer"
    """To the questions it was returned with, by its author."""
    ACCEPTANCE = "acceptance"
    """Of the conditions, by the requester."""
    RELEASE = "release"
    """By the requester, before the window closes."""
    REPORT = "report"
    """On what came of the release, and that it is destroyed; by the requester or somebody else of the project."""


class Finding(StrEnum):
    """What the identifiers were good for."""

    PEOPLE_CONTACTED = "people_contacted"
    CARE_CHANGED = "care_changed"
    """Somebody was diagnosed, treated or recalled."""
    RECORDS_LINKED = "records_linked"
    ERRORS_CORRECTED = "errors_corrected"
    NOTHING_FOUND = "nothing_found"
    """They were used, and nothing came of it."""
    NOT_USED = "not_used"
    OTHER = "other"


class Destruction(StrEnum):
    """What became of the identifiers, stated by whoever answers for it."""

    DESTROYED = "destroyed"
    """Every copy, backups included."""
    IN_CARE_RECORD = "in_care_record"
    """They are in the care records of the very people, as part of their care; every other copy is destroyed."""
    NEVER_RECEIVED = "never_received"
    """No result ever left Keyholder: there was nothing to destroy."""


class ExpiryReason(StrEnum):
    """Which time ran out."""

    DRAFT_LEFT = "draft_left"
    """Its author neither submitted nor discarded it."""
    NOT_CHECKED = "not_checked"
    """The checks could not be made."""
    NOT_DECIDED = "not_decided"
    NOT_ANSWERED = "not_answered"
    """Its author did not send it in again."""
    CONDITIONS_NOT_ACCEPTED = "conditions_not_accepted"
    WINDOW_OVER = "window_over"


def safe_count(count: int) -> str:
    """A count as it may be shown: 0, `1-7`, or rounded to the nearest 5.

    NHS England's disclosure control for Hospital Episode Statistics suppresses 1 to 7 and rounds the rest to 5.
    """
    if count <= 0:
        return "0"
    return "1-7" if count <= 7 else str(5 * ((count + 2) // 5))


class FileStage(StrEnum):
    """Where the file of a draft stands."""

    DECLARED = "declared"
    """It may be uploaded."""
    HANDED_IN = "handed_in"
    """It is uploaded, and waits to be read."""
    READ = "read"
    """It is the one declared, and whole: the request can be submitted."""
    REFUSED = "refused"
    """It is not kept. Save the draft anew to declare another."""
