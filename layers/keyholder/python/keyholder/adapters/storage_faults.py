"""What an AWS answer means to the ledger: it happened, it did not, or nobody knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from keyholder.ledger.ports import StorageBusyError, StorageRefusedError, StorageUncertainError

CLIENT_CONFIG = Config(
    connect_timeout=1,
    read_timeout=3,
    retries={"total_max_attempts": 1, "mode": "standard"},
    max_pool_connections=16,
)
"""For every client the ledger uses: no retries below the ledger's own, which would turn an own success into a 412.

The ledger would still tell it by its nonce; but it shall see what happened, and keep its own time.
"""

BUSY = frozenset(
    {
        "ConditionalRequestConflict",
        "LimitExceededException",
        "OperationAborted",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
        "TransactionConflictException",
    }
)
"""Codes by which a service says that it has not done it and may be asked again."""

FOR_NOW = frozenset({"TransactionConflict", "ProvisionedThroughputExceeded", "ThrottlingError"})
"""Why an item can keep a whole transaction from happening this time."""

UNCERTAIN = frozenset({"RequestTimeout", "RequestTimeoutException", "TransactionInProgressException"})
"""Codes below 500 after which the call may have happened."""


@contextmanager
def storage_faults() -> Iterator[None]:
    """Turns what botocore raises into `StorageBusyError`, `StorageUncertainError` or `StorageRefusedError`.

    A 5xx is uncertain: S3 and DynamoDB document that the call may have been carried out. So is every fault below HTTP.
    """
    try:
        yield
    except ClientError as fault:
        raise _meaning(fault) from fault
    except BotoCoreError as fault:
        raise StorageUncertainError("no answer") from fault


def code_of(fault: ClientError) -> str:
    """The service's error code."""
    return fault.response.get("Error", {}).get("Code", "")


def cancellation_codes(refused: StorageRefusedError) -> list[str]:
    """Why DynamoDB cancelled a transaction, item by item; empty for any other refusal."""
    cause = refused.__cause__
    if not isinstance(cause, ClientError) or code_of(cause) != "TransactionCanceledException":
        return []
    return [reason.get("Code", "None") for reason in cause.response.get("CancellationReasons", [])]


def cancellation_fault(refused: StorageRefusedError) -> StorageBusyError | StorageRefusedError:
    """What a cancelled transaction means: busy where it met another one or was throttled, and for nothing else."""
    codes = set(cancellation_codes(refused))
    if "ConditionalCheckFailed" in codes or not codes & FOR_NOW:
        return refused
    return StorageBusyError("the transaction was cancelled")


def _meaning(fault: ClientError) -> Exception:
    code = code_of(fault)
    status = fault.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in BUSY or status == 429:
        return StorageBusyError(code)
    if code in UNCERTAIN or status >= 500 or status == 0:
        return StorageUncertainError(code)
    return StorageRefusedError(code)
