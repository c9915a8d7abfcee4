import pytest

from keyholder.pseudonyms.key_ring import DataKey, KeyGone, OpenedKeys, SecretKey
from keyholder.vocabulary import DomainId, IdentifierType
from tests.fakes.key_ring import KeyRingInMemory

DOMAIN = DomainId("gp-2026")
SECRET = bytes(range(1, 65))


@pytest.mark.parametrize("key", [SecretKey(SECRET), DataKey(SECRET, 1)])
def test_a_key_shows_nothing_of_itself(key: SecretKey) -> None:
    shown = f"{key!r} {key!s} {key}"
    assert shown == " ".join([f"{type(key).__name__}(hidden)"] * 3)
    assert not hasattr(key, "__dict__")


def test_a_wiped_key_is_overwritten_and_gives_nothing() -> None:
    with DataKey(SECRET, 1) as key:
        buffer = key.material
        assert buffer == SECRET
    assert buffer == bytes(64)
    with pytest.raises(ValueError, match="wiped"):
        _ = key.material
    key.wipe()


def test_a_key_is_wiped_when_its_block_fails() -> None:
    key = SecretKey(SECRET)
    buffer = key.material
    with pytest.raises(KeyError), key:
        raise KeyError("planned")
    assert buffer == bytes(64)


def test_a_key_is_a_copy() -> None:
    theirs = bytearray(SECRET)
    key = SecretKey(theirs)
    theirs[:] = bytes(64)
    assert key.material == SECRET


@pytest.mark.parametrize("length", [0, 32, 63, 65])
def test_a_data_key_has_64_bytes(length: int) -> None:
    with pytest.raises(ValueError, match="64 bytes"):
        DataKey(bytes(length), 1)


def test_each_key_is_opened_once_and_wiped_at_the_end() -> None:
    gone = {(DOMAIN, IdentifierType.POSTCODE, 1): KeyGone.DESTROYED}
    ring = KeyRingInMemory(newest=2, gone=gone)
    with OpenedKeys(ring) as keys:
        first = keys.open(DOMAIN, IdentifierType.NHS_NUMBER, 1)
        assert isinstance(first, DataKey)
        assert keys.open(DOMAIN, IdentifierType.NHS_NUMBER, 1) is first
        assert keys.open(DOMAIN, IdentifierType.NHS_NUMBER, 2) is not first
        assert keys.open(DomainId("other"), IdentifierType.NHS_NUMBER, 1) is not first
        for _ in range(2):
            assert keys.open(DOMAIN, IdentifierType.POSTCODE, 1) is KeyGone.DESTROYED
            assert keys.open(DOMAIN, IdentifierType.POSTCODE, 9) is KeyGone.UNKNOWN
        buffers = [key.material for key in ring.handed_out]
        assert len(buffers) == 3
    assert len(ring.openings) == len(set(ring.openings)) == 5
    assert all(buffer == bytes(64) for buffer in buffers)
    with pytest.raises(ValueError, match="wiped"):
        keys.open(DOMAIN, IdentifierType.NHS_NUMBER, 1)


def test_a_failed_request_wipes_its_keys_too() -> None:
    ring = KeyRingInMemory()
    keys = OpenedKeys(ring)
    keys.open(DOMAIN, IdentifierType.NHS_NUMBER, 1)
    buffer = ring.handed_out[0].material
    with pytest.raises(KeyError), keys:
        raise KeyError("planned")
    assert buffer == bytes(64)
