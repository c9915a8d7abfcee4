"""`make bench`, the offline verifier: `keyholder audit verify` over a ledger of a million events, as its user runs it.

The whole command in a process of its own: start, reading the download, chain, leaves, roots, signatures, versions and
times. CPU time of that process, and the most memory it ever held.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import keep
from benchmarks.ledger import ACTOR, EVENT
from benchmarks.virtual_time import START
from keyholder.ledger.event import Event, rfc3339
from keyholder.ledger.ledger import Ledger
from keyholder.ledger.ports import Step, StepKey
from keyholder.vocabulary import StreamId
from tests.fakes.ledger import ManualClock, Memory, memory_ledger

EVENTS = 1_000_000
AT_ONCE = 20_000
"""Steps that wait when the appender comes: it commits them in batches as large as its limits allow."""

SECONDS = 30
MEGABYTES = 500


def main(target: Path) -> int:
    with TemporaryDirectory() as name:
        folder = Path(name)
        # A process counts as its own what its parent held when it was started: what needs much is done elsewhere.
        with ProcessPoolExecutor(1, get_context("spawn")) as elsewhere:
            key = elsewhere.submit(_write_ledger, folder).result()
        seconds, megabytes = _verified(folder, key)
    keep(
        target,
        {
            "verify_events_per_second": EVENTS / seconds,
            "verify_cpu_seconds_per_million": seconds * 1_000_000 / EVENTS,
            "verify_megabytes": megabytes,
        },
    )
    print(
        f"\n{EVENTS:,} events verified offline in {seconds:.1f} s of CPU time (goal: <= {SECONDS}), "
        f"{EVENTS / seconds:,.0f} a second, {megabytes:,.0f} MB at most (goal: <= {MEGABYTES})"
    )
    return 0 if seconds <= SECONDS and megabytes <= MEGABYTES else 1


def _write_ledger(folder: Path) -> Path:
    """A download as `audit download` lays it; the file of its public key."""
    memory = Memory()
    clock = ManualClock(START)
    ledger = memory_ledger(clock, memory)
    versions: dict[str, list[dict[str, object]]] = {}
    for first in range(0, EVENTS, AT_ONCE):
        _commit(ledger, memory, first)
        for name, body in memory.files().items():
            if name not in versions:
                path = folder / name
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(body)
                listed = {"version_id": "1", "is_delete_marker": False, "last_modified": rfc3339(clock.now())}
                versions[name] = [{**listed, "size": len(body)}]
    (folder / "versions.json").write_text(json.dumps(versions))
    key = folder / "key.vkey"
    key.write_text(memory.signer.vkey() + "\n")
    return key


def _commit(ledger: Ledger, memory: Memory, first: int) -> None:
    memory.steps.stored.clear()
    for number in range(first, first + AT_ONCE):
        stream = StreamId(f"request/{number}")
        line = Event(stream, 1, EVENT.type, START, ACTOR, "0" * 32, EVENT.data).line()
        memory.steps.add(Step(StepKey(stream, 1), (line,), f"{number:032x}", START), None, None)
    if ledger.commit_pending() != AT_ONCE:
        raise SystemExit("the appender left something pending")


def _verified(folder: Path, key: Path) -> tuple[float, float]:
    command = [sys.executable, "-m", "keyholder.cli", "audit", "verify", str(folder), "--key", str(key)]
    said = folder / "said"
    with said.open("w") as out:
        verifier = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(verifier.pid, 0)
    if status or not said.read_text().startswith(f"whole: {EVENTS} events"):
        raise SystemExit(f"the verifier did not find the ledger whole: {said.read_text()}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1_024


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
