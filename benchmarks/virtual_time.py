"""Many callers over one ledger in virtual time: the real code, every storage call taking as long as it would on AWS.

Callers are threads of which exactly one runs at any time, the one whose moment comes next; so a second of heavy load is
simulated in whatever time its computing takes, always with the same outcome.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

T = TypeVar("T")

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
_STACK = 256 * 1024


@dataclass
class VirtualTime:
    """A clock that jumps to whatever happens next, and the calls made until then, counted by name.

    `latency` has the seconds of a call by the beginning of its name.
    """

    latency: Mapping[str, float]
    seconds: float = 0.0
    calls: Counter[str] = field(default_factory=Counter)
    _due: list[tuple[float, int, threading.Semaphore]] = field(default_factory=list)
    _turns: itertools.count[int] = field(default_factory=itertools.count)
    _idle: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def now(self) -> datetime:
        """The virtual moment."""
        return START + timedelta(seconds=self.seconds)

    def wait(self, duration: timedelta) -> None:
        """What a caller does between tries."""
        self._sleep(duration.total_seconds())

    def call(self, name: str, call: Callable[[], T]) -> T:
        """A storage call: it happens half-way between its sending and its answer."""
        kind = name.partition(" ")[0]
        self.calls[kind] += 1
        half = self.latency[kind] / 2
        self._sleep(half)
        answer = call()
        self._sleep(half)
        return answer

    def at(self, seconds: float, body: Callable[[], None]) -> None:
        """Let somebody begin at a moment."""
        go = threading.Semaphore(0)

        def run() -> None:
            go.acquire()
            body()
            self._idle.release()

        threading.stack_size(_STACK)
        threading.Thread(target=run, daemon=True).start()
        heapq.heappush(self._due, (seconds, next(self._turns), go))

    def run(self) -> None:
        """Until everybody is done."""
        while self._due:
            self.seconds, _, go = heapq.heappop(self._due)
            go.release()
            self._idle.acquire()

    def _sleep(self, seconds: float) -> None:
        go = threading.Semaphore(0)
        heapq.heappush(self._due, (self.seconds + seconds, next(self._turns), go))
        self._idle.release()
        go.acquire()
