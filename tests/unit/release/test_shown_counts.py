"""Totals that are shown to a requester."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from keyholder.release.items import NOT_SHOWN, SHOWN_AS, SMALL, shown_counts

COUNTS = st.dictionaries(st.sampled_from(["released", "not_available", "malformed", "pending"]), st.integers(1, 1000))


@given(COUNTS)
def test_no_small_count_is_shown_or_follows_from_the_others(counts: dict[str, int]) -> None:
    shown = shown_counts(counts)
    assert shown.keys() == counts.keys()
    assert all(shown[status] == SHOWN_AS for status, count in counts.items() if count < SMALL)
    told = {status: text for status, text in shown.items() if text.isdigit()}
    assert all(int(text) == counts[status] for status, text in told.items())
    hidden = len(counts) - len(told)
    # Who asked knows the total, so one hidden count alone would follow from it.
    assert hidden != 1 or len(counts) == 1


def test_nothing_is_hidden_without_need() -> None:
    assert shown_counts({"released": 465, "not_available": 35}) == {"released": "465", "not_available": "35"}
    assert shown_counts({"released": 495, "not_available": 5}) == {"released": NOT_SHOWN, "not_available": SHOWN_AS}
