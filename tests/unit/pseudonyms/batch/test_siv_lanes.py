"""Every lane of batch AES-SIV against the published vectors and against the library, bit for bit."""

import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from random import Random

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from hypothesis import given
from hypothesis import strategies as st

from keyholder.pseudonyms.batch import integer_lane
from keyholder.pseudonyms.batch.integer_lane import IntegerLane
from keyholder.pseudonyms.batch.siv_column import LaneMaker
from keyholder.pseudonyms.batch.siv_constants import TAG, Lane, OpenedBlock, SivConstants

LANES: list[LaneMaker] = [IntegerLane]
if find_spec("numpy") is not None:
    from keyholder.pseudonyms.batch.array_lane import ArrayLane

    LANES.append(ArrayLane)

RFC_5297 = {
    "A.1": (
        "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
        ["101112131415161718191a1b1c1d1e1f2021222324252627"],
        "112233445566778899aabbccddee",
        "85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c",
    ),
    "A.2": (
        "7f7e7d7c7b7a79787776757473727170404142434445464748494a4b4c4d4e4f",
        [
            "00112233445566778899aabbccddeeffdeaddadadeaddadaffeeddccbbaa99887766554433221100",
            "102030405060708090a0",
            "09f911029d74e35bd84156c5635688c0",
        ],
        "7468697320697320736f6d6520706c61696e7465787420746f20656e6372797074207573696e67205349562d414553",
        (
            "7bdb6e3b432667eb06f4d14bff2fbd0fcb900f2fddbe404326601965c889bf17"
            "dba77ceb094fa663b7a3f748ba8af829ea64ad544a272e9c485b62a3fd5c0d"
        ),
    ),
}
WYCHEPROOF = [
    case
    for case in json.loads(
        (Path(__file__).parents[3] / "vectors" / "wycheproof-aes-siv-cmac-512.json").read_text(encoding="utf-8")
    )["tests"]
    if len(case["ct"]) > 2 * TAG
]
"""Those that have a plaintext: no identifier is encoded to nothing."""

LENGTHS = st.one_of(st.sampled_from([4, 24]), st.integers(1, 50))
"""4 and 24 bytes are what identifiers are encoded to."""

lanes = pytest.mark.parametrize("make", LANES)


@st.composite
def batches(draw: st.DrawFn) -> tuple[bytes, list[bytes], int, list[bytes]]:
    """Key, associated data, and plaintexts of one length."""
    length = draw(LENGTHS)
    plaintexts = draw(st.lists(st.binary(min_size=length, max_size=length), max_size=9))
    key = draw(st.binary(min_size=64, max_size=64))
    return key, draw(st.lists(st.binary(max_size=40), min_size=1, max_size=4)), length, plaintexts


def _opened(lane: Lane, sealed: Sequence[bytes]) -> OpenedBlock:
    return lane.open(b"".join(sealed))


@lanes
@pytest.mark.parametrize("name", RFC_5297)
@pytest.mark.parametrize("rows", [1, 3])
def test_the_vectors_of_rfc_5297(make: LaneMaker, name: str, rows: int) -> None:
    key, associated, plaintext, sealed = RFC_5297[name]
    lane = make(SivConstants(bytes.fromhex(key), [bytes.fromhex(item) for item in associated], len(plaintext) // 2))
    assert lane.seal(bytes.fromhex(plaintext * rows)).hex() == sealed * rows
    assert lane.open(bytes.fromhex(sealed * rows)) == OpenedBlock(bytes.fromhex(plaintext * rows), [])


@lanes
@pytest.mark.parametrize("case", WYCHEPROOF, ids=lambda case: f"{case['tcId']} {case['comment']}")
def test_the_vectors_of_wycheproof(make: LaneMaker, case: dict[str, str]) -> None:
    sealed = bytes.fromhex(case["ct"])
    length = len(sealed) - TAG
    lane = make(SivConstants(bytes.fromhex(case["key"]), [bytes.fromhex(case["aad"])], length))
    if case["result"] == "valid":
        assert lane.open(sealed) == OpenedBlock(bytes.fromhex(case["msg"]), [])
        assert lane.seal(bytes.fromhex(case["msg"])) == sealed
    else:
        assert lane.open(sealed) == OpenedBlock(bytes(length), [0])


@lanes
@given(batch=batches())
def test_a_lane_is_the_library_bit_for_bit(make: LaneMaker, batch: tuple[bytes, list[bytes], int, list[bytes]]) -> None:
    key, associated, length, plaintexts = batch
    library, lane = AESSIV(key), make(SivConstants(key, associated, length))
    sealed = [library.encrypt(plaintext, associated) for plaintext in plaintexts]
    assert lane.seal(b"".join(plaintexts)) == b"".join(sealed)
    assert _opened(lane, sealed) == OpenedBlock(b"".join(plaintexts), [])


@lanes
@given(batch=batches(), data=st.data())
def test_one_flipped_bit_anywhere_spoils_that_row_only(
    make: LaneMaker, batch: tuple[bytes, list[bytes], int, list[bytes]], data: st.DataObject
) -> None:
    key, associated, length, plaintexts = batch
    if not plaintexts:
        plaintexts = [bytes(length)]
    lane, library = make(SivConstants(key, associated, length)), AESSIV(key)
    sealed = [library.encrypt(plaintext, associated) for plaintext in plaintexts]
    row = data.draw(st.integers(0, len(sealed) - 1))
    bit = data.draw(st.integers(0, (TAG + length) * 8 - 1))
    sealed[row] = (int.from_bytes(sealed[row], "big") ^ 1 << bit).to_bytes(TAG + length, "big")
    blank = [*plaintexts[:row], bytes(length), *plaintexts[row + 1 :]]
    assert _opened(lane, sealed) == OpenedBlock(b"".join(blank), [row])


@lanes
@pytest.mark.parametrize("length", [4, 24])
@pytest.mark.parametrize("rows", [integer_lane.ROWS - 1, integer_lane.ROWS, 2 * integer_lane.ROWS + 1])
def test_blocks_join_without_a_seam(make: LaneMaker, length: int, rows: int) -> None:
    """Also with bad rows at the edges of a block, and one lane used again."""
    random = Random(rows)  # noqa: S311 - the same bytes every time
    plaintexts = [random.randbytes(length) for _ in range(rows)]
    lane, library = make(SivConstants(bytes(range(64)), [b"one", b"two"], length)), AESSIV(bytes(range(64)))
    sealed = lane.seal(b"".join(plaintexts))
    width = TAG + length
    for row in (0, integer_lane.ROWS - 2, rows - 1):
        assert sealed[width * row : width * (row + 1)] == library.encrypt(plaintexts[row], [b"one", b"two"])
    assert lane.open(sealed) == OpenedBlock(b"".join(plaintexts), [])
    bad = sorted({0, 7, integer_lane.ROWS - 2, rows - 1})
    spoiled = bytearray(sealed)
    for row in bad:
        spoiled[width * row] ^= 0x80
        plaintexts[row] = bytes(length)
    assert lane.open(bytes(spoiled)) == OpenedBlock(b"".join(plaintexts), bad)
    assert lane.open(sealed).failed == []


@pytest.mark.parametrize("bit", range(128))
def test_every_bit_of_a_tag_is_compared(bit: int) -> None:
    """No forgery a test could make shows a bit left out: a wrong row's tag differs in half of them."""
    row = 1 << bit
    for place in range(3):
        assert integer_lane._rows_that_differ(row << 128 * (2 - place), 48) == [place]
    if len(LANES) == 2:
        lane = ArrayLane(SivConstants(bytes(64), [], 4))
        lane._tags[:3] = 0
        tags = lane._tags[:3].copy()
        tags[1] = memoryview(row.to_bytes(16, "big")).cast("Q")
        assert lane._differing(tags, 3).tolist() == [1]


def test_an_empty_plaintext_and_a_short_key_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one byte"):
        SivConstants(bytes(64), [], 0)
    with pytest.raises(ValueError, match="key size"):
        SivConstants(bytes(63), [], 4)


def test_what_is_opened_is_not_shown() -> None:
    assert "secret" not in repr(OpenedBlock(b"secret", []))
