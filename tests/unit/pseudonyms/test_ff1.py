"""FF1 against published vectors: the mode, and both batch forms; and what binds a ten-digit pseudonym to its place."""

import json
from importlib.util import find_spec
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.identifiers.nhs_number import parse
from keyholder.identifiers.not_an_identifier import NotAnIdentifierError
from keyholder.pseudonyms.batch import ff1_column
from keyholder.pseudonyms.batch.checked import SAMPLE, BatchDisagreesError
from keyholder.pseudonyms.batch.ff1_column import FEW, MANY, Ff1Column, Ff1LaneMaker, _lane_for, is_ten_digits
from keyholder.pseudonyms.batch.ff1_lanes import Ff1Constants, Ff1ListLane
from keyholder.pseudonyms.ff1 import Ff1, ff1_key, ff1_tweak
from keyholder.pseudonyms.key_ring import DataKey
from keyholder.vocabulary import DomainId, IdentifierType
from tests.people import nhs_numbers, some_nhs_numbers

LANES: list[Ff1LaneMaker] = [Ff1ListLane]
if find_spec("numpy") is not None:
    from keyholder.pseudonyms.batch.ff1_array_lane import Ff1ArrayLane

    LANES.append(Ff1ArrayLane)
lanes = pytest.mark.parametrize("make", LANES)

DOMAIN, NUMBER = DomainId("gp-2026"), IdentifierType.NHS_NUMBER
KEY = DataKey(bytes(range(64)), 1)
GOLDEN = {"9990000018": "6213244148", "9990000026": "1431326124"}
"""Under that key and version 1 in that domain, for ever. The page has the first one."""

ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
_KEY_128 = "2B7E151628AED2A6ABF7158809CF4F3C"
_KEY_192 = _KEY_128 + "EF4359D8D580AA4F"
_KEY_256 = _KEY_192 + "7F036D6F04FC6A94"
_TEN, _TEN_TWEAK = "0123456789", "39383736353433323130"
_LETTERS, _LETTERS_TWEAK = "0123456789abcdefghi", "3737373770717273373737"
NIST = [
    (_KEY_128, 10, _TEN, "", "2433477484"),
    (_KEY_128, 10, _TEN, _TEN_TWEAK, "6124200773"),
    (_KEY_128, 36, _LETTERS, _LETTERS_TWEAK, "a9tv40mll9kdu509eum"),
    (_KEY_192, 10, _TEN, "", "2830668132"),
    (_KEY_192, 10, _TEN, _TEN_TWEAK, "2496655549"),
    (_KEY_192, 36, _LETTERS, _LETTERS_TWEAK, "xbj3kv35jrawxv32ysr"),
    (_KEY_256, 10, _TEN, "", "6657667009"),
    (_KEY_256, 10, _TEN, _TEN_TWEAK, "1001623463"),
    (_KEY_256, 36, _LETTERS, _LETTERS_TWEAK, "xs8a0azh2avyalyzuwd"),
]
"""NIST's FF1 samples 1 to 9."""

WYCHEPROOF = json.loads(
    (Path(__file__).parents[2] / "vectors" / "wycheproof-aes-ff1-base10.json").read_text(encoding="utf-8")
)["tests"]
TOO_SMALL = "SmallMessageSize"
"""Wycheproof allows 2 to 5 digits as the first edition of the standard did; Keyholder does not."""


def _numerals(text: str) -> list[int]:
    return [ALPHABET.index(character) for character in text]


def _text(numerals: list[int]) -> str:
    return "".join(ALPHABET[numeral] for numeral in numerals)


@pytest.mark.parametrize(("key", "radix", "plain", "tweak", "cipher"), NIST)
def test_the_samples_of_nist(key: str, radix: int, plain: str, tweak: str, cipher: str) -> None:
    ff1 = Ff1(bytes.fromhex(key), radix)
    assert _text(ff1.encrypt(_numerals(plain), bytes.fromhex(tweak))) == cipher
    assert _text(ff1.decrypt(_numerals(cipher), bytes.fromhex(tweak))) == plain


@lanes
@pytest.mark.parametrize("sample", [one for one in NIST if one[1] == 10])
def test_the_samples_of_nist_in_batch(make: Ff1LaneMaker, sample: tuple[str, int, str, str, str]) -> None:
    key, _, plain, tweak, cipher = sample
    lane = make(Ff1Constants(bytes.fromhex(key), bytes.fromhex(tweak), len(plain)))
    assert lane.encrypt(plain.encode() * 3) == cipher.encode() * 3
    assert lane.decrypt(cipher.encode() * 3) == plain.encode() * 3


@pytest.mark.parametrize("case", WYCHEPROOF, ids=lambda case: f"{case['tcId']} {case['comment']}")
def test_the_vectors_of_wycheproof(case: dict[str, str]) -> None:
    key, tweak = bytes.fromhex(case["key"]), bytes.fromhex(case["tweak"])
    numerals = [int(character, 16) if character in "0123456789abcdef" else 99 for character in case["msg"]]
    if case["result"] == "invalid" or TOO_SMALL in case["flags"]:
        with pytest.raises(ValueError, match=r"key size|million|below the radix"):
            Ff1(key, 10).encrypt(numerals, tweak)
        return
    ff1 = Ff1(key, 10)
    assert _text(ff1.encrypt(numerals, tweak)) == case["ct"]
    assert ff1.decrypt(_numerals(case["ct"]), tweak) == numerals
    if len(numerals) <= 18:
        for make in LANES:
            lane = make(Ff1Constants(key, tweak, len(numerals)))
            assert lane.encrypt(case["msg"].encode()).decode() == case["ct"]
            assert lane.decrypt(case["ct"].encode()).decode() == case["msg"]


@lanes
@given(key=st.binary(min_size=32, max_size=32), tweak=st.binary(max_size=40), digits=st.integers(6, 18), data=st.data())
def test_a_lane_is_the_mode_one_by_one(
    make: Ff1LaneMaker, key: bytes, tweak: bytes, digits: int, data: st.DataObject
) -> None:
    texts = data.draw(st.lists(st.integers(0, 10**digits - 1).map(lambda number: f"{number:0{digits}d}"), max_size=5))
    ff1, lane = Ff1(key, 10), make(Ff1Constants(key, tweak, digits))
    expected = "".join(_text(ff1.encrypt(_numerals(text), tweak)) for text in texts)
    assert lane.encrypt("".join(texts).encode()).decode() == expected
    assert lane.decrypt(expected.encode()).decode() == "".join(texts)


@lanes
def test_blocks_join_without_a_seam(make: Ff1LaneMaker) -> None:
    random = Random(1)  # noqa: S311 - the same digits every time
    rows = 2 * 8192 + 1
    texts = "".join(f"{random.randrange(10**10):010d}" for _ in range(rows))
    lane, ff1 = make(Ff1Constants(bytes(32), b"tweak", 10)), Ff1(bytes(32), 10)
    sealed = lane.encrypt(texts.encode()).decode()
    for row in (0, 8191, 8192, rows - 1):
        expected = _text(ff1.encrypt(_numerals(texts[10 * row : 10 * row + 10]), b"tweak"))
        assert sealed[10 * row : 10 * row + 10] == expected
    assert lane.decrypt(sealed.encode()).decode() == texts


@pytest.mark.parametrize(("radix", "length"), [(10, 5), (10, 0), (2, 19), (36, 3), (999, 1)])
def test_a_domain_under_one_million_values_is_refused(radix: int, length: int) -> None:
    for change in (Ff1(bytes(32), radix).encrypt, Ff1(bytes(32), radix).decrypt):
        with pytest.raises(ValueError, match="one million"):
            change([0] * length, b"")


def test_the_smallest_domain_is_exactly_one_million() -> None:
    assert len(Ff1(bytes(32), 10).encrypt([0] * 6, b"")) == 6
    assert len(Ff1(bytes(32), 1000).encrypt([999, 999], b"")) == 2


@pytest.mark.parametrize("digits", [5, 19])
def test_a_batch_has_six_to_eighteen_digits(digits: int) -> None:
    with pytest.raises(ValueError, match="6 to 18"):
        Ff1Constants(bytes(32), b"", digits)


@pytest.mark.parametrize("radix", [1, 65537])
def test_a_radix_is_2_to_65536(radix: int) -> None:
    with pytest.raises(ValueError, match="radix"):
        Ff1(bytes(32), radix)


def test_golden_pseudonyms_and_the_page() -> None:
    column = Ff1Column(KEY, DOMAIN, NUMBER)
    assert column.seal(list(GOLDEN)) == list(GOLDEN.values())
    assert column.open(list(GOLDEN.values())) == list(GOLDEN)
    page = (Path(__file__).parents[3] / "docs" / "pseudonyms.md").read_text(encoding="utf-8")
    assert next(iter(GOLDEN.values())) in page


@pytest.mark.parametrize("rows", [0, 1, FEW - 1, FEW, 900])
def test_a_column_comes_back_whatever_its_size(rows: int) -> None:
    numbers = some_nhs_numbers(rows)
    pseudonyms = Ff1Column(KEY, DOMAIN, NUMBER).seal(numbers)
    assert all(is_ten_digits(pseudonym) for pseudonym in pseudonyms)
    assert len(set(pseudonyms)) == rows
    assert Ff1Column(KEY, DOMAIN, NUMBER).open(pseudonyms) == numbers


@given(nhs_numbers())
def test_domain_version_and_key_each_give_other_digits(number: str) -> None:
    keys = [KEY, DataKey(bytes(range(64)), 2), DataKey(bytes(64), 1)]
    columns = [Ff1Column(key, DomainId(domain), NUMBER) for key in keys for domain in ("gp-2026", "gp", "gp-2027")]
    assert len({column.seal([number])[0] for column in columns}) == len(columns)


def test_the_tweak_separates_what_could_run_together() -> None:
    kinds = IdentifierType.DATE_OF_BIRTH, IdentifierType.DATE_OF_DEATH, NUMBER
    tweaks = {
        ff1_tweak(DomainId(domain), kind, version)
        for domain in ("a", "ad", "ada")
        for kind in kinds
        for version in (1, 256)
    }
    assert len(tweaks) == 18
    assert ff1_key(KEY) != ff1_key(DataKey(bytes(64), 1))
    assert ff1_key(KEY) not in bytes(KEY.material)


def test_what_comes_out_of_wrong_digits_is_an_nhs_number_or_nothing() -> None:
    """Not authenticated: some do come out as a number, and the page says how many."""
    opened = Ff1Column(KEY, DOMAIN, NUMBER).open([f"{number:010d}" for number in range(3000)])
    passed = [number for number in opened if number is not None]
    assert 3000 / 20 < len(passed) < 3000 / 10
    assert all(_is_valid(number) for number in passed)


def _is_valid(number: str) -> bool:
    try:
        return parse(number) == number
    except NotAnIdentifierError:
        return False


@pytest.mark.parametrize("kind", [kind for kind in IdentifierType if kind is not NUMBER])
def test_only_nhs_numbers_have_ten_digits(kind: IdentifierType) -> None:
    with pytest.raises(ValueError, match="NHS numbers only"):
        Ff1Column(KEY, DOMAIN, kind)


@pytest.mark.parametrize("text", ["", "999000001", "99900000180", "999000001x", " 990000018", "9990000018\n", "٩" * 10])
def test_what_is_not_ten_digits(text: str) -> None:
    assert not is_ten_digits(text)


class Wrong(Ff1ListLane):
    """A lane that is one off in the last row, or loses it."""

    def encrypt(self, texts: bytes) -> bytes:
        return super().encrypt(texts)[:-10]

    def decrypt(self, texts: bytes) -> bytes:
        right = super().decrypt(texts)
        return right[:-1] + bytes([ord("0") + (right[-1] - ord("0") + 1) % 10])


def test_a_lane_that_is_wrong_is_refused() -> None:
    column = Ff1Column(KEY, DOMAIN, NUMBER, Wrong)
    with pytest.raises(BatchDisagreesError):
        column.open(["0123456789"] * SAMPLE)
    with pytest.raises(BatchDisagreesError):
        column.seal(["9990000018"] * SAMPLE)


def test_lanes_by_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(ff1_column.sys.modules, "numpy", raising=False)
    assert _lane_for(FEW - 1) is None
    assert _lane_for(FEW) is _lane_for(MANY - 1) is Ff1ListLane
    monkeypatch.setitem(ff1_column.sys.modules, "keyholder.pseudonyms.batch.ff1_array_lane", None)
    assert _lane_for(MANY) is Ff1ListLane
