"""Rounds with the mailbox: what is asked for, what comes back, what one that was cut short leaves to the next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyholder.ledger.event import parse_rfc3339
from keyholder.opt_outs.asking import ASK_EVERY, MOST_PEOPLE
from keyholder.opt_outs.book import RegisterChangedError
from keyholder.opt_outs.check_events import EndReason, SendFault
from keyholder.opt_outs.checks import NO_ANSWER_AFTER, OVERDUE_AFTER, Stage
from keyholder.opt_outs.mailbox import (
    MailboxForbiddenError,
    MailboxUnavailableError,
    MessageKind,
    SendRefusedError,
)
from keyholder.opt_outs.round import HANDSHAKE_EVERY
from keyholder.policy.digests import PersonDigest, PersonDigests
from keyholder.policy.opt_outs import cleaned_list, job_created
from keyholder.policy.vocabulary import CheckState
from tests.fakes.mesh import CutShortError
from tests.unit.opt_outs.world import NOW, PEOPLE, World, request_id

A, B, C, D = PEOPLE[:4]
CLEAR, OPTED_OUT, PENDING, FAILED = CheckState.CLEAR, CheckState.OPTED_OUT, CheckState.PENDING, CheckState.FAILED


@pytest.fixture
def world() -> World:
    return World()


def no_number_anywhere(world: World) -> None:
    """Not in the ledger, not in a register."""
    stored = [*world.memory.files().values(), *world.store.kept.values()]
    assert not [number for number in PEOPLE for body in stored if number.encode() in body]


def test_from_list_to_answer(world: World) -> None:
    check = world.asked([A, B], [B, C])
    (letter,) = world.mailbox.sent
    assert letter.body == f"{A},\n{B},\n{C},\n".encode()
    assert (letter.local_id, letter.file_name) == (check.id, "X26KH0001-021126-0001.dat")
    assert ":" not in letter.subject + letter.local_id
    assert world.states((A, B, C, D)) == {A: PENDING, B: PENDING, C: PENDING, D: None}
    assert not world.outbox.lists, "the numbers are gone once they are sent"
    world.mailbox.answer(letter, {B})
    done = world.round()
    assert (done.collected.jobs_created, done.collected.answered) == (1, 1)
    assert world.states((A, B, C, D)) == {A: CLEAR, B: OPTED_OUT, C: CLEAR, D: None}
    assert not world.mailbox.inbox
    assert list(world.store.kept) == [f"{check.id}.mesh"]
    own = [event for event in world.events() if event.stream == f"opt-out-check/{check.id}"]
    assert [event.type.removeprefix("opt_out_check.") for event in own] == ["asked", "sent", "job_created", "answered"]
    assert (own[3].data["clear"], own[3].data["opted_out"]) == (2, 1)
    no_number_anywhere(world)


def test_an_answer_is_dated_by_the_day_it_was_asked_for(world: World) -> None:
    check = world.asked([A])
    world.later(days=2)
    world.mailbox.answer(world.mailbox.sent[0])
    world.round()
    (register,) = world.store.choices().opt_outs
    assert register.header.performed_on == check.performed_on == NOW.date()
    assert register.header.source == "mesh:X26HC999"


def test_a_list_is_in_the_ledger_before_it_is_sent_and_an_answer_before_it_counts(world: World) -> None:
    world.mailbox.fails["send"] = MailboxUnavailableError()
    with pytest.raises(MailboxUnavailableError):
        world.asked([A])
    assert world.types()[-1] == "opt_out_check.asked"
    del world.mailbox.fails["send"]
    world.round()
    world.mailbox.answer(world.mailbox.sent[0])
    world.store.dies_before.add("keep mesh")
    with pytest.raises(CutShortError):
        world.round()
    assert world.types()[-1] == "opt_out_check.answered"
    assert world.states([A]) == {A: PENDING}


def test_it_is_acknowledged_right_after_it_is_stored(world: World) -> None:
    world.asked([A])
    world.mailbox.deliver(cleaned_list([A], set()), world.mailbox.sent[0].local_id)
    world.mailbox.fails["acknowledge"] = MailboxUnavailableError()
    with pytest.raises(MailboxUnavailableError):
        world.round()
    assert world.states([A]) == {A: CLEAR}
    del world.mailbox.fails["acknowledge"]
    assert world.round().collected.discarded == 1
    assert not world.mailbox.inbox


@pytest.mark.parametrize(
    ("body", "why", "line"),
    [
        (b"The file contains one or more invalid NHS Numbers.", EndReason.ERROR_LINE, 1),
        (f"{A},\n{D},\n".encode(), EndReason.FOREIGN_NUMBER, 2),
        (f"{A},\n{B}".encode(), EndReason.TRUNCATED, 2),
        (f"{A},\nx\n".encode(), EndReason.BAD_LINE, 2),
        (f"{A},\n{A},\n".encode(), EndReason.REPEATED_NUMBER, 2),
        (b'{"status": "done"}', EndReason.BAD_MESSAGE, None),
        (job_created("0" * 26), EndReason.OTHER_JOB, None),
    ],
)
def test_what_is_no_cleaned_list_ends_the_check_and_clears_nobody(
    world: World, body: bytes, why: EndReason, line: int | None
) -> None:
    check = world.asked([A, B])
    world.mailbox.deliver(body, check.id)
    assert world.round().collected.ended == 1
    assert (world.check(check).stage, world.check(check).why) == (Stage.ENDED, why)
    assert world.events()[-1].data == {"why": why.value, "line": line}
    assert world.states([A, B]) == {A: FAILED, B: FAILED}
    assert not world.mailbox.inbox
    no_number_anywhere(world)


def test_an_empty_cleaned_list_clears_nobody_and_everybody_opted_out(world: World) -> None:
    """The mailbox proves that no byte is missing."""
    check = world.asked([A, B])
    world.mailbox.deliver(b"", check.id)
    world.round()
    assert world.states([A, B]) == {A: OPTED_OUT, B: OPTED_OUT}


def test_a_duplicate_is_discarded_even_where_it_says_something_else(world: World) -> None:
    check = world.asked([A, B])
    world.mailbox.answer(world.mailbox.sent[0], {B})
    world.mailbox.answer(world.mailbox.sent[0], {A})
    done = world.round()
    assert (done.collected.answered, done.collected.discarded, done.collected.jobs_created) == (1, 2, 1)
    assert world.states([A, B]) == {A: CLEAR, B: OPTED_OUT}
    assert world.check(check).stage is Stage.ANSWERED
    assert not world.mailbox.inbox


def test_a_late_answer_is_put_to_no_use(world: World) -> None:
    check = world.asked([A])
    world.later(days=NO_ANSWER_AFTER.days)
    assert world.round().failed == 1
    assert (world.check(check).why, world.states([A])) == (EndReason.NO_ANSWER, {A: FAILED})
    world.mailbox.answer(world.mailbox.sent[0], created=False)
    assert world.round().collected.discarded == 1
    assert world.events()[-1].data == {"why": "late"}
    assert world.states([A]) == {A: FAILED}


def test_an_answer_after_days_still_counts(world: World) -> None:
    world.asked([A])
    world.later(days=5)
    assert world.round().overdue == 1
    world.mailbox.answer(world.mailbox.sent[0], created=False)
    assert (world.round().collected.answered, world.states([A])) == (1, {A: CLEAR})


def test_a_list_nobody_collected_is_reported_and_failed(world: World) -> None:
    check = world.asked([A])
    world.later(days=5)
    world.mailbox.report(world.mailbox.sent[0])
    world.round()
    assert (world.check(check).why, world.states([A])) == (EndReason.UNDELIVERED, {A: FAILED})
    assert not world.mailbox.inbox


def test_a_report_is_known_by_the_message_it_is_about(world: World) -> None:
    check = world.asked([A])
    assert check.message
    world.mailbox.deliver(b"", "", kind=MessageKind.REPORT, sender="", linked_message=check.message)
    world.round()
    assert world.check(check).why is EndReason.UNDELIVERED


@pytest.mark.parametrize(
    "other",
    [
        {"local_id": "0" * 26},
        {"local_id": "somebody else's"},
        {"workflow": "ANOTHER_WORKFLOW"},
        {"sender": "X26OT999"},
    ],
)
def test_a_foreign_message_is_neither_read_nor_acknowledged(world: World, other: dict[str, str]) -> None:
    check = world.asked([A])
    name = world.mailbox.deliver(cleaned_list([A], set()), **{"local_id": check.id, **other})
    for _ in range(2):
        assert world.round().collected.foreign == 1
    assert list(world.mailbox.inbox) == [name]
    assert f"body {name}" not in world.mailbox.log
    assert world.types().count("opt_out_message.left") == 1, "written down once, however often it is seen"
    assert world.states([A]) == {A: PENDING}


@pytest.mark.parametrize("when", ["gone", "gone_meanwhile"])
def test_a_message_that_is_gone_keeps_no_other(world: World, when: str) -> None:
    check = world.asked([A])
    getattr(world.mailbox, when).add(world.mailbox.deliver(b"gone", check.id))
    world.mailbox.answer(world.mailbox.sent[0], created=False)
    done = world.round()
    assert (done.collected.gone, done.collected.answered) == (1, 1)


def test_messages_that_come_while_others_are_read_are_read_too(world: World) -> None:
    check = world.asked([A])
    world.mailbox.deliver(job_created(check.id), check.id)
    whole = world.mailbox.acknowledge

    def and_one_more(message_id: str) -> None:
        whole(message_id)
        world.mailbox.acknowledge = whole  # type: ignore[method-assign]
        world.mailbox.answer(world.mailbox.sent[0], created=False)

    world.mailbox.acknowledge = and_one_more  # type: ignore[method-assign]
    assert world.round().collected.answered == 1


def test_wrong_credentials_stop_the_round_before_anything_is_asked(world: World) -> None:
    world.mailbox.fails["handshake"] = MailboxForbiddenError()
    world.listed(1, [A])
    with pytest.raises(MailboxForbiddenError):
        world.round()
    assert world.mailbox.log == ["handshake"]
    assert not world.checks()
    assert world.outbox.lists, "the list waits for the next round"


def test_one_handshake_a_day(world: World) -> None:
    for _ in range(int(timedelta(hours=48) / timedelta(minutes=10))):
        world.round()
        world.later(minutes=10)
    said = world.turn.said
    assert len(said) == 3
    assert all(HANDSHAKE_EVERY <= after - before <= timedelta(hours=24) for before, after in pairwise(said))


def test_a_refused_list_is_tried_until_its_numbers_are_gone(world: World) -> None:
    world.mailbox.fails["send"] = SendRefusedError(SendFault.RECIPIENT_UNKNOWN)
    world.listed(1, [A])
    for _ in range(3):
        assert world.round().sent == 0
        world.later(minutes=10)
    (check,) = world.checks()
    assert (check.stage, check.refused) == (Stage.ASKED, SendFault.RECIPIENT_UNKNOWN)
    assert world.types().count("opt_out_check.send_refused") == 1
    world.later(hours=21)
    assert world.removed() == 1
    assert not world.outbox.lists
    world.round()
    assert world.check(check).why is EndReason.LISTS_GONE
    assert world.states([A]) == {A: FAILED}


def test_a_sending_nobody_confirmed_is_repeated_and_the_second_answer_discarded(world: World) -> None:
    whole = world.mailbox.send

    def lost(letter: object) -> str:
        whole(letter)  # type: ignore[arg-type]
        raise MailboxUnavailableError

    world.mailbox.send = lost  # type: ignore[method-assign]
    with pytest.raises(MailboxUnavailableError):
        world.asked([A, B])
    world.mailbox.send = whole  # type: ignore[method-assign]
    world.mailbox.answer(world.mailbox.sent[0], {B})
    done = world.round()
    # The answer came to a list whose sending was never confirmed: it is not sent again.
    assert (done.collected.answered, done.sent, len(world.mailbox.sent)) == (1, 0, 1)
    assert not world.outbox.lists


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("what", ["keep asked", "keep mesh", "remove asked", "keep failed"])
def test_a_round_cut_short_anywhere_is_finished_by_the_next(world: World, what: str, when: str) -> None:
    """And ends with the same registers as if it had not been."""
    if (what, when) == ("remove asked", "after"):
        return
    getattr(world.store, f"dies_{when}").add(what)

    def rounds() -> int:
        died = 0
        for _ in range(3):
            try:
                world.round()
            except CutShortError:
                died += 1
        return died

    world.listed(1, [A, B])
    died = rounds()
    (check,) = world.checks()
    if what == "keep failed":
        world.mailbox.refuse(world.mailbox.sent[0])
        expected = {A: FAILED, B: FAILED}
    else:
        world.mailbox.answer(world.mailbox.sent[0], {B})
        expected = {A: CLEAR, B: OPTED_OUT}
    died += rounds()
    assert died == 1
    assert world.states([A, B]) == expected
    assert [name.partition(".")[2] for name in world.store.kept] == ["failed" if what == "keep failed" else "mesh"]
    assert not world.mailbox.inbox
    assert not world.check(check).open


def test_another_message_is_no_substitute_for_the_answer_the_ledger_names(world: World) -> None:
    """It died between the ledger and the store; a duplicate that says something else comes first."""
    check = world.asked([A, B])
    world.mailbox.answer(world.mailbox.sent[0], {B}, created=False)
    world.store.dies_before.add("keep mesh")
    with pytest.raises(CutShortError):
        world.round()
    inbox, world.mailbox.inbox = world.mailbox.inbox, {}
    world.mailbox.answer(world.mailbox.sent[0], set(), created=False)
    assert world.round().collected.held == 1
    assert world.states([A, B]) == {A: PENDING, B: PENDING}
    world.mailbox.inbox |= inbox
    world.round()
    assert world.states([A, B]) == {A: CLEAR, B: OPTED_OUT}
    assert world.check(check).stage is Stage.ANSWERED


def test_a_register_that_was_exchanged_judges_nothing(world: World) -> None:
    check, other = world.asked([A]), World()
    name = f"{other.asked([B]).id}.asked"
    world.store.kept[f"{check.id}.asked"] = other.store.kept[name]
    world.mailbox.answer(world.mailbox.sent[0], created=False)
    world.round()
    assert world.check(check).why is EndReason.REGISTER_LOST
    assert world.states([A]) == {A: None}


def test_a_list_that_changed_under_its_id_is_not_sent(world: World) -> None:
    world.mailbox.fails["send"] = MailboxUnavailableError()
    with pytest.raises(MailboxUnavailableError):
        world.asked([A])
    (name,) = world.outbox.lists
    world.outbox.put(name, {B})
    del world.mailbox.fails["send"]
    with pytest.raises(RegisterChangedError):
        world.round()
    assert not world.mailbox.sent


def test_lists_wait_for_each_other_an_hour(world: World) -> None:
    world.asked([A])
    world.later(minutes=10).listed(2, [B])
    assert world.round().sent == 0
    world.later(minutes=20).listed(3, [C])
    assert world.round().sent == 0
    world.later(minutes=30)
    assert world.round().sent == 1
    assert world.mailbox.sent[1].body == f"{B},\n{C},\n".encode()
    assert world.mailbox.sent[1].file_name.endswith("-0002.dat")
    asked = [check.asked_at for check in world.checks()]
    assert asked[1] - asked[0] >= ASK_EVERY


def test_too_many_people_are_asked_about_in_several_lists(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keyholder.opt_outs.asking.MOST_PEOPLE", 3)
    for number, people in enumerate(([A, B], [B, C], [D], [A]), 1):
        world.listed(number, people)
    assert world.round().sent == 2
    assert [letter.body.count(b"\n") for letter in world.mailbox.sent] == [3, 2]
    assert MOST_PEOPLE == 100_000


def test_after_an_error_line_each_request_is_asked_alone(world: World) -> None:
    """So that one extract's bad number does not hold up everybody else's checks."""
    world.asked([A], [B, C])
    world.mailbox.refuse(world.mailbox.sent[0])
    world.round()
    world.later(hours=2)
    for number, people in enumerate(([A], [B, C], [D]), 1):
        world.listed(number, people)
    assert world.round().sent == 3
    assert sorted(letter.body for letter in world.mailbox.sent[1:]) == [
        f"{A},\n".encode(),
        f"{B},\n{C},\n".encode(),
        f"{D},\n".encode(),
    ]


def test_of_two_people_with_one_digest_neither_is_asked_about(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.unit.opt_outs.world.DIGESTER", _OneDigestForTwo())
    world.listed(1, [A, B, C])
    world.round()
    assert world.mailbox.sent[0].body == f"{C},\n".encode()
    assert world.checks()[0].people == 1


class _OneDigestForTwo:
    def digest(self, number: str) -> PersonDigest:
        return PersonDigest(b"same-one" if number in (A, B) else number[2:].encode())

    def digests(self, numbers: Sequence[str]) -> PersonDigests:
        return PersonDigests(b"".join(map(self.digest, numbers)))


@settings(max_examples=60)
@given(st.data())
def test_whatever_comes_in_whatever_order_clears_only_whom_the_service_cleared(data: st.DataObject) -> None:
    world = World()
    asked = data.draw(st.lists(st.sampled_from(PEOPLE), min_size=1, unique=True))
    opted_out = frozenset(data.draw(st.lists(st.sampled_from(asked), unique=True)))
    check = world.asked(asked)
    good = cleaned_list(sorted(asked), opted_out)
    bodies = data.draw(
        st.lists(
            st.one_of(
                st.just(good),
                st.just(job_created(check.id)),
                st.integers(0, len(good)).map(lambda cut: good[:cut]),
                st.binary(max_size=30),
            ),
            max_size=5,
        )
    )
    for body in bodies:
        world.mailbox.deliver(body, data.draw(st.sampled_from([check.id, check.id, "0" * 26, ""])))
    for _ in range(data.draw(st.integers(1, 3))):
        world.round()
        world.later(hours=data.draw(st.integers(0, 60)))
    cleared = {number for number, state in world.states().items() if state is CLEAR}
    assert cleared <= set(asked)
    # A list that was cut between two lines can't be told from one with more opt-outs: it clears fewer, never more.
    assert not cleared & opted_out
    assert all(any(f"{number},".encode() in body for body in bodies) for number in cleared)
    no_number_anywhere(world)


def test_the_request_s_people_are_asked_for_when_they_are_due(world: World) -> None:
    world.requests.opened = [request_id(1)]
    assert (world.round().listed, world.requests.asked) == (1, [request_id(1)])
    world.listed(1, [A])
    world.later(minutes=10)
    assert world.round().listed == 0
    world.mailbox.answer(world.mailbox.sent[0])
    world.later(minutes=10)
    assert world.round().listed == 0
    world.later(hours=15)
    assert (world.round().listed, len(world.requests.asked)) == (1, 2), "the next London day"


def test_what_is_overdue_failed_or_going_stale_is_counted(world: World) -> None:
    world.requests.opened = [request_id(1)]
    world.asked([A])
    done = world.later(hours=5).round()
    assert (done.overdue, done.failed, done.going_stale) == (0, 0, 0)
    assert world.later(hours=2).round().going_stale == 1
    assert world.later(hours=OVERDUE_AFTER / timedelta(hours=1)).round().overdue == 1
    world.mailbox.refuse(world.mailbox.sent[0])
    done = world.round()
    assert (done.overdue, done.failed, done.going_stale) == (0, 1, 1)
    assert world.later(hours=24).round().failed == 0


def test_times_in_the_ledger_are_the_rounds(world: World) -> None:
    check = world.asked([A])
    assert check.asked_at == parse_rfc3339("2026-11-02T09:30:00.000000Z")
