"""Stamps of an authority made here: what it says counts, what anybody else says does not, and no bytes make it fall."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st

from keyholder.cli.audit_verify import verify as verify_command
from keyholder.timestamps.stamps import Question, StampError, Trust, open_stamp, stamp_moment
from tests.fakes.tsa import SHA256, SHA512, Authority
from tests.kept_ledger import Kept, Story

NOTE = b"a checkpoint"
AT = datetime(2026, 11, 26, 12, tzinfo=UTC)
AUTHORITY = Authority()
TRUST = Trust.read(AUTHORITY.pem())
ANSWER = AUTHORITY.answer(NOTE, AT, 7)
_KEPT = Story().tell()


@pytest.mark.parametrize("algorithm", [SHA256, SHA512])
@pytest.mark.parametrize("own", [True, False])
def test_a_stamp_says_what_was_there_and_when(*, algorithm: str, own: bool) -> None:
    pem = AUTHORITY.pem(AUTHORITY.root, AUTHORITY.certificate) if own else AUTHORITY.pem()
    stamp = open_stamp(AUTHORITY.answer(NOTE, AT, 7, algorithm=algorithm), Trust.read(pem), 7)
    assert (stamp.at, stamp.by) == (AT, "CN=Test Authority")
    assert stamp.covers(NOTE)
    assert not stamp.covers(NOTE + b".")
    assert stamp_moment(ANSWER) == AT


def test_the_authoritys_certificate_may_be_known_instead_of_shown() -> None:
    bare = AUTHORITY.answer(NOTE, AT, certificates=[])
    trust = Trust.read(AUTHORITY.pem(AUTHORITY.root, AUTHORITY.certificate))
    assert open_stamp(bare, trust).by == "CN=Test Authority"
    with pytest.raises(StampError):
        open_stamp(bare, TRUST)


def test_a_certificate_that_ran_out_since_still_counts_and_one_that_had_run_out_does_not() -> None:
    old = Authority(days=(AT - timedelta(days=2), AT + timedelta(days=1)))
    trust = Trust.read(old.pem())
    assert open_stamp(old.answer(NOTE, AT), trust).at == AT
    with pytest.raises(StampError):
        open_stamp(old.answer(NOTE, AT + timedelta(days=2)), trust)


@pytest.mark.parametrize(
    ("answer", "nonce"),
    [
        (Authority().answer(NOTE, AT), None),
        (Authority(name="Test Authority").answer(NOTE, AT, certificates=[AUTHORITY.certificate]), None),
        (AUTHORITY.answer(NOTE, AT, 8), 7),
        (AUTHORITY.answer(NOTE, AT), 7),
        (AUTHORITY.answer(NOTE, AT, status=1), None),
        (AUTHORITY.answer(NOTE, AT, status=2), None),
        (b"", None),
        (b"0" * 200_000, None),
    ],
    ids=["a stranger", "a stranger's key", "another question", "no question", "with mods", "refused", "none", "long"],
)
def test_what_no_trusted_authority_said_to_this_question_is_no_stamp(answer: bytes, nonce: int | None) -> None:
    with pytest.raises(StampError):
        open_stamp(answer, TRUST, nonce)


def test_a_certificate_for_something_else_stamps_nothing() -> None:
    server = Authority(usage=ExtendedKeyUsageOID.SERVER_AUTH)
    with pytest.raises(StampError):
        open_stamp(server.answer(NOTE, AT), Trust.read(server.pem()))


def test_another_certificate_of_the_same_root_is_not_the_one_that_was_given() -> None:
    other = Authority(root_key=AUTHORITY.root_key)
    trust = Trust.read(AUTHORITY.pem(AUTHORITY.root, other.certificate))
    with pytest.raises(StampError):
        open_stamp(ANSWER, trust)


@pytest.mark.parametrize("body", [b"", b"-----BEGIN CERTIFICATE-----", AUTHORITY.pem(AUTHORITY.certificate)])
def test_trust_needs_a_root(body: bytes) -> None:
    with pytest.raises(StampError):
        Trust.read(body)
    assert Trust.read(AUTHORITY.root.public_bytes(Encoding.DER)) == TRUST


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_one_changed_byte_is_no_stamp_or_the_same_one(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(ANSWER) - 1))
    changed = bytearray(ANSWER)
    changed[place] ^= data.draw(st.integers(1, 255))
    try:
        stamp = open_stamp(bytes(changed), TRUST)
    except StampError:
        return
    assert (stamp.at, stamp.covers(NOTE)) == (AT, True)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_make_it_fall(body: bytes) -> None:
    for attempt in (lambda: open_stamp(body, TRUST), lambda: Trust.read(body), lambda: stamp_moment(body)):
        with pytest.raises(StampError):
            attempt()


def test_a_question_is_asked_once() -> None:
    first, second = Question.about(NOTE), Question.about(NOTE)
    assert first.nonce != second.nonce
    assert open_stamp(AUTHORITY.answer(NOTE, AT, first.nonce), TRUST, first.nonce).covers(NOTE)


def verified(folder: Path, kept: Kept, stamps: dict[str, bytes], pem: bytes | None = None) -> Result:
    kept.save(folder)
    arguments = [str(folder), "--key", str(folder / "key.vkey")]
    for name, body in stamps.items():
        (folder / name).write_bytes(body)
        arguments += ["--stamp", str(folder / name)]
    (folder / "authority.pem").write_bytes(pem or AUTHORITY.pem())
    return CliRunner().invoke(verify_command, [*arguments, "--authority", str(folder / "authority.pem")])


def a_checkpoint(kept: Kept) -> tuple[int, bytes, datetime]:
    """The size, the note, and when the bucket stored it."""
    name = sorted(name for name in kept.files if name.startswith("checkpoint/"))[3]
    return int(name.split("/")[1]), kept.files[name], kept.listed[name][0].last_modified


def test_the_verifier_says_since_when_the_ledger_held_what_it_holds(tmp_path: Path) -> None:
    kept = _KEPT.copy()
    size, note, at = a_checkpoint(kept)
    moment = (at + timedelta(hours=3)).replace(microsecond=0)
    result = verified(tmp_path, kept, {"day.tsr": AUTHORITY.answer(note, moment)})
    assert result.exit_code == 0, result.output
    assert f"{size}\tstamped {moment:%FT%TZ}\tCN=Test Authority" in result.output


def test_a_stamp_of_a_checkpoint_that_is_not_here_means_that_the_ledger_was_bent(tmp_path: Path) -> None:
    kept = _KEPT.copy()
    _, note, at = a_checkpoint(kept)
    result = verified(tmp_path, kept, {"day.tsr": AUTHORITY.answer(note.replace(b"1", b"2"), at)})
    assert (result.exit_code, result.stderr.count("\n")) == (6, 1)
    assert "no checkpoint is the one that day.tsr stamps [STAMP]" in result.stderr


def test_a_stamp_from_before_its_checkpoint_is_a_lie_about_time(tmp_path: Path) -> None:
    kept = _KEPT.copy()
    _, note, at = a_checkpoint(kept)
    result = verified(tmp_path, kept, {"day.tsr": AUTHORITY.answer(note, at - timedelta(hours=1))})
    assert result.exit_code == 6
    assert "older than what it stamps [TIME]" in result.stderr


@pytest.mark.parametrize("pem", [Authority().pem(), b"no certificate"])
def test_a_stamp_that_proves_nothing_is_unusable(tmp_path: Path, pem: bytes) -> None:
    kept = _KEPT.copy()
    _, note, at = a_checkpoint(kept)
    assert verified(tmp_path, kept, {"day.tsr": AUTHORITY.answer(note, at)}, pem).exit_code == 2


def test_whose_stamps_count_has_to_be_said(tmp_path: Path) -> None:
    _KEPT.copy().save(tmp_path)
    (tmp_path / "day.tsr").write_bytes(ANSWER)
    arguments = [str(tmp_path), "--key", str(tmp_path / "key.vkey"), "--stamp", str(tmp_path / "day.tsr")]
    assert CliRunner().invoke(verify_command, arguments).exit_code == 2
