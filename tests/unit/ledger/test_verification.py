"""The offline verifier: a whole ledger is whole, and every way to damage one is found and named."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from keyholder.cli.audit_verify import verify as verify_command
from keyholder.ledger.event import Event, NewEvent, rfc3339
from keyholder.ledger.journal import Batch, checkpoint_key, journal_key
from keyholder.ledger.merkle import EMPTY
from keyholder.ledger.note import Checkpoint, parse_vkey, sign_note
from keyholder.ledger.verification import (
    BrokenLedgerError,
    Folder,
    UnusableDownloadError,
    batches,
    scan_subject,
    verify,
)
from keyholder.vocabulary import ActorId, StreamId
from tests.fakes.ledger import ORIGIN, ManualClock, Memory, MemorySigner, memory_ledger

KEY = parse_vkey(MemorySigner().vkey())
TAG, OTHER, UNKNOWN = "0a" * 16, "0b" * 16, "0c" * 16
ACTOR = ActorId("person/1")


def build() -> Memory:
    """Four batches, eight events, three streams; the third batch is a release."""
    memory = Memory()
    ledger = memory_ledger(memory=memory)
    ledger.record(StreamId("request/1"), 0, [NewEvent("request.submitted", {})] * 3, actor=ACTOR, trace="t")
    ledger.record(StreamId("request/2"), 0, [NewEvent("request.submitted", {})], actor=ACTOR, trace="t")
    released = {"epoch": "2026", "subjects": {"released": [TAG], "withheld": [OTHER]}}
    mentioned = NewEvent("audit.searched", {"tags": [TAG], "subjects": {"searched": [TAG]}})
    ledger.record(
        StreamId("request/1"), 3, [NewEvent("release.items_released", released), mentioned], actor=ACTOR, trace="t"
    )
    ledger.record(StreamId("request/2"), 1, [NewEvent("request.closed", {})] * 2, actor=ACTOR, trace="t")
    return memory


class Copy:
    """A download on disk that a test may damage."""

    def __init__(self, path: Path) -> None:
        self.path = path
        memory = build()
        now = ManualClock().now()
        self.versions: dict[str, list[dict[str, Any]]] = {}
        for name, body in memory.files().items():
            self.write(name, body)
            self.versions[name] = [
                {"version_id": "v1", "is_delete_marker": False, "last_modified": rfc3339(now), "size": len(body)}
            ]
        self.key = path / "key.vkey"
        self.key.write_text(memory.signer.vkey() + "\n")
        self.save()

    def write(self, name: str, body: bytes) -> None:
        path = self.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(body)

    def read(self, name: str) -> bytes:
        return (self.path / name).read_bytes()

    def change(self, name: str, body: bytes) -> None:
        """Another content, and a listing that agrees with it."""
        self.write(name, body)
        listed = self.versions.setdefault(name, [dict(self.versions[journal_key(1)][0])])
        listed[0]["size"] = len(body)
        self.save()

    def remove(self, name: str) -> None:
        """Gone, and gone from the listing."""
        (self.path / name).unlink()
        del self.versions[name]
        self.save()

    def swap(self, one: str, other: str) -> None:
        """Each under the other's name."""
        first, second = self.read(one), self.read(other)
        self.change(one, second)
        self.change(other, first)

    def save(self) -> None:
        listing = [{"key": key, "versions": versions} for key, versions in self.versions.items()]
        (self.path / "versions.json").write_text(json.dumps(listing))

    def batch(self, number: int) -> Batch:
        return Batch.parse(self.read(journal_key(number)))

    def resign(self, batch: Batch) -> None:
        """What only the holder of the key can do."""
        checkpoint = Checkpoint(ORIGIN, batch.end, batch.root)
        signature = MemorySigner().sign(checkpoint.text().encode())
        self.change(checkpoint_key(batch.end), sign_note(checkpoint.text(), KEY, signature))

    def rewrite(self, number: int, lines: tuple[bytes, ...]) -> None:
        """A batch replaced by other lines and signed by the holder of the key."""
        batch = replace(self.batch(number), lines=lines)
        self.change(journal_key(number), batch.encode())
        self.resign(batch)

    def run(self, *options: str) -> tuple[int, str]:
        result = CliRunner().invoke(verify_command, [str(self.path), "--key", str(self.key), *options])
        assert result.output.count("\n") == 1 or result.exit_code == 2
        return result.exit_code, result.output


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


def remembered(copy: Copy, size: int) -> str:
    path = copy.path / f"remembered-{size}"
    path.write_bytes(copy.read(checkpoint_key(size)))
    return str(path)


def test_a_whole_ledger_is_whole(copy: Copy) -> None:
    root = copy.batch(4).root.hex()
    assert copy.run() == (0, f"whole: 8 events in 4 batches, root {root}, signed by {ORIGIN}\n")


def test_the_listing_may_be_an_object(copy: Copy) -> None:
    (copy.path / "versions.json").write_text(json.dumps(copy.versions))
    assert copy.run()[0] == 0


@pytest.mark.parametrize("size", [3, 4, 6, 8])
def test_a_whole_ledger_continues_what_was_remembered(copy: Copy, size: int) -> None:
    assert copy.run("--since", remembered(copy, size))[0] == 0


def test_every_altered_byte_is_found(copy: Copy) -> None:
    """Every byte of every object, one bit each: but the nonce of a header, its time, and nothing else."""
    files = {name: copy.read(name) for name in copy.versions}
    for name, body in files.items():
        free: set[int] = set()
        if name.startswith("journal/"):
            nonce, time = body.index(b'"nonce":"') + 9, body.index(b'"at":"') + 6
            free = {*range(nonce, nonce + 32), *range(time, time + 27)}
        for place in range(0, len(body), 3):
            if place not in free:
                copy.write(name, body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :])
                with pytest.raises(BrokenLedgerError) as broken:
                    verify(Folder(copy.path), [KEY])
                assert broken.value.where == name
        copy.write(name, body)


def _line(copy: Copy, number: int, **changes: object) -> bytes:
    return replace(Event.parse(copy.batch(number).lines[0]), **changes).line()  # type: ignore[arg-type]


DAMAGE: dict[str, tuple[Callable[[Copy], object], str]] = {
    "a batch is gone": (lambda copy: copy.remove(journal_key(2)), journal_key(2)),
    "the first batch is gone": (lambda copy: copy.remove(journal_key(1)), journal_key(1)),
    "a checkpoint is gone": (lambda copy: copy.remove(checkpoint_key(4)), checkpoint_key(4)),
    "the newest checkpoint is gone": (lambda copy: copy.remove(checkpoint_key(8)), checkpoint_key(8)),
    "the newest batch is gone": (lambda copy: copy.remove(journal_key(4)), checkpoint_key(8)),
    "all batches are gone": (lambda copy: [copy.remove(journal_key(n)) for n in range(1, 5)], checkpoint_key(3)),
    "a checkpoint of no batch": (
        lambda copy: copy.change(checkpoint_key(5), copy.read(checkpoint_key(4))),
        checkpoint_key(5),
    ),
    "a checkpoint under another size": (
        lambda copy: copy.change(checkpoint_key(4), copy.read(checkpoint_key(3))),
        checkpoint_key(4),
    ),
    "two batches swapped": (
        lambda copy: copy.swap(journal_key(2), journal_key(3)),
        journal_key(2),
    ),
    "a second version": (
        lambda copy: copy.versions[journal_key(2)].append(copy.versions[journal_key(2)][0]),
        journal_key(2),
    ),
    "a delete marker": (
        lambda copy: copy.versions[journal_key(3)].insert(
            0, {**copy.versions[journal_key(3)][0], "is_delete_marker": True}
        ),
        journal_key(3),
    ),
    "only a delete marker": (
        lambda copy: copy.versions.__setitem__(
            journal_key(5), [{**copy.versions[journal_key(1)][0], "is_delete_marker": True, "size": None}]
        ),
        journal_key(5),
    ),
    "a file that is not in the bucket": (lambda copy: copy.write(journal_key(5), b"x"), journal_key(5)),
    "a file that is not in the download": (lambda copy: (copy.path / journal_key(2)).unlink(), journal_key(2)),
    "a file of another size": (
        lambda copy: copy.versions[journal_key(2)][0].__setitem__("size", 7),
        journal_key(2),
    ),
    "a foreign file": (lambda copy: copy.change("journal/readme", b"x"), "journal/readme"),
    "written long after it says": (
        lambda copy: copy.versions[journal_key(2)][0].__setitem__(
            "last_modified", rfc3339(ManualClock().now() + timedelta(hours=1))
        ),
        journal_key(2),
    ),
    "written before it says": (
        lambda copy: copy.versions[journal_key(2)][0].__setitem__(
            "last_modified", rfc3339(ManualClock().now() - timedelta(minutes=2))
        ),
        journal_key(2),
    ),
    "an event left out by the holder of the key": (
        lambda copy: copy.rewrite(4, copy.batch(4).lines[1:]),
        journal_key(4),
    ),
    "a batch rewritten by the holder of the key, without those after it": (
        lambda copy: copy.rewrite(2, (_line(copy, 2, trace="another"),)),
        journal_key(3),
    ),
    "an event twice": (lambda copy: copy.rewrite(4, copy.batch(4).lines * 2), journal_key(4)),
    "a stream out of order": (lambda copy: copy.rewrite(4, copy.batch(4).lines[::-1]), journal_key(4)),
    "a stream that begins in the middle": (
        lambda copy: copy.rewrite(4, (_line(copy, 4, stream=StreamId("request/9")),)),
        journal_key(4),
    ),
    "something that is no event": (lambda copy: copy.rewrite(4, (b"{}",)), journal_key(4)),
    "an event in another form": (
        lambda copy: copy.rewrite(4, (copy.batch(4).lines[0].replace(b":", b": ", 1),)),
        journal_key(4),
    ),
    "a leaf too long for the log": (lambda copy: copy.rewrite(4, (b"x" * 65_536,)), journal_key(4)),
    "a checkpoint nobody signed": (
        lambda copy: copy.change(checkpoint_key(8), copy.read(checkpoint_key(8)).replace(b"wAA", b"wAB")[:-30] + b"\n"),
        checkpoint_key(8),
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_found_and_named(copy: Copy, name: str) -> None:
    damage, where = DAMAGE[name]
    damage(copy)
    copy.save()
    code, words = copy.run()
    assert code == 6, words
    assert words.startswith(f"broken: {where}")
    assert ("delete marker" in words) == ("delete marker" in name)


def test_a_ledger_cut_off_is_whole_by_itself_but_not_for_who_remembers(copy: Copy) -> None:
    since = remembered(copy, 8)
    copy.remove(journal_key(4))
    copy.remove(checkpoint_key(8))
    assert copy.run()[0] == 0
    code, words = copy.run("--since", since)
    assert code == 6
    assert "cut off" in words


def test_a_ledger_rewritten_by_the_holder_of_the_key_is_found_by_who_remembers(copy: Copy) -> None:
    since = remembered(copy, 4)
    rewritten = replace(Event.parse(copy.batch(2).lines[0]), trace="another").line()
    copy.rewrite(2, (rewritten,))
    tree = copy.batch(2).after
    for number in (3, 4):
        batch = replace(copy.batch(number), before=tree)
        copy.change(journal_key(number), batch.encode())
        copy.resign(batch)
        tree = batch.after
    assert copy.run()[0] == 0
    code, words = copy.run("--since", since)
    assert code == 6
    assert "remembered" in words


def test_a_remembered_tree_inside_a_batch_is_compared_too(copy: Copy) -> None:
    lines = copy.batch(1).lines
    for leaves, code in ((lines[:2], None), ((lines[0], b"other"), 6)):
        since = Checkpoint(ORIGIN, 2, EMPTY.extend(leaves).root())
        if code is None:
            assert verify(Folder(copy.path), [KEY], since).events == 8
        else:
            with pytest.raises(BrokenLedgerError):
                verify(Folder(copy.path), [KEY], since)


def test_what_cannot_be_verified_is_not_called_broken_or_whole(copy: Copy, tmp_path: Path) -> None:
    junk = tmp_path / "junk"
    junk.write_text("junk")
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "versions.json").write_text("[]")
    for arguments in (
        [str(copy.path), "--key", str(junk)],
        [str(copy.path), "--key", str(copy.key), "--since", str(junk)],
        [str(copy.path), "--key", str(tmp_path / "none")],
        [str(tmp_path / "none"), "--key", str(copy.key)],
        [str(empty), "--key", str(copy.key)],
        [str(copy.path)],
    ):
        assert CliRunner().invoke(verify_command, arguments).exit_code == 2


@pytest.mark.parametrize(
    "listing",
    [
        "",
        "{",
        "7",
        "[7]",
        '[{"key": "journal/1"}]',
        '[{"key": "a", "versions": []}, {"key": "a", "versions": []}]',
        '{"a": [], "a": []}',
        '{"a": 7}',
        '{"a": [{"version_id": "v", "is_delete_marker": "no", "last_modified": "2026-11-02T09:00:00Z", "size": 1}]}',
        '{"a": [{"version_id": "v", "is_delete_marker": false, "last_modified": 7, "size": 1}]}',
    ],
)
def test_a_listing_that_is_none_cannot_be_used(copy: Copy, listing: str) -> None:
    (copy.path / "versions.json").write_text(listing)
    assert copy.run()[0] == 2
    (copy.path / "versions.json").unlink()
    with pytest.raises(UnusableDownloadError):
        verify(Folder(copy.path), [KEY])


def test_a_subject_is_found_where_they_were_released_and_nowhere_else(copy: Copy) -> None:
    journal = list(batches(Folder(copy.path)))
    for tags in ([TAG], [OTHER], [TAG, OTHER, UNKNOWN]):
        found = list(scan_subject(journal, tags))
        assert [(one.index, one.event.type) for one in found] == [(4, "release.items_released")]
    assert list(scan_subject(journal, [UNKNOWN])) == []
    assert list(scan_subject(journal, [])) == []
