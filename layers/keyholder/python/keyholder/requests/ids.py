"""New ids: 26 characters of Crockford's base32, time first, so that ids made later sort later (the ULID layout)."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from keyholder.ledger.ports import Clock
from keyholder.registry.attempts import AttemptIds
from keyholder.vocabulary import ExtractId, RequestId

REQUEST = re.compile(r"REQ-[0-9A-HJKMNP-TV-Z]{26}")
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_BYTES = 10
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")


class Ids(AttemptIds, Protocol):
    """Where ids and salts come from."""

    def request(self) -> RequestId: ...

    def release(self) -> str: ...

    def salt(self) -> str:
        """32 hexadecimal digits nobody can guess."""
        ...


class RandomIds:
    """`Ids` from the clock and 80 random bits."""

    def __init__(self, clock: Clock, random: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._clock = clock
        self._random = random

    def request(self) -> RequestId:
        return RequestId(f"REQ-{self._ulid()}")

    def release(self) -> str:
        return f"REL-{self._ulid()}"

    def extract(self) -> ExtractId:
        return ExtractId(f"EXT-{self._ulid()}")

    def attempt(self) -> str:
        return f"ATT-{self._ulid()}"

    def salt(self) -> str:
        return self._random(16).hex()

    def _ulid(self) -> str:
        milliseconds = int(self._clock.now().timestamp() * 1_000)
        number = milliseconds << 80 | int.from_bytes(self._random(_RANDOM_BYTES))
        return _written(number)


def first_of(moment: datetime) -> str:
    """The first id, without its prefix, that can be made at a moment."""
    return _written(int(moment.timestamp() * 1_000) << 80)


def _written(number: int) -> str:
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def made_at(made: str) -> datetime | None:
    """When an id without its prefix was made, to the millisecond; None for text that is not one."""
    if not _ULID.fullmatch(made):
        return None
    milliseconds = sum(_ALPHABET.index(digit) << 5 * place for place, digit in enumerate(reversed(made[:10])))
    return datetime.fromtimestamp(milliseconds / 1_000, UTC)
