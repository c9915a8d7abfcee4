"""Where the figures of one run are kept: one flat JSON object, to which each part of `make bench` adds its own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path


def keep(target: Path, figures: Mapping[str, float]) -> None:
    """Add figures to the file, in the place of earlier ones of the same name."""
    known = json.loads(target.read_text()) if target.exists() else {}
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(known | {key: round(value, 4) for key, value in figures.items()}, indent=2) + "\n")


def print_table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """A table for people: the first column to the left, the others to the right."""
    table = [head, *rows]
    widths = [max(len(row[place]) for row in table) for place in range(len(head))]
    for row in table:
        first, *rest = (
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print("  " + "  ".join((first, *rest)).rstrip())
