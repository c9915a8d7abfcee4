"""What proves to MESH who we are: one secret of Secrets Manager, read when a round begins, kept nowhere.

JSON with `password` and `shared_key` (both given by NHS England), and for mutual TLS `certificate` and `private_key`
(PEM). `ca` (PEM) takes the place of the authorities that mesh-client has for NHS England's own hosts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from keyholder.opt_outs.mailbox import MailboxUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


class CredentialsError(Exception):
    """The secret is not what it should be. The text names a field, never what is in it."""


@dataclass(frozen=True, slots=True)
class MeshCredentials:
    """Who we are. Nothing of it is ever printed."""

    password: str = field(repr=False)
    shared_key: str = field(repr=False)
    certificate: str | None = field(default=None, repr=False)
    private_key: str | None = field(default=None, repr=False)
    ca: str | None = field(default=None, repr=False)


def read_credentials(secrets: SecretsManagerClient, secret_arn: str) -> MeshCredentials:
    """Needs `secretsmanager:GetSecretValue`. Raises `CredentialsError`, `MailboxUnavailableError`."""
    try:
        said = secrets.get_secret_value(SecretId=secret_arn)["SecretString"]
    except (ClientError, BotoCoreError, KeyError):
        raise MailboxUnavailableError("the secret could not be read") from None
    return parse_credentials(said)


def parse_credentials(said: str) -> MeshCredentials:
    """The credentials of a secret's text. Raises `CredentialsError`."""
    try:
        raw = json.loads(said)
    except ValueError:
        raw = None
    if not isinstance(raw, dict):
        raise CredentialsError("the secret is not a JSON object: put the credentials into it, as docs/opt-outs.md says")
    known = {name: _text(raw, name) for name in ("password", "shared_key", "certificate", "private_key", "ca")}
    password, shared_key = known.pop("password"), known.pop("shared_key")
    if password is None or shared_key is None:
        raise CredentialsError("the secret needs password and shared_key")
    if (known["certificate"] is None) is not (known["private_key"] is None):
        raise CredentialsError("certificate and private_key go together")
    return MeshCredentials(password, shared_key, **known)


def _text(raw: dict[str, object], name: str) -> str | None:
    value = raw.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip():
        raise CredentialsError(f"{name} in the secret is not a text")
    return value
