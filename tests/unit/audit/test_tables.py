"""No cell is run by a spreadsheet, and every cell can be had back."""

from __future__ import annotations

import csv
import io
import json

from hypothesis import example, given
from hypothesis import strategies as st

from keyholder.audit.index import Place
from keyholder.audit.listing import Indexed
from keyholder.audit.tables import EVENT_COLUMNS, as_csv, events_csv, events_ndjson
from keyholder.formulas import guarded, unguarded
from keyholder.ledger.event import Event
from keyholder.ledger.merkle import leaf_hash
from keyholder.vocabulary import ActorId, StreamId
from tests.unit.audit.world import MORNING

DANGEROUS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
CELLS = st.text(alphabet=st.sampled_from([*DANGEROUS, "'", "a", ",", '"', " "]) | st.characters(codec="utf-8"))


@given(CELLS)
@example("'=1+1")
@example("=1+1")
def test_the_guard_is_taken_away_again_by_taking_one_apostrophe(cell: str) -> None:
    assert unguarded(guarded(cell)) == cell
    assert not guarded(cell).startswith(tuple(DANGEROUS))


@given(st.lists(st.tuples(CELLS, CELLS), max_size=5))
@example([("=1+1", "\t@cmd")])
def test_a_table_reads_back_as_it_was(rows: list[tuple[str, str]]) -> None:
    text = as_csv(("a", "b"), rows)
    first, *read = csv.reader(io.StringIO(text, newline=""))
    assert first == ["a", "b"]
    assert [tuple(map(unguarded, row)) for row in read] == rows
    assert not [cell for row in read for cell in row if cell.startswith(tuple(DANGEROUS))]


def test_events_as_lines_and_as_a_table() -> None:
    event = Event(StreamId("request/x"), 1, "a.b", MORNING, ActorId("person/1"), "=1+1", {"code": "=1+1", "n": 2})
    one = Indexed(event, event.line(), Place(7, 3))
    assert events_ndjson([one, one]) == event.line().decode() + "\n" + event.line().decode() + "\n"
    header, row = csv.reader(io.StringIO(events_csv([one], heading=True), newline=""))
    assert header == list(EVENT_COLUMNS)
    told = dict(zip(header, row, strict=True))
    assert (told["index"], told["leaf_hash"]) == ("7", leaf_hash(event.line()).hex())
    assert (told["trace"], json.loads(told["data"])) == ("'=1+1", event.data)
    assert events_csv([one], heading=False).count("\r\n") == 1
