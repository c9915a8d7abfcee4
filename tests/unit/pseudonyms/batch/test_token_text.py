"""Texts by the thousand are read and written exactly as one by one."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.pseudonyms.batch import token_text
from keyholder.pseudonyms.batch.token_text import FEW, ROWS, parse_tokens, write_tokens
from keyholder.pseudonyms.token import ALPHABET, Malformed, MalformedReason, Scheme, Token, ciphertext_length
from keyholder.vocabulary import IdentifierType

KINDS = st.sampled_from(IdentifierType)
LOOKS = {"1": "1iIlL", "0": "0oO"}


def _checked(body: str) -> str:
    check = sum(ALPHABET.index(symbol) * 30 ** (place + 1) for place, symbol in enumerate(body)) % 1021
    return body + ALPHABET[check // 32] + ALPHABET[check % 32]


@st.composite
def written(draw: st.DrawFn) -> str:
    """A token, in any case and with any look-alike letters."""
    kind = draw(KINDS)
    length = ciphertext_length(kind)
    ciphertext = draw(st.binary(min_size=length, max_size=length))
    text = str(Token(Scheme.AES_256_SIV_1, kind, draw(st.sampled_from([1, 7, 1023])), ciphertext))
    random = draw(st.randoms(use_true_random=False))
    return "".join(random.choice(LOOKS.get(symbol, symbol + symbol.lower())) for symbol in text)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A token with a character changed to any other."""
    text = draw(written())
    place = draw(st.integers(0, len(text) - 1))
    return text[:place] + draw(st.characters()) + text[place + 1 :]


SYMBOLS = st.sampled_from(ALPHABET)
OF_A_TOKENS_LENGTH = st.sampled_from([38, 70]).flatmap(
    lambda length: st.one_of(
        st.text(min_size=length, max_size=length),
        st.text(SYMBOLS, min_size=length - 2, max_size=length - 2).map(_checked),
        st.text(SYMBOLS, min_size=length - 3, max_size=length - 3).map(lambda body: _checked("S" + body)),
        st.text(SYMBOLS, min_size=length - 4, max_size=length - 4).map(lambda body: _checked("SN" + body)),
        st.text(SYMBOLS, min_size=length - 6, max_size=length - 6).map(lambda body: _checked("SG00" + body)),
    )
)
ANY = st.one_of(
    written(),
    damaged(),
    OF_A_TOKENS_LENGTH,
    st.text(),
    st.text(SYMBOLS, max_size=250),
    st.sampled_from(["", "\u017fN01" + "0" * 34, "ß" * 38, "\u0131" * 70, "\ud800" * 38, "_" * 38, "S" * 100_000]),
)


def _one_by_one(texts: list[str]) -> dict[int, tuple[IdentifierType, int, bytes] | MalformedReason]:
    read = {}
    for place, text in enumerate(texts):
        token = Token.parse(text)
        bad = isinstance(token, Malformed)
        read[place] = token.reason if bad else (token.identifier_type, token.key_version, token.ciphertext)
    return read


def _together(texts: list[str]) -> dict[int, tuple[IdentifierType, int, bytes] | MalformedReason]:
    parsed = parse_tokens(texts)
    read: dict[int, tuple[IdentifierType, int, bytes] | MalformedReason] = dict(parsed.malformed)
    for column in parsed.columns:
        length = ciphertext_length(column.identifier_type)
        assert len(column.ciphertexts) == length * len(column.places)
        for row, place in enumerate(column.places):
            assert place not in read
            ciphertext = column.ciphertexts[length * row : length * (row + 1)]
            read[place] = (column.identifier_type, column.key_version, ciphertext)
    return read


@pytest.fixture(autouse=True, params=[0, FEW])
def few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With 0 even a single text goes the way of the many."""
    monkeypatch.setattr(token_text, "FEW", request.param)


@given(st.lists(ANY, max_size=40))
def test_any_texts_are_read_as_one_by_one(texts: list[str]) -> None:
    assert _together(texts) == _one_by_one(texts)


@given(written(), st.data())
def test_every_wrong_symbol_is_found_among_good_tokens(text: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(text) - 1))
    wrong = [text[:place] + symbol + text[place + 1 :] for symbol in ALPHABET]
    assert _together(wrong) == _one_by_one(wrong)
    assert len(parse_tokens(wrong).malformed) == len(ALPHABET) - 1


@pytest.mark.parametrize("check", [0, 1, 2])
def test_a_check_has_one_spelling(check: int) -> None:
    """1021 to 1023 can be written too and are 0 to 2 modulo 1021."""
    bodies = (f"SN01{ALPHABET[high]}{ALPHABET[low]}" + "0" * 30 for high in range(32) for low in range(32))
    right = next(text for text in map(_checked, bodies) if text.endswith(f"0{check}"))
    other = right[:-2] + "Z" + ALPHABET[1021 + check - 31 * 32]
    assert parse_tokens([right, other] * 5).malformed == dict.fromkeys(range(1, 10, 2), MalformedReason.MISTYPED)


@given(KINDS, st.integers(1, 1023), st.integers(0, 30), st.randoms(use_true_random=False))
def test_tokens_are_written_as_one_by_one(kind: IdentifierType, version: int, rows: int, random: Random) -> None:
    length = ciphertext_length(kind)
    ciphertexts = [random.randbytes(length) for _ in range(rows)]
    expected = [str(Token(Scheme.AES_256_SIV_1, kind, version, ciphertext)) for ciphertext in ciphertexts]
    assert write_tokens(kind, version, b"".join(ciphertexts)) == expected


@pytest.mark.parametrize("kind", [IdentifierType.NHS_NUMBER, IdentifierType.GP_LOCAL_PATIENT_NUMBER])
def test_blocks_join_without_a_seam(kind: IdentifierType) -> None:
    random, length = Random(1), ciphertext_length(kind)  # noqa: S311 - the same bytes every time
    rows = 2 * ROWS + 3
    ciphertexts = random.randbytes(length * rows)
    texts: list[str] = list(write_tokens(kind, 3, ciphertexts))
    [column] = parse_tokens(texts).columns
    assert (column.places, column.ciphertexts) == (list(range(rows)), ciphertexts)
    for place in (0, ROWS - 1, ROWS, rows - 1):
        ciphertext = ciphertexts[length * place : length * (place + 1)]
        assert texts[place] == str(Token(Scheme.AES_256_SIV_1, kind, 3, ciphertext))
        texts[place] = texts[place][:-1] + "?"
    assert set(parse_tokens(texts).malformed) == {0, ROWS - 1, ROWS, rows - 1}


@pytest.mark.parametrize("version", [0, 1024])
def test_a_key_version_that_cannot_be_written_is_refused(version: int) -> None:
    with pytest.raises(ValueError, match="key version"):
        write_tokens(IdentifierType.NHS_NUMBER, version, bytes(20))


def test_what_could_be_opened_is_not_shown() -> None:
    shown = repr(parse_tokens(list(write_tokens(IdentifierType.NHS_NUMBER, 1, b"abcdefghijklmnopqrst" * 3))))
    assert "abcdefghij" not in shown
