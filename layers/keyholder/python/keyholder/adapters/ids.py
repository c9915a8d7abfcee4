"""New ids: a ULID (48 bits of milliseconds, 80 random bits, Crockford base32), so that order of id is order of time."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime

from keyholder.vocabulary import RequestId

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 26


class TimedIds:
    """Ids for everything Keyholder names itself."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    def request(self) -> RequestId:
        """`REQ-` and 26 characters."""
        return RequestId("REQ-" + self._ulid())

    def release(self) -> str:
        """`REL-` and 26 characters."""
        return "REL-" + self._ulid()

    def attempt(self) -> str:
        """26 characters."""
        return self._ulid()

    def register(self) -> str:
        """26 characters: a list of choices, a pseudonymisation job, an export."""
        return self._ulid()

    def _ulid(self) -> str:
        milliseconds = int(self._now().timestamp() * 1000)
        number = (milliseconds << 80) | secrets.randbits(80)
        return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(5 * (LENGTH - 1), -1, -5))
