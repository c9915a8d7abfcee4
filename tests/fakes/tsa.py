"""A time-stamp authority (RFC 3161) made on the spot: certificates, and answers signed by one. DER, written by hand.

CMS is that of RFC 5652, the certificate's hash an ESSCertIDv2 (RFC 5816); `openssl ts -verify` takes what is made here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SHA256, SHA512 = "2.16.840.1.101.3.4.2.1", "2.16.840.1.101.3.4.2.3"
_ECDSA_SHA256 = "1.2.840.10045.4.3.2"
_SIGNED_DATA, _TST_INFO = "1.2.840.113549.1.7.2", "1.2.840.113549.1.9.16.1.4"
_CONTENT_TYPE, _MESSAGE_DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
_SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.47"
_POLICY = "1.3.6.1.4.1.99999.1"


def _der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    size = len(body)
    if size < 0x80:
        return bytes([tag, size]) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


def _parts(der: bytes) -> list[tuple[int, bytes]]:
    """Tag and content of each value, one after the other."""
    found, place = [], 0
    while place < len(der):
        tag, size, start = der[place], der[place + 1], place + 2
        if size & 0x80:
            start += size & 0x7F
            size = int.from_bytes(der[place + 2 : start], "big")
        found.append((tag, der[start : start + size]))
        place = start + size
    return found


def _sequence(*parts: bytes) -> bytes:
    return _der(0x30, *parts)


def _set(*parts: bytes) -> bytes:
    return _der(0x31, *sorted(parts))


def _integer(value: int) -> bytes:
    return _der(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _octets(value: bytes) -> bytes:
    return _der(0x04, value)


def _oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    body = bytearray([first * 40 + second])
    for arc in rest:
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(0x80 | arc & 0x7F)
        body += bytes(reversed(groups))
    return _der(0x06, bytes(body))


def _time(moment: datetime) -> bytes:
    return _der(0x18, moment.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode())


def _algorithm(dotted: str) -> bytes:
    return _sequence(_oid(dotted))


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name | None,
    signer: ec.EllipticCurvePrivateKey,
    *,
    stamps: bool,
    usage: x509.ObjectIdentifier,
    days: tuple[datetime, datetime],
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(days[0])
        .not_valid_after(days[1])
        .add_extension(x509.BasicConstraints(ca=not stamps, path_length=None), critical=True)
    )
    if stamps:
        made = made.add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
    return made.sign(signer, hashes.SHA256())


@dataclass
class Authority:
    """Stamps what it is asked to, at the moment it is told."""

    name: str = "Test Authority"
    usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.TIME_STAMPING
    days: tuple[datetime, datetime] = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    root_key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    root: x509.Certificate = field(init=False)
    certificate: x509.Certificate = field(init=False)

    def __post_init__(self) -> None:
        long = (self.days[0] - timedelta(days=1), self.days[1] + timedelta(days=3650))
        self.root = _certificate(
            f"{self.name} Root", self.root_key, None, self.root_key, stamps=False, usage=self.usage, days=long
        )
        self.certificate = _certificate(
            self.name, self.key, self.root.subject, self.root_key, stamps=True, usage=self.usage, days=self.days
        )

    def pem(self, *certificates: x509.Certificate) -> bytes:
        """The root, or these certificates."""
        return b"".join(one.public_bytes(Encoding.PEM) for one in certificates or (self.root,))

    def answer(
        self,
        message: bytes,
        at: datetime,
        nonce: int | None = None,
        *,
        status: int = 0,
        algorithm: str = SHA512,
        certificates: Sequence[x509.Certificate] | None = None,
    ) -> bytes:
        """A TimeStampResp over `message`."""
        if status > 1:
            return _sequence(_sequence(_integer(status)))
        hashed = (hashlib.sha512 if algorithm == SHA512 else hashlib.sha256)(message).digest()
        return self._granted(algorithm, hashed, at, nonce, status=status, certificates=certificates)

    def answer_to(self, request: bytes, at: datetime) -> bytes:
        """A TimeStampResp to a TimeStampReq over SHA-512 that has a nonce."""
        ((_, whole),) = _parts(request)
        _, (_, imprint), *more = _parts(whole)
        hashed = _parts(imprint)[1][1]
        nonce = next(int.from_bytes(body, "big") for tag, body in more if tag == 0x02)
        return self._granted(SHA512, hashed, at, nonce)

    def _granted(
        self,
        algorithm: str,
        hashed: bytes,
        at: datetime,
        nonce: int | None,
        *,
        status: int = 0,
        certificates: Sequence[x509.Certificate] | None = None,
    ) -> bytes:
        info = _sequence(
            _integer(1),
            _oid(_POLICY),
            _sequence(_algorithm(algorithm), _octets(hashed)),
            _integer(77),
            _time(at),
            *([] if nonce is None else [_integer(nonce)]),
        )
        own = self.certificate.public_bytes(Encoding.DER)
        digest = _octets(hashlib.sha256(info).digest())
        attributes = [
            _sequence(_oid(_CONTENT_TYPE), _set(_oid(_TST_INFO))),
            _sequence(_oid(_MESSAGE_DIGEST), _set(digest)),
            _sequence(
                _oid(_SIGNING_CERTIFICATE),
                _set(_sequence(_sequence(_sequence(_octets(hashlib.sha256(own).digest()))))),
            ),
        ]
        signed = _set(*attributes)
        signer = _sequence(
            _integer(1),
            _sequence(self.certificate.issuer.public_bytes(), _integer(self.certificate.serial_number)),
            _algorithm(SHA256),
            b"\xa0" + signed[1:],
            _algorithm(_ECDSA_SHA256),
            _octets(self.key.sign(signed, ec.ECDSA(hashes.SHA256()))),
        )
        shown = [self.certificate] if certificates is None else certificates
        data = _sequence(
            _integer(3),
            _set(_algorithm(SHA256)),
            _sequence(_oid(_TST_INFO), _der(0xA0, _octets(info))),
            *([_der(0xA0, *(one.public_bytes(Encoding.DER) for one in shown))] if shown else []),
            _set(signer),
        )
        token = _sequence(_oid(_SIGNED_DATA), _der(0xA0, data))
        return _sequence(_sequence(_integer(status)), token)
