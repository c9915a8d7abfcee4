"""Counted before it happens: a release is put into the counters first, and only then is it asked whether it may.

Of two releases at once each has written itself down before it looks, so at least one sees the other: together they
can't go above a limit that each alone would keep. Both may be stopped, which is the safe way round. Counters that can't
be written or read raise, and nothing is released.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from keyholder.limits.counting import LONGEST, Exceeded, Reserved, exceeded
from keyholder.limits.thresholds import VolumeLimits
from keyholder.limits.vocabulary import STRICTEST_FIRST, Action


class CountersUnavailableError(Exception):
    """The counters can't be written or read. Nothing may be released."""


class Counters(Protocol):
    """Where releases are counted. Every method raises `CountersUnavailableError`."""

    def reserve(self, reserved: Reserved) -> None:
        """Keep it, until it counts no more. The same release again changes nothing."""
        ...

    def since(self, moment: datetime) -> Sequence[Reserved]:
        """Everything reserved from then on, also what was reserved just now by others (strongly consistent)."""
        ...

    def forget(self, reserved: Reserved) -> None:
        """Take a reservation back: it was stopped."""
        ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a release goes above, and the strictest that follows; None where nothing does."""

    exceeded: tuple[Exceeded, ...] = ()

    @property
    def action(self) -> Action | None:
        actions = {one.action for one in self.exceeded}
        return next((action for action in STRICTEST_FIRST if action in actions), None)

    def stops(self, let_through: frozenset[str]) -> bool:
        """Whether it may not go on. `let_through` are the thresholds a controller let this request go above."""
        held = {one.threshold for one in self.exceeded if one.action is Action.HOLD}
        return self.action is Action.BLOCK or not held <= let_through


@dataclass(frozen=True, slots=True)
class Limiter:
    """Asks the counters under one file of limits."""

    limits: VolumeLimits
    counters: Counters

    def reserve(self, reserved: Reserved, let_through: frozenset[str], now: datetime) -> Verdict:
        """Count a release in, or say what stops it. Raises `CountersUnavailableError`."""
        self.counters.reserve(reserved)
        others = self.counters.since(now - LONGEST)
        verdict = Verdict(exceeded(self.limits, reserved, others, now))
        if verdict.stops(let_through):
            self.counters.forget(reserved)
        return verdict
