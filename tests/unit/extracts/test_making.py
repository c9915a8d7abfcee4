"""A file gives what its rows give one call at a time: the same pseudonyms, the same refusals, the same links."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.collection.report import CollectionReport
from keyholder.extracts.making import Counts, Keys, Rules, header, make_part
from keyholder.pseudonyms.deid_columns import COLUMN_OF
from keyholder.pseudonyms.job import ClearRow, Job, Workbench, pseudonymise
from keyholder.pseudonyms.key_ring import OpenedKeys, SecretKey
from keyholder.pseudonyms.row_links import LinkKey
from keyholder.pseudonyms.token import Scheme
from keyholder.vocabulary import ContentHash, IdentifierType
from tests.fakes.key_ring import KeyRingInMemory
from tests.fakes.ledger import ManualClock, memory_ledger
from tests.people import TODAY, some_nhs_numbers
from tests.unit.extracts.world import DIED, DOMAIN, NUMBER, POSTCODE, PROVIDER, Links, Type1, announcement, sheet

PEOPLE = some_nhs_numbers(5)
KINDS = (NUMBER, POSTCODE, DIED)
COLUMNS = ("row_id", "nhs_number", "date_of_death", "postcode", "sex")
BEGAN = date(2021, 7, 1)
CELLS = {
    NUMBER: st.sampled_from([*PEOPLE, "", "9990000019", " 999 000 0018", "\u00b2", "1111111111"]),
    POSTCODE: st.sampled_from(["SW1A 1AA", "zz993vz", "", "nowhere"]),
    DIED: st.sampled_from(["", "2021-06-30", "2021-07-01", "soon", "2026-07-02"]),
}
ROWS = st.lists(st.tuples(*(CELLS[kind] for kind in KINDS)), min_size=1, max_size=9)


@given(ROWS, st.booleans(), st.sampled_from([Scheme.AES_256_SIV_1, Scheme.FF1]))
def test_a_file_and_a_call_make_the_same_of_the_same_rows(
    rows: list[tuple[str, str, str]], began: bool, scheme: Scheme
) -> None:
    domain = replace(DOMAIN, schemes={NUMBER: scheme} if scheme is Scheme.FF1 else {})
    digest_key, type_1, links = SecretKey(b"d" * 32), Type1(frozenset(PEOPLE[:2])), Links()
    bench = Workbench(memory_ledger(ManualClock()), KeyRingInMemory(), digest_key, links, type_1)
    sent = [
        ClearRow(f"{place}", {kind: cell for kind, cell in zip(KINDS, cells, strict=True) if cell})
        for place, cells in enumerate(rows)
    ]
    report = CollectionReport(ContentHash("ab" * 32), BEGAN) if began else None
    job = Job("JOB1", domain.id, sent, "trace", None, report)
    one_by_one = pseudonymise(bench, job, PROVIDER, domain, TODAY)
    assert isinstance(one_by_one, list)

    block = [
        [f"{place}", number, died, postcode, "F" if place % 2 else "=M"]
        for place, (number, postcode, died) in enumerate(rows)
    ]
    told, counts = announcement(sheet(block, COLUMNS), len(block), COLUMNS), Counts()
    with OpenedKeys(KeyRingInMemory()) as opened, LinkKey.derive(digest_key) as link_key:
        keys = Keys(domain.id, domain.active_versions(), domain.schemes, opened, link_key)
        part = make_part(block, told, keys, Rules(type_1, BEGAN if began else None, TODAY), counts)
    read = list(csv.DictReader(io.StringIO((header(told) + part.text).decode(), newline="")))

    assert [row["row_id"] for row in read] == [row.row_id for row in one_by_one if row.refused is None]
    for row in read:
        made = one_by_one[int(row["row_id"])]
        assert {kind: row[COLUMN_OF[kind]] for kind in KINDS if row[COLUMN_OF[kind]]} == dict(made.pseudonyms)
        faults = dict(fault.split(":") for fault in row["faults"].split())
        assert faults == {kind.value: code for kind, code in made.errors.items()}
        assert row["sex"] == ("F" if int(row["row_id"]) % 2 else "'=M")
    (kept,) = links.kept.values()
    assert part.links == kept
    assert counts.rows + sum(counts.refused.values()) == len(rows)
    assert counts.refused == {
        rule: sum(row.refused is rule for row in one_by_one) for rule in {row.refused for row in one_by_one} - {None}
    }
    assert counts.rows_with_errors == sum(bool(row.errors) for row in one_by_one)
    assert sum(counts.pseudonyms.values()) == sum(len(row.pseudonyms) for row in one_by_one)


def test_the_columns_of_the_result_are_the_standards_then_the_clear_ones() -> None:
    columns = ("row_id", "sex", *(kind.value for kind in reversed(IdentifierType)), "lsoa")
    told = announcement(sheet([], columns), 0, columns)
    assert header(told).decode().rstrip().split(",") == ["row_id", *COLUMN_OF.values(), "sex", "lsoa", "faults"]


@pytest.mark.parametrize("clear", ['a"b', "a,b", "a\nb", "'quoted", "@x", ""])
def test_a_clear_cell_stays_what_it_is_and_runs_in_no_spreadsheet(clear: str) -> None:
    block = [["1", PEOPLE[3], "", "", clear]]
    told = announcement(sheet(block, COLUMNS), 1, COLUMNS)
    with OpenedKeys(KeyRingInMemory()) as opened, LinkKey.derive(SecretKey(b"d" * 32)) as link_key:
        keys = Keys(DOMAIN.id, DOMAIN.active_versions(), {}, opened, link_key)
        part = make_part(block, told, keys, Rules(Type1(), None, TODAY), Counts())
    (row,) = csv.DictReader(io.StringIO((header(told) + part.text).decode(), newline=""))
    assert row["sex"] == (f"'{clear}" if clear[:1] in {"'", "@"} else clear)
