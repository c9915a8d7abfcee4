"""`keyholder audit verify`: is a downloaded ledger whole? Offline, with pinned public keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyholder.ledger.note import Checkpoint, NoteError, parse_vkey
from keyholder.ledger.receipt_check import ReceiptCheck
from keyholder.ledger.tile_check import TileCheck
from keyholder.ledger.tiles import CHECKPOINT as PUBLISHED
from keyholder.ledger.verification import (
    BrokenLedgerError,
    Fault,
    Folder,
    Inspector,
    Keys,
    SubjectScan,
    UnusableDownloadError,
)
from keyholder.ledger.verification import verify as verify_ledger

if TYPE_CHECKING:
    from keyholder.timestamps.check import StampCheck

BROKEN = 6
UNUSABLE = 2

VIEW = "view"
"""Where a download has what the view bucket holds of the tiles."""

_REQUIRED = "required "
_TAG = re.compile(r"[0-9a-f]{32}")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)

KEY = click.option(
    "--key",
    "key_file",
    required=True,
    type=_FILE,
    help="The ledger's public key (a verifier key, name+id+base64), kept by you. Several, one a line: one of them must "
    "have signed each checkpoint; a line that begins with 'required ' names one that must have signed every one.",
)


@click.command("verify")
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@KEY
@click.option(
    "--since",
    "since_files",
    multiple=True,
    type=_FILE,
    help="A checkpoint you kept from before: shows whether the ledger was cut off or rewritten since.",
)
@click.option(
    "--receipt",
    "receipt_files",
    multiple=True,
    type=_FILE,
    help="A receipt (tlog-proof) that somebody holds: its act must be where it says, in a ledger that continues it.",
)
@click.option(
    "--stamp",
    "stamp_files",
    multiple=True,
    type=_FILE,
    help="A time-stamp of a checkpoint (RFC 3161): says since when the ledger held what it holds up to there.",
)
@click.option(
    "--authority",
    "authority_file",
    type=_FILE,
    help="The certificates of the authority that made the stamps, its root among them, from itself.",
)
@click.option("--rules", is_flag=True, help="Decide every request, release and key change again, and compare.")
@click.option(
    "--subject",
    "subject_file",
    type=_FILE,
    help="A person's tags, one a line, as 'audit subject --tags' wrote them: every release they were in, or none.",
)
def verify(
    folder: Path,
    key_file: Path,
    since_files: tuple[Path, ...],
    receipt_files: tuple[Path, ...],
    *,
    stamp_files: tuple[Path, ...],
    authority_file: Path | None,
    rules: bool,
    subject_file: Path | None,
) -> None:
    """Check that the ledger in DIR is whole: every event, every root, every signature.

    DIR holds journal/, checkpoint/ and versions.json, as the audit download has them; and view/tile/ and
    view/checkpoint, where the tiles are to be compared too. Needs no network.

    Exit status: 0 whole, 6 broken, 2 the input cannot be verified.
    """
    try:
        keys = read_keys(key_file)
        download = Folder(folder)
        scan = SubjectScan(_tags(subject_file)) if subject_file else None
        receipts = ReceiptCheck(((path.name, path.read_bytes()) for path in receipt_files), keys)
        stamps = _stamps(stamp_files, authority_file, download)
        view = Folder(folder / VIEW)
        published = _published(view, keys)
        tiles = TileCheck(view.tiles(), view.read, published)
        since = [*(keys.open(path.read_bytes()) for path in since_files), *receipts.remembered]
        inspectors: list[Inspector] = [tiles, receipts, *_rules(wanted=rules), *stamps, *([scan] if scan else [])]
        whole = verify_ledger(download, keys, [*since, *([published] if published else [])], inspectors)
    except BrokenLedgerError as broken:
        click.echo(f"broken: {_one_line(broken.where)}: {broken.what} [{broken.fault}]", err=True)
        raise SystemExit(BROKEN) from broken
    except (UnusableDownloadError, NoteError, OSError, UnicodeDecodeError) as unusable:
        click.echo(f"cannot verify: {_one_line(str(unusable))}", err=True)
        raise SystemExit(UNUSABLE) from unusable
    for found in scan.found if scan else ():
        release = found.event.data.get("release_id") or found.event.data.get("access_id")
        click.echo(f"{found.index}\t{found.event.stream}\t{release}\t{found.event.at:%FT%TZ}")
    for stamped in stamps[0].found if stamps else ():
        click.echo(f"{stamped.size}\tstamped {stamped.stamp.at:%FT%TZ}\t{_one_line(stamped.stamp.by)}")
    click.echo(
        f"whole: {whole.events} events in {whole.batches} batches, root {whole.checkpoint.root.hex()}, "
        f"signed by {keys.origin}"
        + (", by the rules" if rules else "")
        + "".join(f"; {words}" for words in _also(len(since_files), len(receipt_files), scan))
    )


def _also(since: int, receipts: int, scan: SubjectScan | None) -> Iterator[str]:
    """What was compared with the ledger beside itself."""
    if since:
        yield f"it continues {_counted(since, 'checkpoint')} that you kept"
    if receipts:
        yield f"{_counted(receipts, 'receipt')} of it"
    if scan:
        yield f"the person is in {_counted(len(scan.found), 'release')}"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _stamps(files: tuple[Path, ...], authority: Path | None, download: Folder) -> list[StampCheck]:
    """Imported only where there is one: the library that reads them is no part of verifying the ledger."""
    if not files:
        return []
    if authority is None:
        raise click.UsageError("--stamp needs --authority: whose stamps count is for you to say.")
    from keyholder.timestamps.check import StampCheck
    from keyholder.timestamps.stamps import StampError, Trust

    try:
        trust = Trust.read(authority.read_bytes())
        return [StampCheck(((path.name, path.read_bytes()) for path in files), trust, download.read)]
    except StampError as cause:
        raise UnusableDownloadError(f"{authority.name}: {cause}") from cause
    except ModuleNotFoundError as missing:
        raise UnusableDownloadError("stamps are read by rfc3161-client, which is not installed") from missing


def _rules(*, wanted: bool) -> list[Inspector]:
    """Imported only where they are wanted: they know the whole domain, and the rest needs the ledger alone."""
    if not wanted:
        return []
    from keyholder.audit.rules import Rules

    return [Rules()]


def read_keys(path: Path) -> Keys:
    """The pinned keys of a file. Raises `NoteError`, `OSError`, `UnicodeDecodeError`."""
    lines = [line.strip() for line in path.read_text("utf-8").splitlines() if line.strip()]
    verifiers = tuple(parse_vkey(line.removeprefix(_REQUIRED)) for line in lines)
    if not verifiers:
        raise NoteError("the key file holds no verifier key")
    required = tuple(key for line, key in zip(lines, verifiers, strict=True) if line.startswith(_REQUIRED))
    return Keys(verifiers, required)


def _published(view: Folder, keys: Keys) -> Checkpoint | None:
    """The checkpoint beside the tiles: a part of the ledger, so one that doesn't verify is a fault of the ledger."""
    note = view.published()
    try:
        return None if note is None else keys.open(note)
    except NoteError as cause:
        raise BrokenLedgerError(PUBLISHED, str(cause), Fault.SIGNATURE) from cause


def _tags(path: Path) -> frozenset[str]:
    tags = frozenset(path.read_text("utf-8").split())
    if not tags or not all(_TAG.fullmatch(tag) for tag in tags):
        raise UnusableDownloadError("a file of tags has 32 hexadecimal digits a line")
    return tags


def _one_line(text: str) -> str:
    """A file's name may hold anything."""
    return text.encode("unicode_escape").decode() if not text.isprintable() else text
