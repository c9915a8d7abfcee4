"""Whatever stands in the table, putting it right leaves exactly what the journal says; what was right is left alone."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyholder.ledger.event import Event
from keyholder.ledger.journal import Batch, journal_key
from keyholder.ledger.ports import CLAIM_LIFETIME, Step, StepKey
from keyholder.rebuilding.differences import Differences, Fault, Part, changes, compare
from keyholder.rebuilding.entries import (
    Change,
    ClaimEntry,
    Entry,
    HeadEntry,
    ListingEntry,
    StepEntry,
    StrayEntry,
)
from keyholder.rebuilding.expected import REBUILT, Expected, read_steps
from keyholder.rebuilding.heads import Heads, UnknownStreamError
from keyholder.vocabulary import ActorId, StreamId
from tests.unit.audit.world import DOMAINS, MORNING, PROJECTS, World, grown

NOW = MORNING + timedelta(hours=1)
LONG_AFTER = NOW + CLAIM_LIFETIME
Table = dict[object, Entry]


def place(entry: Entry) -> object:
    match entry:
        case StepEntry(step):
            return step.key
        case HeadEntry(stream):
            return "head", stream
        case ClaimEntry(key):
            return "claim", key
        case ListingEntry(listing, stream):
            return "listing", listing, stream
        case StrayEntry(where):
            return where


def expected_of(world: World) -> Expected:
    expected = Expected()
    for batch in world.batches:
        expected.saw(journal_key(batch.number), batch, tuple(map(Event.parse, batch.lines)))
    return expected


def table_of(world: World) -> Table:
    """The table as it is when everything was well."""
    expected = expected_of(world)
    steps = [StepEntry(step) for batch in world.batches for step in read_steps(batch)]
    beside = [*expected.heads.values(), *expected.claims.values(), *expected.listings]
    return {place(entry): entry for entry in (*steps, *beside)}


def journal(world: World) -> dict[int, Batch]:
    return {batch.number: batch for batch in world.batches}


def put_right(table: Table, found: Differences, world: World, expected: Expected) -> Table:
    made = dict(table)
    for change in changes(found.found, expected, journal(world).__getitem__):
        done(made, change)
    return made


def done(table: Table, change: Change) -> None:
    entry = change.wanted or change.seen
    assert entry is not None
    assert table.get(place(entry)) == change.seen, "a change of something else than was seen"
    if change.wanted is None:
        del table[place(entry)]
    else:
        table[place(entry)] = change.wanted


@st.composite
def damaged(draw: st.DrawFn, table: Table) -> Table:
    """Entries that are missing, spoilt, exchanged or that nobody needs."""
    made = dict(table)
    for at in draw(st.lists(st.sampled_from(sorted(table, key=str)), unique=True, max_size=8)):
        entry = made[at]
        match draw(st.integers(0, 4)), entry:
            case 0, _:
                del made[at]
            case 1, StepEntry(step):
                made[at] = StepEntry(replace(step, index=None, batch=None))
            case 2, StepEntry(step):
                made[at] = StepEntry(replace(step, lines=(b"{}", *step.lines[1:])))
            case 3, StepEntry(step):
                made[at] = StepEntry(replace(step, index=(step.index or 0) + 1))
            case 1 | 2, HeadEntry(stream, newest):
                made[at] = HeadEntry(stream, newest + 1, NOW)
            case 1 | 2, ClaimEntry(key, _, until):
                made[at] = ClaimEntry(key, StepKey(StreamId("request/other"), 9), until, "body")
            case _:
                made[at] = replace(entry, exact=False)
    for number in range(draw(st.integers(0, 3))):
        stream = StreamId(f"request/extra-{number}")
        extra: Entry = draw(
            st.sampled_from(
                [
                    StepEntry(Step(StepKey(stream, 1), (b"{}",), "writer", NOW, draw(st.none() | st.just(0)), 1)),
                    HeadEntry(stream, 1),
                    ClaimEntry(f"claim-{number}", StepKey(stream, 1), NOW + CLAIM_LIFETIME, "body"),
                    ListingEntry("projects", stream),
                    StrayEntry(("somewhere", str(number))),
                ]
            )
        )
        made[place(extra)] = extra
    return made


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_what_puts_a_table_right_leaves_what_the_journal_says(data: st.DataObject) -> None:
    world = data.draw(grown(most=12))
    right = table_of(world)
    table = data.draw(damaged(right))
    expected = expected_of(world)
    found = compare(expected, table.values(), NOW, quiet=True)
    made = put_right(table, found, world, expected)
    assert made == right
    assert (not found.found) == (table == right)
    assert not compare(expected, made.values(), NOW, quiet=True).found
    kept = {at for at in right if table.get(at) == right[at]}
    assert len(found.found) == len(right.keys() | table.keys()) - len(kept)


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_steps_come_first_in_their_order_and_what_goes_goes_last(data: st.DataObject) -> None:
    world = data.draw(grown(most=12))
    table = data.draw(damaged(table_of(world)))
    expected = expected_of(world)
    found = compare(expected, table.values(), NOW, quiet=True).found
    extra = [one.fault is Fault.EXTRA for one in found]
    assert extra == sorted(extra)
    steps = [expected.steps[one.wanted].index for one in found if isinstance(one.wanted, StepKey)]
    assert steps == sorted(steps)
    assert [one.part is Part.STEPS for one in found][: len(steps)] == [True] * len(steps)


def made() -> World:
    world = World()
    world.request(0, PROJECTS[0], DOMAINS[:1])
    world.commit()
    return world


def test_a_plan_is_the_same_in_whatever_order_the_table_is_read() -> None:
    world = made()
    expected, table = expected_of(world), list(table_of(world).values())
    first = compare(expected, table[1:3], NOW, quiet=True)
    assert first.digest() == compare(expected, reversed(table[1:3]), NOW, quiet=True).digest()
    assert first.digest() != compare(expected, table[1:4], NOW, quiet=True).digest()


def pending(stream: str, first: int) -> StepEntry:
    return StepEntry(Step(StepKey(StreamId(stream), first), (b"{}",), "writer", NOW))


def test_what_is_on_its_way_is_nothing_wrong_unless_nobody_may_be_at_work() -> None:
    world = made()
    expected, table = expected_of(world), table_of(world)
    stream = next(iter(expected.heads))
    newest = expected.newest(stream)
    coming = pending(stream, newest + 1)
    beside: list[Entry] = [
        HeadEntry(stream, newest + 1),
        ClaimEntry("claim", coming.step.key, NOW + CLAIM_LIFETIME, "body"),
        ListingEntry("more", stream),
    ]
    moving = {**table, **{place(entry): entry for entry in (coming, *beside)}}
    found = compare(expected, moving.values(), NOW, quiet=False)
    assert (found.found, found.pending) == ((), (coming.step.key,))
    settled = compare(expected, moving.values(), NOW, quiet=True)
    assert len(settled.found) == 4
    assert put_right(moving, settled, world, expected) == table


def test_a_step_of_a_later_batch_is_nothing_wrong_and_is_told() -> None:
    world = made()
    expected, table = expected_of(world), table_of(world)
    later = StepEntry(replace(pending("attempt/new", 1).step, index=expected.size, batch=expected.batches + 3))
    entries: list[Entry] = [*table.values(), later, HeadEntry(StreamId("attempt/new"), 1)]
    found = compare(expected, entries, NOW, quiet=False)
    assert (found.found, found.pending, found.newest) == ((), (), expected.batches + 3)


def test_a_pending_step_in_the_place_of_another_is_wrong_at_once() -> None:
    world = made()
    expected, table = expected_of(world), table_of(world)
    key = next(iter(expected.steps))
    table[key] = pending(key.stream, key.first)
    found = compare(expected, table.values(), NOW, quiet=False)
    assert [(one.part, one.fault) for one in found.found] == [(Part.STEPS, Fault.OTHER)]
    assert found.pending == (key,)


def test_a_claim_lasts_as_long_as_it_did_and_keeps_its_body() -> None:
    world = World()
    claimed = Event(StreamId("audit/1"), 1, "audit.events_read", NOW, ActorId("person/1"), "trace", {}, "key")
    world.waiting.append(claimed.line())
    world.commit()
    expected, table = expected_of(world), table_of(world)
    assert expected.claims["key"].until == (NOW + CLAIM_LIFETIME).replace(microsecond=0)
    used = ClaimEntry("key", StepKey(StreamId("audit/1"), 1), expected.claims["key"].until, "body")
    table["claim", "key"] = used
    assert not compare(expected, table.values(), NOW, quiet=True).found
    table["claim", "key"] = replace(used, exact=False)
    (change,) = changes(compare(expected, table.values(), NOW, quiet=True).found, expected, journal(world).__getitem__)
    assert change.wanted == used
    del table["claim", "key"]
    assert len(compare(expected, table.values(), NOW, quiet=True).found) == 1
    assert not compare(expected, table.values(), LONG_AFTER, quiet=True).found
    foreign = replace(used, key="foreign")
    assert not compare(expected, {**table, 0: used, 1: foreign}.values(), LONG_AFTER, quiet=True).found
    assert len(compare(expected, {**table, 0: used, 1: foreign}.values(), NOW, quiet=True).found) == 1


def test_a_step_that_was_only_unmarked_keeps_its_writer() -> None:
    world = made()
    expected, table = expected_of(world), table_of(world)
    key, entry = next((at, one) for at, one in table.items() if isinstance(one, StepEntry))
    for lines, writer in ((entry.step.lines, "own"), ((b"{}",), REBUILT)):
        seen = replace(entry.step, lines=lines, writer="own", index=None, batch=None)
        found = compare(expected, {**table, key: StepEntry(seen)}.values(), NOW, quiet=True)
        (change,) = changes(found.found, expected, journal(world).__getitem__)
        assert isinstance(change.wanted, StepEntry)
        assert change.wanted.step == replace(entry.step, writer=writer)


def test_a_kind_of_stream_nobody_knows_is_not_guessed_at() -> None:
    with pytest.raises(UnknownStreamError):
        Heads().after([Event(StreamId("later/1"), 1, "later.happened", NOW, ActorId("person/1"), "trace", {})])


def test_every_kind_of_stream_that_is_written_is_known() -> None:
    """Read off the code: whoever adds a kind adds what is stored beside its steps."""
    layer = Path(__file__).parents[3] / "layers" / "keyholder" / "python" / "keyholder"
    written = re.compile(r'(?:StreamId\(f?"|^KIND = ")([a-z-]+)(?=[/"])', re.MULTILINE)
    kinds = {kind for file in layer.rglob("*.py") for kind in written.findall(file.read_text())}
    assert kinds >= {"request", "attempt", "rebuild", "extract"}
    assert kinds - {"unknown"} <= Heads()._rules.keys()
