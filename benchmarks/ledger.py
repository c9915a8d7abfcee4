"""`make bench`, the ledger: how fast one appender is, and what callers at three loads cost and wait for.

The first is CPU time over stores in memory. The second runs the real code in virtual time: callers arrive at random,
every storage call takes as long as `LATENCY` says it does on AWS, and what is counted are calls. Latencies are
assumptions (S3's from a published benchmark of conditional writes, 58 to 68 ms); counts hardly depend on them.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median

from benchmarks.figures import keep, print_table
from benchmarks.virtual_time import START, VirtualTime
from keyholder.ledger.event import Event, NewEvent
from keyholder.ledger.ledger import Ledger
from keyholder.ledger.ports import Mark, Step, StepKey
from keyholder.vocabulary import ActorId, StreamId
from tests.fakes.ledger import Memory, MemorySteps, memory_ledger

EVENTS = 20_000
GOAL = 5_000
ROUNDS = 5
LOADS = ((1, 120), (100, 10), (1_000, 3))
"""Events a second, and for how many seconds."""

LATENCY = {
    "steps.step": 0.005,
    "steps.steps": 0.015,
    "steps.add": 0.015,
    "steps.claim": 0.005,
    "steps.stream": 0.006,
    "steps.last": 0.006,
    "steps.pending": 0.008,
    "steps.mark_committed": 0.020,
    "steps.lead": 0.010,
    "steps.rest": 0.006,
    "worm.put": 0.060,
    "worm.get": 0.025,
    "worm.keys_after": 0.035,
    "signer.sign": 0.020,
}
"""Seconds. `steps.steps` and `steps.mark_committed` take up to 100 steps a call."""

PRICES = {
    "S3 PUT, LIST": 5.0,
    "S3 GET": 0.4,
    "KMS Sign": 15.0,
    "DynamoDB write unit": 0.625,
    "DynamoDB read unit": 0.125,
    "Lambda GB-second, arm64": 13.3334,
}
"""US dollars a million, list prices of us-east-1 in 2026; London is some 5 to 15 % dearer. Check before quoting."""

WRITE_UNITS = 14
"""Of one event of up to 1 KB: step, head, claim and a listing in one transaction (8), its mark (2), the pending index
(2), the lead (2)."""

FUNCTION_GB = 1.0
"""Memory of the function that waits for its event."""

ACTOR = ActorId("person/00000000000000000000000000000001")
EVENT = NewEvent(
    "request.approved",
    {
        "content_hash": "5f" * 32,
        "domain": "gp-2026",
        "organisation": "X26",
        "identifier_types": ["nhs_number", "postcode"],
        "window_until": "2026-12-24",
        "acr": "aal3",
        "policy": "9c" * 32,
    },
)
"""An event of middling size."""


class PagedSteps(MemorySteps):
    """Many steps a call, as DynamoDB takes them: a hundred."""

    def steps(self, keys: Sequence[StepKey]) -> Sequence[Step]:
        found: list[Step] = []
        for start in range(0, len(keys), 100):
            page = keys[start : start + 100]
            found += self.gate(
                "steps.steps", lambda page=page: [self.stored[key] for key in page if key in self.stored]
            )
        return found

    def mark_committed(self, marks: Sequence[Mark]) -> None:
        for start in range(0, len(marks), 100):
            page = marks[start : start + 100]
            self.gate("steps.mark_committed", lambda page=page: [self._mark(mark) for mark in page])


@dataclass(frozen=True, slots=True)
class Load:
    """What a load did: calls for each 1,000 events, bytes in the write-once store for each event, waits in ms."""

    rate: int
    events: int
    batches: int
    calls: Counter[str]
    bytes_each: float
    waits: list[float]

    def dollars(self) -> dict[str, float]:
        """What a million events cost at this load, by service."""
        reads = self.each_1000("steps.step", "steps.last", "steps.claim", "steps.lead") + 2_000
        return {
            "S3": (
                self.each_1000("worm.put", "worm.keys_after") * PRICES["S3 PUT, LIST"]
                + self.each_1000("worm.get") * PRICES["S3 GET"]
            )
            / 1_000,
            "KMS": self.each_1000("signer.sign") * PRICES["KMS Sign"] / 1_000,
            "DynamoDB": WRITE_UNITS * PRICES["DynamoDB write unit"] + reads * PRICES["DynamoDB read unit"] / 1_000,
            "Lambda": median(self.waits) / 1_000 * FUNCTION_GB * PRICES["Lambda GB-second, arm64"],
        }

    def each_1000(self, *kinds: str) -> float:
        """Calls of these kinds for each 1,000 events."""
        return 1_000 * sum(self.calls[kind] for kind in kinds) / self.events


def main(target: Path) -> int:
    speed = median(_appended() for _ in range(ROUNDS))
    loads = [_load(rate, seconds) for rate, seconds in LOADS]
    figures = {"ledger_events_per_second": speed}
    for load in loads:
        figures |= {
            f"ledger_s3_calls_per_1000_events_at_{load.rate}": load.each_1000(
                "worm.put", "worm.get", "worm.keys_after"
            ),
            f"ledger_s3_puts_per_1000_events_at_{load.rate}": load.each_1000("worm.put"),
            f"ledger_kms_calls_per_1000_events_at_{load.rate}": load.each_1000("signer.sign"),
            f"ledger_bytes_per_event_at_{load.rate}": load.bytes_each,
            f"ledger_modelled_ms_p50_at_{load.rate}": median(load.waits),
            f"ledger_dollars_per_million_events_at_{load.rate}": sum(load.dollars().values()),
        }
    keep(target, figures)
    print(f"\nOne appender over stores in memory: {speed:,.0f} events a second of CPU time (goal: >= {GOAL:,})")
    print("\nCallers that each append one event, in virtual time; calls are for 1,000 events\n")
    print_table(("", *(f"{load.rate:,}/s" for load in loads)), _rows(loads))
    print("\nUS dollars for a million events, at list prices\n")
    costs = [load.dollars() for load in loads]
    named = [(name, *(f"{cost[name]:,.2f}" for cost in costs)) for name in costs[0]]
    total = ("together", *(f"{sum(cost.values()):,.2f}" for cost in costs))
    print_table(("", *(f"{load.rate:,}/s" for load in loads)), [*named, total])
    return 0 if speed >= GOAL else 1


def _appended() -> float:
    """Events a second: steps of one event each that wait, committed by one appender."""
    memory = Memory(steps=PagedSteps())
    ledger = memory_ledger(memory=memory)
    for number in range(EVENTS):
        stream = StreamId(f"request/{number}")
        line = Event(stream, 1, EVENT.type, START, ACTOR, "0" * 32, EVENT.data).line()
        memory.steps.add(Step(StepKey(stream, 1), (line,), f"{number:032x}", START), None, None)
    start = time.process_time()
    committed = ledger.commit_pending()
    if committed != EVENTS:
        raise SystemExit("the appender left something pending")
    return EVENTS / (time.process_time() - start)


def _load(rate: int, seconds: int) -> Load:
    timeline = VirtualTime(LATENCY)
    memory = Memory(steps=PagedSteps())
    memory.gate(timeline.call)
    random, waits, moment, events = Random(1), list[float](), 0.0, 0

    def append(number: int) -> None:
        ledger = Ledger(memory.log(), memory.steps, memory.worm, memory.signer, timeline, nonce=memory.nonce)
        began = timeline.seconds
        ledger.record(StreamId(f"request/{number}"), 0, [EVENT], actor=ACTOR, trace="0" * 32)
        waits.append(1_000 * (timeline.seconds - began))

    while (moment := moment + random.expovariate(rate)) < seconds:
        events += 1
        timeline.at(moment, lambda number=events: append(number))
    timeline.run()
    if len(waits) != events:
        raise SystemExit("a caller was refused: its load is more than the ledger takes")
    files = memory.files()
    batches = sum(name.startswith("journal/") for name in files)
    return Load(rate, events, batches, timeline.calls, sum(map(len, files.values())) / events, waits)


def _rows(loads: Sequence[Load]) -> list[tuple[str, ...]]:
    kinds = {
        "S3 PUT": ("worm.put",),
        "S3 LIST": ("worm.keys_after",),
        "S3 GET": ("worm.get",),
        "KMS Sign": ("signer.sign",),
        "DynamoDB, the step's transaction": ("steps.add",),
        "DynamoDB, marks (up to 100 a call)": ("steps.mark_committed",),
        "DynamoDB, lead taken, refused or given back": ("steps.lead", "steps.rest"),
        "DynamoDB, one step or head read": ("steps.step", "steps.last", "steps.claim"),
        "DynamoDB, steps read (up to 100 a call), index": ("steps.steps", "steps.pending"),
    }
    counted = [(name, *(f"{load.each_1000(*these):,.0f}" for load in loads)) for name, these in kinds.items()]
    return [
        *counted,
        ("events in a batch", *(f"{load.events / load.batches:,.1f}" for load in loads)),
        ("bytes in S3 for each event", *(f"{load.bytes_each:,.0f}" for load in loads)),
        ("half of the callers wait less than, ms", *(f"{median(load.waits):,.0f}" for load in loads)),
        ("19 of 20 wait less than, ms", *(f"{sorted(load.waits)[len(load.waits) * 19 // 20]:,.0f}" for load in loads)),
    ]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
