"""Batches: one byte form, and a header that follows from the leaves."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyholder.ledger.journal import (
    CHECKPOINTS,
    JOURNAL,
    Batch,
    JournalError,
    checkpoint_key,
    journal_key,
    key_number,
)
from keyholder.ledger.merkle import EMPTY

AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
LINES = st.lists(st.binary(min_size=1, max_size=20).filter(lambda line: b"\n" not in line), min_size=1, max_size=20)


def batch(before: int = 3, lines: tuple[bytes, ...] = (b"c", b"d")) -> Batch:
    return Batch(2, EMPTY.extend([b"a"] * before), lines, "0123", AT)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 70), LINES)
def test_a_batch_reads_back(before: int, lines: list[bytes]) -> None:
    written = batch(before, tuple(lines))
    read = Batch.parse(written.encode())
    assert read == written
    assert (read.start, read.end) == (before, before + len(lines))
    assert read.root == EMPTY.extend([b"a"] * before).extend(lines).root()


def test_the_header_says_what_the_format_says() -> None:
    header = json.loads(batch().encode().split(b"\n")[0])
    assert header == {
        "n": 2,
        "start": 3,
        "end": 5,
        "prev_root": EMPTY.extend([b"a"] * 3).root().hex(),
        "root": EMPTY.extend([b"a", b"a", b"a", b"c", b"d"]).root().hex(),
        "frontier": [value.hex() for value in EMPTY.extend([b"a"] * 3).hashes],
        "nonce": "0123",
        "at": "2026-11-02T09:00:00.000000Z",
    }


def test_no_altered_byte_is_accepted_but_in_a_nonce_a_time_or_a_number() -> None:
    body = batch().encode()
    free = {body.index(b'"nonce":"') + 9 + place for place in range(4)}
    time = body.index(b'"at":"') + 6
    free |= set(range(time, time + 27)) | {body.index(b'"n":') + 4}
    for place in range(len(body)):
        if place in free:
            continue
        altered = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
        with pytest.raises(JournalError):
            Batch.parse(altered)


@pytest.mark.parametrize(
    "damage",
    [
        lambda body: body[:-1],
        lambda body: body + b"\n",
        lambda body: body + b"e\n",
        lambda body: body.replace(b"\nc\n", b"\n"),
        lambda body: body.replace(b"\nc\nd\n", b"\nd\nc\n"),
        lambda body: body.replace(b"\nc\nd\n", b"\n"),
        lambda body: body.replace(b'{"at"', b'{ "at"'),
        lambda body: body.replace(b'"n":2', b'"n":0'),
        lambda body: body.replace(b'"n":2', b'"n":true'),
        lambda body: body.replace(b'"n":2', b'"n":2,"n":2'),
        lambda body: body.replace(b'"n":2', b'"m":2,"n":2'),
        lambda body: body.replace(b'"start":3', b'"start":2'),
        lambda body: body.replace(b'"start":3', b'"start":-3'),
        lambda body: body.replace(b'"start":3', b'"start":[]'),
        lambda body: body.replace(b'"nonce":"0123"', b'"nonce":7'),
        lambda body: body.replace(b'"at":"2026', b'"at":"x'),
        lambda body: body.replace(b"Z", b"+00:00"),
        lambda _body: b"",
        lambda _body: b"[]\nx\n",
        lambda _body: b"[" * 100_000 + b"\nx\n",
    ],
)
def test_what_contradicts_itself_is_refused(damage: Callable[[bytes], bytes]) -> None:
    body = batch().encode()
    damaged = damage(body)
    assert damaged != body
    with pytest.raises(JournalError):
        Batch.parse(damaged)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(junk: bytes) -> None:
    with pytest.raises(JournalError):
        Batch.parse(junk)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=40), st.data())
def test_any_bytes_are_refused_or_a_batch_in_its_one_form(junk: bytes, data: st.DataObject) -> None:
    """Pieces of a real batch with something else between them; only what names no leaf may differ and be accepted."""
    whole = batch().encode()
    low = data.draw(st.integers(0, len(whole)))
    high = data.draw(st.integers(low, min(len(whole), low + 40)))
    candidate = whole[:low] + junk + whole[high:]
    try:
        found = Batch.parse(candidate)
    except JournalError:
        return
    assert found.encode() == candidate
    assert (found.before, found.root) == (batch().before, batch().root)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(st.text(max_size=40), st.from_regex(r"(journal|checkpoint)/[0-9]{18,22}\n?")))
def test_any_text_is_refused_or_the_one_name_of_a_batch(name: str) -> None:
    for prefix, key in ((JOURNAL, journal_key), (CHECKPOINTS, checkpoint_key)):
        try:
            assert key(key_number(name, prefix)) == name
        except JournalError:
            continue


def test_names_sort_as_their_numbers_and_read_back() -> None:
    assert journal_key(7) == "journal/00000000000000000007"
    assert checkpoint_key(10**19) == "checkpoint/10000000000000000000"
    assert sorted([journal_key(10), journal_key(9)]) == [journal_key(9), journal_key(10)]
    assert key_number(journal_key(7), JOURNAL) == 7
    assert key_number(checkpoint_key(9), CHECKPOINTS) == 9


@pytest.mark.parametrize("name", ["journal/7", "checkpoint/00000000000000000007", "journal/0000000000000000000x", ""])
def test_other_names_are_foreign(name: str) -> None:
    with pytest.raises(JournalError):
        key_number(name, JOURNAL)
