"""Results for people are encrypted to the recipient's own public key (age, https://age-encryption.org/v1).

A researcher opens the file with `age -d -i KEY`; Keyholder never holds a key that could.
"""

from __future__ import annotations

import pyrage

SSH_PREFIX = "ssh-ed25519 "
AGE_PREFIX = "age1"


class NotARecipientError(ValueError):
    """Neither an age public key (`age1…`) nor an `ssh-ed25519` public key."""


def seal(public_key: str, plaintext: bytes) -> bytes:
    """The age file that only the holder of the recipient's private key can open. Raises `NotARecipientError`."""
    return pyrage.encrypt(plaintext, [_recipient(public_key)])


def _recipient(public_key: str) -> pyrage.x25519.Recipient | pyrage.ssh.Recipient:
    text = public_key.strip()
    try:
        if text.startswith(SSH_PREFIX):
            return pyrage.ssh.Recipient.from_str(text)
        if text.startswith(AGE_PREFIX):
            return pyrage.x25519.Recipient.from_str(text)
    except (pyrage.RecipientError, ValueError) as fault:
        raise NotARecipientError("not a usable public key") from fault
    raise NotARecipientError("an age or ssh-ed25519 public key is needed")
