"""How long one operation of the ledger may try, and how it waits between tries."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from keyholder.ledger.log import LedgerUnavailableError
from keyholder.ledger.ports import Clock, StorageBusyError, StorageRefusedError, StorageUncertainError

T = TypeVar("T")

_FIRST_WAIT = timedelta(milliseconds=10)
_LONGEST_WAIT = timedelta(milliseconds=320)
_MOMENT = timedelta(milliseconds=40)
_MOST_MOMENTS_APART = 8
_MOST_WAITS = 200
"""Ends an operation also where the clock stands still."""


class Patience:
    """The time one operation has. `seed` (hexadecimal) spreads the waits of writers that collide."""

    def __init__(self, clock: Clock, limit: timedelta, seed: str) -> None:
        self._clock = clock
        self._deadline = clock.now() + limit
        self._spread = 1 + int(seed[:4] or "0", 16) / 0x10000
        self._wait = _FIRST_WAIT * self._spread
        self._waits = 0
        self._moments = 0
        self._next_turn = 1

    @property
    def over(self) -> bool:
        """Whether the time is over."""
        return self._clock.now() >= self._deadline

    def check(self) -> None:
        """Raises `LedgerUnavailableError` once the time is over."""
        if self.over:
            raise LedgerUnavailableError("the ledger did not take the step in time")

    def wait(self) -> None:
        """Wait a little, each time longer. Raises `LedgerUnavailableError` once the time is over."""
        self.check()
        self._pause(self._wait)
        self._wait = min(self._wait * 2, _LONGEST_WAIT)
        self.check()

    @property
    def turn(self) -> bool:
        """Whether it is time to ask for the lead (again): many wait, and each asking is work for one place."""
        return self._moments + 1 >= self._next_turn

    def give_a_moment(self) -> None:
        """Wait for a writer that is at work for all."""
        if self.turn:
            self._next_turn += min(self._next_turn, _MOST_MOMENTS_APART)
        self._moments += 1
        self._pause(_MOMENT * self._spread)

    def _pause(self, duration: timedelta) -> None:
        self._waits += 1
        if self._waits > _MOST_WAITS:
            raise LedgerUnavailableError("the ledger did not take the step in time")
        self._clock.wait(duration)

    def until_answered(self, call: Callable[[], T]) -> T:
        """The answer of a call that may be repeated without harm: a read, or an idempotent write.

        Raises `LedgerUnavailableError` when the store refuses or the time is over.
        """
        while True:
            try:
                return call()
            except (StorageBusyError, StorageUncertainError):
                self.wait()
            except StorageRefusedError as cause:
                raise LedgerUnavailableError("the store refused") from cause
