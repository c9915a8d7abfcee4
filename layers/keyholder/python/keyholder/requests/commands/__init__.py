"""What can be asked to happen to a request: a module for each topic, each class with its `NAME`."""

from __future__ import annotations

from keyholder.requests.commands.checking import (
    Checks,
    HoldChecks,
    RecordChecks,
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

__all__ = [
    "Approve",
    "AuthoriseRelease",
    "Checks",
    "Collect",
    "Command",
    "CommandName",
    "Create",
    "Discard",
    "Expire",
    "FailRelease",
    "FinishRelease",
    "HoldChecks",
    "RecordChecks",
    "RecordChunk",
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
)
"""Each class carries its `NAME`."""
