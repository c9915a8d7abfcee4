"""The token's text: what is written, what is read, and every typing error it finds without a key."""

from itertools import combinations, pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.pseudonyms.token import (
    ALPHABET,
    CHECK_WEIGHTS,
    LONGEST,
    SCHEME_LETTERS,
    TYPE_LETTERS,
    Malformed,
    MalformedReason,
    Scheme,
    Token,
    ciphertext_length,
)
from keyholder.vocabulary import IdentifierType

GOLDEN = {
    "SN018HN39EHMFCQP4HJ8B37SKK8V5EJGXH1BPY": (IdentifierType.NHS_NUMBER, 1),
    "SG011NFGY82CRGQMMTA5VBW9SZWRN85XE8V7YJQGK8Y602V04SPB6DSXMXT6SNHV6M77YD": (
        IdentifierType.GP_LOCAL_PATIENT_NUMBER,
        1,
    ),
    "SP01YK64XBKJ9E0G62V3XZXJKJ5E4YTEMC8QHT": (IdentifierType.POSTCODE, 1),
    "SB01V9ZJAV6G6BN5FEYJA5W3KX6P4PV31E6RHC": (IdentifierType.DATE_OF_BIRTH, 1),
    "SDZZXS5QZJWYMF93T2GVYXFTCZHVQDRAWYH1N8": (IdentifierType.DATE_OF_DEATH, 1023),
}
"""Tokens that must be read for ever. A change here breaks every extract in use."""

PRIME = 1021


@st.composite
def tokens(draw: st.DrawFn) -> Token:
    kind = draw(st.sampled_from(IdentifierType))
    length = ciphertext_length(kind)
    ciphertext = draw(st.binary(min_size=length, max_size=length))
    return Token(Scheme.AES_256_SIV_1, kind, draw(st.integers(1, 1023)), ciphertext)


def _with_check(body: str) -> str:
    """`body` and the two check symbols that belong to it, computed apart from the code under test."""
    check = sum(ALPHABET.index(symbol) * 30 ** (place + 1) for place, symbol in enumerate(body)) % PRIME
    return body + ALPHABET[check // 32] + ALPHABET[check % 32]


def _reason(text: str) -> MalformedReason:
    read = Token.parse(text)
    assert isinstance(read, Malformed), "read as a token"
    return read.reason


@pytest.mark.parametrize("text", GOLDEN)
def test_golden_tokens_are_read_and_written(text: str) -> None:
    token = Token.parse(text)
    assert isinstance(token, Token)
    assert (token.identifier_type, token.key_version) == GOLDEN[text]
    assert str(token) == token.pseudonym == text


def test_the_page_shows_the_golden_tokens() -> None:
    page = (Path(__file__).parents[3] / "docs" / "pseudonyms.md").read_text(encoding="utf-8")
    assert [text for text in GOLDEN if text not in page] == []


@given(tokens())
def test_a_written_token_is_read_back(token: Token) -> None:
    text = str(token)
    assert Token.parse(text) == token
    assert text == _with_check(text[:-2])
    assert len(text) == (70 if token.identifier_type is IdentifierType.GP_LOCAL_PATIENT_NUMBER else 38) <= LONGEST
    assert set(text) <= set(ALPHABET)
    assert text[0].isalpha()


@given(tokens(), st.randoms(use_true_random=False))
def test_case_and_look_alike_letters_are_tolerated(token: Token, choose: Random) -> None:
    looks = {"1": "1iIlL", "0": "0oO"}
    text = "".join(choose.choice(looks.get(symbol, symbol + symbol.lower())) for symbol in str(token))
    read = Token.parse(text)
    assert read == token
    assert str(read) == str(token)


@pytest.mark.parametrize("check", [0, 1, 2])
def test_a_check_has_one_spelling(check: int) -> None:
    """Two symbols can write 1021 to 1023 as well, which are 0 to 2 modulo 1021: those are not accepted."""
    bodies = (f"SN01{ALPHABET[high]}{ALPHABET[low]}" + "0" * 30 for high in range(32) for low in range(32))
    text = next(text for text in map(_with_check, bodies) if text.endswith(f"0{check}"))
    assert isinstance(Token.parse(text), Token)
    assert _reason(text[:-2] + "Z" + ALPHABET[PRIME + check - 31 * 32]) is MalformedReason.MISTYPED


def test_the_check_finds_every_single_change_and_every_swap() -> None:
    """The arithmetic, exhaustively: for every place a token can have, whatever the symbols are."""
    changes = range(-31, 32)
    assert all(change * weight % PRIME for weight in CHECK_WEIGHTS for change in changes if change)
    assert all((one - other) % PRIME for one, other in combinations(CHECK_WEIGHTS, 2))
    assert not {-1 % PRIME, -32 % PRIME} & set(CHECK_WEIGHTS)


@given(tokens())
def test_every_single_wrong_symbol_is_mistyped(token: Token) -> None:
    text = str(token)
    for place, right in enumerate(text):
        for wrong in ALPHABET:
            if wrong != right:
                assert _reason(text[:place] + wrong + text[place + 1 :]) is MalformedReason.MISTYPED


@given(tokens())
def test_every_swap_of_two_symbols_is_mistyped(token: Token) -> None:
    text = str(token)
    for one, other in combinations(range(len(text)), 2):
        if text[one] != text[other]:
            symbols = list(text)
            symbols[one], symbols[other] = symbols[other], symbols[one]
            assert _reason("".join(symbols)) is MalformedReason.MISTYPED


@given(tokens(), st.data())
def test_a_lost_or_doubled_or_foreign_symbol_makes_no_token(token: Token, data: st.DataObject) -> None:
    text = str(token)
    place = data.draw(st.integers(0, len(text) - 1))
    assert isinstance(Token.parse(text[:place] + text[place + 1 :]), Malformed)
    assert isinstance(Token.parse(text[:place] + text[place] + text[place:]), Malformed)
    foreign = data.draw(st.characters(exclude_characters=ALPHABET + ALPHABET.lower() + "iIlLoO"))
    assert _reason(text[:place] + foreign + text[place + 1 :]) is MalformedReason.NOT_A_TOKEN


@given(st.one_of(st.text(), st.text(alphabet=ALPHABET, max_size=250), st.text(alphabet=ALPHABET).map(_with_check)))
def test_any_text_is_a_token_or_malformed(text: str) -> None:
    read = Token.parse(text)
    assert isinstance(read, Malformed) or str(read) == text


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("TN01" + "0" * 32, MalformedReason.UNKNOWN_SCHEME),
        ("SX01" + "0" * 32, MalformedReason.UNKNOWN_TYPE),
        ("SN00" + "0" * 32, MalformedReason.NO_KEY_VERSION),
        ("SN01" + "0" * 31, MalformedReason.WRONG_LENGTH),
        ("SN01" + "0" * 33, MalformedReason.WRONG_LENGTH),
        ("SN01" + "0" * 64, MalformedReason.WRONG_LENGTH),
        ("SG01" + "0" * 32, MalformedReason.WRONG_LENGTH),
        ("SN01" + "0" * 194, MalformedReason.WRONG_LENGTH),
    ],
)
def test_a_well_typed_text_that_is_no_token_says_why(body: str, reason: MalformedReason) -> None:
    assert _reason(_with_check(body)) is reason


@pytest.mark.parametrize(
    "text",
    [
        "",
        "S",
        "SN0100",
        " " + next(iter(GOLDEN)),
        next(iter(GOLDEN)) + "\n",
        "S" * 201,
        "=1+1",
        "\u017fN01" + "0" * 34,
        "SU01" + "0" * 34,
        "SN01_" + "0" * 33,
        "SN01+" + "0" * 33,
    ],
)
def test_what_no_token_looks_like_is_not_a_token(text: str) -> None:
    assert _reason(text) is MalformedReason.NOT_A_TOKEN


def test_type_letters_are_distinct_and_survive_case_and_look_alikes() -> None:
    letters = list(TYPE_LETTERS.values())
    assert set(TYPE_LETTERS) == set(IdentifierType)
    assert len(set(letters)) == len(letters)
    assert all(
        letter in ALPHABET and letter.isalpha() for letter in [*letters, *(SCHEME_LETTERS[scheme] for scheme in Scheme)]
    )


@pytest.mark.parametrize("kind", IdentifierType)
def test_ciphertexts_fill_their_symbols_with_no_bit_to_spare(kind: IdentifierType) -> None:
    assert ciphertext_length(kind) % 5 == 0


@pytest.mark.parametrize("version", [0, -1, 1024])
def test_a_token_cannot_be_made_with_a_key_version_it_cannot_write(version: int) -> None:
    with pytest.raises(ValueError, match="key version"):
        Token(Scheme.AES_256_SIV_1, IdentifierType.NHS_NUMBER, version, bytes(20))


@pytest.mark.parametrize("length", [0, 19, 21, 40])
def test_a_token_cannot_be_made_with_a_ciphertext_of_another_length(length: int) -> None:
    with pytest.raises(ValueError, match="one length"):
        Token(Scheme.AES_256_SIV_1, IdentifierType.NHS_NUMBER, 1, bytes(length))


def test_only_the_first_scheme_has_tokens() -> None:
    with pytest.raises(ValueError, match="not a token"):
        Token(Scheme.FF1, IdentifierType.NHS_NUMBER, 1, bytes(20))
    assert _reason(_with_check("FN01" + "0" * 32)) is MalformedReason.UNKNOWN_SCHEME


@given(tokens())
def test_the_repr_of_a_token_hides_what_could_be_opened(token: Token) -> None:
    shown = repr(token)
    assert str(token) not in shown
    assert repr(token.ciphertext) not in shown
    assert token.ciphertext.hex() not in shown


def test_check_weights_are_the_powers_the_page_names() -> None:
    assert CHECK_WEIGHTS[0] == 30
    assert all(after == before * 30 % PRIME for before, after in pairwise(CHECK_WEIGHTS))
    assert len(CHECK_WEIGHTS) == LONGEST - 2
