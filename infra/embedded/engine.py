"""Start and stop the engine that stands in for AWS: MiniStack, on loopback, with TLS and IAM enforced."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import URLError

import boto3
from botocore.config import Config
from botocore.session import get_session

from infra.embedded.certificate import Certificate
from infra.routes import ROOT

LOOPBACK = "127.0.0.1"
REGION = "eu-west-2"
ACCOUNT = "123456789012"
READY_WITHIN = 30.0
STOP_WITHIN = 1.0


class EngineError(RuntimeError):
    """The engine did not start, or did not do what was asked of it."""


class Engine:
    """One engine in one folder, which takes its state, its temporary files and its log.

    It runs at most `at_once` calls of functions, where that is given, and turns others away with 429 as Lambda does.
    """

    def __init__(self, work: Path, certificate: Certificate, at_once: int | None = None) -> None:
        self.work = work
        self._at_once = at_once
        self.certificate = certificate
        self.port = free_port()
        self.url = f"https://{LOOPBACK}:{self.port}"
        self.log = work / "engine.log"
        self._access_key = "KHROOT" + secrets.token_hex(7).upper()
        self._secret_key = secrets.token_hex(20)
        self._loader = get_session().get_component("data_loader")
        self._root = self.session(self._access_key, self._secret_key)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the process; `wait` before using it."""
        temporary = self.work / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "infra.embedded.launcher"],
                cwd=ROOT,
                env=self._environment(temporary),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait(self) -> None:
        """Return once the engine answers. Raises `EngineError` if it does not within 30 s."""
        trust = ssl.create_default_context(cafile=str(self.certificate.bundle))
        deadline = time.monotonic() + READY_WITHIN
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"{self.url}/_ministack/ready", context=trust, timeout=2):  # noqa: S310
                    return
            except (URLError, OSError):
                time.sleep(0.05)
        raise EngineError(f"the engine did not start; its log ends with:\n{self._log_end()}")

    def stop(self) -> None:
        """End the engine and every function it runs."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        # The functions are its children, in its process group: none may outlive it.
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def session(self, access_key: str, secret_key: str, token: str | None = None) -> boto3.Session:
        """A session with those credentials; all sessions share what botocore reads from its own files."""
        core = get_session()
        core.register_component("data_loader", self._loader)
        core.set_config_variable("region", REGION)
        core.set_credentials(access_key, secret_key, token)
        return boto3.Session(botocore_session=core)

    def client(self, service: str, session: boto3.Session | None = None) -> Any:
        """A client of one service on this engine: with the credentials of `session`, or as the account's root.

        Root is for setting up and for looking inside; no function has its key.
        """
        return (session or self._root).client(
            service,
            endpoint_url=self.url,
            verify=str(self.certificate.bundle),
            config=Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=60),
        )

    def _environment(self, temporary: Path) -> dict[str, str]:
        # Nothing of the caller's own environment but PATH: no profile, no proxy, no credentials.
        bundle = str(self.certificate.bundle)
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.work),
            "TMPDIR": str(temporary),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
            "AUTH": "true",
            "AWS_ACCESS_KEY_ID": self._access_key,
            "AWS_SECRET_ACCESS_KEY": self._secret_key,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "BIND_HOST": LOOPBACK,
            "GATEWAY_PORT": str(self.port),
            "IOT_MTLS_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MINISTACK_HOST": LOOPBACK,
            "MINISTACK_REGION": REGION,
            "MINISTACK_SSL_CERT": str(self.certificate.chain),
            "MINISTACK_SSL_KEY": str(self.certificate.key),
            "S3_DATA_DIR": str(self.work / "s3"),
            "SFTP_ENABLED": "0",
            "STATE_DIR": str(self.work / "state"),
            "USE_SSL": "1",
            **({} if self._at_once is None else {"LAMBDA_ACCOUNT_CONCURRENCY": str(self._at_once)}),
            # The engine hands its environment to the functions, which then trust its certificate and the issuer's.
            "AWS_CA_BUNDLE": bundle,
            "REQUESTS_CA_BUNDLE": bundle,
            "SSL_CERT_FILE": bundle,
        }

    def _log_end(self) -> str:
        return self.log.read_text(errors="replace")[-2000:] if self.log.exists() else ""


def free_port() -> int:
    """A port nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
