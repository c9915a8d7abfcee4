"""What can be asked to happen to a request: a module for each topic, each class with its `NAME`."""

from __future__ import annotations

from keyholder.requests.commands.checking import (
    Checks,
    HoldChecks,
    RecordChecks,
)
from keyholder.requests.commands.conflicts import (
    DeclareNoConflict,
    Recuse,
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
    Withdraw,
)
from keyholder.requests.commands.ending import (
    Expire,
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
from keyholder.requests.commands.volume import (
    LetThrough,
    RecordVolume,
)

__all__ = [
    "Approve",
    "AuthoriseRelease",
    "Checks",
    "Claim",
    "Collect",
    "Command",
    "CommandName",
    "Create",
    "DeclareNoConflict",
    "Discard",
    "Expire",
    "FailRelease",
    "FinishRelease",
    "HandBack",
    "HoldChecks",
    "LetThrough",
    "RecordChecks",
    "RecordChunk",
    "RecordVolume",
    "Recuse",
    "Reject",
    "Revoke",
    "Save",
    "Submit",
    "Withdraw",
]

Command = (
    Create
    | Save
    | Discard
    | Submit
    | RecordChecks
    | HoldChecks
    | Approve
    | Reject
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
)
"""Each class carries its `NAME`."""
