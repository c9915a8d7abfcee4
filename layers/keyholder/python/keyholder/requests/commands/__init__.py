"""What can be asked to happen to a request: a module for each topic, each class with its `NAME`."""

from __future__ import annotations

from keyholder.requests.commands.checking import (
    Checks,
    Found,
    HoldChecks,
    RecordChecks,
)
from keyholder.requests.commands.conditions import (
    AcceptConditions,
)
from keyholder.requests.commands.conflicts import (
    DeclareNoConflict,
    Recuse,
)
from keyholder.requests.commands.consents import (
    RecordConsentFall,
)
from keyholder.requests.commands.conversing import (
    Advise,
    AskAdvice,
    Comment,
    Nudge,
    Reply,
)
from keyholder.requests.commands.deciding import (
    Approve,
    Reject,
    Revoke,
)
from keyholder.requests.commands.drafting import (
    Create,
    Discard,
    Save,
    Submit,
    TakeOver,
    Withdraw,
)
from keyholder.requests.commands.ending import (
    Expire,
)
from keyholder.requests.commands.filing import (
    HandInFile,
    RecordFileRead,
    RefuseFile,
)
from keyholder.requests.commands.handling import (
    Claim,
    HandBack,
)
from keyholder.requests.commands.names import (
    CommandName,
)
from keyholder.requests.commands.releasing import (
    AuthoriseRelease,
    Collect,
    FailRelease,
    FinishRelease,
    RecordChunk,
)
from keyholder.requests.commands.reporting import (
    ReportOutcome,
)
from keyholder.requests.commands.reviewing import (
    Return,
    WithdrawVote,
)
from keyholder.requests.commands.standing import (
    UseStanding,
)
from keyholder.requests.commands.volume import (
    LetThrough,
    RecordVolume,
)
from keyholder.requests.commands.waiting import (
    Escalate,
    Remind,
)

__all__ = [
    "AcceptConditions",
    "Advise",
    "Approve",
    "AskAdvice",
    "AuthoriseRelease",
    "Checks",
    "Claim",
    "Collect",
    "Command",
    "CommandName",
    "Comment",
    "Create",
    "DeclareNoConflict",
    "Discard",
    "Escalate",
    "Expire",
    "FailRelease",
    "FinishRelease",
    "Found",
    "HandBack",
    "HandInFile",
    "HoldChecks",
    "LetThrough",
    "Nudge",
    "RecordChecks",
    "RecordChunk",
    "RecordConsentFall",
    "RecordFileRead",
    "RecordVolume",
    "Recuse",
    "RefuseFile",
    "Reject",
    "Remind",
    "Reply",
    "ReportOutcome",
    "Return",
    "Revoke",
    "Save",
    "Submit",
    "TakeOver",
    "UseStanding",
    "Withdraw",
    "WithdrawVote",
]

Command = (
    Create
    | HandInFile
    | RecordFileRead
    | RefuseFile
    | Save
    | Discard
    | Submit
    | RecordChecks
    | HoldChecks
    | Approve
    | Reject
    | Return
    | WithdrawVote
    | AcceptConditions
    | Withdraw
    | Revoke
    | AuthoriseRelease
    | RecordChunk
    | FinishRelease
    | FailRelease
    | Collect
    | Expire
    | DeclareNoConflict
    | Recuse
    | Claim
    | HandBack
    | RecordVolume
    | LetThrough
    | Comment
    | Reply
    | Nudge
    | AskAdvice
    | Advise
    | RecordConsentFall
    | UseStanding
    | TakeOver
    | Remind
    | Escalate
    | ReportOutcome
)
"""Each class carries its `NAME`."""
