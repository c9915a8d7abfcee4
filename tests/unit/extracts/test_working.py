"""The work on an extract: asked twice, cut short anywhere, discarded meanwhile, it makes one result or none."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from keyholder.extracts import decide
from keyholder.extracts.announcement import AnnouncementLostError
from keyholder.extracts.state import KEPT_FOR, LEASE, UPLOAD_WITHIN, WORK_WITHIN, ExtractStatus
from keyholder.extracts.working import Worked
from keyholder.ledger.log import LedgerUnavailableError
from keyholder.ledger.ports import StorageRefusedError
from keyholder.pseudonyms.key_ring import ControllerKeyUnavailableError, KeyGone
from keyholder.registry.domains import KeyState
from tests.people import some_nhs_numbers
from tests.unit.extracts.world import DOMAIN, NUMBER, POSTCODE, PROVIDER, Crash, Links, World, refused, sheet

PEOPLE = some_nhs_numbers(8)
ROWS = [[f"r{place}", number, f"SW1A {place}AA", "F"] for place, number in enumerate(PEOPLE)]
ROWS[6][2] = "nowhere"
"""Eight rows: three parts, of which the last is short."""

STEP = timedelta(minutes=4)


def world() -> World:
    made = World()
    made.type_1.numbers = frozenset({PEOPLE[4]})
    return made


@pytest.fixture(scope="module")
def expected() -> bytes:
    """What an undisturbed run makes."""
    at = world()
    extract = at.queued(ROWS)
    assert at.work(extract) is Worked.DONE
    return at.result(extract)


def test_a_file_becomes_its_pseudonyms_in_order_and_the_upload_is_gone() -> None:
    at = world()
    extract = at.queued(ROWS)
    assert at.work(extract) is Worked.DONE
    assert at.types(extract) == ["announced", "queued", "started", "made", "erased"]
    rows = at.rows(extract)
    assert [row["row_id"] for row in rows] == ["r0", "r1", "r2", "r3", "r5", "r6", "r7"]
    assert [bool(row["postcode_deid"]) for row in rows] == [True] * 5 + [False, True]
    assert rows[5]["faults"] == "postcode:not_a_postcode"
    assert {row["sex"] for row in rows} == {"F"}
    assert at.kept(extract) == {"parts", "progress"}
    assert not at.files.upload(extract, sheet(ROWS)), "the address is good for nothing any more"
    made = at.state(extract).made
    assert made is not None
    assert (made.rows, made.refused, made.rows_with_errors) == (7, {"type_1_opt_out": 1}, 1)
    assert made.faults == {POSTCODE: {"not_a_postcode": 1}}
    assert made.pseudonyms == {NUMBER: 7, POSTCODE: 6}


def test_invariant_3_the_ledger_has_no_cell_and_no_column_of_it() -> None:
    at = world()
    extract = at.queued(ROWS)
    at.work(extract)
    text = " ".join(event.line().decode() for event in at.events(extract))
    canaries = {cell for row in ROWS for cell in row[1:3]} | {row["patient_id_deid"] for row in at.rows(extract)}
    canaries |= {"nowhere", "sex", "row_id", at.files.objects.get("none", b"").decode() or "lsoa"}
    assert not [canary for canary in canaries if canary in text]


def test_keys_are_opened_once_a_column_whatever_the_rows() -> None:
    at = world()
    at.work(at.queued(ROWS))
    assert sorted(at.ring.openings) == [(DOMAIN.id, NUMBER, 1), (DOMAIN.id, POSTCODE, 1)]
    assert all("wiped" in str(_material(key)) for key in at.ring.handed_out)


def _material(key: object) -> object:
    try:
        return key.material
    except ValueError as error:
        return error


def test_links_are_kept_as_those_of_a_call() -> None:
    at = world()
    at.work(at.queued(ROWS))
    digests = {one[place : place + 8] for one in at.links.kept.values() for place in range(16, len(one), 8)}
    assert len(digests) == 7 + 6, "everybody but who opted out, and the postcodes but for who has none"
    assert {key.split("/")[0] for key in at.links.kept} == {DOMAIN.id}


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda body: body.replace(b"SW1A 1AA", b"SW1A 9AA"), "HASH_DIFFERS"),
        (lambda body: body + b"r9,,,\n", "SIZE_DIFFERS"),
    ],
)
def test_a_file_that_is_not_the_announced_one_is_refused_with_nothing_made(
    spoil: Callable[[bytes], bytes], code: str
) -> None:
    at = world()
    extract = at.announced(sheet(ROWS), len(ROWS))
    at.files.upload(extract, spoil(sheet(ROWS)))
    at.desk.start(at.call(), extract)
    assert at.work(extract) is Worked.DONE
    state = at.state(extract)
    assert (state.status, state.code, state.made) == (ExtractStatus.REFUSED, code, None)
    assert not at.kept(extract)
    assert not at.links.kept
    assert "keep_part" not in at.files.calls


def test_a_row_that_is_wrong_is_named() -> None:
    at = world()
    extract = at.queued([*ROWS[:5], ["=1", "", "", ""]])
    at.work(extract)
    assert (at.state(extract).code, at.state(extract).row) == ("ROW_ID_FORM", 6)


def crashes(at: World) -> Iterator[str]:
    """Every call of the files in one undisturbed run."""
    at.work(at.queued(ROWS))
    yield from at.files.calls


def test_cut_short_at_any_call_and_delivered_again_it_makes_the_same_once(expected: bytes) -> None:
    calls = list(crashes(world()))
    assert len(calls) > 9
    for number in range(2, len(calls)):
        at = world()
        extract = at.queued(ROWS)
        left = number - len(at.files.calls)

        def crash(_name: str, at: World = at, number: int = number) -> None:
            if len(at.files.calls) == number:
                raise Crash

        if left <= 0:
            continue
        at.files.before = crash
        with pytest.raises(Crash):
            at.work(extract)
        assert at.work(extract) in {Worked.NOT_NEEDED, Worked.DONE}, "nobody works while the run may be alive"
        at.clock.wait(STEP)
        at.work(extract)
        assert at.types(extract).count("made") == 1, calls[number - 1]
        assert at.result(extract) == expected
        assert at.kept(extract) == {"parts", "progress"}
        assert at.state(extract).status is ExtractStatus.MADE


def test_a_run_goes_on_where_the_one_before_was_cut_short(expected: bytes) -> None:
    at = world()
    extract = at.queued(ROWS)

    def crash(name: str) -> None:
        if name == "keep_part" and at.files.calls.count("keep_part") == 3:
            raise Crash

    at.files.before = crash
    with pytest.raises(Crash):
        at.work(extract)
    at.files.before = lambda _: None
    at.clock.wait(STEP)
    read = at.files.calls.count("read")
    assert at.work(extract) is Worked.DONE
    assert at.files.calls.count("read") == read + 1, "what was checked before is not checked again"
    assert at.result(extract) == expected
    runs = sorted(key.split("/")[-1].split("-")[0] for key in at.files.objects if key.startswith("parts/"))
    assert runs == ["01", "01", "02"]


def test_whoever_is_delivered_beside_a_run_leaves_it_alone(expected: bytes) -> None:
    at = world()
    extract = at.queued(ROWS)
    seen: list[Worked] = []

    def meanwhile(name: str) -> None:
        if name == "keep_part":
            at.files.before = lambda _: None
            seen.append(at.work(extract))
            at.files.before = meanwhile

    at.files.before = meanwhile
    assert at.work(extract) is Worked.DONE
    assert seen == [Worked.NOT_NEEDED] * 3
    assert at.types(extract).count("started") == 1
    assert at.result(extract) == expected


def test_a_long_run_is_left_alone_as_long_as_it_is_heard_of(expected: bytes) -> None:
    """Each part comes two minutes after the one before, and somebody is delivered a moment before each."""
    at = world()
    extract = at.queued(ROWS)
    seen: list[Worked] = []

    def slowly(name: str) -> None:
        if name == "keep_part":
            at.clock.wait(timedelta(minutes=2))
            at.files.before = lambda _: None
            seen.append(at.work(extract))
            at.files.before = slowly

    at.files.before = slowly
    assert at.work(extract) is Worked.DONE
    assert seen == [Worked.NOT_NEEDED] * 3
    assert at.types(extract).count("started") == 1
    assert at.result(extract) == expected


def test_a_run_that_left_no_progress_of_its_own_hides_none_of_the_one_before(expected: bytes) -> None:
    at = world()
    extract = at.queued(ROWS)

    def crash(name: str) -> None:
        calls = at.files.calls
        if (name == "keep_part" and calls.count(name) == 3) or (name == "keep_progress" and calls.count(name) == 4):
            raise Crash

    at.files.before = crash
    for _ in range(2):
        with pytest.raises(Crash):
            at.work(extract)
        at.clock.wait(STEP)
    assert at.work(extract) is Worked.DONE
    assert at.result(extract) == expected
    runs = sorted(key.split("/")[-1].split("-")[0] for key in at.files.objects if key.startswith("parts/"))
    assert runs == ["01", "01", "03"]


def test_a_run_that_another_took_over_ends_nothing(expected: bytes) -> None:
    """The first stands still for longer than anybody waits, and then goes on as if nothing had happened."""
    at = world()
    extract = at.queued(ROWS)
    seen: list[Worked] = []

    def meanwhile(name: str) -> None:
        if name == "keep_part" and at.files.calls.count("keep_part") == 2:
            at.files.before = lambda _: None
            at.clock.wait(STEP)
            seen.append(at.work(extract))

    at.files.before = meanwhile
    assert at.work(extract) is Worked.NOT_NEEDED
    assert seen == [Worked.DONE]
    assert at.types(extract).count("made") == 1
    assert at.result(extract) == expected


def test_of_two_that_begin_at_once_the_ledger_takes_one(expected: bytes) -> None:
    at = world()
    extract = at.queued(ROWS)
    workshop, inner = at.workshop, at.log
    seen: list[Worked] = []

    class Late:
        """The other one's event comes between this one's reading and its writing."""

        def __getattr__(self, name: str) -> object:
            return getattr(inner, name)

        def record(self, *args: object, **more: object) -> object:
            if not seen:
                seen.append(at.work(extract))
            return inner.record(*args, **more)

    assert replace(workshop, log=Late()).work(extract, "trace", lambda: STEP) is Worked.NOT_NEEDED
    assert seen == [Worked.DONE]
    assert at.types(extract).count("started") == 1
    assert at.result(extract) == expected


def test_a_run_without_time_hands_over_and_the_next_goes_on_at_once(expected: bytes) -> None:
    at = world()
    extract = at.queued(ROWS)
    asked = len(at.queue.asked)
    short = timedelta(seconds=30)
    assert at.work(extract, short) is Worked.HANDED_OVER
    assert len(at.queue.asked) == asked + 1
    assert at.work(extract, short) is Worked.HANDED_OVER
    assert at.work(extract, short) is Worked.DONE, "what is left fits"
    reasons = [event.data["reason"] for event in at.events(extract) if event.type == "extract.started"]
    assert reasons == ["first", "continued", "continued"]
    assert at.result(extract) == expected


def test_every_run_uses_the_versions_of_the_first(expected: bytes) -> None:
    at = world()
    extract = at.queued(ROWS)
    at.work(extract, timedelta(0))
    rotated = {kind: {1: KeyState.REVERSIBLE, 2: KeyState.ACTIVE} for kind in DOMAIN.keys}
    at.registered.domains[DOMAIN.id] = replace(DOMAIN, keys=rotated)
    at.work(extract)
    assert at.result(extract) == expected
    again = at.queued(ROWS)
    at.work(again)
    assert at.result(again) != expected


def test_a_version_that_was_retired_meanwhile_ends_the_job() -> None:
    at = world()
    extract = at.queued(ROWS)
    at.work(extract, timedelta(0))
    at.registered.domains[DOMAIN.id] = replace(DOMAIN, keys={**DOMAIN.keys, NUMBER: {1: KeyState.RETIRED}})
    assert at.work(extract) is Worked.DONE
    assert (at.state(extract).status, at.state(extract).code) == (ExtractStatus.FAILED, "KEY_WITHDRAWN")
    assert not at.kept(extract)


@pytest.mark.parametrize(
    "person",
    [None, replace(PROVIDER, disabled=True), replace(PROVIDER, roles=())],
    ids=["gone", "disabled", "no provider"],
)
def test_whoever_may_no_longer_pseudonymise_gets_nothing(person: object) -> None:
    at = world()
    extract = at.queued(ROWS)
    at.registered.people = {} if person is None else {PROVIDER.id: person}
    assert at.work(extract) is Worked.DONE
    assert (at.state(extract).status, at.state(extract).code) == (ExtractStatus.REFUSED, "NO_LONGER_ALLOWED")
    assert not at.ring.openings
    assert not at.kept(extract)


@pytest.mark.parametrize("off", ["switched off", "not there yet"])
def test_with_a_key_that_is_not_to_be_had_it_waits_and_then_goes_on(off: str, expected: bytes) -> None:
    at = world()
    extract, ring = at.queued(ROWS), at.ring

    class Off:
        def open(self, *_: object) -> KeyGone:
            if off == "switched off":
                raise ControllerKeyUnavailableError
            return KeyGone.UNKNOWN

    at.ring = Off()
    for _ in range(3):
        assert at.work(extract) is Worked.HELD
        at.clock.wait(timedelta(minutes=1))
    assert at.types(extract) == ["announced", "queued", "started", "held"]
    assert at.state(extract).held == decide.KEYS_UNAVAILABLE
    due = at.state(extract).due_at
    assert due is not None
    assert due <= at.clock.now()
    at.ring = ring
    assert at.work(extract) is Worked.DONE
    assert at.result(extract) == expected


def test_what_waits_for_too_long_fails_and_the_upload_is_not_kept() -> None:
    at = world()
    extract = at.queued(ROWS)

    class Off:
        def open(self, *_: object) -> KeyGone:
            raise ControllerKeyUnavailableError

    at.ring = Off()
    at.work(extract)
    at.clock.wait(WORK_WITHIN)
    assert at.work(extract) is Worked.DONE
    assert (at.state(extract).status, at.state(extract).code) == (ExtractStatus.FAILED, "KEYS_UNAVAILABLE")
    assert not at.kept(extract)


def test_a_run_that_dies_again_and_again_is_given_up() -> None:
    at = world()
    extract = at.queued(ROWS)

    def crash(name: str) -> None:
        if name == "keep_part":
            raise Crash

    at.files.before = crash
    for _ in range(decide.MOST_RUNS):
        with pytest.raises(Crash):
            at.work(extract)
        at.clock.wait(LEASE)
    at.files.before = lambda _: None
    assert at.work(extract) is Worked.DONE
    assert (at.state(extract).status, at.state(extract).code) == (ExtractStatus.FAILED, "FAULT")
    assert not at.kept(extract)


def test_discarded_while_it_is_worked_on_nothing_is_kept() -> None:
    at = world()
    extract = at.queued(ROWS)

    def meanwhile(name: str) -> None:
        if name == "keep_part" and at.files.calls.count("keep_part") == 2:
            at.files.before = lambda _: None
            at.desk.discard(at.call(), extract)

    at.files.before = meanwhile
    assert at.work(extract) is Worked.NOT_NEEDED
    assert at.state(extract).status is ExtractStatus.DISCARDED
    assert not at.kept(extract)
    assert "made" not in at.types(extract)


def test_nobody_uploads_in_time() -> None:
    at = world()
    extract = at.announced(sheet(ROWS), len(ROWS))
    at.clock.wait(UPLOAD_WITHIN - timedelta(seconds=1))
    assert at.work(extract) is Worked.NOT_NEEDED
    at.clock.wait(timedelta(seconds=1))
    at.files.upload(extract, sheet(ROWS))
    assert at.work(extract) is Worked.DONE
    assert at.types(extract) == ["announced", "expired", "erased"]
    assert not at.kept(extract)
    assert not at.files.upload(extract, sheet(ROWS))
    assert at.work(extract) is Worked.NOT_NEEDED


def test_a_result_is_kept_for_its_time() -> None:
    at = world()
    extract = at.queued(ROWS)
    at.work(extract)
    at.clock.wait(KEPT_FOR)
    assert refused(at.desk.collect(at.call(), extract)) == "EXTRACT_GONE"
    assert at.work(extract) is Worked.DONE
    assert at.types(extract)[-2:] == ["expired", "erased"]
    assert not at.kept(extract)


def test_invariant_2_without_the_ledger_nothing_is_made() -> None:
    at = world()
    extract = at.queued(ROWS)

    def refuse(name: str, call: Callable[[], object]) -> object:
        if name == "steps.add":
            raise StorageRefusedError("played")
        return call()

    at.memory.gate(refuse)
    with pytest.raises(LedgerUnavailableError):
        at.work(extract)
    assert not at.ring.openings
    assert "keep_part" not in at.files.calls


def test_an_announcement_that_was_exchanged_makes_nothing() -> None:
    at = world()
    extract = at.queued(ROWS)
    key = f"announcements/{extract}"
    other = json.loads(at.files.objects[key]) | {"rows": 7}
    at.files.objects[key] = json.dumps(other, sort_keys=True, separators=(",", ":")).encode()
    with pytest.raises(AnnouncementLostError):
        at.work(extract)
    assert "keep_part" not in at.files.calls


def test_the_sweeper_finds_what_has_to_be_looked_at() -> None:
    """Queued, running, made: each has its time; what is over has none."""
    at = world()
    extract = at.queued(ROWS)
    heads = at.memory.steps.heads
    stream = at.state(extract).stream
    assert heads[stream].due_at == at.clock.now() + timedelta(minutes=1)
    at.work(extract, timedelta(0))
    assert heads[stream].due_at == at.clock.now() + LEASE
    at.work(extract)
    assert heads[stream].due_at == at.clock.now() + KEPT_FOR
    assert heads[stream].listings == (f"extracts/{DOMAIN.id}",)
    at.desk.discard(at.call(), extract)
    assert heads[stream].due_at is None


def test_nothing_to_do_for_what_nobody_knows() -> None:
    assert world().work("EXT-" + "0" * 26) is Worked.NOT_NEEDED


def test_a_part_without_links_keeps_none() -> None:
    at = world()
    at.links = Links()
    at.work(at.queued([["1", "", "SW1A 1AA", "F"]]))
    assert not at.links.kept
