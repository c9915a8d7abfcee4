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
