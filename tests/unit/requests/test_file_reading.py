"""A file of records is the one declared and whole, or is refused with the field and the row."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyholder.registry.domains import Domain, KeyState
from keyholder.requests import file_reading, record_file
from keyholder.requests.content import RequestContent
from keyholder.requests.file_faults import BY_CODE
from keyholder.requests.file_reading import FileRefusedError, Surveyed, in_order, named, parts, survey
from keyholder.requests.record_file import PartLostError, PartRecords
from keyholder.vocabulary import DomainId, IdentifierType
from tests.unit.requests import world
from tests.unit.requests.world import GP, HOSPITAL, a_token

KEYS = {
    IdentifierType.NHS_NUMBER: {1: KeyState.DESTROYED, 2: KeyState.RETIRED, 3: KeyState.ACTIVE},
    IdentifierType.POSTCODE: {1: KeyState.ACTIVE},
}
DOMAINS: Mapping[DomainId, Domain] = {
    GP: replace(world.a_domain(), keys=KEYS),
    HOSPITAL: replace(world.a_domain(HOSPITAL), keys=KEYS),
}


def rows(*lines: str, header: str = "row_id,patient_id_deid") -> bytes:
    return "".join(f"{line}\n" for line in (header, *lines)).encode()


def a_content(body: bytes, *domains: DomainId, **changes: object) -> RequestContent:
    content = world.a_filed_draft(body, *domains).content
    assert content.file
    return replace(content, file=replace(content.file, **changes))  # type: ignore[arg-type]  # a test names the fields


def chunks(body: bytes, size: int = 11) -> Iterator[bytes]:
    yield from (body[start : start + size] for start in range(0, len(body), size))


def surveyed(body: bytes, *domains: DomainId, **changes: object) -> Surveyed:
    return survey(chunks(body), a_content(body, *domains, **changes), DOMAINS)


def refused(body: bytes, *domains: DomainId, **changes: object) -> tuple[str, int | None]:
    with pytest.raises(FileRefusedError) as error:
        surveyed(body, *domains, **changes)
    refusal = error.value.refusal
    assert BY_CODE[refusal.code] is refusal
    assert refusal.field
    assert refusal.field.startswith("/file")
    return refusal.code, error.value.row


GOOD = a_token(1, 3)
CASES = {
    "another length": (rows(f"a,{GOOD}"), {"size": 7}, ("FILE_SIZE_DIFFERS", None)),
    "another file": (rows(f"a,{GOOD}"), {"sha256": "0" * 64}, ("FILE_HASH_DIFFERS", None)),
    "another file that is bad too": (rows("a,"), {"sha256": "0" * 64}, ("FILE_HASH_DIFFERS", None)),
    "not UTF-8": (rows() + b"\xff\n", {}, ("FILE_NOT_UTF_8", None)),
    "not CSV": (rows('a,"open'), {}, ("FILE_NOT_CSV", None)),
    "a cell more": (rows(f"a,{GOOD},b"), {}, ("FILE_CELLS_DIFFER", 1)),
    "no column of the type": (rows("a,b", header="row_id,postcode_deid"), {}, ("FILE_COLUMN_MISSING", None)),
    "a column twice": (rows(header="patient_id_deid,patient_id_deid"), {}, ("FILE_COLUMN_REPEATED", None)),
    "a control character": (rows(f"a,{GOOD}", f"b\x07,{GOOD}"), {}, ("FILE_CONTROL_CHARACTER", 2)),
    "turned writing": (rows(f"a,{GOOD}\u202e"), {}, ("FILE_CONTROL_CHARACTER", 1)),
    "a long cell": (rows("a," + "A" * 1_001), {}, ("FILE_CELL_TOO_LONG", 1)),
    "a row id with a space": (rows(f"a b,{GOOD}"), {}, ("FILE_ROW_ID_FORM", 1)),
    "an NHS number as a row id": (rows(f"9990000018,{GOOD}"), {}, ("FILE_ROW_ID_IDENTIFIER", 1)),
    "a row id twice": (rows(f"a,{GOOD}", f"a,{GOOD}"), {}, ("FILE_ROW_ID_REPEATED", 2)),
    "a row without a pseudonym": (rows(f"a,{GOOD}", "b,"), {}, ("FILE_ROW_EMPTY", 2)),
    "no row": (rows(), {}, ("FILE_WITHOUT_PSEUDONYMS", None)),
    "another domain named": (
        rows(f"{GOOD},{HOSPITAL}", header="patient_id_deid,domain"),
        {},
        ("FILE_DOMAIN_UNDECLARED", 1),
    ),
    "nothing the domain can have made": (rows(f"a,{a_token(1, 9)}"), {}, ("FILE_OF_ANOTHER_DOMAIN", None)),
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_file_that_can_not_be_asked_for_is_refused_with_its_field_and_row(name: str) -> None:
    body, changes, expected = CASES[name]
    assert refused(body, **changes) == expected


def test_of_several_domains_each_row_names_one_that_was_declared_and_each_has_a_row() -> None:
    assert refused(rows(f"a,{GOOD}"), GP, HOSPITAL) == ("FILE_COLUMN_MISSING", None)
    header = "patient_id_deid,domain"
    assert refused(rows(f"{GOOD},{GP}", header=header), GP, HOSPITAL) == ("FILE_DOMAIN_ABSENT", None)
    assert refused(rows(f"{GOOD},", header=header), GP, HOSPITAL) == ("FILE_DOMAIN_UNDECLARED", 1)


def test_one_bad_pseudonym_refuses_no_file_and_is_counted_with_its_row() -> None:
    mistyped = GOOD[:-1] + ("0" if GOOD[-1] != "0" else "1")
    found = surveyed(rows(f"a,{GOOD}", f"b,{mistyped}", "c,not one", f"d,{a_token(2, 9)}", f"e,{a_token(3, 2)}"))
    assert found.bad == {"mistyped": 1, "not_a_token": 1, "other_domain": 1, "key_retired": 1}
    assert found.bad_rows == {"mistyped": (2,), "not_a_token": (3,), "other_domain": (4,), "key_retired": (5,)}


def test_a_pseudonym_in_several_rows_is_counted_once_whatever_its_case() -> None:
    (part,) = surveyed(rows(f"a,{GOOD}", f"b,{GOOD.lower()}", f"c,{a_token(2, 3)}")).given
    assert (part.records, part.pseudonyms, part.distinct) == (3, 3, 2)


def test_one_pseudonym_too_many_is_refused_and_the_last_that_fits_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_reading, "MOST_PSEUDONYMS", 3)
    both = "patient_id_deid,postcode_deid"
    postcodes = [a_token(number, 1, IdentifierType.POSTCODE) for number in range(3)]
    patients = [a_token(number, 3) for number in range(4)]
    assert surveyed(rows(*patients[:3], header="patient_id_deid")).given[0].distinct == 3
    assert refused(rows(*patients, header="patient_id_deid"))[0] == "FILE_TOO_MANY_PSEUDONYMS"
    # Only the types asked for, and the NHS number's, are read.
    pairs = [f"{patients[n]},{postcodes[n]}" for n in range(2)]
    assert surveyed(rows(*pairs, header=both)).given[0].pseudonyms == 2
    # Rows are bounded too, however often a pseudonym comes.
    assert refused(rows(*[patients[0]] * 4, header="patient_id_deid"))[0] == "FILE_TOO_MANY_PSEUDONYMS"


def test_the_limit_is_a_million() -> None:
    """And a million rows and one are refused as such, not by the way they are sent."""
    assert record_file.MOST_PSEUDONYMS == 1_000_000
    body = b"patient_id_deid\n" + b"S\n" * 1_000_001
    assert len(GOOD) * 1_000_001 * len(IdentifierType) <= record_file.MOST_BYTES
    with pytest.raises(FileRefusedError) as error:
        deque(file_reading._Rows(chunks(body, 1 << 20), a_content(body)), maxlen=0)
    assert (error.value.refusal.code, error.value.row) == ("FILE_TOO_MANY_PSEUDONYMS", 1_000_001)


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.sampled_from([GP, HOSPITAL]), st.integers(0, 5)), min_size=1, max_size=12),
    st.integers(1, 40),
)
def test_every_row_comes_back_once_under_its_domain_in_the_order_of_the_file(
    wanted: list[tuple[DomainId, int]], size: int
) -> None:
    wanted = [(GP, 0), (HOSPITAL, 1), *wanted]
    lines = [f"r{place},{a_token(number, 3)},{domain}" for place, (domain, number) in enumerate(wanted)]
    body = rows(*lines, header="row_id,patient_id_deid,domain")
    content = a_content(body, HOSPITAL, GP)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(file_reading, "PART_ROWS", 3)
        kept = {named(part, part.stored()): part.stored() for part in parts(chunks(body, size), content)}
    assert content.file
    back = [
        (part.domain, row_id, cells)
        for part in in_order(content.file, kept)
        for row_id, cells in PartRecords.read(kept[part], part).rows()
    ]
    expected = [
        (domain, f"r{place}", {IdentifierType.NHS_NUMBER: a_token(number, 3)})
        for which in (HOSPITAL, GP)
        for place, (domain, number) in enumerate(wanted)
        if domain == which
    ]
    assert back == expected


def test_a_part_that_is_not_what_its_hash_names_is_lost() -> None:
    body = rows(f"a,{GOOD}")
    (part,) = parts(chunks(body), a_content(body))
    stored = part.stored()
    noted = named(part, stored)
    assert PartRecords.read(stored, noted) == part
    for changed in (None, stored.replace(b'"a"', b'"b"')):
        with pytest.raises(PartLostError):
            PartRecords.read(changed, noted)
    other = hashlib.sha256(stored).hexdigest()
    with pytest.raises(PartLostError):
        PartRecords.read(stored, replace(noted, count=2, sha256=other))


def test_what_was_surveyed_and_then_is_another_file_is_not_kept() -> None:
    body = rows(f"a,{GOOD}")
    with pytest.raises(FileRefusedError):
        list(parts(chunks(rows(f"b,{GOOD}")), a_content(body)))
