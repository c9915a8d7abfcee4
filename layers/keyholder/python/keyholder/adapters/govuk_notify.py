"""Notices by GOV.UK Notify: one call of its API (docs.notifications.service.gov.uk/rest-api.html), one template.

The secret is JSON with `api_key` (as Notify gives it: a name, the service's id and its secret) and `template_id` of a
template of the deployer's own whose subject is `((subject))` and whose text is `((body))`.
"""

from __future__ import annotations

import json
import re
import ssl
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from botocore.exceptions import BotoCoreError, ClientError
from joserfc import jwt
from joserfc.jwk import OctKey

from keyholder.ledger.ports import Clock
from keyholder.notices.notifying import PostBusyError, PostRefusedError
from keyholder.notices.wording import Text

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

BASE = "https://api.notifications.service.gov.uk"
TIMEOUT_SECONDS = 10
_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_API_KEY = re.compile(rf"(?:.*-)?({_UUID})-({_UUID})")


class NotifyCredentialsError(Exception):
    """The secret is not what it should be. The text names a field, never what is in it."""


@dataclass(frozen=True, slots=True)
class NotifyCredentials:
    """Who we are to Notify, and the template our notices use. The secret is never printed."""

    service: str
    secret: str = field(repr=False)
    template: str


def read_notify_credentials(secrets: SecretsManagerClient, secret_arn: str) -> NotifyCredentials:
    """Needs `secretsmanager:GetSecretValue`. Raises `NotifyCredentialsError`, `PostBusyError`."""
    try:
        said = secrets.get_secret_value(SecretId=secret_arn)["SecretString"]
    except (ClientError, BotoCoreError, KeyError):
        raise PostBusyError from None
    return parse_notify_credentials(said)


def parse_notify_credentials(said: str) -> NotifyCredentials:
    """The credentials of a secret's text. Raises `NotifyCredentialsError`."""
    try:
        raw = json.loads(said)
    except ValueError:
        raw = None
    if not isinstance(raw, dict):
        raise NotifyCredentialsError("the secret is not a JSON object: docs/notifications.md says what to put in")
    key = _API_KEY.fullmatch(str(raw.get("api_key", "")))
    template = re.fullmatch(_UUID, str(raw.get("template_id", "")))
    if key is None or template is None:
        raise NotifyCredentialsError("the secret needs api_key and template_id, as GOV.UK Notify shows them")
    return NotifyCredentials(key[1], key[2], template[0])


class GovUkNotifyPost:
    """Implements `notices.notifying.Post`."""

    def __init__(self, credentials: NotifyCredentials, clock: Clock, base: str = BASE) -> None:
        if not base.startswith("https://"):
            raise ValueError("Notify is spoken to over HTTPS")
        self._credentials = credentials
        self._clock = clock
        self._url = f"{base}/v2/notifications/email"
        self._context = ssl.create_default_context()

    def send(self, address: str, words: Text, reference: str) -> None:
        """One POST, not repeated here. `reference` stands beside the message in Notify's own list."""
        body = {
            "email_address": address,
            "template_id": self._credentials.template,
            "personalisation": {"subject": words.subject, "body": words.body},
            "reference": reference,
        }
        request = Request(  # noqa: S310 - https, see above
            self._url,
            data=json.dumps(body).encode(),
            headers={"content-type": "application/json", "authorization": f"Bearer {self._token(self._clock.now())}"},
            method="POST",
        )
        try:
            with urlopen(request, timeout=TIMEOUT_SECONDS, context=self._context):  # noqa: S310
                return
        except HTTPError as answer:
            answer.close()
            # What Notify says may quote the address.
            if answer.code == 429 or answer.code >= 500:
                raise PostBusyError from None
            raise PostRefusedError from None
        except (URLError, OSError):
            raise PostBusyError from None

    def _token(self, now: datetime) -> str:
        """Notify's own form of authentication: the service's id and the time, signed (HS256) with its secret."""
        claims = {"iss": self._credentials.service, "iat": int(now.timestamp())}
        key = OctKey.import_key(self._credentials.secret)
        return jwt.encode({"alg": "HS256", "typ": "JWT"}, claims, key)
