"""Bad input to `open_tokens`, in every form it has: one by one, and each batch lane.

Any text gets a status. One flipped bit never gives another identifier. A token of another domain or type never opens,
whatever its key. Exactly the bad rows are marked. FF1 keeps less: what it does keep is at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyholder.pseudonyms.batch import ff1_column, siv_column, token_text
from keyholder.pseudonyms.batch.ff1_lanes import Ff1ListLane
from keyholder.pseudonyms.batch.identifier_columns import is_nhs_number
from keyholder.pseudonyms.batch.integer_lane import IntegerLane
from keyholder.pseudonyms.key_ring import DataKey, OpenedKeys
from keyholder.pseudonyms.opening import Opened, OpenStatus, TokenCell, open_tokens
from keyholder.pseudonyms.sealing import seal_rows
from keyholder.pseudonyms.token import ALPHABET, Scheme, Token, ciphertext_length
from keyholder.vocabulary import DomainId, IdentifierType
from tests.people import TODAY, some_nhs_numbers

NUMBER, LOCAL = IdentifierType.NHS_NUMBER, IdentifierType.GP_LOCAL_PATIENT_NUMBER
DOMAIN, OTHER = DomainId("gp-2026"), DomainId("gp-2027")
TYPES = list(IdentifierType)
VALUES = {
    NUMBER: "9990000018",
    LOCAL: "A-17",
    IdentifierType.POSTCODE: "ZZ99 3VZ",
    IdentifierType.DATE_OF_BIRTH: "1948-07-05",
    IdentifierType.DATE_OF_DEATH: "2020-02-29",
}
FF1 = {NUMBER: Scheme.FF1}
BAD = {OpenStatus.MALFORMED, OpenStatus.NOT_OPENED}

SIV_LANES = {"one by one": None, "integers": IntegerLane}
FF1_LANES = {"one by one": None, "lists": Ff1ListLane}
if find_spec("numpy") is not None:
    from keyholder.pseudonyms.batch.array_lane import ArrayLane
    from keyholder.pseudonyms.batch.ff1_array_lane import Ff1ArrayLane

    SIV_LANES["arrays"] = ArrayLane
    FF1_LANES["arrays"] = Ff1ArrayLane


@pytest.fixture(params=SIV_LANES)
def siv(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every column goes through this lane, however few its rows are."""
    lane = SIV_LANES[request.param]
    monkeypatch.setattr(siv_column, "_lane_for", lambda _: lane)
    monkeypatch.setattr(token_text, "FEW", 10**9 if lane is None else 0)


@pytest.fixture(params=FF1_LANES)
def ten_digits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `siv`, for FF1."""
    monkeypatch.setattr(ff1_column, "_lane_for", lambda _: FF1_LANES[request.param])


class OneKey:
    """The same 64 bytes for every domain, type and version: what separates these is then the cipher's doing alone."""

    def open(self, _domain: DomainId, _identifier_type: IdentifierType, version: int) -> DataKey:
        return DataKey(bytes(range(64)), version)


def sealed(kind: IdentifierType, values: Sequence[str], domain: DomainId = DOMAIN, version: int = 1) -> list[str]:
    with OpenedKeys(OneKey()) as keys:
        rows = seal_rows([{kind: value} for value in values], domain, {kind: version}, keys, TODAY)
    return [str(row[kind].pseudonym) for row in rows]


def opened(kind: IdentifierType, texts: Sequence[str]) -> list[Opened]:
    with OpenedKeys(OneKey()) as keys:
        return open_tokens([TokenCell(kind, text) for text in texts], DOMAIN, keys)


def marked(answers: Sequence[Opened]) -> dict[int, OpenStatus]:
    """The places of those that were not opened, and why not."""
    return {place: one.status for place, one in enumerate(answers) if one.status is not OpenStatus.OPENED}


def with_check(body: str) -> str:
    check = sum(ALPHABET.index(symbol) * 30 ** (place + 1) for place, symbol in enumerate(body)) % 1021
    return body + ALPHABET[check // 32] + ALPHABET[check % 32]


LIKE_A_TOKEN = st.text(st.sampled_from(ALPHABET), min_size=36, max_size=36).map(with_check)
SOME_TOKEN = st.text(st.sampled_from(ALPHABET), min_size=32, max_size=32).map(lambda body: with_check(f"SN01{body}"))
BYTES = st.binary(max_size=80).map(lambda raw: raw.decode("latin-1"))
ANY = st.one_of(st.text(), BYTES, LIKE_A_TOKEN, SOME_TOKEN, st.text(st.sampled_from(ALPHABET), max_size=210))
once = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.usefixtures("siv")
@once
@given(st.lists(ANY, max_size=8), st.sampled_from(TYPES))
def test_any_text_gets_a_status_and_opens_to_nothing(texts: list[str], kind: IdentifierType) -> None:
    answers = opened(kind, texts)
    assert [answer.status in BAD for answer in answers] == [True] * len(texts)
    assert [answer.value for answer in answers] == [None] * len(texts)


@pytest.mark.usefixtures("siv")
@pytest.mark.parametrize("kind", TYPES)
def test_no_flipped_bit_gives_another_identifier(kind: IdentifierType) -> None:
    """Each bit of the text; only an upper-case letter becomes a lower-case one, which is the same token."""
    (text,) = sealed(kind, [VALUES[kind]])
    raw, flipped = text.encode("ascii"), []
    for bit in range(8 * len(raw)):
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << bit % 8
        flipped.append(changed.decode("latin-1"))
    answers = opened(kind, flipped)
    for one, answer in zip(flipped, answers, strict=True):
        if one.upper() == text:
            assert answer == Opened(OpenStatus.OPENED, VALUES[kind])
        else:
            assert (answer.status, answer.value) == (OpenStatus.MALFORMED, None)


@pytest.mark.usefixtures("siv")
@pytest.mark.parametrize("kind", TYPES)
def test_no_flipped_bit_that_the_typing_check_is_made_to_fit_opens(kind: IdentifierType) -> None:
    """Each bit of scheme, type, key version and ciphertext, as somebody would change it who knows the format."""
    (text,) = sealed(kind, [VALUES[kind]])
    symbols = [ALPHABET.index(symbol) for symbol in text[:-2]]
    forged = []
    for bit in range(5 * len(symbols)):
        changed = list(symbols)
        changed[bit // 5] ^= 1 << bit % 5
        forged.append(with_check("".join(ALPHABET[symbol] for symbol in changed)))
    answers = opened(kind, forged)
    assert {answer.status for answer in answers} == BAD
    assert {answer.value for answer in answers} == {None}
    assert all(answer.status is OpenStatus.NOT_OPENED for answer in answers[4 * 5 :])


@pytest.mark.usefixtures("siv")
@pytest.mark.parametrize("kind", TYPES)
def test_a_token_of_another_domain_or_type_never_opens(kind: IdentifierType) -> None:
    """Under the same key bytes, as it came and with its type and version rewritten."""
    for other in TYPES:
        tokens = sealed(other, [VALUES[other]], OTHER)
        tokens += sealed(other, [VALUES[other]]) if other is not kind else sealed(kind, [VALUES[kind]], version=2)
        parsed = [token for token in map(Token.parse, tokens) if isinstance(token, Token)]
        length = ciphertext_length(kind)
        rewritten = [
            str(Token(Scheme.AES_256_SIV_1, kind, 1, token.ciphertext[:length].ljust(length, b"\0")))
            for token in parsed
        ]
        foreign = tokens if other is not kind else tokens[:1]
        answers = opened(kind, [*foreign, *rewritten])
        assert {answer.status for answer in answers} == {OpenStatus.NOT_OPENED}


@pytest.mark.usefixtures("siv")
@pytest.mark.parametrize("kind", [NUMBER, LOCAL])
def test_of_one_row_in_a_hundred_exactly_the_bad_ones_are_marked(kind: IdentifierType) -> None:
    values = some_nhs_numbers(1000)
    texts, random = sealed(kind, values), Random(5)  # noqa: S311 - the same rows every time
    bad = {}
    for place in random.sample(range(1000), 10):
        text, fault = texts[place], random.randrange(3)
        forged = with_check(text[:20] + ALPHABET[ALPHABET.index(text[20]) ^ 1] + text[21:-2])
        texts[place] = (text[:-1], text[:20] + "?" + text[21:], forged)[fault]
        bad[place] = OpenStatus.NOT_OPENED if fault == 2 else OpenStatus.MALFORMED
    answers = opened(kind, texts)
    assert marked(answers) == bad
    assert [answer.value for answer in answers] == [None if at in bad else value for at, value in enumerate(values)]


# -- FF1, which is not authenticated ----------------------------------------------------------------------------------


def ten_digits_of(values: Sequence[str], domain: DomainId = DOMAIN, version: int = 1) -> list[str]:
    with OpenedKeys(OneKey()) as keys:
        rows = seal_rows([{NUMBER: value} for value in values], domain, {NUMBER: version}, keys, TODAY, schemes=FF1)
    return [str(row[NUMBER].pseudonym) for row in rows]


def opened_digits(texts: Sequence[str]) -> list[Opened]:
    with OpenedKeys(OneKey()) as keys:
        return open_tokens([TokenCell(NUMBER, text) for text in texts], DOMAIN, keys, schemes=FF1, versions={NUMBER: 1})


@pytest.mark.usefixtures("ten_digits")
@once
@given(st.lists(st.one_of(ANY, st.from_regex(r"[0-9]{9,11}", fullmatch=True)), max_size=6))
def test_any_text_in_ten_digits_gets_a_status(texts: list[str]) -> None:
    for text, answer in zip(texts, opened_digits(texts), strict=True):
        if len(text) == 10 and text.isascii() and text.isdigit():
            assert (answer.status is OpenStatus.OPENED) == (answer.value is not None)
            assert answer.value is None or is_nhs_number(answer.value)
        else:
            assert (answer.status, answer.value) == (OpenStatus.MALFORMED, None)


@pytest.mark.usefixtures("ten_digits")
def test_a_flipped_digit_never_gives_the_same_number_and_one_in_fifteen_another() -> None:
    """The page's figure. Which of them an extract ever held is asked by `release.examination`, not here."""
    values = some_nhs_numbers(40)
    wrong, right = [], []
    for value, text in zip(values, ten_digits_of(values), strict=True):
        for place in range(10):
            for digit in "0123456789".replace(text[place], ""):
                wrong.append(text[:place] + digit + text[place + 1 :])
                right.append(value)
    answers = opened_digits(wrong)
    assert all(answer.value != value for answer, value in zip(answers, right, strict=True))
    passed = sum(answer.status is OpenStatus.OPENED for answer in answers)
    assert {answer.status for answer in answers} == {OpenStatus.OPENED, OpenStatus.NOT_OPENED}
    assert len(wrong) / 19 < passed < len(wrong) / 12


@pytest.mark.usefixtures("ten_digits")
def test_ten_digits_of_another_domain_or_version_give_no_number_that_was_sealed() -> None:
    values = some_nhs_numbers(300)
    foreign = ten_digits_of(values, OTHER) + ten_digits_of(values, version=2)
    assert not {answer.value for answer in opened_digits(foreign)} & set(values)


@pytest.mark.usefixtures("ten_digits")
def test_among_ten_digits_exactly_the_malformed_are_marked() -> None:
    values = some_nhs_numbers(500)
    texts = ten_digits_of(values)
    for place in range(0, 500, 100):
        texts[place] = texts[place][:-1]
    answers = opened_digits(texts)
    assert marked(answers) == dict.fromkeys(range(0, 500, 100), OpenStatus.MALFORMED)
    assert [answer.value for place, answer in enumerate(answers) if place % 100] == [
        value for place, value in enumerate(values) if place % 100
    ]
