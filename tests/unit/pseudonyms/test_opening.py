"""Rows to pseudonyms and back: one status each, however bad the others are."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.identifiers.not_an_identifier import WhyNot
from keyholder.pseudonyms.key_ring import DataKey, KeyGone, OpenedKeys
from keyholder.pseudonyms.opening import Opened, OpenStatus, TokenCell, open_tokens
from keyholder.pseudonyms.sealing import SealStatus, canonical_row, seal_rows
from keyholder.pseudonyms.siv import open_
from keyholder.pseudonyms.token import Malformed, MalformedReason, Scheme, Token
from keyholder.vocabulary import DomainId, IdentifierType, Pseudonym
from tests.fakes.key_ring import KeyRingInMemory
from tests.people import TODAY, canonical_identifiers, extract_rows, some_nhs_numbers

DOMAIN = DomainId("gp-2026")
OTHER_DOMAIN = DomainId("gp-2025")
ALL_VERSIONS_1 = dict.fromkeys(IdentifierType, 1)
TYPES = list(IdentifierType)

RETIRED, DESTROYED, UNKNOWN = 2, 3, 4
"""Key versions in the ring of these tests."""


def _ring() -> KeyRingInMemory:
    gone = {(DOMAIN, kind, RETIRED): KeyGone.RETIRED for kind in IdentifierType}
    gone |= {(DOMAIN, kind, DESTROYED): KeyGone.DESTROYED for kind in IdentifierType}
    return KeyRingInMemory(newest=3, gone=gone)


def _pseudonym(kind: IdentifierType, value: str, domain: DomainId = DOMAIN, version: int = 1) -> Pseudonym:
    with OpenedKeys(KeyRingInMemory(newest=1023)) as keys:
        [row] = seal_rows([{kind: value}], domain, {kind: version}, keys, TODAY)
    sealed = row[kind].pseudonym
    assert sealed is not None
    return sealed


def _open(cells: Sequence[TokenCell], ring: KeyRingInMemory) -> list[Opened]:
    with OpenedKeys(ring) as keys:
        return open_tokens(cells, DOMAIN, keys)


@st.composite
def cells(draw: st.DrawFn) -> tuple[TokenCell, OpenStatus, str | None]:
    """A cell, and what must become of it."""
    kind = draw(st.sampled_from(TYPES))
    value = draw(canonical_identifiers(kind))
    status = draw(st.sampled_from(OpenStatus))
    text: str
    match status:
        case OpenStatus.OPENED:
            return TokenCell(kind, _pseudonym(kind, value)), status, value
        case OpenStatus.MALFORMED:
            whole = _pseudonym(kind, value)
            text = draw(st.sampled_from([whole[:-1], whole + "0", whole[::-1], "", "?", value]))
        case OpenStatus.NOT_OPENED:
            other_kind = draw(st.sampled_from([other for other in TYPES if other is not kind]))
            other_value = draw(canonical_identifiers(other_kind))
            text = draw(st.sampled_from([_pseudonym(kind, value, OTHER_DOMAIN), _pseudonym(other_kind, other_value)]))
        case OpenStatus.KEY_RETIRED:
            text = _pseudonym(kind, value, version=RETIRED)
        case OpenStatus.KEY_DESTROYED:
            text = _pseudonym(kind, value, version=DESTROYED)
        case OpenStatus.KEY_UNKNOWN:
            text = _pseudonym(kind, value, version=UNKNOWN)
    return TokenCell(kind, text), status, None


@given(st.lists(cells(), max_size=12))
def test_one_bad_pseudonym_never_sinks_a_batch(batch: list[tuple[TokenCell, OpenStatus, str | None]]) -> None:
    ring = _ring()
    opened = _open([cell for cell, _, _ in batch], ring)
    assert [(one.status, one.value) for one in opened] == [(status, value) for _, status, value in batch]
    assert all((one.malformed is not None) == (one.status is OpenStatus.MALFORMED) for one in opened)
    assert len(ring.openings) == len(set(ring.openings))


@given(st.lists(extract_rows(), max_size=8))
def test_rows_are_sealed_and_opened_again(rows: list[dict[IdentifierType, str]]) -> None:
    ring = _ring()
    with OpenedKeys(ring) as keys:
        sealed = seal_rows(rows, DOMAIN, ALL_VERSIONS_1, keys, TODAY)
        asked = [
            TokenCell(kind, cell.pseudonym)
            for row in sealed
            for kind, cell in row.items()
            if cell.pseudonym is not None
        ]
        opened = open_tokens(asked, DOMAIN, keys)
    assert [canonical_row(row) for row in sealed] == rows
    assert [one.value for one in opened] == [value for row in rows for value in row.values()]
    assert len(ring.openings) <= len(IdentifierType)


def test_a_large_batch_is_opened_as_its_tokens_one_by_one() -> None:
    """Large enough for the batch forms, with every kind of bad one among the good."""
    kinds = [IdentifierType.NHS_NUMBER, IdentifierType.DATE_OF_BIRTH, IdentifierType.GP_LOCAL_PATIENT_NUMBER]
    rows = [
        {kinds[0]: number, kinds[1]: f"19{place % 100:02d}-01-01", kinds[2]: f"P{place}"}
        for place, number in enumerate(some_nhs_numbers(700))
    ]
    with OpenedKeys(_ring()) as keys:
        sealed = seal_rows(rows, DOMAIN, ALL_VERSIONS_1, keys, TODAY)
        cells = [TokenCell(kind, row[kind].pseudonym or "") for row in sealed for kind in kinds]
    values: list[str | None] = [row[kind] for row in rows for kind in kinds]
    assert [one.value for one in _open(cells, _ring())] == values
    for place, kind in enumerate(cells):
        match place % 101:
            case 3:
                cells[place] = TokenCell(kind.identifier_type, kind.text[:20] + "?" + kind.text[21:])
            case 50:
                cells[place] = TokenCell(kind.identifier_type, _spoiled(kind.text))
            case 77:
                cells[place] = TokenCell(IdentifierType.POSTCODE, kind.text)
            case 99:
                cells[place] = TokenCell(kind.identifier_type, kind.text[:-1])
            case _:
                continue
        values[place] = None
    opened = _open(cells, _ring())
    assert [one.value for one in opened] == values
    assert opened == [_one_by_one(cell) for cell in cells]


def _spoiled(text: str) -> str:
    """The token with one bit of its tag changed and a typing check that holds."""
    token = Token.parse(text)
    assert isinstance(token, Token)
    changed = bytes([token.ciphertext[0] ^ 1]) + token.ciphertext[1:]
    return str(Token(token.scheme, token.identifier_type, token.key_version, changed))


def _one_by_one(cell: TokenCell) -> Opened:
    token = Token.parse(cell.text)
    if isinstance(token, Malformed):
        return Opened(OpenStatus.MALFORMED, malformed=token.reason)
    key = _ring().open(DOMAIN, cell.identifier_type, token.key_version)
    assert isinstance(key, DataKey)
    value = open_(key, DOMAIN, cell.identifier_type, token)
    return Opened(OpenStatus.NOT_OPENED) if value is None else Opened(OpenStatus.OPENED, value)


def test_key_openings_grow_with_types_and_versions_not_with_tokens() -> None:
    kind = IdentifierType.NHS_NUMBER
    text = _pseudonym(kind, "9990000018")
    ring = _ring()
    _open([TokenCell(kind, text)] * 50 + [TokenCell(kind, _pseudonym(kind, "9990000026", version=RETIRED))] * 50, ring)
    assert sorted(version for _, _, version in ring.openings) == [1, RETIRED]


def test_a_token_in_another_types_column_asks_for_no_key() -> None:
    ring = _ring()
    text = _pseudonym(IdentifierType.DATE_OF_BIRTH, "1948-07-05")
    [one] = _open([TokenCell(IdentifierType.DATE_OF_DEATH, text)], ring)
    assert one == Opened(OpenStatus.NOT_OPENED)
    assert ring.openings == []


def test_a_mistyped_token_says_so() -> None:
    text = _pseudonym(IdentifierType.NHS_NUMBER, "9990000018")
    wrong = text[:10] + ("0" if text[10] != "0" else "1") + text[11:]
    [one] = _open([TokenCell(IdentifierType.NHS_NUMBER, wrong)], _ring())
    assert one == Opened(OpenStatus.MALFORMED, malformed=MalformedReason.MISTYPED)


def test_bad_cells_of_a_row_say_why_and_the_others_are_sealed() -> None:
    row = {
        IdentifierType.NHS_NUMBER: "999 000 0018",
        IdentifierType.POSTCODE: "nowhere",
        IdentifierType.DATE_OF_BIRTH: "2026-07-02",
        IdentifierType.DATE_OF_DEATH: "  ",
        IdentifierType.GP_LOCAL_PATIENT_NUMBER: "17",
    }
    versions = {**ALL_VERSIONS_1, IdentifierType.GP_LOCAL_PATIENT_NUMBER: RETIRED}
    with OpenedKeys(_ring()) as keys:
        [sealed] = seal_rows([row], DOMAIN, versions, keys, TODAY)
    assert {kind: (cell.status, cell.why) for kind, cell in sealed.items()} == {
        IdentifierType.NHS_NUMBER: (SealStatus.SEALED, None),
        IdentifierType.POSTCODE: (SealStatus.NOT_AN_IDENTIFIER, WhyNot.NOT_A_POSTCODE),
        IdentifierType.DATE_OF_BIRTH: (SealStatus.NOT_AN_IDENTIFIER, WhyNot.IN_THE_FUTURE),
        IdentifierType.DATE_OF_DEATH: (SealStatus.EMPTY, None),
        IdentifierType.GP_LOCAL_PATIENT_NUMBER: (SealStatus.KEY_RETIRED, None),
    }
    assert canonical_row(sealed) == {IdentifierType.NHS_NUMBER: "9990000018"}
    assert all((cell.pseudonym is None) == (cell.status is not SealStatus.SEALED) for cell in sealed.values())


def test_a_column_without_a_key_version_is_not_sealed() -> None:
    ring = _ring()
    with OpenedKeys(ring) as keys:
        [row] = seal_rows([{IdentifierType.POSTCODE: "ZZ99 3VZ"}], DOMAIN, {}, keys, TODAY)
    assert row[IdentifierType.POSTCODE].status is SealStatus.KEY_UNKNOWN
    assert ring.openings == []


def test_no_repr_shows_an_identifier_or_a_pseudonym() -> None:
    kind = IdentifierType.NHS_NUMBER
    with OpenedKeys(_ring()) as keys:
        sealed = seal_rows([{kind: "9990000018"}], DOMAIN, ALL_VERSIONS_1, keys, TODAY)
        text = sealed[0][kind].pseudonym
        assert text is not None
        cell = TokenCell(kind, text)
        shown = repr((sealed, cell, open_tokens([cell], DOMAIN, keys), keys))
    assert "9990000018" not in shown
    assert text not in shown


FF1 = {IdentifierType.NHS_NUMBER: Scheme.FF1}


@pytest.mark.parametrize("rows", [3, 300])
def test_a_ten_digit_column_is_sealed_and_opened_beside_others(rows: int) -> None:
    given = [
        {IdentifierType.NHS_NUMBER: number, IdentifierType.DATE_OF_BIRTH: "1948-07-05"}
        for number in some_nhs_numbers(rows)
    ]
    given[1][IdentifierType.NHS_NUMBER] = "nobody"
    ring = _ring()
    with OpenedKeys(ring) as keys:
        sealed = seal_rows(given, DOMAIN, ALL_VERSIONS_1, keys, TODAY, schemes=FF1)
        cells = [TokenCell(kind, cell.pseudonym or "") for row in sealed for kind, cell in row.items()]
        opened = open_tokens(cells, DOMAIN, keys, schemes=FF1, versions=ALL_VERSIONS_1)
    assert len(ring.openings) == 2
    numbers, births = sealed[0][IdentifierType.NHS_NUMBER], sealed[0][IdentifierType.DATE_OF_BIRTH]
    assert numbers.pseudonym is not None
    assert (len(numbers.pseudonym), numbers.canonical) == (10, given[0][IdentifierType.NHS_NUMBER])
    assert births.pseudonym == _pseudonym(IdentifierType.DATE_OF_BIRTH, "1948-07-05")
    assert opened[2] == Opened(OpenStatus.MALFORMED, malformed=MalformedReason.NOT_A_TOKEN)
    del opened[2]
    values = [value for row in given for value in row.values() if value != "nobody"]
    assert opened == [Opened(OpenStatus.OPENED, value) for value in values]


def _ten_digits(text: str, version: int | None, ring: KeyRingInMemory) -> Opened:
    versions = {} if version is None else {IdentifierType.NHS_NUMBER: version}
    with OpenedKeys(ring) as keys:
        cell = TokenCell(IdentifierType.NHS_NUMBER, text)
        [one] = open_tokens([cell], DOMAIN, keys, schemes=FF1, versions=versions)
    return one


@pytest.mark.parametrize(
    ("version", "status"),
    [
        (RETIRED, OpenStatus.KEY_RETIRED),
        (DESTROYED, OpenStatus.KEY_DESTROYED),
        (UNKNOWN, OpenStatus.KEY_UNKNOWN),
        (None, OpenStatus.KEY_UNKNOWN),
    ],
)
def test_ten_digits_whose_key_is_gone(version: int | None, status: OpenStatus) -> None:
    assert _ten_digits("0123456789", version, _ring()) == Opened(status)


@given(st.one_of(st.text(), st.from_regex(r"[0-9]{9,11}", fullmatch=True)))
def test_any_text_in_a_ten_digit_column_gets_a_status(text: str) -> None:
    ring = _ring()
    one = _ten_digits(text, 1, ring)
    if len(text) == 10 and text.isascii() and text.isdigit():
        assert one.status in {OpenStatus.OPENED, OpenStatus.NOT_OPENED}
    else:
        assert one == Opened(OpenStatus.MALFORMED, malformed=MalformedReason.NOT_A_TOKEN)
        assert ring.openings == []


def test_a_token_is_nothing_in_a_ten_digit_column() -> None:
    text = _pseudonym(IdentifierType.NHS_NUMBER, "9990000018")
    assert _ten_digits(text, 1, _ring()).status is OpenStatus.MALFORMED
