"""How a large file travels: to and from the store, past the API, by addresses that Keyholder gives for some minutes.

No token is sent along: the address is the permission.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol, TypeVar

import urllib3

from keyholder.client.transport import NoAnswerError

T = TypeVar("T")

ATTEMPTS = 4
_TIMEOUT = urllib3.Timeout(connect=10, read=120)
_ALREADY_THERE = 412
_LATER = frozenset({429, 500, 502, 503, 504})


class StorageRefusedError(Exception):
    """The store did not take, or give, a file: the address is too old, or the file is not the announced one."""


class Storage(Protocol):
    """Sends and fetches a file, once."""

    def put(self, url: str, headers: Mapping[str, str], body: Iterable[bytes]) -> int:
        """The HTTP status. Raises `NoAnswerError`."""
        ...

    def get(self, url: str) -> tuple[int, bytes]:
        """The HTTP status and the body. Raises `NoAnswerError`."""
        ...


class HttpsStorage:
    """urllib3 with the certificates checked against `ca_bundle` (or the system's), no redirects, no hidden retries."""

    def __init__(self, ca_bundle: str | None = None) -> None:
        retries = urllib3.Retry(total=False, redirect=False)
        self._pool = urllib3.PoolManager(
            cert_reqs="CERT_REQUIRED", ca_certs=ca_bundle, retries=retries, timeout=_TIMEOUT
        )

    def put(self, url: str, headers: Mapping[str, str], body: Iterable[bytes]) -> int:
        """The length stands in the headers, so the body is sent as it comes and not in chunks of HTTP."""
        try:
            return self._pool.request("PUT", url, headers=dict(headers), body=body, redirect=False).status
        except (urllib3.exceptions.HTTPError, OSError) as fault:
            raise NoAnswerError(type(fault).__name__) from fault

    def get(self, url: str) -> tuple[int, bytes]:
        """A part fits into memory."""
        try:
            reply = self._pool.request("GET", url, redirect=False)
        except (urllib3.exceptions.HTTPError, OSError) as fault:
            raise NoAnswerError(type(fault).__name__) from fault
        return reply.status, reply.data


def upload(
    storage: Storage,
    url: str,
    headers: Mapping[str, str],
    make: Callable[[], Iterator[bytes]],
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Uploads what `make` gives anew for each attempt. A file that is there already came with an attempt before.

    Raises `StorageRefusedError`.
    """
    if not url.startswith("https://"):
        raise StorageRefusedError("the store's address does not start with https://")
    for attempt in range(ATTEMPTS):
        status = _tried(lambda: storage.put(url, headers, make()))
        if status is not None and (status < 300 or (status == _ALREADY_THERE and attempt)):
            return
        if status is not None and status not in _LATER:
            raise StorageRefusedError(f"the store did not take the file (HTTP status {status})")
        wait(float(1 << attempt))
    raise StorageRefusedError("the store does not answer")


def download(storage: Storage, url: str, wait: Callable[[float], None] = time.sleep) -> bytes:
    """Raises `StorageRefusedError`."""
    if not url.startswith("https://"):
        raise StorageRefusedError("the store's address does not start with https://")
    for attempt in range(ATTEMPTS):
        answer = _tried(lambda: storage.get(url))
        if answer is not None and answer[0] < 300:
            return answer[1]
        if answer is not None and answer[0] not in _LATER:
            raise StorageRefusedError(f"the store did not give a part of the result (HTTP status {answer[0]})")
        wait(float(1 << attempt))
    raise StorageRefusedError("the store does not answer")


def _tried(call: Callable[[], T]) -> T | None:
    try:
        return call()
    except NoAnswerError:
        return None
