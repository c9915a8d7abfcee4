"""A downloaded ledger becomes a tlog-tiles log, which our own verifier compares with the journal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from keyholder.cli.audit_tiles import FolderViews
from keyholder.ledger.event import NewEvent, rfc3339
from keyholder.ledger.tile_view import TileView
from keyholder.vocabulary import ActorId, StreamId
from tests.fakes.ledger import ManualClock, Memory, memory_ledger
from tests.fakes.logs import SignedLog
from tests.fakes.views import MemoryViews
from tests.unit.cli.test_commands import run


@pytest.fixture
def download(tmp_path: Path) -> Path:
    """As `audit download` leaves it."""
    memory, clock = Memory(), ManualClock()
    ledger = memory_ledger(clock, memory)
    for number in range(3):
        events = [NewEvent("a", {"place": place}) for place in range(150)]
        ledger.record(StreamId(f"request/{number}"), 0, events, actor=ActorId("person/1"), trace="t")
    listed = {}
    for name, body in memory.files().items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(body)
        version = {"version_id": "1", "is_delete_marker": False, "size": len(body)}
        listed[name] = [version | {"last_modified": rfc3339(clock.now())}]
    (tmp_path / "versions.json").write_text(json.dumps(listed))
    (tmp_path / "key").write_text(memory.signer.vkey())
    return tmp_path


def verified(folder: Path) -> int:
    return run("audit", "verify", str(folder), "--key", str(folder / "key")).exit_code


def test_what_was_kept_and_compared_is_said(download: Path) -> None:
    first, *_ = sorted((download / "checkpoint").iterdir())
    since = ["--since", str(first)]
    command = ["audit", "verify", str(download), "--key", str(download / "key")]
    assert run(*command, *since).stdout.endswith("; it continues 1 checkpoint that you kept\n")
    assert run(*command, *since, *since).stdout.endswith("; it continues 2 checkpoints that you kept\n")
    assert "kept" not in run(*command).stdout


def test_tiles_are_made_beside_the_journal_and_belong_to_it(download: Path) -> None:
    for _ in range(2):
        result = run("audit", "tiles", str(download))
        assert result.exit_code == 0, result.stderr
        assert verified(download) == 0
    view = download / "view"
    assert sorted(path.relative_to(view).as_posix() for path in view.rglob("*") if path.is_file()) == [
        "checkpoint",
        "tile/0/000",
        "tile/0/001.p/194",
        "tile/0/001.p/44",
        "tile/1/000.p/1",
        "tile/entries/000",
        "tile/entries/001.p/194",
        "tile/entries/001.p/44",
    ]
    bundle = view / "tile" / "entries" / "000"
    bundle.write_bytes(bundle.read_bytes()[:-1] + b" ")
    assert verified(download) == 6


def test_what_is_no_ledger_makes_no_tiles(tmp_path: Path, download: Path) -> None:
    (download / "journal" / f"{2:020d}").write_bytes(b"{}\nx\n")
    assert run("audit", "tiles", str(download)).exit_code == 6
    (download / "checkpoint" / f"{150:020d}").unlink()
    assert run("audit", "tiles", str(download)).exit_code == 2
    empty = tmp_path / "empty"
    empty.mkdir()
    assert run("audit", "tiles", str(empty)).exit_code == 2


def test_a_folder_keeps_a_bucket_s_promises(tmp_path: Path) -> None:
    log, store, memory = SignedLog.of([100, 200, 300]), FolderViews(tmp_path), MemoryViews()
    for batch in log.batches:
        for one in (store, memory):
            TileView(one, log.notes.get).publish(batch)
    assert store.list("") == memory.list("")
    assert all(store.get(name) == body for name, body in memory.objects.items())
    assert store.get("tile/7/000") is None
    store.delete("tile/7/000")
