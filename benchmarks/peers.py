"""What others offer for the same job: one short identifier out of one deterministic (or any) ciphertext, one call each.

Each peer is set up as its documentation says, in its fastest way, with its key at hand and nothing fetched.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

Contender = Callable[[], int]
"""Does its job once, and says how many it did."""

AES_PIECE = 128 * 1024


def aessiv(key: bytes, associated_data: Sequence[bytes], plaintexts: Sequence[bytes]) -> Contender:
    """`cryptography`, one object, one call for each."""
    cipher, items = AESSIV(key), list(associated_data)
    sealed = [cipher.encrypt(one, items) for one in plaintexts]

    def run() -> int:
        for one in sealed:
            cipher.decrypt(one, items)
        return len(sealed)

    return run


def tink(plaintexts: Sequence[bytes], associated_data: bytes) -> Contender:
    """Google's Tink, deterministic AEAD, AES256_SIV."""
    import tink as library
    from tink import daead

    daead.register()
    handle = library.new_keyset_handle(daead.deterministic_aead_key_templates.AES256_SIV)
    primitive = handle.primitive(daead.DeterministicAead)
    sealed = [primitive.encrypt_deterministically(one, associated_data) for one in plaintexts]
    _same(primitive.decrypt_deterministically(sealed[0], associated_data), plaintexts[0])

    def run() -> int:
        for one in sealed:
            primitive.decrypt_deterministically(one, associated_data)
        return len(sealed)

    return run


def presidio(texts: Sequence[str]) -> Contender:
    """Microsoft's presidio-anonymizer, the decrypt operator, one value for each call: its fastest way."""
    from presidio_anonymizer import DeanonymizeEngine
    from presidio_anonymizer.entities import OperatorConfig, OperatorResult
    from presidio_anonymizer.operators import AESCipher

    logging.getLogger("presidio-anonymizer").setLevel(logging.ERROR)
    key = os.urandom(16).hex()[:16]
    sealed = [AESCipher.encrypt(key.encode(), text) for text in texts]
    engine, operators = DeanonymizeEngine(), {"DEFAULT": OperatorConfig("decrypt", {"key": key})}

    def opened(one: str) -> str:
        entity = OperatorResult(start=0, end=len(one), entity_type="NHS")
        return engine.deanonymize(text=one, entities=[entity], operators=operators).text

    _same(opened(sealed[0]), texts[0])

    def run() -> int:
        for one in sealed:
            opened(one)
        return len(sealed)

    return run


def aws_encryption_sdk(plaintexts: Sequence[bytes]) -> Contender:
    """The AWS Encryption SDK with a raw AES key, cached data keys and no signing: its fastest way."""
    import aws_encryption_sdk as sdk
    from aws_encryption_sdk.identifiers import Algorithm, EncryptionKeyType, WrappingAlgorithm
    from aws_encryption_sdk.internal.crypto.wrapping_keys import WrappingKey
    from aws_encryption_sdk.key_providers.raw import RawMasterKeyProvider

    class OneKey(RawMasterKeyProvider):
        provider_id = "benchmark"
        key = os.urandom(32)

        def _get_raw_key(self, key_id: str) -> WrappingKey:  # noqa: ARG002 - the SDK names it
            algorithm = WrappingAlgorithm.AES_256_GCM_IV12_TAG16_NO_PADDING
            return WrappingKey(algorithm, self.key, EncryptionKeyType.SYMMETRIC)

    provider = OneKey()
    provider.add_master_key("key")
    materials = sdk.CachingCryptoMaterialsManager(
        master_key_provider=provider,
        cache=sdk.LocalCryptoMaterialsCache(100),
        max_age=3600.0,
        max_messages_encrypted=10**6,
    )
    client = sdk.EncryptionSDKClient()
    sealed = [
        client.encrypt(
            source=one,
            materials_manager=materials,
            encryption_context={"domain": "gp-2026"},
            algorithm=Algorithm.AES_256_GCM_HKDF_SHA512_COMMIT_KEY,
        )[0]
        for one in plaintexts
    ]
    _same(client.decrypt(source=sealed[0], materials_manager=materials)[0], plaintexts[0])

    def run() -> int:
        for one in sealed:
            client.decrypt(source=one, materials_manager=materials)
        return len(sealed)

    return run


def libffx(key: bytes, tweak: bytes, texts: Sequence[str], sealed: Sequence[str]) -> Contender:
    """libffx's FF1, one call for each ten digits, without a tweak, which is faster. It must agree on `sealed`."""
    from ffx import FF1

    cipher = FF1(key, radix=10)
    _same([cipher.decrypt(one, tweak=tweak) for one in sealed], list(texts))

    def run() -> int:
        for one in sealed:
            cipher.decrypt(one, tweak=b"")
        return len(sealed)

    return run


def aes_bound(blocks: int, blocks_each: int) -> Contender:
    """Nothing but the AES blocks that a token needs, in pieces that stay in the cache: no program can be faster."""
    cipher = Cipher(algorithms.AES(os.urandom(32)), modes.ECB()).encryptor()
    piece, out = os.urandom(AES_PIECE), bytearray(AES_PIECE + 16)
    pieces = blocks * 16 // AES_PIECE

    def run() -> int:
        for _ in range(pieces):
            cipher.update_into(piece, out)
        return pieces * (AES_PIECE // 16) // blocks_each

    return run


def _same(got: object, wanted: object) -> None:
    if got != wanted:
        raise SystemExit("a peer does not open what was sealed: its figures would mean nothing")
