"""Which identifiers stood together: a token from another row cannot ride on a consenting person's NHS number."""

import pytest
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import given
from hypothesis import strategies as st

from keyholder.pseudonyms.key_ring import SecretKey
from keyholder.pseudonyms.row_links import DIGEST_LENGTH, LinkKey, RowLinks, column_links, link_digests
from keyholder.vocabulary import DomainId, IdentifierType
from tests.people import extract_rows

DOMAIN = DomainId("gp-2026")
HEADER = 16
KEY = LinkKey.derive(SecretKey(bytes(range(32))))
Rows = list[dict[IdentifierType, str]]

ANNE = {IdentifierType.NHS_NUMBER: "9990000018", IdentifierType.POSTCODE: "ZZ99 3VZ"}
BILL = {IdentifierType.NHS_NUMBER: "9990000026", IdentifierType.POSTCODE: "SW1A 1AA"}


def _links(rows: Rows) -> set[tuple[str, IdentifierType, str]]:
    return {
        (row[IdentifierType.NHS_NUMBER], kind, value)
        for row in rows
        for kind, value in row.items()
        if kind is not IdentifierType.NHS_NUMBER
    }


@given(st.lists(extract_rows(), max_size=6), st.lists(extract_rows(), max_size=6), st.lists(extract_rows(), max_size=3))
def test_exactly_what_stood_in_one_row_is_held(first: Rows, second: Rows, never: Rows) -> None:
    links = RowLinks.parse([link_digests(KEY, DOMAIN, rows) for rows in (first, second)])
    true = _links(first) | _links(second)
    everyone = first + second + never
    crossed = {
        (one[IdentifierType.NHS_NUMBER], kind, value)
        for one in everyone
        for other in everyone
        for kind, value in other.items()
    }
    for number, kind, value in crossed:
        assert links.holds(KEY, DOMAIN, number, kind, value) == ((number, kind, value) in true)
    asked = list(crossed)
    assert links.holds_each(KEY, DOMAIN, asked) == [cell in true for cell in asked], "many at once as one by one"


@given(st.lists(extract_rows(), max_size=8))
def test_the_object_is_sorted_unique_and_says_nothing_of_the_order_of_rows(rows: Rows) -> None:
    stored = link_digests(KEY, DOMAIN, rows)
    digests = [stored[at : at + DIGEST_LENGTH] for at in range(HEADER, len(stored), DIGEST_LENGTH)]
    assert digests == sorted(set(digests))
    assert len(digests) == len(_links(rows))
    assert link_digests(KEY, DOMAIN, list(reversed(rows)) + rows) == stored


@given(st.lists(extract_rows(), max_size=8), st.booleans())
def test_columns_give_what_their_rows_give(rows: Rows, lone: bool) -> None:
    columns = {kind: [row.get(kind) for row in rows] for kind in IdentifierType}
    assert column_links(KEY, DOMAIN, columns, lone_numbers=lone) == link_digests(KEY, DOMAIN, rows, lone_numbers=lone)


@given(st.lists(st.none() | st.just("9990000018"), min_size=2, max_size=4))
def test_in_columns_too_a_row_without_an_nhs_number_links_nothing(numbers: list[str | None]) -> None:
    postcodes: list[str | None] = [f"SW1A {place}AA" for place in range(len(numbers))]
    columns = {IdentifierType.NHS_NUMBER: numbers, IdentifierType.POSTCODE: postcodes}
    rows = [
        {IdentifierType.NHS_NUMBER: number, IdentifierType.POSTCODE: str(postcode)}
        for number, postcode in zip(numbers, postcodes, strict=True)
        if number is not None
    ]
    assert column_links(KEY, DOMAIN, columns) == link_digests(KEY, DOMAIN, rows)
    assert column_links(KEY, DOMAIN, {IdentifierType.POSTCODE: postcodes}) == link_digests(KEY, DOMAIN, [])


def test_the_digest_is_what_the_page_says() -> None:
    """docs/pseudonyms.md, computed by the library: what is stored already has to be found again."""
    mac = CMAC(AES(bytes(KEY.material)))
    for part in ("gp-2026", "9990000018", "postcode", "ZZ99 3VZ"):
        mac.update(len(part).to_bytes(2, "big") + part.encode())
    assert link_digests(KEY, DOMAIN, [ANNE])[HEADER:] == mac.finalize()[:8]


def test_another_persons_postcode_is_not_held() -> None:
    links = RowLinks.parse([link_digests(KEY, DOMAIN, [ANNE, BILL])])
    assert links.holds(KEY, DOMAIN, "9990000018", IdentifierType.POSTCODE, "ZZ99 3VZ")
    assert not links.holds(KEY, DOMAIN, "9990000018", IdentifierType.POSTCODE, "SW1A 1AA")


def test_a_link_holds_in_its_own_domain_and_type_and_under_its_own_key_only() -> None:
    row = {IdentifierType.NHS_NUMBER: "9990000018", IdentifierType.DATE_OF_BIRTH: "1948-07-05"}
    links = RowLinks.parse([link_digests(KEY, DOMAIN, [row])])
    assert links.holds(KEY, DOMAIN, "9990000018", IdentifierType.DATE_OF_BIRTH, "1948-07-05")
    assert not links.holds(KEY, DomainId("gp-2025"), "9990000018", IdentifierType.DATE_OF_BIRTH, "1948-07-05")
    assert not links.holds(KEY, DOMAIN, "9990000018", IdentifierType.DATE_OF_DEATH, "1948-07-05")
    other_key = LinkKey.derive(SecretKey(bytes(32)))
    assert not links.holds(other_key, DOMAIN, "9990000018", IdentifierType.DATE_OF_BIRTH, "1948-07-05")


def test_a_row_without_an_nhs_number_links_nothing() -> None:
    stored = link_digests(KEY, DOMAIN, [{IdentifierType.POSTCODE: "ZZ99 3VZ"}])
    assert len(stored) == HEADER


def test_no_job_at_all_holds_nothing() -> None:
    assert not RowLinks.parse([]).holds(KEY, DOMAIN, "9990000018", IdentifierType.POSTCODE, "ZZ99 3VZ")


def test_the_parts_of_a_link_cannot_run_into_each_other() -> None:
    row = {IdentifierType.NHS_NUMBER: "9990000018", IdentifierType.GP_LOCAL_PATIENT_NUMBER: "17"}
    links = RowLinks.parse([link_digests(KEY, DomainId("gp9"), [row])])
    assert not links.holds(KEY, DomainId("gp"), "99990000018", IdentifierType.GP_LOCAL_PATIENT_NUMBER, "17")


def test_the_stored_form_is_fixed() -> None:
    stored = link_digests(KEY, DOMAIN, [ANNE])
    assert stored.hex() == "4b48524c" + "00000001" + "0000000000000001" + "56ac4d952295acee"


_WHOLE = link_digests(KEY, DOMAIN, [ANNE, BILL])


@pytest.mark.parametrize(
    "stored",
    [b"", _WHOLE[:15], _WHOLE[:-1], _WHOLE[:-8], _WHOLE + bytes(8), b"X" + _WHOLE[1:], _WHOLE[:7] + b"\2" + _WHOLE[8:]],
)
def test_an_object_that_is_not_whole_is_refused(stored: bytes) -> None:
    with pytest.raises(ValueError, match="row links"):
        RowLinks.parse([_WHOLE, stored])


def test_neither_key_nor_links_show_themselves() -> None:
    links = RowLinks.parse([_WHOLE])
    assert repr(KEY) == "LinkKey(hidden)"
    assert repr(links) == "RowLinks()"
