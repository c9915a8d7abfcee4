"""One stamp a day, only of what is new, and only one that counts is kept; whatever ails the authority stops nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from keyholder.timestamps.daily import DailyStamp, stamp_key
from keyholder.timestamps.stamps import AuthorityUnreachableError, StampError, Trust, open_stamp
from tests.fakes.ledger import ManualClock, MemoryWorm
from tests.fakes.tsa import Authority

AUTHORITY = Authority()
TRUST = Trust.read(AUTHORITY.pem())
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


@dataclass
class World:
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOON))
    own: MemoryWorm = field(default_factory=MemoryWorm)
    asked: int = 0
    answers: Callable[[bytes, datetime], bytes] = AUTHORITY.answer_to

    def answer(self, request: bytes) -> bytes:
        self.asked += 1
        return self.answers(request, self.clock.now())

    def run(self, size: int) -> object:
        run = DailyStamp(self, TRUST, self.own, self.clock).run(size, b"checkpoint %d" % size)
        return run.fault or run.made


def test_the_first_checkpoint_of_a_day_is_stamped_and_no_other() -> None:
    world = World()
    assert world.run(5) is True
    assert world.run(5) is False
    assert world.run(9) is False
    world.clock.wait(timedelta(hours=11, minutes=59))
    assert world.run(9) is False
    world.clock.wait(timedelta(minutes=1))
    assert world.run(9) is True
    assert (world.asked, sorted(world.own.versions)) == (2, [stamp_key(5), stamp_key(9)])
    stamp = open_stamp(world.own.versions[stamp_key(9)][0], TRUST)
    assert stamp.covers(b"checkpoint 9")
    assert stamp.at == datetime(2026, 11, 27, tzinfo=UTC)


def test_what_was_stamped_is_no_news_another_day() -> None:
    world = World()
    world.run(5)
    world.clock.wait(timedelta(days=3))
    assert world.run(5) is False
    assert world.asked == 1


def _unreachable(_request: bytes, _at: datetime) -> bytes:
    raise AuthorityUnreachableError


@pytest.mark.parametrize(
    "answers",
    [
        _unreachable,
        Authority().answer_to,
        lambda _, at: AUTHORITY.answer(b"something else", at),
        lambda request, at: AUTHORITY.answer_to(request, at + timedelta(hours=1)),
        lambda request, at: AUTHORITY.answer_to(request, at - timedelta(hours=1)),
        lambda *_: b"<html>",
    ],
    ids=["unreachable", "a stranger", "something else", "too late", "too early", "no answer"],
)
def test_what_does_not_count_is_told_and_not_kept_and_asked_for_again(
    answers: Callable[[bytes, datetime], bytes],
) -> None:
    world = World(answers=answers)
    assert isinstance(world.run(5), StampError | AuthorityUnreachableError)
    assert world.own.versions == {}
    world.answers = AUTHORITY.answer_to
    assert world.run(5) is True
