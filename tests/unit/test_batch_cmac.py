"""AES-CMAC of many messages at once: the standard's own examples, and whatever the library says of anything else."""

import pytest
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import given
from hypothesis import strategies as st

from keyholder.batch_cmac import ROWS, BatchCmac

RFC_4493_KEY = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
RFC_4493_MESSAGE = bytes.fromhex(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
)
RFC_4493 = {
    0: "bb1d6929e95937287fa37d129b756746",
    16: "070a16b46b4d4144f79bdd9dd04a287c",
    40: "dfa66747de9ae63030ca32611497c827",
    64: "51f0bebf7e3b9d92fc49741779363cfe",
}
KEY = bytes(range(32))


def library(message: bytes) -> bytes:
    mac = CMAC(AES(KEY))
    mac.update(message)
    return mac.finalize()


def test_the_examples_of_the_standard() -> None:
    tags = BatchCmac(RFC_4493_KEY).tags([RFC_4493_MESSAGE[:size] for size in RFC_4493])
    assert [tag.hex() for tag in tags] == list(RFC_4493.values())


@given(st.lists(st.binary(max_size=70), max_size=40), st.integers(1, 16))
def test_any_messages_in_any_order_get_the_librarys_tags(messages: list[bytes], length: int) -> None:
    assert BatchCmac(KEY).tags(messages, length) == [library(message)[:length] for message in messages]


@pytest.mark.parametrize("size", [10, 16, 45, 48])
def test_more_messages_than_one_block_holds(size: int) -> None:
    messages = [place.to_bytes(4, "big").rjust(size, b"x") for place in range(ROWS + 3)]
    assert BatchCmac(KEY).tags(messages) == [library(message) for message in messages]


def test_the_key_does_not_show() -> None:
    assert repr(BatchCmac(KEY)) == "BatchCmac(hidden)"
    with pytest.raises(ValueError, match="key"):
        BatchCmac(b"short")
