"""A time-stamp authority over HTTP (RFC 3161 section 3.4)."""

from __future__ import annotations

import ssl
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from keyholder.timestamps.stamps import MAX_BYTES, AuthorityUnreachableError

TIMEOUT_SECONDS = 10
_ASKS, _ANSWERS = "application/timestamp-query", "application/timestamp-reply"


class HttpTimeStampAuthority:
    """Implements `timestamps.stamps.TimeStampAuthority`. Plain HTTP will do, as most authorities have it: an answer is
    signed, and a question is a hash. Raises `ValueError` for another kind of address."""

    def __init__(self, url: str) -> None:
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
            raise ValueError("an authority's address begins with http:// or https://")
        self._url = url
        self._context = ssl.create_default_context()

    def answer(self, request: bytes) -> bytes:
        """One POST, not repeated: the next round asks again."""
        asked = Request(self._url, data=request, headers={"content-type": _ASKS}, method="POST")  # noqa: S310 - checked
        try:
            with urlopen(asked, timeout=TIMEOUT_SECONDS, context=self._context) as reply:  # noqa: S310
                if reply.headers.get_content_type() != _ANSWERS:
                    raise AuthorityUnreachableError("another kind of answer")
                body: bytes = reply.read(MAX_BYTES + 1)
        except (URLError, OSError, ValueError) as fault:
            raise AuthorityUnreachableError(type(fault).__name__) from fault
        return body
