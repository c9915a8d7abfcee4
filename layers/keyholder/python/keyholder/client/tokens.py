"""Pseudonyms checked without a key and without a call: what is mistyped, what stands twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from keyholder.pseudonyms.token import Malformed, Token


@dataclass(frozen=True, slots=True)
class ColumnCheck:
    """A column's count. `faults` maps the reason of a malformed pseudonym to the lines it stands on, never its text."""

    column: str
    cells: int
    empty: int
    good: int
    repeated: int
    types: dict[str, int]
    key_versions: dict[str, int]
    faults: dict[str, tuple[int, ...]]

    @property
    def whole(self) -> bool:
        return not self.faults


def check_column(column: str, cells: Iterable[str]) -> ColumnCheck:
    """Checks a column; the first cell is on line 2, below the header."""
    types: Counter[str] = Counter()
    versions: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    faults: dict[str, list[int]] = {}
    count = empty = 0
    for line, cell in enumerate(cells, 2):
        count += 1
        if not cell.strip():
            empty += 1
            continue
        token = Token.parse(cell.strip())
        if isinstance(token, Malformed):
            faults.setdefault(token.reason.value, []).append(line)
            continue
        types[token.identifier_type.value] += 1
        versions[str(token.key_version)] += 1
        seen[str(token)] += 1
    return ColumnCheck(
        column=column,
        cells=count,
        empty=empty,
        good=types.total(),
        repeated=sum(times - 1 for times in seen.values()),
        types=dict(types),
        key_versions=dict(versions),
        faults={reason: tuple(lines) for reason, lines in faults.items()},
    )
