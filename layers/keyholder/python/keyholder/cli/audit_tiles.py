"""`keyholder audit tiles`: a downloaded ledger as a tlog-tiles log, for tools that are not ours. Offline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from keyholder.cli.audit_verify import BROKEN, UNUSABLE, VIEW
from keyholder.ledger.journal import checkpoint_key
from keyholder.ledger.tile_view import TileView
from keyholder.ledger.tiles import CHECKPOINT
from keyholder.ledger.verification import BrokenLedgerError, Folder, UnusableDownloadError, batches
from keyholder.ledger.views import ViewGapError


class FolderViews:
    """Implements `ledger.views.ViewStore` in a folder."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, key: str) -> bytes | None:
        """The file's bytes, None where there is none."""
        file = self._path / key
        return file.read_bytes() if file.is_file() else None

    def put(self, key: str, body: bytes) -> None:
        """Writes the file, in the place of whatever has this name."""
        file = self._path / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)

    def delete(self, key: str) -> None:
        """Takes the file away, and its folder with the last of them."""
        file = self._path / key
        file.unlink(missing_ok=True)
        if file.parent.is_dir() and not any(file.parent.iterdir()):
            file.parent.rmdir()

    def list(self, prefix: str) -> Sequence[str]:
        """The names of the files below one folder (`prefix` ends with `/`), or of all (an empty `prefix`)."""
        found = (self._path / prefix).rglob("*")
        return sorted(file.relative_to(self._path).as_posix() for file in found if file.is_file())


@click.command("tiles")
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
def tiles(folder: Path) -> None:
    """Make view/checkpoint and view/tile/… in DIR out of its journal, as C2SP tlog-tiles has them.

    Nothing is verified here: 'audit verify' compares them with the journal, and any tlog-tiles client with the
    checkpoint.
    """
    download, store = Folder(folder), FolderViews(folder / VIEW)
    view = TileView(store, lambda size: download.read(checkpoint_key(size)))
    try:
        for batch in batches(download):
            view.publish(batch)
    except (BrokenLedgerError, ViewGapError) as broken:
        click.echo(f"broken: {broken}", err=True)
        raise SystemExit(BROKEN) from broken
    except (UnusableDownloadError, OSError) as unusable:
        click.echo(f"cannot be read: {unusable}", err=True)
        raise SystemExit(UNUSABLE) from unusable
    if store.get(CHECKPOINT) is None:
        click.echo("cannot be read: there is no journal", err=True)
        raise SystemExit(UNUSABLE)
    click.echo(f"Wrote {len(store.list(''))} files to {folder / VIEW}.", err=True)
