"""A release in the ledger's terms: chunks of at most 1,000 records, tags by outcome, counts where nobody is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from keyholder.release.items import Outcome
from keyholder.requests.events.releasing import MOST_SUBJECTS, ItemsReleased


def chunks(release: str, epoch: str, outcomes: Sequence[Outcome]) -> tuple[ItemsReleased, ...]:
    """The chunks in order. Within one, tags are sorted, so that a chunk does not keep the order of the request."""
    starts = range(0, len(outcomes), MOST_SUBJECTS)
    return tuple(
        _chunk(release, epoch, outcomes[start : start + MOST_SUBJECTS], number, len(starts))
        for number, start in enumerate(starts, 1)
    )


class Packing:
    """Chunks of a release whose records are examined part by part: `total` of them in all."""

    def __init__(self, release: str, epoch: str, total: int) -> None:
        self._release = release
        self._epoch = epoch
        self._chunks = -(-total // MOST_SUBJECTS)
        self._waiting: list[Outcome] = []
        self.full: list[ItemsReleased] = []

    def add(self, outcomes: Sequence[Outcome]) -> None:
        """Put them in the chunks they fill."""
        self._waiting.extend(outcomes)
        whole = len(self._waiting) - len(self._waiting) % MOST_SUBJECTS
        for start in range(0, whole, MOST_SUBJECTS):
            self._pack(self._waiting[start : start + MOST_SUBJECTS])
        del self._waiting[:whole]

    def packed(self) -> Sequence[ItemsReleased]:
        """All chunks, the last with what is left. Raises `ValueError` unless they are as many as was said."""
        if self._waiting:
            self._pack(self._waiting)
            self._waiting = []
        if len(self.full) != self._chunks:
            raise ValueError("a release has other records than were asked for")
        return self.full

    def _pack(self, outcomes: Sequence[Outcome]) -> None:
        self.full.append(_chunk(self._release, self._epoch, outcomes, len(self.full) + 1, self._chunks))


def reason_counts(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """How many records each deciding reason stands for: for the ledger, never for the requester."""
    return dict(sorted(Counter(outcome.reason for outcome in outcomes).items()))


def _chunk(release: str, epoch: str, outcomes: Sequence[Outcome], number: int, count: int) -> ItemsReleased:
    reasons = sorted({outcome.reason for outcome in outcomes if outcome.tag is not None})
    return ItemsReleased(
        release=release,
        chunk=number,
        chunks=count,
        count=len(outcomes),
        epoch=epoch,
        subjects={
            reason: tuple(sorted(o.tag for o in outcomes if o.reason == reason and o.tag is not None))
            for reason in reasons
        },
        unresolved=reason_counts([outcome for outcome in outcomes if outcome.tag is None]),
    )
