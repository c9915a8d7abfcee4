"""The table is whole: nothing exists beside it, and the page says what it says."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from keyholder.refusals import Refusal
from keyholder.registry import decide as registry_decide
from keyholder.registry import replays, sign_in
from keyholder.requests import content, reasons, texts
from keyholder.requests.codec import EVENTS, RequestEvent
from keyholder.requests.codes import TERMINAL, State
from keyholder.requests.commands import Command, CommandName
from keyholder.requests.erasing import decide as erasing
from keyholder.requests.folding import folds
from keyholder.requests.page import render
from keyholder.requests.transitions import TRANSITIONS, Transition, Who

PAGE = Path(__file__).parents[3] / "docs" / "permissions.md"
EVERY_REFUSAL = (
    *reasons.REFUSALS,
    *content.REFUSALS,
    *texts.REFUSALS,
    *erasing.REFUSALS,
    *replays.REFUSALS,
    *registry_decide.REFUSALS,
    *sign_in.REFUSALS,
)


def test_every_state_is_reached_and_every_living_one_left() -> None:
    reached = {state for row in TRANSITIONS for state in row.to}
    left = {state for row in TRANSITIONS for state in row.sources or ()}
    assert reached == set(State)
    assert left == set(State) - TERMINAL


def test_every_command_has_one_class_and_one_kind_of_person() -> None:
    assert sorted(kind.NAME for kind in get_args(Command)) == sorted(CommandName)
    assert {row.command for row in TRANSITIONS} == set(CommandName)
    for command in CommandName:
        assert len({row.who for row in TRANSITIONS if row.command is command}) == 1
    assert {row.who for row in TRANSITIONS} == set(Who)


def test_no_state_has_two_rows_for_one_command() -> None:
    places = [(source, row.command) for row in TRANSITIONS for source in row.sources or (None,)]
    assert len(places) == len(set(places))


def test_every_event_is_written_by_a_row_and_folds() -> None:
    assert {name for row in TRANSITIONS for name in row.events} == set(EVENTS)
    assert set(EVENTS.values()) == set(get_args(RequestEvent))
    assert all(folds(kind) for kind in EVENTS.values())
    assert not folds(object)


@pytest.mark.parametrize("row", TRANSITIONS, ids=lambda row: row.command.value)
def test_what_gives_something_away_needs_a_fresh_sign_in(row: Transition) -> None:
    giving = {
        CommandName.SUBMIT,
        CommandName.APPROVE,
        CommandName.REJECT,
        CommandName.RELEASE,
        CommandName.COLLECT,
        CommandName.LET_THROUGH,
    }
    binding = {
        CommandName.RETURN,
        CommandName.ACCEPT_CONDITIONS,
        CommandName.USE_STANDING_APPROVAL,
        CommandName.TAKE_OVER,
    }
    assert row.fresh_sign_in == (row.command in giving | binding)


@pytest.mark.parametrize("refusal", EVERY_REFUSAL, ids=lambda refusal: refusal.code)
def test_every_refusal_has_advice(refusal: Refusal) -> None:
    assert refusal.code.replace("_", "").isalnum()
    assert refusal.code.isupper()
    assert refusal.advice.endswith(".")
    assert len(refusal.advice) > 20


def test_codes_are_unique() -> None:
    codes = [refusal.code for refusal in EVERY_REFUSAL]
    assert sorted(codes) == sorted(set(codes))


def test_the_page_is_what_the_table_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == render()
