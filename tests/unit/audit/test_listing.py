"""Pages of events say exactly what a scan of the whole ledger says, whatever the index knows by then."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyholder.audit.facets import NOT_A_FILTER, EventFilter
from keyholder.audit.index import IndexReader, cover
from keyholder.audit.listing import StoppedError
from keyholder.audit.vocabulary import Decision
from keyholder.ledger.event import Event
from keyholder.ledger.views import POSITIONS
from keyholder.registry.fields import Fields
from tests.unit.audit.world import DOMAINS, MORNING, PEOPLE, PROJECTS, TAGS, World, filters, grown, request_id, scan

TINY = {"most_lines": 60, "part_lines": 7}


def people_in(event: Event) -> set[str]:
    """The tags of a release."""
    subjects = event.data.get("subjects", {})
    return {tag for tags in subjects.values() for tag in tags}  # type: ignore[union-attr] - the shape of a release


def all_pages(
    world: World, wanted: EventFilter, size: int, *, limit: int, budget: int, between: st.DataObject | None = None
) -> list[int]:
    """The leaves on all pages, one after the other; between two pages the ledger and its index may grow."""
    found: list[int] = []
    begin: int | None = 0
    while begin is not None:
        page = world.reading(budget).page(wanted, begin, size, limit)
        assert len(page.items) <= limit
        assert page.begin is None or page.begin > begin or page.items
        found += [item.place.index for item in page.items]
        begin = page.begin
        if between is not None and between.draw(st.booleans(), label="grow"):
            world.refuse(PEOPLE[1], "project/heart-2026")
            world.commit()
        if between is not None and between.draw(st.booleans(), label="publish"):
            world.publish(**TINY)
    return found


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_pages_together_are_a_scan_whatever_the_filter_and_however_the_ledger_grows(data: st.DataObject) -> None:
    world = data.draw(grown())
    if data.draw(st.booleans(), label="indexed"):
        world.publish(**TINY)
        data.draw(grown(world, most=6))
    wanted = data.draw(filters(world))
    size = world.reading().size()
    assert size == len(world.known)
    limit, budget = data.draw(st.integers(1, 9), label="limit"), data.draw(st.integers(1, 9), label="budget")
    expected = scan(world, wanted, size)
    assert all_pages(world, wanted, size, limit=limit, budget=budget, between=data) == expected
    assert wanted.fault() is not None or EventFilter.read(Fields(wanted.json())) == wanted


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_who_was_in_a_release_is_answered_by_the_index_as_by_a_scan(data: st.DataObject) -> None:
    world = data.draw(grown())
    world.publish(**TINY)
    data.draw(grown(world, most=6))
    tags = set(data.draw(st.lists(st.sampled_from([*TAGS, "f" * 32]), max_size=3)))
    found = world.reading().tagged(tags, len(world.known))
    expected = [index for index, (event, _) in enumerate(world.known) if tags & people_in(event)]
    assert [one.place.index for one in found] == expected


def long_world(batches: int = 300) -> World:
    """Small batches enough for three levels of the index, under sizes that split some of its runs."""
    world = World()
    world.request(0, PROJECTS[0], DOMAINS[:2])
    world.commit()
    for number in range(1, batches):
        if number % 50 == 0:
            world.release(0, {"S251_SUPPORTED": [TAGS[0]]})
        else:
            world.refuse(PEOPLE[number % 3], f"request/{request_id(0)}")
        world.commit()
    world.publish(**TINY)
    return world


@pytest.fixture(scope="module")
def long() -> World:
    return long_world()


@pytest.mark.parametrize(("sizes", "most"), [({}, 40), (TINY, 400)])
def test_a_long_ledger_is_answered_from_few_objects(long: World, sizes: dict[str, int], most: int) -> None:
    world, read = World(long.batches, long.known, long.streams), []
    world.publish(**sizes)

    def counting(name: str, call: object) -> object:
        read.append(name)
        return call()  # type: ignore[operator]

    wanted = EventFilter(request=request_id(0), type="release.items_released")
    world.store.gate = counting  # type: ignore[assignment]
    page = world.reading().page(wanted, 0, len(long.known), 100)
    assert [item.place.index for item in page.items] == scan(long, wanted, len(long.known))
    assert len(page.items) == 5
    assert len(read) < most


def test_runs_follow_from_the_position_alone_and_are_the_same_whoever_makes_them(long: World) -> None:
    assert list(cover(0x123)) == [(2, 1), (1, 17), (1, 18), (0, 289), (0, 290), (0, 291)]
    again = World(long.batches, long.known, long.streams)
    again.publish(**TINY)
    again.publish(**TINY)
    del again.store.objects[f"{POSITIONS}index"]
    again.publish(**TINY)
    assert again.store.objects == long.store.objects
    assert any(b'"split":true' in body for body in long.store.objects.values())


@pytest.mark.parametrize("damage", ["missing", "garbage", "ahead", "elsewhere"])
def test_a_damaged_index_changes_no_answer(damage: str) -> None:
    world = long_world(40)
    key = "index/1/000000000001"
    match damage:
        case "missing":
            del world.store.objects[key]
        case "garbage":
            world.store.objects[key] = b"\xff"
        case "ahead":
            world.store.objects[f"{POSITIONS}index"] = b"4000"
        case _:
            for name in world.store.objects:
                world.store.objects[name] = world.store.objects[name].replace(b" 0000000000", b" 0000000099")
    wanted = EventFilter(decision=Decision.REFUSED)
    size = len(world.known)
    assert all_pages(world, wanted, size, limit=100, budget=300) == scan(world, wanted, size)


def test_one_event_is_found_by_its_leaf(long: World) -> None:
    for index in (0, 1, 2, 3, 77, len(long.known) - 1):
        found = long.reading().event(index)
        assert found is not None
        assert found.event == long.known[index][0]
    assert long.reading().event(len(long.known)) is None
    assert long.reading().event(-1) is None


def test_a_search_that_would_read_too_much_says_so(long: World) -> None:
    with pytest.raises(StoppedError):
        long.reading(3).tagged([TAGS[0]], len(long.known))


@pytest.mark.parametrize(
    "wanted",
    [
        EventFilter(request="9991234567"),
        EventFilter(project="heart-9991234567"),
        EventFilter(project="S" + "0" * 40),
        EventFilter(domain="999-123-4567"),
        EventFilter(actor="person/someone"),
        EventFilter(type="9991234567"),
    ],
)
def test_what_is_no_id_of_ours_is_no_filter(wanted: EventFilter) -> None:
    assert wanted.fault() is NOT_A_FILTER


def test_a_filter_of_ids_is_one() -> None:
    wanted = EventFilter(
        request=request_id(1),
        project="heart-2026",
        actor="system/sweeper",
        domain="gp-2026",
        type="request.approved",
        decision=Decision.APPROVED,
        since=MORNING,
        until=MORNING + timedelta(days=1),
    )
    assert wanted.fault() is None
    assert EventFilter.read(Fields(wanted.json())) == wanted
    assert wanted.sha256() != EventFilter().sha256()


def test_an_index_that_was_never_published_is_empty() -> None:
    assert list(IndexReader.newest(World().store).runs()) == []
