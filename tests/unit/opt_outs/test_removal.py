"""What is past its time is deleted, and the ledger says so first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from keyholder.ledger.event import NewEvent
from keyholder.opt_outs.check_events import EndReason
from keyholder.opt_outs.list_events import request_of
from keyholder.opt_outs.outbox import KEPT_FOR
from keyholder.opt_outs.removal import UnknownRegisterError
from keyholder.policy.intake import CHOICES_LOADED
from keyholder.policy.register_form import Header, RegisterDamagedError
from keyholder.policy.registers import OptOutRegister
from keyholder.policy.vocabulary import CheckState
from keyholder.requests.ids import RandomIds, made_at
from keyholder.vocabulary import ActorId, StreamId
from tests.fakes.mesh import CutShortError
from tests.unit.opt_outs.world import DIGESTER, NOW, PEOPLE, World

A, B = PEOPLE[:2]


@pytest.fixture
def world() -> World:
    return World()


def loaded(world: World, age: int, name: str = "01KA0000000000000000000000") -> str:
    """A register somebody loaded by hand, of a check so many days ago."""
    header = Header(NOW, NOW.date() - timedelta(days=age), "by-hand")
    world.store.keep(name, OptOutRegister.of_request(header, [A], DIGESTER))
    event = NewEvent(CHOICES_LOADED, {"kind": "national-data-opt-outs"})
    world.log.record(StreamId(f"register/{name}"), 0, [event], actor=ActorId("person/" + "0" * 32), trace="load")
    return name


def answered(world: World) -> str:
    check = world.asked([A])
    world.mailbox.answer(world.mailbox.sent[0])
    world.round()
    return f"{check.id}.mesh"


def pending(world: World) -> str:
    return f"{world.asked([A]).id}.asked"


def failed(world: World) -> str:
    check = world.asked([A])
    world.mailbox.refuse(world.mailbox.sent[0])
    world.round()
    return f"{check.id}.failed"


@pytest.mark.parametrize("make", [lambda world: loaded(world, 0), answered, pending, failed])
def test_every_register_is_there_for_twenty_days_and_gone_on_the_next(
    world: World, make: Callable[[World], str]
) -> None:
    name = make(world)
    world.later(days=20)
    assert (world.removed(), list(world.store.kept)) == (0, [name])
    world.later(days=1)
    assert (world.removed(), world.store.kept) == (1, {})
    assert world.types()[-1] in {"choices.removed", "opt_out_check.removed"}
    assert world.removed() == 0


def test_the_age_is_that_of_the_check_not_of_the_file(world: World) -> None:
    loaded(world, 20, "01KA0000000000000000000001")
    loaded(world, 19, "01KA0000000000000000000002")
    world.later(days=1)
    assert world.removed() == 1
    assert list(world.store.kept) == ["01KA0000000000000000000002"]


@pytest.mark.parametrize("make", [lambda world: loaded(world, 0), answered])
def test_the_ledger_says_so_first_and_once(world: World, make: Callable[[World], str]) -> None:
    name = make(world)
    world.later(days=21).store.dies_before.add(f"remove {name.partition('.')[2]}")
    with pytest.raises(CutShortError):
        world.removed()
    assert list(world.store.kept) == [name]
    said = len(world.types())
    assert (world.removed(), world.store.kept, len(world.types())) == (1, {}, said)


def test_a_register_the_ledger_does_not_know_is_a_fault_that_keeps_no_other(world: World) -> None:
    known = loaded(world, 21)
    header = Header(NOW, NOW.date() - timedelta(days=21), "nobody")
    world.store.keep("00NOBODY", OptOutRegister.of_request(header, [B], DIGESTER))
    with pytest.raises(UnknownRegisterError):
        world.removed()
    assert list(world.store.kept) == ["00NOBODY"]
    assert known not in world.store.kept


def test_a_damaged_register_goes_by_the_age_of_its_id(world: World) -> None:
    name = loaded(world, 0, RandomIds(world.clock).attempt().removeprefix("ATT-"))
    world.store.kept[name] = world.store.kept[name][:-1]
    with pytest.raises(RegisterDamagedError):
        world.removed()
    world.later(days=21)
    assert (world.removed(), world.store.kept) == (1, {})


def test_numbers_nobody_could_send_are_dropped_and_the_people_listed_anew(world: World) -> None:
    name = world.listed(1, [A], NOW.date() + timedelta(days=20))
    world.later(hours=KEPT_FOR / timedelta(hours=1))
    assert (world.removed(), list(world.outbox.lists)) == (0, [name])
    world.later(seconds=1)
    assert (world.removed(), world.outbox.lists) == (1, {})
    assert world.types()[-1] == "opt_outs.list_dropped"
    world.requests.opened = [request_of(name)]
    assert world.round().listed == 1


def test_a_removed_register_releases_nobody(world: World) -> None:
    answered(world)
    assert world.states([A]) == {A: CheckState.CLEAR}
    world.later(days=21).removed()
    assert world.states([A]) == {A: None}


def test_the_moment_of_an_id() -> None:
    world = World()
    made = RandomIds(world.clock, lambda count: b"\xff" * count).attempt().removeprefix("ATT-")
    assert made_at(made) == NOW
    assert made_at("not-an-id") is None
    assert made_at("Z" * 26) is None


def test_a_check_that_was_removed_ended_as_it_had(world: World) -> None:
    failed(world)
    (check,) = world.checks()
    world.later(days=21).removed()
    assert replace(world.check(check), version=check.version, removed=False) == check
    assert check.why is EndReason.ERROR_LINE
