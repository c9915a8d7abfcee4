"""One time-stamp a day, of the newest checkpoint that a witness has verified: as many as there is news for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from keyholder.ledger.ports import Clock, Put, WormStore
from keyholder.timestamps.stamps import (
    AuthorityUnreachableError,
    Question,
    StampError,
    TimeStampAuthority,
    Trust,
    open_stamp,
    stamp_moment,
)

STAMPED = "stamped/"
DIFFERENCE = timedelta(minutes=15)
"""An authority whose clock is further from ours stamps nothing: one of the two is wrong."""


@dataclass(frozen=True, slots=True)
class StampRun:
    """Whether a stamp was made now; `fault` is what kept it from being made."""

    made: bool = False
    fault: Exception | None = None


class DailyStamp:
    """`own` is the witness's bucket. Every method may raise the storage errors of `ledger.ports`."""

    def __init__(self, authority: TimeStampAuthority, trust: Trust, own: WormStore, clock: Clock) -> None:
        self._authority = authority
        self._trust = trust
        self._own = own
        self._clock = clock

    def run(self, size: int, note: bytes) -> StampRun:
        """Have `note` stamped, the checkpoint of `size` events, unless it was or the day has its stamp.

        What goes wrong with the authority is told and not raised: a witness has more to do than this.
        """
        newest = self._newest()
        if newest == stamp_key(size) or (newest is not None and self._of_today(newest)):
            return StampRun()
        try:
            question = Question.about(note)
            answer = self._authority.answer(question.request)
            stamp = open_stamp(answer, self._trust, question.nonce)
        except (AuthorityUnreachableError, StampError) as fault:
            return StampRun(fault=fault)
        if not stamp.covers(note) or abs(stamp.at - self._clock.now()) > DIFFERENCE:
            return StampRun(fault=StampError("of something else, or of another time"))
        return StampRun(made=self._own.put(stamp_key(size), answer) is Put.STORED)

    def _newest(self) -> str | None:
        newest = STAMPED
        while keys := self._own.keys_after(STAMPED, newest, 1000):
            newest = keys[-1]
        return None if newest == STAMPED else newest

    def _of_today(self, key: str) -> bool:
        answer = self._own.get(key)
        return answer is not None and stamp_moment(answer).date() == self._clock.now().date()


def stamp_key(size: int) -> str:
    """Where the stamp of the checkpoint of `size` events is kept: the authority's answer, byte for byte."""
    return f"{STAMPED}{size:020d}"
