"""The exchange with the opt-out service over NHS Digital's own MESH server: assurance cases, and whole rounds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest

from keyholder.adapters.mesh_mailbox import MeshMailbox, open_mailbox
from keyholder.opt_outs.check_events import EndReason, SendFault
from keyholder.opt_outs.checks import NO_ANSWER_AFTER, Stage
from keyholder.opt_outs.mailbox import (
    Letter,
    MailboxError,
    MailboxForbiddenError,
    MailboxUnavailableError,
    MessageKind,
    SendRefusedError,
)
from keyholder.opt_outs.round import Done
from keyholder.policy.vocabulary import CheckState
from tests.fakes.mesh import CORRESPONDENCE, SERVICE
from tests.mesh.sandbox import MeshSandbox
from tests.unit.opt_outs.world import PEOPLE, World

A, B, C = PEOPLE[:3]
CLEAR, OPTED_OUT, PENDING, FAILED = CheckState.CLEAR, CheckState.OPTED_OUT, CheckState.PENDING, CheckState.FAILED
LETTER = Letter("0" * 26, "X26KH0001-021126-0001.dat", "Check for national data opt-outs", f"{A},\n".encode())


@pytest.fixture
def world(sandbox: MeshSandbox) -> Iterator[World]:
    """Everything but MESH in memory, and the real mailbox."""
    made = World()
    with sandbox.mailbox() as mailbox:
        made.mailbox = mailbox  # type: ignore[assignment]
        yield made


def rounds(world: World, count: int = 2) -> list[Done]:
    """Some rounds, ten minutes apart."""
    return [world.later(minutes=10).round() for _ in range(count)]


def left(sandbox: MeshSandbox) -> list[str]:
    """What is in our inbox."""
    with sandbox.mailbox() as mailbox:
        return list(mailbox.waiting())


def body_of(mailbox: MeshMailbox, message: str) -> bytes:
    with mailbox.open(message) as opened:
        assert opened is not None
        return opened.body() or b""


# -- the mailbox ------------------------------------------------------------------------------------------------------


def test_send_list_read_acknowledge(sandbox: MeshSandbox) -> None:
    with sandbox.mailbox() as mailbox:
        mailbox.handshake()
        message = mailbox.send(LETTER)
        (sent,) = sandbox.sent()
        assert sent == {
            "message_id": message,
            "to": SERVICE,
            "workflow": "SPINE_NTT_UPHOLDING",
            "local_id": LETTER.local_id,
            "file_name": LETTER.file_name,
            "subject": LETTER.subject,
            "body": f"{A},\n",
        }
        created, cleaned = mailbox.waiting()
        with mailbox.open(cleaned) as answer:
            assert answer is not None
            envelope = answer.envelope
            assert (envelope.kind, envelope.sender, envelope.local_id) == (MessageKind.DATA, SERVICE, LETTER.local_id)
            assert answer.body() == f"{A},\n".encode()
        assert b'"pending"' in body_of(mailbox, created)
        mailbox.acknowledge(created)
        mailbox.acknowledge(created)
        assert mailbox.waiting() == [cleaned]
        assert sandbox.status(created) == "acknowledged"


@pytest.mark.parametrize(
    "wrong", [{"password": "wrong"}, {"shared_key": "wrong"}, {"mailbox": "X26OT999", "password": "x"}]
)
def test_wrong_credentials_are_403(sandbox: MeshSandbox, wrong: dict[str, str]) -> None:
    with sandbox.mailbox(**wrong) as mailbox:
        for call in (mailbox.handshake, mailbox.waiting, lambda: mailbox.send(LETTER), lambda: body_of(mailbox, "M")):
            with pytest.raises(MailboxForbiddenError) as fault:
                call()
            assert "wrong" not in str(fault.value)
    assert not sandbox.sent()


@pytest.fixture
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What can't be reached is tried once: the client waits longer each time."""
    monkeypatch.setattr("keyholder.adapters.mesh_mailbox.TRIES", 0)


@pytest.mark.usefixtures("once")
def test_without_our_certificate_there_is_no_connection(sandbox: MeshSandbox) -> None:
    with sandbox.mailbox(certificate=None, private_key=None) as mailbox, pytest.raises(MailboxUnavailableError):
        mailbox.handshake()


@pytest.mark.usefixtures("once")
def test_a_server_of_another_authority_is_not_spoken_to(sandbox: MeshSandbox) -> None:
    with sandbox.mailbox(ca=None) as mailbox, pytest.raises(MailboxUnavailableError):
        mailbox.handshake()
    with pytest.raises(ValueError, match="https"):
        open_mailbox("http://127.0.0.1:1", sandbox.credentials, CORRESPONDENCE).__enter__()


def test_an_unknown_recipient_is_417(sandbox: MeshSandbox) -> None:
    with sandbox.mailbox(recipient="X26NOBODY") as mailbox, pytest.raises(SendRefusedError) as refused:
        mailbox.send(LETTER)
    assert refused.value.fault is SendFault.RECIPIENT_UNKNOWN


def test_what_is_not_there_is_no_message(sandbox: MeshSandbox) -> None:
    """404 for what never was, 410 for what can't be had any more."""
    (expired,) = sandbox.put("x", "")
    sandbox.failed(expired)
    with sandbox.mailbox() as mailbox:
        for name in ("0" * 32, expired):
            with mailbox.open(name) as message:
                assert message is None
        mailbox.acknowledge("0" * 32)


def test_a_list_of_600_comes_in_pages_of_500(sandbox: MeshSandbox) -> None:
    ids = sandbox.put("x", "somebody else's", count=600)
    sandbox.put("x", "", workflow="ANOTHER")
    with sandbox.mailbox() as mailbox:
        assert sorted(mailbox.waiting()) == sorted(ids)


def test_a_message_of_many_kilobytes_is_read_whole(sandbox: MeshSandbox) -> None:
    body = "".join(f"{number},\n" for number in PEOPLE * 20_000)
    (name,) = sandbox.put(body, "")
    with sandbox.mailbox() as mailbox:
        assert body_of(mailbox, name) == body.encode()


def test_a_message_in_chunks_is_put_together(sandbox: MeshSandbox) -> None:
    sandbox.plan(silent=True)
    body = f"{A},\n{B},\n{C},\n".encode()
    with sandbox.mailbox(mailbox=SERVICE) as service:
        name = service._client.send_message(
            CORRESPONDENCE.mailbox, body, max_chunk_size=10, workflow_id=CORRESPONDENCE.workflow
        )
    with sandbox.mailbox() as mailbox:
        assert body_of(mailbox, name) == body


@pytest.mark.usefixtures("once")
def test_a_server_that_does_not_answer_is_unavailable(sandbox: MeshSandbox) -> None:
    nowhere = open_mailbox("https://127.0.0.1:9", sandbox.credentials, CORRESPONDENCE)
    with nowhere as mailbox, pytest.raises(MailboxUnavailableError):
        mailbox.handshake()


# -- whole rounds -----------------------------------------------------------------------------------------------------


def test_from_list_to_answer(world: World, sandbox: MeshSandbox) -> None:
    sandbox.plan(opted_out=[B])
    check = world.asked([A, B], [C])
    (sent,) = sandbox.sent()
    assert (sent["local_id"], sent["body"]) == (check.id, f"{A},\n{B},\n{C},\n")
    (done,) = rounds(world, 1)
    assert (done.collected.jobs_created, done.collected.answered) == (1, 1)
    assert world.states((A, B, C)) == {A: CLEAR, B: OPTED_OUT, C: CLEAR}
    assert not left(sandbox)


def test_a_list_with_a_number_the_service_refuses(world: World, sandbox: MeshSandbox) -> None:
    sandbox.plan(refuse=True)
    check = world.asked([A])
    rounds(world)
    assert (world.check(check).why, world.states([A])) == (EndReason.ERROR_LINE, {A: FAILED})
    assert not left(sandbox)


def test_a_cleaned_list_that_was_cut_off_before_it_was_sent(world: World, sandbox: MeshSandbox) -> None:
    sandbox.plan(cut=3)
    check = world.asked([A, B])
    rounds(world)
    assert world.check(check).why is EndReason.TRUNCATED
    assert world.states([A, B]) == {A: FAILED, B: FAILED}


def test_duplicates_are_discarded(world: World, sandbox: MeshSandbox) -> None:
    sandbox.plan(copies=3, opted_out=[B])
    world.asked([A, B])
    (done,) = rounds(world, 1)
    assert (done.collected.jobs_created, done.collected.answered, done.collected.discarded) == (1, 1, 4)
    assert world.states([A, B]) == {A: CLEAR, B: OPTED_OUT}
    assert not left(sandbox)


def test_a_list_nobody_collects_is_reported_after_five_days(world: World, sandbox: MeshSandbox) -> None:
    sandbox.plan(silent=True)
    check = world.asked([A])
    world.later(days=5)
    sandbox.undelivered(sandbox.sent()[0])
    rounds(world)
    assert (world.check(check).why, world.states([A])) == (EndReason.UNDELIVERED, {A: FAILED})
    assert not left(sandbox)


def test_an_answer_that_comes_too_late_is_discarded(world: World, sandbox: MeshSandbox) -> None:
    sandbox.plan(silent=True)
    check = world.asked([A])
    world.later(days=NO_ANSWER_AFTER.days)
    rounds(world, 1)
    assert world.check(check).why is EndReason.NO_ANSWER
    sandbox.put(f"{A},\n", check.id)
    (done,) = rounds(world, 1)
    assert (done.collected.discarded, world.states([A])) == (1, {A: FAILED})
    assert not left(sandbox)


def test_messages_that_are_not_ours_stay(world: World, sandbox: MeshSandbox) -> None:
    sandbox.plan(silent=True)
    check = world.asked([A])
    foreign = sandbox.put(f"{A},\n", "0" * 26) + sandbox.put(f"{A},\n", check.id, sender="X26OT999")
    sandbox.put("x", check.id, workflow="ANOTHER")
    assert [done.collected.foreign for done in rounds(world)] == [2, 2]
    assert sorted(left(sandbox)) == sorted(foreign)
    assert world.states([A]) == {A: PENDING}


def test_wrong_credentials_send_nothing_and_the_right_ones_go_on(sandbox: MeshSandbox) -> None:
    world = World()
    world.listed(1, [A])
    with sandbox.mailbox(password="wrong") as mailbox:
        world.mailbox = mailbox  # type: ignore[assignment]
        with pytest.raises(MailboxForbiddenError):
            world.round()
    assert not sandbox.sent()
    with sandbox.mailbox() as mailbox:
        world.mailbox = mailbox  # type: ignore[assignment]
        rounds(world)
    assert world.states([A]) == {A: CLEAR}


def test_an_unknown_recipient_is_tried_until_somebody_mends_it(sandbox: MeshSandbox) -> None:
    world = World()
    world.listed(1, [A])
    with sandbox.mailbox(recipient="X26NOBODY") as mailbox:
        world.mailbox = mailbox  # type: ignore[assignment]
        rounds(world)
    (check,) = world.checks()
    assert (check.stage, check.refused) == (Stage.ASKED, SendFault.RECIPIENT_UNKNOWN)
    with sandbox.mailbox() as mailbox:
        world.mailbox = mailbox  # type: ignore[assignment]
        rounds(world)
    assert world.states([A]) == {A: CLEAR}


@pytest.mark.parametrize("call", ["handshake", "waiting", "open", "acknowledge", "send"])
def test_a_connection_that_breaks_anywhere_costs_a_round_and_nothing_else(
    world: World, sandbox: MeshSandbox, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.plan(opted_out=[B])
    world.listed(1, [A, B])
    whole = getattr(type(world.mailbox), call)
    broken: list[str] = []

    def breaks(*arguments: object) -> object:
        if broken:
            return whole(*arguments)
        broken.append(call)
        # The call did arrive: only its answer was lost.
        whole(*arguments)
        raise MailboxUnavailableError

    monkeypatch.setattr(type(world.mailbox), call, breaks)
    for _ in range(4):
        with suppress(MailboxError):
            world.later(minutes=10).round()
    assert broken
    assert world.states([A, B]) == {A: CLEAR, B: OPTED_OUT}
    assert len({sent["local_id"] for sent in sandbox.sent()}) == 1
    assert not left(sandbox)
