"""The rules a transition names: each looks at the case and says no, or nothing. A module for each topic."""

from __future__ import annotations

from keyholder.requests.guards.conditions import (
    CONDITIONS_ACCEPTED,
    IN_TIME,
    SAME_CONDITIONS,
)
from keyholder.requests.guards.conflicts import (
    NO_CONFLICT,
    NO_SETTLED_VOTE,
    NOT_CLEARED_YET,
    NOT_RECUSED,
)
from keyholder.requests.guards.consents import (
    MORE_WITHDRAWN,
    ON_CONSENT,
)
from keyholder.requests.guards.content import (
    POLICY_ALLOWS,
    SAME_CONTENT,
)
from keyholder.requests.guards.conversing import (
    ADVISER_FIT,
    ADVISER_STILL_FIT,
    ANSWERS_WHAT_STANDS,
    NUDGED_LONG_AGO,
    QUESTION_OPEN,
    ROOM_LEFT,
)
from keyholder.requests.guards.deciding import (
    CONTROLS_DOMAIN,
    DOMAIN_NOT_REJECTED,
    DOMAIN_OPEN,
    FIRST_DECISION,
    OFF_THE_PROJECT,
    ORGANISATION_CLEAR,
    SOMEBODY_ELSE,
    ForADomain,
    decided_domain,
    deciding_part,
)
from keyholder.requests.guards.delegating import (
    COUNTS_ONCE,
    DELEGATOR_APART,
)
from keyholder.requests.guards.drafting import (
    AUTHOR_LEFT,
    DESTROYED_LATER,
    DOMAINS_COVERED,
    DRAFT_MEANT,
    QUORUM_ATTAINABLE,
    SAME_PROJECT,
)
from keyholder.requests.guards.filing import (
    FILE_AWAITED,
    FILE_HANDED_IN,
    FILE_WAS_READ,
    KNOWN_FAULT,
    READ_AS_DECLARED,
)
from keyholder.requests.guards.guard import (
    Guard,
)
from keyholder.requests.guards.handling import (
    CLAIMS_OWN_DOMAIN,
    NOT_THE_HANDLER,
    THE_HANDLER,
)
from keyholder.requests.guards.narrowing import (
    CONDITIONS_FIT,
    NARROWED_ONLY,
    RECORDS_LEFT,
)
from keyholder.requests.guards.people import (
    ACCREDITED,
    APPROVER_TERMS,
    CAPACITY_HELD,
    HANDING_OUT,
    PROJECT_MEMBER,
    REQUESTER_TERMS,
    fresh_sign_in,
)
from keyholder.requests.guards.releasing import (
    ALL_CHUNKS,
    APPROVALS_STAND,
    DELIVERY_AS_APPROVED,
    FILE_READY,
    NEXT_CHUNK,
    NO_RELEASE_RUNNING,
    RELEASE_IN_TIME,
    RELEASE_OPEN,
    RETRIEVALS_LEFT,
    WINDOW_OPEN,
)
from keyholder.requests.guards.reporting import (
    DESTRUCTION_PLAUSIBLE,
    NO_REPORT_OVERDUE,
    USED_OF_RELEASED,
)
from keyholder.requests.guards.reviewing import (
    APPROVED_BEFORE,
    ASKS_SOMETHING,
)
from keyholder.requests.guards.standing import (
    NOBODY_DECIDED,
    STANDING_COVERS,
    STANDING_IN_FORCE,
    STANDING_QUORUM,
)
from keyholder.requests.guards.times import (
    DUE,
)
from keyholder.requests.guards.volume import (
    HELD,
    LETS_THROUGH_FOR_OTHERS,
    NOT_HELD,
    STOPPED_AS_LET_THROUGH,
)
from keyholder.requests.guards.waiting import (
    ESCALATION_DUE,
    REMINDER_DUE,
)

__all__ = [
    "ACCREDITED",
    "ADVISER_FIT",
    "ADVISER_STILL_FIT",
    "ALL_CHUNKS",
    "ANSWERS_WHAT_STANDS",
    "APPROVALS_STAND",
    "APPROVED_BEFORE",
    "APPROVER_TERMS",
    "ASKS_SOMETHING",
    "AUTHOR_LEFT",
    "CAPACITY_HELD",
    "CLAIMS_OWN_DOMAIN",
    "CONDITIONS_ACCEPTED",
    "CONDITIONS_FIT",
    "CONTROLS_DOMAIN",
    "COUNTS_ONCE",
    "DELEGATOR_APART",
    "DELIVERY_AS_APPROVED",
    "DESTROYED_LATER",
    "DESTRUCTION_PLAUSIBLE",
    "DOMAINS_COVERED",
    "DOMAIN_NOT_REJECTED",
    "DOMAIN_OPEN",
    "DRAFT_MEANT",
    "DUE",
    "ESCALATION_DUE",
    "FILE_AWAITED",
    "FILE_HANDED_IN",
    "FILE_READY",
    "FILE_WAS_READ",
    "FIRST_DECISION",
    "HANDING_OUT",
    "HELD",
    "IN_TIME",
    "KNOWN_FAULT",
    "LETS_THROUGH_FOR_OTHERS",
    "MORE_WITHDRAWN",
    "NARROWED_ONLY",
    "NEXT_CHUNK",
    "NOBODY_DECIDED",
    "NOT_CLEARED_YET",
    "NOT_HELD",
    "NOT_RECUSED",
    "NOT_THE_HANDLER",
    "NO_CONFLICT",
    "NO_RELEASE_RUNNING",
    "NO_REPORT_OVERDUE",
    "NO_SETTLED_VOTE",
    "NUDGED_LONG_AGO",
    "OFF_THE_PROJECT",
    "ON_CONSENT",
    "ORGANISATION_CLEAR",
    "POLICY_ALLOWS",
    "PROJECT_MEMBER",
    "QUESTION_OPEN",
    "QUORUM_ATTAINABLE",
    "READ_AS_DECLARED",
    "RECORDS_LEFT",
    "RELEASE_IN_TIME",
    "RELEASE_OPEN",
    "REMINDER_DUE",
    "REQUESTER_TERMS",
    "RETRIEVALS_LEFT",
    "ROOM_LEFT",
    "SAME_CONDITIONS",
    "SAME_CONTENT",
    "SAME_PROJECT",
    "SOMEBODY_ELSE",
    "STANDING_COVERS",
    "STANDING_IN_FORCE",
    "STANDING_QUORUM",
    "STOPPED_AS_LET_THROUGH",
    "THE_HANDLER",
    "USED_OF_RELEASED",
    "WINDOW_OPEN",
    "ForADomain",
    "Guard",
    "decided_domain",
    "deciding_part",
    "fresh_sign_in",
]
