"""How the client calls the API: one call, one page after another, one command on a request."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from urllib.parse import quote, urlencode

from keyholder.canonical import JsonObject
from keyholder.client.answers import Page, RequestView
from keyholder.client.transport import DEFAULT_ATTEMPTS, Caller, HttpsTransport, Reply, Transport

Row = tuple[str, Mapping[str, str]]
"""A row's id and its clear identifiers, or its pseudonyms, by type."""


class Calls:
    """Sends a call and reads its answer; every part of `Keyholder` stands on it."""

    def __init__(
        self,
        base_url: str,
        token: Callable[[], str],
        ca_bundle: str | None = None,
        *,
        transport: Transport | None = None,
        attempts: int = DEFAULT_ATTEMPTS,
    ) -> None:
        """Raises `ValueError` unless `base_url` starts with https://."""
        self._caller = Caller(base_url, token, transport or HttpsTransport(ca_bundle), attempts)

    def __repr__(self) -> str:
        return f"Keyholder({self._caller.base_url!r})"

    def _command(self, request_id: str, command: str, body: JsonObject, if_match: str) -> RequestView:
        return RequestView.parse(self._post(f"{request_path(request_id)}/{command}", body, if_match))

    def _get(self, path: str, query: Mapping[str, str] | None = None) -> Reply:
        return self._caller.call("GET", f"{path}?{urlencode(query)}" if query else path)

    def _post(
        self, path: str, body: JsonObject, if_match: str | None = None, idempotency_key: str | None = None
    ) -> Reply:
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        return self._caller.call("POST", path, text, if_match=if_match, idempotency_key=idempotency_key)

    def _pages(self, path: str, query: Mapping[str, str]) -> Iterator[JsonObject]:
        cursor: str | None = None
        while True:
            page = Page.parse(self._get(path, query if cursor is None else {**query, "cursor": cursor}))
            yield from page.items
            cursor = page.next
            if cursor is None:
                return


def quoted(name: str) -> str:
    return quote(name, safe="")


def request_path(request_id: str) -> str:
    return f"/v1/requests/{quoted(request_id)}"


def token_rows(rows: Sequence[Row]) -> JsonObject:
    return {"rows": [{"row_id": row_id, "pseudonyms": dict(cells)} for row_id, cells in rows]}
