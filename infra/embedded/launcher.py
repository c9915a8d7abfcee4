"""The engine's process: MiniStack, taught what the templates stand on and it does not have, ending with its parent.

`python -m infra.embedded.launcher`; the engine's settings are its environment. It lives as long as its standard input
stays open, so that no engine outlasts whoever started it, however that one ended.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import tempfile
import threading
import zipfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

from ministack import app
from ministack.core import iam_actions, lambda_runtime
from ministack.services.cloudformation import provisioners

from infra.embedded.condition_keys import WRITES, lock_keys

_UNPACKING = threading.Lock()


def teach_condition_keys() -> None:
    """Add `lock_keys` to what the engine's policy evaluation sees of a write."""
    known = iam_actions.s3_service_context

    def with_lock_keys(
        iam_action: str,
        query_params: dict[str, str] | None,
        path: str = "",
        headers: dict[str, str] | None = None,
    ) -> dict[str, object]:
        context = known(iam_action, query_params, path, headers)
        return {**context, **lock_keys(headers or {}, datetime.now(UTC))} if iam_action in WRITES else context

    iam_actions.s3_service_context = with_lock_keys


def refer_to_secrets_by_arn() -> None:
    """Let `Ref` of a secret give its ARN, as CloudFormation does: the engine gives its name, which no policy means."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"]  # noqa: SLF001 - it has no other place
    create = handlers["create"]

    def create_and_name(logical_id: str, properties: dict[str, object], stack_name: str) -> tuple[str, dict[str, str]]:
        _, attributes = create(logical_id, properties, stack_name)
        return attributes["Arn"], attributes

    handlers["create"] = create_and_name


def name_senders() -> None:
    """Judge a mail by the identity of its sender, as SES does: the engine asks for a right to send as anybody."""
    known = iam_actions._ses_v2_resource_arn  # noqa: SLF001 - it has no other place

    def named(method: str, path: str, body: bytes, region: str, account_id: str) -> str:
        if method != "POST" or path.rstrip("/") != "/v2/email/outbound-emails":
            arn: str = known(method, path, body, region, account_id)
            return arn
        sender = str(json.loads(body or b"{}").get("FromEmailAddress", ""))
        return f"arn:aws:ses:{region}:{account_id}:identity/{sender.rpartition('@')[2] or '*'}"

    iam_actions._ses_v2_resource_arn = named  # noqa: SLF001


class SharedLayers(zipfile.ZipFile):
    """Unpacks each layer once: the engine would unpack 60 MB again for every function it starts."""

    def extractall(
        self,
        path: str | os.PathLike[str] | None = None,
        members: Iterable[str | zipfile.ZipInfo] | None = None,
        pwd: bytes | None = None,
    ) -> None:
        """A folder the engine names `layer_<n>` gets links to the one unpacked copy; anything else is unpacked."""
        target = Path(path or ".")
        if not target.name.startswith("layer_"):
            super().extractall(path, members, pwd)
            return
        digest = hashlib.sha256(Path(str(self.filename)).read_bytes()).hexdigest()
        Path(str(self.filename)).unlink()
        shared = Path(tempfile.gettempdir()) / "layers" / digest
        with _UNPACKING:
            if not shared.exists():
                partial = shared.with_suffix(".partial")
                super().extractall(partial)
                partial.rename(shared)
        for entry in shared.iterdir():
            (target / entry.name).symlink_to(entry)


def share_layers() -> None:
    """Let the engine unpack with `SharedLayers`."""
    lambda_runtime.zipfile = SimpleNamespace(**{**vars(zipfile), "ZipFile": SharedLayers})


def end_with_parent() -> None:
    """Stop this process once its standard input ends."""

    def wait() -> None:
        sys.stdin.buffer.read()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True, name="end-with-parent").start()


def main() -> None:
    """Serve until told to stop."""
    teach_condition_keys()
    refer_to_secrets_by_arn()
    name_senders()
    share_layers()
    # With TLS the engine also takes port 443 of the address when it can: one port is enough.
    app._port_is_bindable = lambda *_: False  # noqa: SLF001 - it has no setting for this
    end_with_parent()
    app.main()


if __name__ == "__main__":
    main()
