"""What happens to a request, and the form it has in the ledger: a module for each topic.

Each event has a `TYPE`, the data it writes (`data`) and the way back (`read`, which raises `FieldError`). None holds a
pseudonym, a row id or a free text. `codec` lists them all.
"""

from __future__ import annotations

from keyholder.requests.events.checking import (
    ChecksHeld,
    ChecksRecorded,
    RequestBlocked,
)
from keyholder.requests.events.conditions import (
    ConditionsAccepted,
    ConditionsOffered,
)
from keyholder.requests.events.conflicts import (
    ConflictCleared,
    Recused,
)
from keyholder.requests.events.consents import (
    ConsentFell,
)
from keyholder.requests.events.conversing import (
    AdviceGiven,
    AdviceRequested,
    Commented,
    Nudged,
    Replied,
)
from keyholder.requests.events.deciding import (
    DestructionRequired,
    DomainApproved,
    DomainRejected,
    RequestApproved,
    RequestRejected,
    RequestRevoked,
)
from keyholder.requests.events.drafting import (
    DraftSaved,
    RequestCreated,
    RequestDiscarded,
    RequestSubmitted,
    RequestTakenOver,
    RequestWithdrawn,
)
from keyholder.requests.events.ending import (
    RequestExpired,
)
from keyholder.requests.events.filing import (
    FileHandedIn,
    FileRead,
    FileRefused,
)
from keyholder.requests.events.handling import (
    Claimed,
    HandedBack,
)
from keyholder.requests.events.releasing import (
    ItemsReleased,
    ReleaseAuthorised,
    ReleaseCollected,
    ReleaseFailed,
    ReleaseFinished,
)
from keyholder.requests.events.reporting import (
    OutcomeReported,
)
from keyholder.requests.events.reviewing import (
    RequestReturned,
    VoteWithdrawn,
)
from keyholder.requests.events.standing import (
    StandingApprovalUsed,
)
from keyholder.requests.events.summaries import (
    summary_json,
)
from keyholder.requests.events.volume import (
    VolumeExceeded,
    VolumeLetThrough,
)
from keyholder.requests.events.waiting import (
    Escalated,
    Reminded,
)

__all__ = [
    "AdviceGiven",
    "AdviceRequested",
    "ChecksHeld",
    "ChecksRecorded",
    "Claimed",
    "Commented",
    "ConditionsAccepted",
    "ConditionsOffered",
    "ConflictCleared",
    "ConsentFell",
    "DestructionRequired",
    "DomainApproved",
    "DomainRejected",
    "DraftSaved",
    "Escalated",
    "FileHandedIn",
    "FileRead",
    "FileRefused",
    "HandedBack",
    "ItemsReleased",
    "Nudged",
    "OutcomeReported",
    "Recused",
    "ReleaseAuthorised",
    "ReleaseCollected",
    "ReleaseFailed",
    "ReleaseFinished",
    "Reminded",
    "Replied",
    "RequestApproved",
    "RequestBlocked",
    "RequestCreated",
    "RequestDiscarded",
    "RequestExpired",
    "RequestRejected",
    "RequestReturned",
    "RequestRevoked",
    "RequestSubmitted",
    "RequestTakenOver",
    "RequestWithdrawn",
    "StandingApprovalUsed",
    "VolumeExceeded",
    "VolumeLetThrough",
    "VoteWithdrawn",
    "summary_json",
]
