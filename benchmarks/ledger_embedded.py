"""`make bench`, the ledger on the embedded engine: the adapters as they are, over TLS, under a function's own role.

The engine is one process on this machine and bounds what is measured here; figures for AWS are in `benchmarks.ledger`.
"""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from statistics import median

from benchmarks.figures import keep
from benchmarks.ledger import ACTOR, EVENT
from infra.embedded.stack import EmbeddedStack
from infra.routes import Function
from keyholder.adapters.checkpoint_key import KmsCheckpointKey
from keyholder.adapters.clock import SystemClock
from keyholder.adapters.steps import DynamoDbSteps
from keyholder.adapters.worm import S3Worm
from keyholder.edge.settings import Settings
from keyholder.ledger.committer import Limits, Log
from keyholder.ledger.ledger import Ledger
from keyholder.ledger.note import parse_vkey
from keyholder.vocabulary import StreamId

ONE_BY_ONE = 30
CALLERS = 8
EACH = 10


def main(target: Path) -> int:
    with EmbeddedStack() as stack:
        alone = _ledger(stack)
        waits = [_append(alone, f"request/alone-{number}") for number in range(ONE_BY_ONE)]
        callers = [_ledger(stack) for _ in range(CALLERS)]
        began = time.perf_counter()
        with ThreadPoolExecutor(CALLERS) as pool:
            list(pool.map(_many, callers, range(CALLERS)))
        rate = CALLERS * EACH / (time.perf_counter() - began)
    keep(target, {"ledger_commit_ms_p50": 1_000 * median(waits), "ledger_events_per_second_embedded": rate})
    print(f"\nOn the embedded engine one caller waits {1_000 * median(waits):,.0f} ms for its event (median);")
    print(f"{CALLERS} callers at once, one event a call: {rate:,.0f} events a second")
    return 0


def _ledger(stack: EmbeddedStack) -> Ledger:
    """A writer with the role of the function that takes requests."""
    settings = Settings.of({**os.environ, **stack.deployed.environment})
    key, clock = parse_vkey(settings.ledger_vkey), SystemClock()
    return Ledger(
        Log(settings.ledger_origin, key),
        DynamoDbSteps(stack.as_function(Function.REQUESTS, "dynamodb"), settings.steps_table),
        S3Worm(
            stack.as_function(Function.REQUESTS, "s3"),
            settings.ledger_bucket,
            timedelta(days=int(settings.ledger_retention_days)),
            clock,
        ),
        KmsCheckpointKey(stack.as_function(Function.REQUESTS, "kms"), settings.checkpoint_key_arn, key.kind),
        clock,
        limits=Limits(patience=timedelta(seconds=60)),
    )


def _append(ledger: Ledger, stream: str) -> float:
    began = time.perf_counter()
    ledger.record(StreamId(stream), 0, [EVENT], actor=ACTOR, trace="0" * 32)
    return time.perf_counter() - began


def _many(ledger: Ledger, caller: int) -> None:
    for number in range(EACH):
        _append(ledger, f"request/{caller}-{number}")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
