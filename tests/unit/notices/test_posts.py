"""GOV.UK Notify over HTTPS, as its documentation has it; and no address in what an error says."""

from __future__ import annotations

import json
from email.message import Message
from io import BytesIO
from unittest import mock
from urllib.error import HTTPError, URLError
from urllib.request import Request

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from keyholder.adapters import govuk_notify
from keyholder.adapters.govuk_notify import GovUkNotifyPost, NotifyCredentialsError, parse_notify_credentials
from keyholder.notices.notifying import PostBusyError, PostRefusedError
from keyholder.notices.wording import Text
from tests.fakes.ledger import ManualClock

SERVICE, SECRET = "26785a09-ab16-4eb0-8407-a37497a57506", "3d844edf-8d35-48ac-975b-e847b4f122b0"
TEMPLATE = "f33517ff-2a88-4f6e-b855-c550268ce08a"
KEY = json.dumps({"api_key": f"our_key-with-dashes-{SERVICE}-{SECRET}", "template_id": TEMPLATE})
ADDRESS = "somebody@trust.test"


def _post(answer: object) -> tuple[GovUkNotifyPost, mock.Mock]:
    opened = mock.Mock(side_effect=[answer]) if isinstance(answer, Exception) else mock.MagicMock()
    return GovUkNotifyPost(parse_notify_credentials(KEY), ManualClock()), opened


def test_what_is_sent_is_what_notify_takes() -> None:
    post, opened = _post(None)
    with mock.patch.object(govuk_notify, "urlopen", opened):
        post.send(ADDRESS, Text("A subject", "Words\n"), "request/REQ-1#3#person/1")
    request: Request = opened.call_args.args[0]
    assert request.full_url == "https://api.notifications.service.gov.uk/v2/notifications/email"
    assert isinstance(request.data, bytes)
    assert json.loads(request.data) == {
        "email_address": ADDRESS,
        "template_id": TEMPLATE,
        "personalisation": {"subject": "A subject", "body": "Words\n"},
        "reference": "request/REQ-1#3#person/1",
    }
    token = str(request.get_header("Authorization")).removeprefix("Bearer ")
    read = jwt.decode(token, OctKey.import_key(SECRET), algorithms=["HS256"])
    assert read.header == {"alg": "HS256", "typ": "JWT"}
    assert read.claims == {"iss": SERVICE, "iat": int(ManualClock().now().timestamp())}


@pytest.mark.parametrize(
    ("answer", "raised"),
    [(429, PostBusyError), (503, PostBusyError), (400, PostRefusedError), (403, PostRefusedError)],
)
def test_an_answer_says_whether_to_try_again_and_nothing_else(answer: int, raised: type[Exception]) -> None:
    body = BytesIO(f"{ADDRESS} is not a real address".encode())
    post, opened = _post(HTTPError("https://x", answer, ADDRESS, Message(), body))
    with mock.patch.object(govuk_notify, "urlopen", opened), pytest.raises(raised) as caught:
        post.send(ADDRESS, Text("s", "b"), "r")
    assert not str(caught.value)
    assert caught.value.__cause__ is None


def test_no_answer_is_tried_again() -> None:
    post, opened = _post(URLError("nobody there"))
    with mock.patch.object(govuk_notify, "urlopen", opened), pytest.raises(PostBusyError):
        post.send(ADDRESS, Text("s", "b"), "r")


@pytest.mark.parametrize(
    "said", ["", "[]", "none", json.dumps({"api_key": SECRET, "template_id": TEMPLATE}), json.dumps({"api_key": KEY})]
)
def test_another_secret_is_said_to_be_none_without_being_shown(said: str) -> None:
    with pytest.raises(NotifyCredentialsError) as caught:
        parse_notify_credentials(said)
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(parse_notify_credentials(KEY))
