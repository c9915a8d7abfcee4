"""Many small objects of row links become few: each says the same as its parts, and each digest once.

Every call that pseudonymises writes an object, and so does every block of a large extract, and a release asks all of a
domain's. Beside each other they would be thousands within a week; and as most people come again in each extract of a
domain, most of their digests are the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from keyholder.pseudonyms.row_links import DIGEST_LENGTH, digests_of, object_of

MANY = 16
"""So many objects that are not full are joined."""

MOST_BYTES = 96 << 20
"""No join reads more than this, so that a call waits for two seconds at most. An object above half of it is full."""

SUFFIX = ".joined"

_ARRAYS_FROM = 1 << 20


def to_join(sizes: Mapping[str, int], most: int = MOST_BYTES) -> list[str]:
    """Which of a domain's objects, by their sizes in bytes, may become one: those not full, smallest first; or none."""
    small = sorted((size, name) for name, size in sizes.items() if size <= most // 2)
    return [name for _, name in small] if len(small) >= MANY else []


def joined_name(joined: bytes) -> str:
    """Told by what it says, so that two who join the same write the same."""
    return f"{hashlib.sha256(joined).hexdigest()[:32]}{SUFFIX}"


class Join:
    """Objects put together, as far as there is room."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._room = most
        self._digests = b""

    def takes(self, stored: bytes) -> bool:
        """Whether there was room for one more. Raises `ValueError` for what is no object of row links."""
        more = digests_of(stored)
        if len(stored) > self._room:
            return False
        self._room -= len(stored)
        self._digests = _united(self._digests, more)
        return True

    def to_bytes(self) -> bytes:
        """One object that holds every digest of those it took, once."""
        return object_of(self._digests)


def _united(left: bytes, right: memoryview) -> bytes:
    """The digests of both, ascending, each once."""
    if not left:
        return bytes(right)
    if len(left) + len(right) >= _ARRAYS_FROM:
        from keyholder.pseudonyms.link_arrays import united

        return united(left, right)
    either = {bytes(one[at : at + DIGEST_LENGTH]) for one in (left, right) for at in range(0, len(one), DIGEST_LENGTH)}
    return b"".join(sorted(either))
