"""Any single change of a whole ledger is found, whoever made it; and no bytes make the verifier fall."""

from __future__ import annotations

import builtins
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from keyholder.audit.rules import Rules
from keyholder.cli.audit_verify import verify as verify_command
from keyholder.ledger.journal import Batch, JournalError, checkpoint_key, journal_key
from keyholder.ledger.note import Checkpoint, Note, Signature, parse_vkey, sign_note
from keyholder.ledger.receipts import Proof
from keyholder.ledger.tile_view import TileView
from keyholder.ledger.verification import BrokenLedgerError, Fault, Version, verify
from tests.fakes.ledger import ORIGIN, MemorySigner
from tests.fakes.views import MemoryViews
from tests.kept_ledger import KEY, Kept, Story

STORY = Story()
WHOLE = STORY.tell()
NAMES = list(WHOLE.names())
JOURNAL = [name for name in NAMES if name.startswith("journal/")]
CHECKPOINTS = [name for name in NAMES if name.startswith("checkpoint/")]
NEWEST = Checkpoint.parse(Note.parse(WHOLE.files[CHECKPOINTS[-1]]).text)
STRANGER = MemorySigner(key=Ed25519PrivateKey.from_private_bytes(bytes(32)))
HANDED_OUT = frozenset({"release.items_released", "emergency.released"})
"""The events that name people by their tags."""


def found(kept: Kept) -> Fault | None:
    """What is wrong, to somebody who remembers the newest checkpoint; None where nothing is."""
    try:
        verify(kept, [KEY], NEWEST, [Rules()])
    except BrokenLedgerError as broken:
        return broken.fault
    return None


def test_the_whole_one_is_whole() -> None:
    assert found(WHOLE) is None


def _lines(change: Callable[[list[bytes], int, int], object]) -> Callable[[Kept, st.DataObject], None]:
    """A change of the lines of a batch, header included."""

    def mutate(kept: Kept, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(JOURNAL))
        lines = kept.files[name].split(b"\n")[:-1]
        place = data.draw(st.integers(0, len(lines) - 1))
        change(lines, place, data.draw(st.integers(0, len(lines) - 1)))
        kept.put(name, b"".join(line + b"\n" for line in lines))

    return mutate


def _swap(lines: list[bytes], one: int, other: int) -> None:
    lines[one], lines[other] = lines[other], lines[one]


def _flip(kept: Kept, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(NAMES))
    body = bytearray(kept.files[name])
    bit = data.draw(st.integers(0, len(body) * 8 - 1))
    body[bit // 8] ^= 1 << bit % 8
    kept.put(name, bytes(body))


def _cut(kept: Kept, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(NAMES))
    kept.put(name, kept.files[name][: data.draw(st.integers(0, len(kept.files[name]) - 1))])


def _drop_object(kept: Kept, data: st.DataObject) -> None:
    kept.remove(data.draw(st.sampled_from(NAMES)))


def _swap_objects(kept: Kept, data: st.DataObject) -> None:
    one, other = data.draw(st.lists(st.sampled_from(NAMES), min_size=2, max_size=2, unique=True))
    first, second = kept.files[one], kept.files[other]
    kept.put(one, second)
    kept.put(other, first)


def _repeat_object(kept: Kept, data: st.DataObject) -> None:
    one, other = data.draw(st.lists(st.sampled_from(NAMES), min_size=2, max_size=2, unique=True))
    kept.put(other, kept.files[one])


def _one_more(kept: Kept, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(NAMES))
    number = data.draw(st.integers(len(JOURNAL) + 1, 10**20 - 1))
    prefix = name.partition("/")[0]
    kept.put(f"{prefix}/{number:020}", kept.files[name], kept.listed[name][0].last_modified)


def _second_version(kept: Kept, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(NAMES))
    kept.listed[name].append(replace(kept.listed[name][0], version_id="v2"))


def _delete_marker(kept: Kept, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(NAMES))
    marker = Version("m", True, kept.listed[name][0].last_modified, 0)
    kept.listed[name] = data.draw(st.sampled_from([[marker], [marker, *kept.listed[name]]]))


def _forge_time(kept: Kept, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(JOURNAL))
    minutes = data.draw(st.sampled_from([-90, -2, 16, 24 * 60]))
    (known,) = kept.listed[name]
    kept.listed[name] = [replace(known, last_modified=known.last_modified + timedelta(minutes=minutes))]


def _forge_size(kept: Kept, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(NAMES))
    kept.listed[name] = [replace(kept.listed[name][0], size=data.draw(st.integers(0, 9)))]


def _cut_off(kept: Kept, data: st.DataObject) -> None:
    for number in range(data.draw(st.integers(1, len(JOURNAL))), len(JOURNAL) + 1):
        kept.remove(checkpoint_key(Batch.parse(kept.files[journal_key(number)]).end))
        kept.remove(journal_key(number))


def _another_key(kept: Kept, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(CHECKPOINTS))
    text = Note.parse(kept.files[name]).text
    key = parse_vkey(STRANGER.vkey())
    forged = sign_note(text, key, STRANGER.sign(text.encode()))
    if data.draw(st.booleans()):
        # Under the name and id of the right key.
        forged = Note(text, (Signature(KEY.name, KEY.key_id, STRANGER.sign(text.encode())),)).encode()
    kept.put(name, forged)


MUTATIONS: dict[str, tuple[Callable[[Kept, st.DataObject], None], set[Fault]]] = {
    "flip a bit": (_flip, {Fault.MALFORMED, Fault.SIGNATURE, Fault.FORK, Fault.TIME}),
    "cut an object": (_cut, {Fault.MALFORMED, Fault.SIGNATURE}),
    "drop a line": (_lines(lambda lines, one, _: lines.pop(one)), {Fault.MALFORMED}),
    "repeat a line": (_lines(lambda lines, one, other: lines.insert(other, lines[one])), {Fault.MALFORMED}),
    "swap lines": (_lines(_swap), {Fault.MALFORMED}),
    "drop an object": (_drop_object, {Fault.MISSING, Fault.FOREIGN_OBJECT}),
    "swap objects": (_swap_objects, {Fault.MALFORMED, Fault.ROOT, Fault.SIGNATURE}),
    "one object in another's place": (_repeat_object, {Fault.MALFORMED, Fault.ROOT, Fault.SIGNATURE}),
    "one object more": (_one_more, {Fault.MISSING, Fault.MALFORMED, Fault.FOREIGN_OBJECT, Fault.ROOT}),
    "a second version": (_second_version, {Fault.SECOND_VERSION}),
    "a delete marker": (_delete_marker, {Fault.DELETE_MARKER}),
    "forge the bucket's time": (_forge_time, {Fault.TIME}),
    "forge a size": (_forge_size, {Fault.LISTING}),
    "cut off": (_cut_off, {Fault.CUT_OFF}),
    "sign with another key": (_another_key, {Fault.SIGNATURE}),
}


@pytest.mark.parametrize("name", MUTATIONS)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_single_change_is_found_and_called_what_it_is(name: str, data: st.DataObject) -> None:
    mutate, faults = MUTATIONS[name]
    kept = WHOLE.copy()
    mutate(kept, data)
    assume(kept.files != WHOLE.files or kept.listed != WHOLE.listed)
    assume(not _only_the_writer_s_note(kept))
    fault = found(kept)
    assert fault in faults


def _only_the_writer_s_note(kept: Kept) -> bool:
    """A header's nonce and time are the writer's word alone: nothing of them is signed, and nothing follows."""
    for name in JOURNAL:
        if kept.files.get(name, b"") != WHOLE.files[name]:
            try:
                changed, was = Batch.parse(kept.files[name]), Batch.parse(WHOLE.files[name])
            except (JournalError, KeyError):
                return False
            return replace(changed, nonce=was.nonce, at=was.at) == was
    return False


# -- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole ledger with its tiles, in a folder."""
    folder = WHOLE.save(tmp_path_factory.mktemp("ledger"))
    views = MemoryViews()
    view = TileView(views, lambda size: WHOLE.files.get(checkpoint_key(size)))
    for batch in WHOLE.batches():
        view.publish(batch)
    for path in views.list(""):
        body = views.get(path)
        assert body is not None
        (folder / "view" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "view" / path).write_bytes(body)
    return folder


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    """A copy to be changed."""
    return Path(shutil.copytree(saved, tmp_path / "ledger"))


def run(folder: Path, *options: str) -> tuple[int, str]:
    done = CliRunner().invoke(verify_command, [str(folder), "--key", str(folder / "key.vkey"), *options])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert done.output.count("\n") == 1, done.output
    return done.exit_code, done.output


def test_everything_at_once(folder: Path) -> None:
    receipt = _receipt(folder, 20)
    since = str(folder / CHECKPOINTS[3])
    code, words = run(folder, "--rules", "--receipt", receipt, "--since", since)
    assert code == 0, words
    assert words.startswith(f"whole: {NEWEST.size} events in {len(JOURNAL)} batches")
    assert "by the rules" in words


def _is_needed(tile: Path) -> bool:
    """Whether the newest checkpoint needs this tile: full, or as wide as the tree is at this level."""
    if not tile.parent.name.endswith(".p"):
        return True
    level = tile.parts[tile.parts.index("tile") + 1]
    width = NEWEST.size >> (0 if level == "entries" else 8 * int(level))
    return tile.name == str(width % 256)


def test_a_tile_that_is_not_made_from_the_journal_is_found(folder: Path) -> None:
    tiles = sorted(path for path in (folder / "view" / "tile").rglob("*") if path.is_file())
    assert len(tiles) > 2
    tiles = [*tiles[:6], *(tile for tile in tiles if _is_needed(tile))]
    for tile in tiles:
        body = tile.read_bytes()
        tile.write_bytes(body[:-1] + bytes([body[-1] ^ 1]))
        code, words = run(folder)
        assert (code, words) == (
            6,
            f"broken: {tile.relative_to(folder / 'view').as_posix()}: is not made from the journal [TILE]\n",
        )
        tile.unlink()
        # An older partial tile may be gone; one that the checkpoint beside it needs may not.
        assert run(folder)[0] == (6 if _is_needed(tile) else 0)
        tile.write_bytes(body)
    beyond = f"{NEWEST.size // 256 + 1:03d}"
    (folder / "view" / "tile" / "0" / beyond).write_bytes(bytes(32 * 256))
    assert "holds more than the journal does [TILE]" in run(folder)[1]
    (folder / "view" / "tile" / "0" / beyond).rename(folder / "view" / "tile" / "0" / "1")
    assert "[TILE]" in run(folder)[1]


def test_a_checkpoint_beside_the_tiles_that_names_another_tree_is_found(folder: Path) -> None:
    published = folder / "view" / "checkpoint"
    text = Checkpoint(ORIGIN, NEWEST.size, bytes(32)).text()
    lied = sign_note(text, KEY, MemorySigner().sign(text.encode()))
    for body, fault in ((b"", "[SIGNATURE]"), (lied, "[REWRITTEN]")):
        published.write_bytes(body)
        code, words = run(folder)
        assert (code, words.endswith(f"{fault}\n")) == (6, True), words


def _receipt(folder: Path, index: int, /, **changes: object) -> str:
    batch = next(batch for batch in WHOLE.batches() if batch.start <= index < batch.end)
    proof = Proof(index, batch.span().inclusion_path(index), WHOLE.files[checkpoint_key(batch.end)])
    path = folder / f"{index}.tlog-proof"
    path.write_text(replace(proof, **changes).encode())  # type: ignore[arg-type]
    return str(path)


def test_a_receipt_is_kept_by_the_ledger_or_breaks_it(folder: Path) -> None:
    for index in (0, 7, NEWEST.size - 1):
        assert run(folder, "--receipt", _receipt(folder, index))[0] == 0
    for changes in ({"index": 8}, {"index": NEWEST.size}, {"path": ()}):
        code, words = run(folder, "--receipt", _receipt(folder, 7, **changes))
        assert (code, words.endswith("[RECEIPT]\n")) == (6, True), words
    text = Note.parse(WHOLE.files[CHECKPOINTS[-1]]).text
    foreign = sign_note(text, parse_vkey(STRANGER.vkey()), STRANGER.sign(text.encode()))
    assert run(folder, "--receipt", _receipt(folder, 7, checkpoint=foreign))[0] == 2


def test_a_receipt_remembers_for_its_holder(folder: Path) -> None:
    """The ledger was rewritten by the holder of the key; one receipt from before shows it."""
    receipt = _receipt(folder, NEWEST.size - 1)
    kept = WHOLE.copy()
    last = kept.batches()[-1]
    lied = replace(last, lines=(*last.lines[:-1], last.lines[-1].replace(b'"trace":"', b'"trace":"other-')))
    text = Checkpoint(ORIGIN, lied.end, lied.root).text()
    kept.put(journal_key(lied.number), lied.encode())
    kept.put(checkpoint_key(lied.end), sign_note(text, KEY, MemorySigner().sign(text.encode())))
    assert lied.lines != last.lines
    shutil.rmtree(folder / "view")
    kept.save(folder)
    assert run(folder)[0] == 0
    code, words = run(folder, "--receipt", receipt)
    assert (code, words.endswith("[REWRITTEN]\n")) == (6, True)


def test_keys_that_are_required_must_have_signed_everything(folder: Path) -> None:
    second = parse_vkey(STRANGER.vkey())
    keys = folder / "key.vkey"
    shutil.rmtree(folder / "view")
    keys.write_text(f"{MemorySigner().vkey()}\n{STRANGER.vkey()}\n")
    assert run(folder)[0] == 0
    keys.write_text(f"{MemorySigner().vkey()}\nrequired {STRANGER.vkey()}\n")
    assert run(folder) == (6, f"broken: checkpoint/{1:020}: no pinned key has signed this note [SIGNATURE]\n")
    both = WHOLE.copy()
    for name in CHECKPOINTS:
        note = Note.parse(WHOLE.files[name])
        more = Signature(second.name, second.key_id, STRANGER.sign(note.text.encode()))
        both.put(name, note.signed_also(more).encode())
    both.save(folder)
    keys.write_text(f"{MemorySigner().vkey()}\nrequired {STRANGER.vkey()}\n")
    assert run(folder)[0] == 0


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_bytes_anywhere_make_the_verifier_fall(folder: Path, data: st.DataObject) -> None:
    """Any file with any content: whole, broken or unusable, in one line."""
    (folder / "since").write_bytes(WHOLE.files[CHECKPOINTS[0]])
    _receipt(folder, 3)
    (folder / "tags").write_text("0a" * 16)
    chosen = data.draw(
        st.sampled_from([JOURNAL[0], CHECKPOINTS[0], "versions.json", "key.vkey", "since", "3.tlog-proof", "tags"])
    )
    path = folder / chosen
    before = path.read_bytes()
    junk = data.draw(
        st.binary(max_size=40)
        | st.sampled_from([b"[" * 100_000, b'{"a":' * 50_000, b"9" * 5_000, before.replace(b"2026", b"0001"), b"\xff"])
        | st.builds(
            lambda place, more: before[:place] + more + before[place + len(more) :],
            st.integers(0, len(before)),
            st.binary(min_size=1, max_size=8),
        )
    )
    path.write_bytes(junk)
    try:
        done = CliRunner().invoke(
            verify_command,
            [
                *(str(folder), "--key", str(folder / "key.vkey"), "--since", str(folder / "since"), "--rules"),
                *("--receipt", str(folder / "3.tlog-proof"), "--subject", str(folder / "tags")),
            ],
        )
        assert done.exit_code in (0, 2, 6), done.output
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        assert "Traceback" not in done.output
    finally:
        path.write_bytes(before)


def test_what_is_no_file_is_not_read(folder: Path) -> None:
    (folder / JOURNAL[3]).unlink()
    (folder / JOURNAL[3]).mkdir()
    assert run(folder)[0] == 2
    (folder / "checkpoint" / "two\nlines").write_bytes(b"")
    assert run(folder)[0] in (2, 6)


def test_a_person_s_tags_are_looked_up_in_the_verified_ledger(folder: Path) -> None:
    tags, every = folder / "tags", sum(event.type in HANDED_OUT for event in WHOLE.events())
    assert every > 4
    for text, count in (("0a" * 16, every), ("0a" * 16 + "\n" + "cc" * 16, every), ("cc" * 16, 0)):
        tags.write_text(text)
        done = CliRunner().invoke(
            verify_command, [str(folder), "--key", str(folder / "key.vkey"), "--subject", str(tags)]
        )
        assert done.exit_code == 0
        *found, last = done.output.splitlines()
        assert f"the person is in {len(found)} release" in last
        assert len(found) == count
    tags.write_text("")
    assert run(folder, "--subject", str(tags))[0] == 2


def test_it_needs_neither_aws_nor_a_network(folder: Path) -> None:
    """In a process of its own, where boto3 can't be imported and no socket can be made."""
    code = f"""
import builtins, socket, sys
real = builtins.__import__
def imported(name, *more, **options):
    if name.partition('.')[0] in ('boto3', 'botocore', 'httpx', 'aws_lambda_powertools'):
        raise ImportError(name)
    return real(name, *more, **options)
builtins.__import__ = imported
def refused(*_, **__):
    raise OSError('no network')
socket.socket.__init__ = refused
from keyholder.cli.audit_verify import verify
verify([{str(folder)!r}, '--key', {str(folder / "key.vkey")!r}, '--rules', '--receipt', {_receipt(folder, 5)!r}])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.startswith("whole: ")) == (0, True), done.stderr
    assert builtins.__import__
    assert socket.socket
