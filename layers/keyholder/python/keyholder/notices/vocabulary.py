"""The closed lists of notices: who is told, and what."""

from __future__ import annotations

from enum import StrEnum


class Listener(StrEnum):
    """Who is told of an event. Whoever is disabled, is no human or did it themselves is left out of every one."""

    REQUESTER = "the requester"
    DECIDERS = "whoever can still decide on a domain that the event names, or on any open one where it names none"
    OTHERS = "whoever decides, or could have, on the domain that was decided"
    DECIDED = "whoever has voted on this revision"
    EVERYONE_DECIDING = "whoever has voted on this revision, looks after it, or can still decide on it"
    ATTENDING = "whoever looks after it, has voted, or has said something to the requester"
    ADVISER = "the person whose advice is asked"
    ASKER = "the person who asked for the advice"
    HANDLER_BEFORE = "the person who looked after it until now"
    OPERATORS = "every operator"
    OWNER = "the person whose record or emergency access it is"
    OF_DOMAIN = "whoever decides for the domain of an emergency access"


class Template(StrEnum):
    """What somebody is told. `wording` has the words."""

    REVIEW_WANTED = "review_wanted"
    IN_REVIEW = "in_review"
    BLOCKED = "blocked"
    DOMAIN_DECIDED = "domain_decided"
    APPROVAL_TAKEN_BACK = "approval_taken_back"
    RETURNED = "returned"
    RETURNED_TO_AUTHOR = "returned_to_author"
    CONDITIONS_OFFERED = "conditions_offered"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"
    DESTROY = "destroy"
    EXPIRED = "expired"
    RELEASED = "released"
    RELEASE_FAILED = "release_failed"
    COLLECTED = "collected"
    TAKEN_OVER = "taken_over"
    REMINDED = "reminded"
    REMINDED_TO_DECIDE = "reminded_to_decide"
    CHECKS_STUCK = "checks_stuck"
    ESCALATED = "escalated"
    QUORUM_LOST = "quorum_lost"
    HELD = "held"
    HELD_DECIDE = "held_decide"
    LET_THROUGH = "let_through"
    COMMENT = "comment"
    COMMENT_INTERNAL = "comment_internal"
    REPLY = "reply"
    ADVICE_ASKED = "advice_asked"
    ADVICE_GIVEN = "advice_given"
    CONSENT_FELL = "consent_fell"
    REPORTED = "reported"
    REPORT_OVERDUE = "report_overdue"
    REPORT_LATE = "report_late"
    CONTACT_CHANGED = "contact_changed"
    EMERGENCY_OPENED = "emergency_opened"
    EMERGENCY_UPHELD = "emergency_upheld"
    EMERGENCY_NOT_UPHELD = "emergency_not_upheld"
    EMERGENCY_OVERDUE = "emergency_overdue"


class Due(StrEnum):
    """By when somebody must act, where they must."""

    REQUEST = "the time the request waits for, as it is now"
    REVIEW = "the end of the time for the review of an emergency access"
    DESTRUCTION = "the day by which what was released has to be destroyed"
