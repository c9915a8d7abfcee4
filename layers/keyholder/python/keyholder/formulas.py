"""Cells that a spreadsheet opens without running anything (OWASP, CSV Injection).

A cell that a spreadsheet would take for a formula gets one apostrophe in front of it. So does a cell that begins with
an apostrophe itself, so that taking one apostrophe away always gives the cell back.
"""

from __future__ import annotations

_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "'", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""OWASP's list, the full-width forms of its signs, and the guard itself."""


def guarded(cell: str) -> str:
    """A cell no spreadsheet runs."""
    return f"'{cell}" if cell.startswith(_STARTS) else cell


def unguarded(cell: str) -> str:
    """What `guarded` was given."""
    return cell.removeprefix("'")
