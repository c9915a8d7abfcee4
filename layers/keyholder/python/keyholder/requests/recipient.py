"""To whom a result file is encrypted: an age or an ssh-ed25519 public key, checked for typing errors.

The formats are those of age (C2SP age.md: X25519 recipients are Bech32 with the prefix `age`) and of OpenSSH
(RFC 8709).
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from keyholder.vocabulary import OrganisationCode

_AGE = re.compile(r"age1[02-9ac-hj-np-z]{58}")
_SSH = re.compile(r"ssh-ed25519 ([A-Za-z0-9+/=]{68})(?: [\x21-\x7e]{1,64})?")
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_SSH_HEADER = b"\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who receives: the organisation, and for a file the public key as text."""

    organisation: OrganisationCode
    public_key: str | None


def is_public_key(text: str) -> bool:
    """Whether `text` is an age or ssh-ed25519 public key whose checksum, or structure, holds."""
    if _AGE.fullmatch(text):
        return _bech32_holds(text)
    ssh = _SSH.fullmatch(text)
    if not ssh:
        return False
    try:
        blob = base64.b64decode(ssh[1], validate=True)
    except binascii.Error:
        return False
    return blob.startswith(_SSH_HEADER) and len(blob) == len(_SSH_HEADER) + 32


def _bech32_holds(text: str) -> bool:
    """BIP 173's checksum over the prefix and the data."""
    prefix, _, data = text.rpartition("1")
    values = [ord(letter) >> 5 for letter in prefix] + [0] + [ord(letter) & 31 for letter in prefix]
    values += [_BECH32.index(letter) for letter in data]
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for place, generator in enumerate(_GENERATORS):
            check ^= generator if (top >> place) & 1 else 0
    return check == 1
