"""Starts and stops NHS Digital's MESH server, and what tests say to it beside MESH's own protocol."""

from __future__ import annotations

import json
import ssl
import subprocess
import urllib.request
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from infra.embedded.certificate import make_certificate
from infra.routes import ROOT
from keyholder.adapters.mesh_credentials import MeshCredentials
from keyholder.adapters.mesh_mailbox import MeshMailbox, open_mailbox
from keyholder.opt_outs.mailbox import Correspondence
from tests.fakes.mesh import CORRESPONDENCE

PYTHON = ROOT / "build" / "mesh-venv" / "bin" / "python"
SHARED_KEY, PASSWORD = "TestKey", "password"


class MeshSandbox:
    """The server, for a `with` block, with certificates for both sides in `work`."""

    def __init__(self, work: Path) -> None:
        server = make_certificate(work / "server")
        self._client = _client_certificate(work / "client")
        self.credentials = MeshCredentials(
            PASSWORD,
            SHARED_KEY,
            certificate=self._client[0].read_text(),
            private_key=self._client[1].read_text(),
            ca=server.bundle.read_text(),
        )
        assert PYTHON.exists(), "the MESH server is not installed: make install"
        self._process = subprocess.Popen(
            [str(PYTHON), str(Path(__file__).with_name("server.py")), server.chain, server.key, self._client[2]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = f"https://127.0.0.1:{int(self._process.stdout.readline())}"
        self._trust = ssl.create_default_context(cafile=str(server.bundle))
        self._trust.load_cert_chain(*self._client[:2])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def plan(self, **how: Any) -> None:
        """Empty mailboxes, and a service that answers so from now on."""
        self._say("POST", "/plan", how)

    def put(self, body: str, local_id: str, **other: Any) -> list[str]:
        """Messages in our inbox that the service did not send as an answer; their ids."""
        ids: list[str] = self._say("POST", "/put", {"body": body, "local_id": local_id, **other})
        return ids

    def sent(self) -> list[dict[str, Any]]:
        """What we have sent, oldest first."""
        sent: list[dict[str, Any]] = self._say("GET", "/sent")
        return sent

    def undelivered(self, message: dict[str, Any]) -> None:
        """MESH's report of five days later on a message of ours."""
        report = {
            "mailbox_id": CORRESPONDENCE.mailbox,
            "code": "14",
            "description": "Message not collected by recipient after 5 days",
            "workflow_id": CORRESPONDENCE.workflow,
            "subject": message["subject"],
            "local_id": message["local_id"],
            "linked_message_id": message["message_id"],
        }
        self._say("POST", "/messageexchange/admin/report", report)

    def failed(self, message_id: str) -> None:
        """A message in our inbox that can't be collected any more (410)."""
        self._say("POST", f"/messageexchange/admin/message/{message_id}/event", {"status": "error", "code": "20"})

    def status(self, message_id: str) -> str:
        """What MESH says of a message."""
        found = self._say("GET", f"/messageexchange/admin/message/{message_id}")
        return str(found["status"]).lower()

    def mailbox(
        self, *, mailbox: str = CORRESPONDENCE.mailbox, recipient: str = CORRESPONDENCE.recipient, **credentials: Any
    ) -> AbstractContextManager[MeshMailbox]:
        """Our mailbox, or with other credentials."""
        to = Correspondence(mailbox, recipient, CORRESPONDENCE.workflow, CORRESPONDENCE.senders)
        return open_mailbox(self.url, replace(self.credentials, **credentials), to)

    def _say(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - loopback over TLS
            self.url + path, data, {"content-type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, context=self._trust, timeout=10) as answer:  # noqa: S310
            text = answer.read()
        return json.loads(text) if text else None


def _client_certificate(folder: Path) -> tuple[Path, Path, Path]:
    """A certificate for our side of mutual TLS, its key, and the authority the server knows it by."""
    folder.mkdir(parents=True)
    now = datetime.now(UTC)
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _signed("MESH test authority", authority_key, "MESH test authority", authority_key, now, ca=True)
    certificate = _signed("Keyholder", key, "MESH test authority", authority_key, now, ca=False)
    paths = folder / "client.pem", folder / "client.key", folder / "authority.pem"
    for path, body in zip(
        paths,
        (
            certificate.public_bytes(Encoding.PEM),
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
            authority.public_bytes(Encoding.PEM),
        ),
        strict=True,
    ):
        path.touch(mode=0o600)
        path.write_bytes(body)
    return paths


def _signed(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    now: datetime,
    *,
    ca: bool,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=0 if ca else None), critical=True)
    )
    if not ca:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())
