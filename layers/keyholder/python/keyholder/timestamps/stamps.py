"""A time-stamp (RFC 3161): somebody whose business is time says that these bytes existed at a moment.

What is stamped is a checkpoint, exactly as stored, so a stamp needs nothing of ours to be checked: `openssl ts -verify`
takes it too. The ASN.1 is read, and the signature verified, by `rfc3161-client`, which is imported where it is used:
nothing else of Keyholder needs it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse

MAX_BYTES = 100_000
"""Of an answer: a signature and a few certificates."""

_HASHES: Mapping[str, Callable[[bytes], bytes]] = {
    "2.16.840.1.101.3.4.2.1": lambda body: hashlib.sha256(body).digest(),
    "2.16.840.1.101.3.4.2.2": lambda body: hashlib.sha384(body).digest(),
    "2.16.840.1.101.3.4.2.3": lambda body: hashlib.sha512(body).digest(),
}


class StampError(ValueError):
    """A stamp that is malformed, that was refused, or that no trusted authority has made."""


class AuthorityUnreachableError(Exception):
    """The authority gave no answer: it is asked again later."""


class TimeStampAuthority(Protocol):
    """Who stamps: one question, one answer, both DER (RFC 3161 section 3.4)."""

    def answer(self, request: bytes) -> bytes:
        """Raises `AuthorityUnreachableError`."""
        ...


@dataclass(frozen=True, slots=True)
class Trust:
    """The authority's certificates, as one has them from it: a root at least, and what leads from it to its own.

    `own` is the certificate it stamps with, where it is among them: then no other one will do.
    """

    roots: tuple[x509.Certificate, ...]
    between: tuple[x509.Certificate, ...] = ()
    own: x509.Certificate | None = None

    @classmethod
    def read(cls, body: bytes) -> Trust:
        """Of a file: certificates in PEM, or one in DER. Raises `StampError` unless there is a self-issued one."""
        try:
            pem = b"-----BEGIN" in body
            found = x509.load_pem_x509_certificates(body) if pem else [x509.load_der_x509_certificate(body)]
        except ValueError as cause:
            raise StampError("no certificate can be read") from cause
        roots = tuple(one for one in found if one.issuer == one.subject)
        if not roots:
            raise StampError("the authority's root certificate is missing")
        own = [one for one in found if one not in roots and _stamps(one)]
        if len(own) > 1:
            raise StampError("more than one certificate that stamps")
        between = tuple(one for one in found if one not in roots and one not in own)
        return cls(roots, between, own[0] if own else None)


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a trusted authority says: bytes with this hash existed `at` that moment. `by` is its certificate's name."""

    at: datetime
    by: str
    _algorithm: str = field(repr=False)
    _hash: bytes = field(repr=False)

    def covers(self, body: bytes) -> bool:
        """Whether these are the bytes."""
        return _HASHES[self._algorithm](body) == self._hash


@dataclass(frozen=True, slots=True)
class Question:
    """What an authority is asked, and the number its answer has to repeat."""

    request: bytes
    nonce: int

    @classmethod
    def about(cls, body: bytes) -> Question:
        """Over SHA-512, with the authority's certificate in the answer."""
        from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

        asked = TimestampRequestBuilder().data(body).hash_algorithm(HashAlgorithm.SHA512).build()
        if asked.nonce is None:
            raise StampError("a question without a number")
        return cls(asked.as_bytes(), asked.nonce)


def open_stamp(answer: bytes, trust: Trust, nonce: int | None = None) -> Stamp:
    """The stamp in an answer, verified as of its own moment: a certificate that ran out since still counts.

    `nonce` is that of one's own question. Raises `StampError`.
    """
    from rfc3161_client import VerificationError, VerifierBuilder

    read = _decoded(answer)
    info = read.tst_info
    algorithm = info.message_imprint.hash_algorithm.dotted_string
    if algorithm not in _HASHES:
        raise StampError("a stamp over another hash than SHA-2")
    verifier = VerifierBuilder(
        tsa_certificate=trust.own, intermediates=list(trust.between), roots=list(trust.roots), nonce=nonce
    ).build()
    try:
        verifier.verify(read, info.message_imprint.message)
    except (VerificationError, ValueError) as cause:
        raise StampError("no trusted authority has made this stamp") from cause
    return Stamp(info.gen_time, _name(read, trust), algorithm, info.message_imprint.message)


def stamp_moment(answer: bytes) -> datetime:
    """When an answer says that it was made; nothing about it is verified. Raises `StampError`."""
    return _decoded(answer).tst_info.gen_time


def _decoded(answer: bytes) -> TimeStampResponse:
    from rfc3161_client import decode_timestamp_response

    if len(answer) > MAX_BYTES:
        raise StampError("a stamp is too long")
    try:
        read = decode_timestamp_response(answer)
        if read.status != 0:
            raise StampError("the authority refused")
        read.tst_info  # noqa: B018 - what can't be read is said here
    except ValueError as cause:
        if isinstance(cause, StampError):
            raise
        raise StampError("not an answer of an authority") from cause
    return read


def _name(read: TimeStampResponse, trust: Trust) -> str:
    """The name of the one certificate that signed."""
    shown = [x509.load_der_x509_certificate(one) for one in read.signed_data.certificates]
    (signer,) = read.signed_data.signer_infos
    known = [*shown, *([trust.own] if trust.own else [])]
    own = next(one for one in known if (one.issuer, one.serial_number) == (signer.issuer, signer.serial_number))
    return own.subject.rfc4514_string()


def _stamps(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return False
    return ExtendedKeyUsageOID.TIME_STAMPING in usage
