"""AES-SIV against published vectors, and what binds a pseudonym to its place."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.identifiers.not_an_identifier import NotAnIdentifierError
from keyholder.pseudonyms.key_ring import DataKey
from keyholder.pseudonyms.siv import Siv, associated_data, open_, seal
from keyholder.pseudonyms.token import Token
from keyholder.vocabulary import DomainId, IdentifierType
from tests.people import canonical_identifiers

DOMAIN = DomainId("gp-2026")
GOLDEN_KEY = bytes(range(64))
GOLDEN = [
    (IdentifierType.NHS_NUMBER, "9990000018", 1, "SN018HN39EHMFCQP4HJ8B37SKK8V5EJGXH1BPY"),
    (
        IdentifierType.GP_LOCAL_PATIENT_NUMBER,
        "A-17",
        1,
        "SG011NFGY82CRGQMMTA5VBW9SZWRN85XE8V7YJQGK8Y602V04SPB6DSXMXT6SNHV6M77YD",
    ),
    (IdentifierType.POSTCODE, "ZZ99 3VZ", 1, "SP01YK64XBKJ9E0G62V3XZXJKJ5E4YTEMC8QHT"),
    (IdentifierType.DATE_OF_BIRTH, "1948-07-05", 1, "SB01V9ZJAV6G6BN5FEYJA5W3KX6P4PV31E6RHC"),
    (IdentifierType.DATE_OF_DEATH, "2020-02-29", 1023, "SDZZXS5QZJWYMF93T2GVYXFTCZHVQDRAWYH1N8"),
]
TYPED = st.sampled_from(IdentifierType).flatmap(lambda kind: st.tuples(st.just(kind), canonical_identifiers(kind)))
KEYS = st.binary(min_size=64, max_size=64)
VERSIONS = st.integers(1, 1023)

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
WYCHEPROOF = json.loads(
    (Path(__file__).parents[2] / "vectors" / "wycheproof-aes-siv-cmac-512.json").read_text(encoding="utf-8")
)["tests"]


def _token(text: str) -> Token:
    token = Token.parse(text)
    assert isinstance(token, Token)
    return token


@pytest.mark.parametrize("name", RFC_5297)
def test_the_vectors_of_rfc_5297(name: str) -> None:
    key, associated, plaintext, sealed = RFC_5297[name]
    siv = Siv(bytes.fromhex(key))
    data = [bytes.fromhex(item) for item in associated]
    assert siv.seal(bytes.fromhex(plaintext), data).hex() == sealed
    assert siv.open(bytes.fromhex(sealed), data) == bytes.fromhex(plaintext)


@pytest.mark.parametrize("case", WYCHEPROOF, ids=lambda case: f"{case['tcId']} {case['comment']}")
def test_the_vectors_of_wycheproof(case: dict[str, str]) -> None:
    siv = Siv(bytes.fromhex(case["key"]))
    data = [bytes.fromhex(case["aad"])]
    opened = siv.open(bytes.fromhex(case["ct"]), data)
    if case["result"] == "valid":
        assert opened == bytes.fromhex(case["msg"])
        assert siv.seal(opened, data).hex() == case["ct"]
    else:
        assert opened is None


@pytest.mark.parametrize(("kind", "canonical", "version", "pseudonym"), GOLDEN)
def test_golden_pseudonyms(kind: IdentifierType, canonical: str, version: int, pseudonym: str) -> None:
    key = DataKey(GOLDEN_KEY, version)
    assert seal(key, DOMAIN, kind, canonical) == pseudonym
    assert open_(key, DOMAIN, kind, _token(pseudonym)) == canonical


@given(TYPED, KEYS, VERSIONS)
def test_a_pseudonym_opens_to_its_identifier(typed: tuple[IdentifierType, str], key: bytes, version: int) -> None:
    kind, canonical = typed
    data_key = DataKey(key, version)
    pseudonym = seal(data_key, DOMAIN, kind, canonical)
    assert seal(data_key, DOMAIN, kind, canonical) == pseudonym
    assert open_(data_key, DOMAIN, kind, _token(pseudonym)) == canonical


@given(
    TYPED, KEYS, st.sampled_from(IdentifierType), st.sampled_from(["gp-2026", "gp-2027", "gp", "gp-2026x"]), VERSIONS
)
def test_a_pseudonym_opens_nowhere_else(
    typed: tuple[IdentifierType, str], key: bytes, other_kind: IdentifierType, other_domain: str, other_version: int
) -> None:
    """Even the same key bytes open it only for the domain, type and version it was made for."""
    kind, canonical = typed
    token = _token(seal(DataKey(key, 7), DOMAIN, kind, canonical))
    same = (other_kind, other_domain, other_version) == (kind, DOMAIN, 7)
    for claimed in (token, _relabelled(token, other_kind, other_version)):
        opened = open_(DataKey(key, other_version), DomainId(other_domain), other_kind, claimed)
        assert (opened == canonical) if same else (opened is None)


def _relabelled(token: Token, kind: IdentifierType, version: int) -> Token:
    """The token as a forger would change its readable part; the ciphertext is cut or filled to length."""
    length = 40 if kind is IdentifierType.GP_LOCAL_PATIENT_NUMBER else 20
    return Token(token.scheme, kind, version, token.ciphertext[:length].ljust(length, b"\0"))


@given(TYPED, KEYS, st.data())
def test_a_ciphertext_with_any_bit_changed_does_not_open(
    typed: tuple[IdentifierType, str], key: bytes, data: st.DataObject
) -> None:
    kind, canonical = typed
    data_key = DataKey(key, 1)
    token = _token(seal(data_key, DOMAIN, kind, canonical))
    bit = data.draw(st.integers(0, len(token.ciphertext) * 8 - 1))
    changed = (int.from_bytes(token.ciphertext, "big") ^ 1 << bit).to_bytes(len(token.ciphertext), "big")
    assert open_(data_key, DOMAIN, kind, Token(token.scheme, kind, 1, changed)) is None


def test_authentic_bytes_that_no_identifier_encodes_to_do_not_open() -> None:
    key = DataKey(GOLDEN_KEY, 1)
    kind = IdentifierType.NHS_NUMBER
    sealed = Siv(key.material).seal(b"\xff\xff\xff\xff", associated_data(DOMAIN, kind, 1))
    assert open_(key, DOMAIN, kind, Token(_token(GOLDEN[0][3]).scheme, kind, 1, sealed)) is None


@pytest.mark.parametrize("text", ["999 000 0018", "9990000019", ""])
def test_only_canonical_identifiers_are_sealed(text: str) -> None:
    with pytest.raises(NotAnIdentifierError):
        seal(DataKey(GOLDEN_KEY, 1), DOMAIN, IdentifierType.NHS_NUMBER, text)
