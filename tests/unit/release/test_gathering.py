"""A release put together part by part comes to what it would as a whole: its chunks, its counts, its lines."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.ledger.ledger import MAX_STEP_BYTES
from keyholder.release import chunks as packing
from keyholder.release.chunks import Packing, chunks
from keyholder.release.gathering import Gathered
from keyholder.release.items import Item, ItemStatus, Outcome, result_csv
from keyholder.release.releasing import CHUNKS_AT_ONCE
from keyholder.release.subject_tags import subject_tag
from keyholder.requests.content import DomainSelection, Record
from keyholder.requests.events.releasing import MOST_SUBJECTS, ItemsReleased
from keyholder.vocabulary import IdentifierType
from tests.unit.requests import world
from tests.unit.requests.test_codec import written
from tests.unit.requests.world import GP, HOSPITAL

RELEASE = "REL-" + "0" * 26
STATUSES = (ItemStatus.RELEASED, ItemStatus.NOT_AVAILABLE, ItemStatus.MALFORMED)


def outcome(number: int, status: ItemStatus) -> Outcome:
    values = {IdentifierType.NHS_NUMBER: f"{number:010d}"} if status is ItemStatus.RELEASED else {}
    tag = None if status is ItemStatus.MALFORMED else f"{number:022d}"
    return Outcome(Item(str(number), GP, status, values), status.value.upper(), tag, bytes([number % 7]))


def selection(numbers: range, domain: world.DomainId = GP) -> DomainSelection:
    return DomainSelection(domain, tuple(Record(str(number), {}) for number in numbers))


@given(st.lists(st.sampled_from(STATUSES), min_size=1, max_size=30), st.integers(1, 9), st.integers(1, 5))
def test_in_whatever_parts_it_comes_it_is_the_same(statuses: list[ItemStatus], part: int, most: int) -> None:
    outcomes = [outcome(number, status) for number, status in enumerate(statuses)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "MOST_SUBJECTS", most)
        gathered = Gathered(world.a_filed_draft().content, Packing(RELEASE, "2026", len(outcomes)))
        for start in range(0, len(outcomes), part):
            some = outcomes[start : start + part]
            gathered.add(selection(range(start, start + len(some))), some)
        assert gathered.packing.packed() == list(chunks(RELEASE, "2026", outcomes))
    items = [one.item for one in outcomes]
    assert gathered.take_file() == result_csv(items, [IdentifierType.NHS_NUMBER])
    assert gathered.shown == gathered.examined == Counter(status.value for status in statuses)
    assert gathered.patients == {one.patient for one in outcomes}


def test_a_domain_that_is_not_approved_has_its_lines_and_nothing_else() -> None:
    gathered = Gathered(world.a_filed_draft().content, Packing(RELEASE, "2026", 1))
    gathered.add(selection(range(1)), [outcome(0, ItemStatus.RELEASED)])
    gathered.add(selection(range(1, 3), HOSPITAL), None)
    (chunk,) = gathered.packing.packed()
    assert (chunk.count, gathered.examined, len(gathered.patients)) == (1, {"released": 1}, 1)
    assert gathered.shown == {"released": 1, "not_approved": 2}
    assert gathered.take_file().decode().splitlines()[2:] == [
        f"1,{HOSPITAL},not_approved,",
        f"2,{HOSPITAL},not_approved,",
    ]


def test_other_records_than_were_asked_for_are_no_release() -> None:
    gathered = Gathered(world.a_filed_draft().content, Packing(RELEASE, "2026", MOST_SUBJECTS + 1))
    gathered.add(selection(range(1)), [outcome(0, ItemStatus.RELEASED)])
    with pytest.raises(ValueError, match="other records"):
        gathered.packing.packed()


def test_as_many_chunks_as_are_written_at_once_fit_into_one_step() -> None:
    tags = tuple(subject_tag(bytes(32), GP, str(number)) for number in range(MOST_SUBJECTS))
    chunk = ItemsReleased(RELEASE, 1000, 1000, MOST_SUBJECTS, "2026", {"PSEUDONYM_UNKNOWN_TO_ANYBODY": tags}, {"x": 1})
    assert CHUNKS_AT_ONCE * len(written(chunk).line()) < MAX_STEP_BYTES
