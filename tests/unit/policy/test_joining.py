"""Registers that become one: it says of everybody what they said, whenever it is cut short, and the ledger knows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.policy.choices import Choices, ChoicesUnavailableError
from keyholder.policy.consents import ConsentRecord
from keyholder.policy.digests import Digester
from keyholder.policy.intake import RegisterChangedError
from keyholder.policy.joining import CHOICES_JOINED, SUFFIX, Joining, join_consents, join_type_1
from keyholder.policy.register_form import Header, RegisterKind
from keyholder.policy.registers import ConsentRegister, Type1Register
from keyholder.policy.type1 import Type1Row
from keyholder.vocabulary import StreamId
from tests.fakes.choices import MemoryChoices
from tests.fakes.ledger import ManualClock, memory_ledger
from tests.people import some_nhs_numbers
from tests.unit.policy.examples import CONSENT, DAY, NOW, TODAY, TYPE1_SET, TYPE1_WITHDRAWN, consent

NUMBERS = some_nhs_numbers(4)
DIGESTER = Digester(bytes(32))
DIGESTS = [DIGESTER.digest(number) for number in NUMBERS]
HEADER = Header(datetime(2025, 6, 1, 8, tzinfo=UTC), TODAY, "by-hand")
PROJECTS = (CONSENT.project_id, "another")
TYPE1, CONSENTS = RegisterKind.TYPE1, RegisterKind.CONSENTS


def type_1_registers() -> st.SearchStrategy[list[Type1Register]]:
    """Some, newest first, of overlapping people."""
    coded = st.builds(
        lambda event, age: replace(event, on=TODAY - age * DAY),
        st.sampled_from((TYPE1_SET, TYPE1_WITHDRAWN)),
        st.integers(0, 2),
    )
    rows = st.builds(Type1Row, st.sampled_from(NUMBERS), st.none() | coded)
    one = st.lists(rows, max_size=4).map(lambda held: Type1Register.of_rows(HEADER, held, DIGESTER))
    return st.lists(one, min_size=1, max_size=4)


def consent_registers() -> st.SearchStrategy[list[ConsentRegister]]:
    """As above."""
    days = st.integers(-1, 2).map(lambda age: TODAY - age * DAY)
    given_consent = st.builds(
        lambda project, covers, day, withdrawn: consent(
            project_id=project, covers_reidentification=covers, given_on=day, withdrawn_on=withdrawn
        ),
        st.sampled_from(PROJECTS),
        st.booleans(),
        days,
        st.none() | days,
    )
    records = st.builds(ConsentRecord, st.sampled_from(NUMBERS), given_consent)
    one = st.lists(records, max_size=4).map(lambda held: ConsentRegister.of_records(HEADER, held, DIGESTER))
    return st.lists(one, min_size=1, max_size=4)


def say(choices: Choices) -> list[object]:
    return [choices.of(digest, project, NOW) for digest in DIGESTS for project in (*PROJECTS, "a third")]


@given(type_1_registers(), st.data())
def test_joined_type_1_registers_say_of_everybody_what_they_said(
    held: list[Type1Register], data: st.DataObject
) -> None:
    since = data.draw(st.integers(0, len(held) - 1))
    newer, parts = held[:since], held[since:]
    before = say(Choices(type1=tuple(held)))
    joined = Type1Register.parse(join_type_1(parts).to_bytes())
    left = [one for one in parts if data.draw(st.booleans())]
    assert say(Choices(type1=(*newer, joined))) == before
    assert say(Choices(type1=(*newer, joined, *left))) == before


@given(consent_registers(), st.data())
def test_joined_consents_say_of_everybody_what_they_said(held: list[ConsentRegister], data: st.DataObject) -> None:
    since = data.draw(st.integers(0, len(held) - 1))
    newer, parts = held[:since], held[since:]
    before = say(Choices(consents=tuple(held)))
    joined = ConsentRegister.parse(join_consents(parts).to_bytes())
    assert say(Choices(consents=(*newer, joined))) == before
    assert say(Choices(consents=(*newer, joined, *parts))) == before


def stored(count: int) -> MemoryChoices:
    """Registers that an operator loaded: somebody sets a Type 1 opt-out, then again and again nothing new is read."""
    store = MemoryChoices()
    for place in range(count):
        event = TYPE1_SET if place == 0 else None
        register = Type1Register.of_rows(HEADER, [Type1Row(NUMBERS[place % 3], event)], DIGESTER)
        store.keep(f"{place + 1:026d}", register)
        store.keep(
            f"{place + 1:026d}", ConsentRegister.of_records(HEADER, [ConsentRecord(NUMBERS[0], CONSENT)], DIGESTER)
        )
    return store


def joining(store: MemoryChoices, **changes: object) -> Joining:
    made = Joining(memory_ledger(ManualClock(NOW)), store, "trace", NOW, together=3)
    return replace(made, **changes)


def names(store: MemoryChoices) -> list[str]:
    return sorted(store.listed(TYPE1, 100))


def test_the_oldest_become_one_and_the_ledger_names_them() -> None:
    store = stored(5)
    before, at = say(store.load(NOW)), joining(store)
    assert at.run(TYPE1) == 3
    assert names(store) == [f"{3:026d}{SUFFIX}", f"{4:026d}", f"{5:026d}"]
    assert say(store.load(NOW)) == before
    (event,) = at.log.read(StreamId(f"register/{3:026d}{SUFFIX}"))
    assert (event.type, event.data["parts"]) == (CHOICES_JOINED, [f"{place:026d}" for place in (1, 2, 3)])
    assert len(store.listed(CONSENTS, 100)) == 5


def test_a_joined_register_is_joined_again_in_its_turn() -> None:
    store = stored(5)
    at = joining(store)
    before = say(store.load(NOW))
    assert [at.run(TYPE1) for _ in range(3)] == [3, 3, 0]
    assert names(store) == [f"{5:026d}{SUFFIX}"]
    assert say(store.load(NOW)) == before


def test_few_are_left_as_they_are() -> None:
    store = stored(2)
    assert joining(store).run(TYPE1) == 0
    assert names(store) == [f"{1:026d}", f"{2:026d}"]


def test_a_register_that_is_hardly_there_is_left_alone() -> None:
    store = stored(3)
    soon = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=59)
    assert joining(store, now=soon).run(TYPE1) == 0


def test_answers_of_the_opt_out_service_are_never_joined() -> None:
    assert joining(stored(5)).run(RegisterKind.OPT_OUTS) == 0


@pytest.mark.parametrize("done", range(4))
def test_a_join_cut_short_anywhere_is_finished_by_the_next(done: int) -> None:
    store = stored(4)
    before = say(store.load(NOW))
    at = joining(store)
    store.until_fault = done
    with pytest.raises(ChoicesUnavailableError):
        at.run(TYPE1)
    store.until_fault = None
    assert say(store.load(NOW)) == before
    at.run(TYPE1)
    assert names(store) == [f"{3:026d}{SUFFIX}", f"{4:026d}"]
    assert say(store.load(NOW)) == before


def other() -> Type1Register:
    return Type1Register.of_rows(HEADER, [Type1Row(NUMBERS[3], TYPE1_SET)], DIGESTER)


def test_a_register_that_stands_there_under_the_name_is_not_put_to_use() -> None:
    store = stored(4)
    store.keep(f"{3:026d}{SUFFIX}", other())
    refused(store, joining(store))


def test_a_part_that_changed_since_it_was_logged_is_not_put_to_use() -> None:
    store = stored(4)
    at = joining(store)
    store.until_fault = 0
    with pytest.raises(ChoicesUnavailableError):
        at.run(TYPE1)
    store.until_fault = None
    store.kept[TYPE1, f"{1:026d}"] = other()
    refused(store, at)


def refused(store: MemoryChoices, at: Joining) -> None:
    kept = names(store)
    with pytest.raises(RegisterChangedError):
        at.run(TYPE1)
    assert names(store) == kept
