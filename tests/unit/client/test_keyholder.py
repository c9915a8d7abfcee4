"""One method a route: what is sent, what is read, and that no value shows what it holds."""

from __future__ import annotations

import inspect
import re

import pytest

from keyholder.client import AnswerError, Keyholder
from keyholder.client.extract_answers import Measured
from keyholder.client.transport import Reply
from keyholder.edge.routes import ANY, ROUTES
from tests.unit.client.fake_api import FakeApi, ok, view

CANARY = "9990000018"
TOKEN = "SN01ABCDEF"


def test_there_is_a_method_for_every_route() -> None:
    api = FakeApi(lambda _: Reply(500, {}, b""))
    client = api.client(attempts=1)
    for name, method in inspect.getmembers(client, inspect.ismethod):
        if name.startswith("_"):
            continue
        needed = [
            parameter
            for parameter in inspect.signature(method).parameters.values()
            if parameter.default is inspect.Parameter.empty
        ]
        positional = ["X1" for parameter in needed if parameter.kind is parameter.POSITIONAL_OR_KEYWORD]
        named = {parameter.name: "X1" for parameter in needed if parameter.kind is parameter.KEYWORD_ONLY}
        if name in {"pseudonymise", "rekey", "translate", "confirm_roles"}:
            positional = ["X1", []]  # type: ignore[list-item]  # rows, not a text
        if name == "return_request":
            positional[-1] = [("other", "X1")]  # type: ignore[call-overload]  # questions, not a text
        if name == "announce_extract":
            positional = ["X1", Measured(1, 1, "ab" * 32, ("row_id",))]  # type: ignore[list-item]
        if name == "propose_rule_change":
            positional = ["X1", "X1", {}]  # type: ignore[list-item]  # rules, not a text
        with pytest.raises(Exception, match="HTTP status 500"):
            list(method(*positional, **named))
    sent = {f"{asked.method} {asked.path}".partition("?")[0] for asked in api.asked}
    expected = {route.key for route in ROUTES if route.path != ANY}
    assert sent == {re.sub(r"\{\w+\}", "X1", key) for key in expected}


def test_a_view_names_its_version_and_what_is_allowed() -> None:
    body = view(allowed=("approve", "reject")) | {"free": CANARY}
    body["allowed_commands"] = [*body["allowed_commands"], {"command": "release", "allowed": False, "reason": "STATE"}]
    found = FakeApi([ok(body, etag='W/"7"')]).client().request("REQ-1")
    assert (found.etag, found.allowed, found.version) == ('W/"7"', ("approve", "reject"), 3)
    assert CANARY not in repr(found)


@pytest.mark.parametrize(
    "allowed",
    [
        {"approve": {"allowed": True}, "release": {"allowed": False}},
        {"approve": True, "release": False},
        ["approve"],
        [{"command": "approve", "allowed": True}, {"command": "release", "allowed": False}],
    ],
)
def test_allowed_commands_are_read_in_every_form(allowed: object) -> None:
    found = FakeApi([ok(view() | {"allowed_commands": allowed})]).client().request("REQ-1")
    assert found.allowed == ("approve",)


def test_a_created_request_is_read_inside_its_envelope() -> None:
    found = FakeApi([ok({"request": view("draft")}, 201, etag='W/"1"')]).client().new_request({})
    assert (found.state, found.etag) == ("draft", 'W/"1"')


def test_a_release_shows_no_identifier_when_it_is_printed() -> None:
    items = [
        {"row_id": "1", "status": "released", "identifiers": {"nhs_number": CANARY}},
        {"row_id": "2", "status": "not_available"},
    ]
    api = FakeApi([ok({"release_id": "REL-1", "counts": {"released": "<10"}, "items": items, "receipts": []})])
    result = api.client().release("REQ-1", "ab" * 32, 'W/"3"', idempotency_key="my-own-key")
    assert result.items[0].identifiers == {"nhs_number": CANARY}
    assert result.items[1].identifiers == {}
    assert CANARY not in repr(result)
    assert CANARY not in repr(result.items)
    assert api.asked[0].headers["idempotency-key"] == "my-own-key"


def test_a_file_release_has_a_receipt_and_its_file_is_bytes() -> None:
    body = {"release_id": "REL-1", "counts": {}, "file": {"bytes": 9, "sha256": "ab"}}
    client = FakeApi([ok(body), Reply(200, {"content-type": "application/octet-stream"}, b"\x00age\xff")]).client()
    result = client.release("REQ-1", "ab" * 32, 'W/"3"')
    assert result.file is not None
    assert result.file.bytes == 9
    assert client.collect("REQ-1", result.release_id).content == b"\x00age\xff"


def test_pages_are_followed_to_the_end() -> None:
    api = FakeApi([ok({"items": [{"index": 1}], "next": "c/1"}), ok({"items": [{"index": 2}], "next": None})])
    assert [event["index"] for event in api.client().events("REQ-1")] == [1, 2]
    assert api.asked[1].path == "/v1/audit/events?request=REQ-1&cursor=c%2F1"


def test_pseudonyms_are_read_by_row_and_not_shown() -> None:
    rows = [
        {"row_id": "1", "status": "pseudonymised", "pseudonyms": {"nhs_number": TOKEN}},
        {"row_id": "2", "status": "refused", "pseudonyms": {}, "errors": {"nhs_number": "not_ten_digits"}},
    ]
    api = FakeApi([ok({"domain": "gp-2026", "rows": rows})])
    answer = api.client().pseudonymise("gp-2026", [("1", {"nhs_number": CANARY})])
    assert answer[0].pseudonyms == {"nhs_number": TOKEN}
    assert answer[1].errors == {"nhs_number": "not_ten_digits"}
    assert TOKEN not in repr(answer)
    assert api.asked[0].body == {"rows": [{"row_id": "1", "identifiers": {"nhs_number": CANARY}}]}


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        b"[]",
        b"{}",
        b'{"id":1,"state":"draft","version":1}',
        b'{"id":"R","state":"draft","version":"9990000018"}',
    ],
)
def test_an_answer_of_another_shape_is_named_without_its_values(body: bytes) -> None:
    with pytest.raises(AnswerError) as raised:
        FakeApi([Reply(200, {}, body)]).client().request("REQ-1")
    assert CANARY not in str(raised.value)


def test_the_client_itself_shows_no_token() -> None:
    assert repr(Keyholder("https://k.test", lambda: "secret")) == "Keyholder('https://k.test')"


def test_a_person_is_read_by_the_id_that_registering_gave() -> None:
    api = FakeApi([ok({"person_id": "person/abc"}, 201), ok({"person_id": "person/abc"})])
    client = api.client()
    assert client.person(client.add_person({}))["person_id"] == "person/abc"
    assert api.asked[1].path == "/v1/people/abc"
