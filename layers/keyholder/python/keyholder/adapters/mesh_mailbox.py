"""A MESH mailbox over NHS England's own client. The only module that imports `mesh_client`.

The client's message objects are not used: they take a compressed body that was cut off for a whole one, and of a
cleaned list no byte may be missing. Chunks are read here, against their length and to the end of their compression.
"""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import requests
from mesh_client import MeshClient
from urllib3.exceptions import HTTPError

from keyholder.adapters.mesh_credentials import MeshCredentials
from keyholder.opt_outs.check_events import MESSAGE_ID, SendFault
from keyholder.opt_outs.mailbox import (
    Correspondence,
    Envelope,
    Letter,
    MailboxForbiddenError,
    MailboxUnavailableError,
    MessageKind,
    SendRefusedError,
)

APPLICATION = "keyholder"
TIMEOUT_SECONDS = 20
TRIES = 3
MOST_BYTES = 64 * 1024 * 1024
"""Of a message once it is unpacked: fifty times the longest list we send."""

_GONE = frozenset({404, 410})
_LATER = frozenset({408, 425, 429})


class MeshMailbox:
    """Implements `opt_outs.mailbox.Mailbox`. Make one with `open_mailbox`."""

    def __init__(self, client: MeshClient, correspondence: Correspondence) -> None:
        self._client = client
        self._to = correspondence

    def handshake(self) -> None:
        with _faults():
            self._client.handshake()  # type: ignore[no-untyped-call]

    def send(self, letter: Letter) -> str:
        """One chunk: a list is far below MESH's 100 MB. Never repeated below this, or it might be sent twice."""
        with _faults():
            reply = self._client.send_chunk(
                recipient=self._to.recipient,
                chunk=letter.body,
                chunk_num=1,
                total_chunks=1,
                compress=False,
                workflow_id=self._to.workflow,
                filename=letter.file_name,
                subject=letter.subject,
                local_id=letter.local_id,
                content_type="application/octet-stream",
            )
            _raise_for(reply.status_code, sending=True)
            taken = reply.json()
        message = taken.get("message_id") if isinstance(taken, dict) else None
        if not isinstance(message, str) or not MESSAGE_ID.fullmatch(message):
            raise MailboxUnavailableError("MESH did not say what it calls the message")
        return message

    def waiting(self) -> Sequence[str]:
        """All pages are read before anything is acknowledged, for that would move the pages."""
        with _faults():
            return list(self._client.iterate_message_ids(workflow_filter=self._to.workflow))

    @contextmanager
    def open(self, message_id: str) -> Iterator[MeshMessage | None]:
        """One request; the body comes with it, and is read only if it is asked for."""
        with self._chunk(message_id, 1) as reply:
            yield None if reply is None else MeshMessage(_envelope(message_id, reply), reply, self._chunk)

    def acknowledge(self, message_id: str) -> None:
        """One that is gone already needs no more."""
        try:
            with _faults():
                self._client.acknowledge_message(message_id)
        except _GoneError:
            return

    @contextmanager
    def _chunk(self, message_id: str, number: int) -> Iterator[requests.Response | None]:
        """One chunk, not yet read; None for one that is not there any more."""
        reply = self._retrieved(message_id, number)
        if reply is None:
            yield None
            return
        with reply, _faults():
            yield reply

    def _retrieved(self, message_id: str, number: int) -> requests.Response | None:
        try:
            with _faults():
                return self._client.retrieve_message_chunk(message_id, number)
        except _GoneError:
            return None


class MeshMessage:
    """Implements `opt_outs.mailbox.Message`."""

    def __init__(
        self,
        envelope: Envelope,
        first: requests.Response,
        chunk: Callable[[str, int], AbstractContextManager[requests.Response | None]],
    ) -> None:
        self._envelope = envelope
        self._first = first
        self._chunk = chunk

    @property
    def envelope(self) -> Envelope:
        return self._envelope

    def body(self) -> bytes | None:
        parts = [_whole(self._first)]
        for number in range(2, _total(self._first) + 1):
            with self._chunk(self._envelope.message_id, number) as reply:
                if reply is None:
                    return None
                parts.append(_whole(reply))
        return b"".join(parts)


class _GoneError(MailboxUnavailableError):
    """What was asked for is not there any more: of a message, an answer."""


@contextmanager
def open_mailbox(url: str, credentials: MeshCredentials, correspondence: Correspondence) -> Iterator[MeshMailbox]:
    """A mailbox for a `with` block. Raises `ValueError` for an address without TLS."""
    if urlsplit(url).scheme != "https":
        raise ValueError("MESH is spoken to over https")
    client = _client(url, credentials, correspondence.mailbox)
    try:
        yield MeshMailbox(client, correspondence)
    finally:
        client.close()  # type: ignore[no-untyped-call]


def _client(url: str, credentials: MeshCredentials, mailbox: str) -> MeshClient:
    """OpenSSL takes a private key from a file only: it is there while the client is made, for its owner alone."""
    with tempfile.TemporaryDirectory(prefix="mesh-") as folder:
        files = {
            name: _written(Path(folder) / name, text)
            for name, text in (
                ("certificate", credentials.certificate),
                ("private_key", credentials.private_key),
                ("ca", credentials.ca),
            )
            if text is not None
        }
        return MeshClient(
            url,
            mailbox,
            credentials.password,
            shared_key=credentials.shared_key.encode(),
            cert=(files["certificate"], files["private_key"]) if "certificate" in files else None,
            verify=files.get("ca"),
            check_hostname=True,
            timeout=TIMEOUT_SECONDS,
            max_retries=TRIES,
            application_name=APPLICATION,
        )


def _written(path: Path, text: str) -> str:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    return str(path)


def _envelope(message_id: str, reply: requests.Response) -> Envelope:
    def said(header: str) -> str:
        return reply.headers.get(f"mex-{header}", "")

    report = said("messagetype").upper() == MessageKind.REPORT
    return Envelope(
        message_id=message_id,
        kind=MessageKind.REPORT if report else MessageKind.DATA,
        workflow=said("workflowid"),
        sender=said("from"),
        local_id=said("localid"),
        linked_message=said("linkedmsgid"),
    )


def _total(reply: requests.Response) -> int:
    """`2:5` is the second of five chunks."""
    _, _, total = reply.headers.get("mex-chunk-range", "1:1").partition(":")
    if not total.isdecimal():
        raise MailboxUnavailableError("MESH did not say how many chunks there are")
    return int(total)


def _whole(reply: requests.Response) -> bytes:
    """The body of one chunk. Raises `MailboxUnavailableError` where a byte is missing, or there are far too many."""
    raw = reply.raw.read(MOST_BYTES + 1, decode_content=False)
    length = reply.headers.get("content-length")
    if length is not None and length != str(len(raw)):
        raise MailboxUnavailableError("a message was cut off")
    if reply.headers.get("content-encoding", "").lower() != "gzip":
        if length is None or len(raw) > MOST_BYTES:
            raise MailboxUnavailableError("nothing proves that a message is whole")
        return bytes(raw)
    return _unpacked(bytes(raw))


def _unpacked(raw: bytes) -> bytes:
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        body = unpacking.decompress(raw, MOST_BYTES)
    except zlib.error:
        raise MailboxUnavailableError("a message could not be unpacked") from None
    if not unpacking.eof or unpacking.unused_data:
        raise MailboxUnavailableError("a message was cut off")
    return body


@contextmanager
def _faults() -> Iterator[None]:
    """Turns what the client raises into the port's errors, which quote nothing."""
    try:
        yield
    except requests.HTTPError as fault:
        # The client leaves the body of a refused download unread, and its connection open.
        if fault.response is not None:
            fault.response.close()
        _raise_for(fault.response.status_code if fault.response is not None else 0)
    except (requests.RequestException, HTTPError, OSError):
        raise MailboxUnavailableError("MESH did not answer") from None


def _raise_for(status: int, *, sending: bool = False) -> None:
    """Raises what a status of MESH means; nothing for one that means success."""
    if status in (200, 202):
        return
    if status in (401, 403):
        raise MailboxForbiddenError("MESH does not let us in") from None
    if sending and 400 <= status < 500 and status not in _LATER:
        raise SendRefusedError(SendFault.RECIPIENT_UNKNOWN if status == 417 else SendFault.REFUSED) from None
    if status in _GONE and not sending:
        raise _GoneError from None
    raise MailboxUnavailableError("MESH answered with a fault") from None
