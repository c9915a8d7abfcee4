"""How a call travels: one key for all its retries, patience only where it helps, and never over plain HTTP."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.client import (
    Changed,
    Failed,
    Invalid,
    Keyholder,
    KeyholderError,
    NotFound,
    NotSignedIn,
    NotYet,
    Refused,
    Unavailable,
)
from keyholder.client.transport import LONGEST_WAIT_SECONDS, Caller, NoAnswerError, Reply
from tests.unit.client.fake_api import URL, FakeApi, ok, problem

KINDS = {
    400: Invalid,
    401: NotSignedIn,
    403: Refused,
    404: NotFound,
    405: NotFound,
    409: Changed,
    412: Changed,
    413: Invalid,
    415: Invalid,
    422: Invalid,
    428: Invalid,
    429: Unavailable,
    500: Failed,
    503: Unavailable,
}


def caller(api: FakeApi, waits: list[float], attempts: int = 4) -> Caller:
    return Caller(URL, lambda: "token", api, attempts, waits.append)


@given(st.lists(st.sampled_from([429, 503, 0]), max_size=3))
def test_a_call_and_all_its_retries_carry_one_idempotency_key_and_one_body(troubles: list[int]) -> None:
    api = FakeApi([*(NoAnswerError() if status == 0 else problem(status) for status in troubles), ok({})])
    caller(api, []).call("POST", "/v1/requests", b'{"a":1}', if_match='W/"3"')
    assert len(api.asked) == len(troubles) + 1
    assert len({asked.headers["idempotency-key"] for asked in api.asked}) == 1
    assert {asked.headers["if-match"] for asked in api.asked} == {'W/"3"'}
    assert all(asked.body == {"a": 1} for asked in api.asked)


def test_two_calls_have_two_keys() -> None:
    api = FakeApi([ok({}), ok({})])
    for _ in range(2):
        caller(api, []).call("POST", "/v1/requests", b"{}")
    assert len({asked.headers["idempotency-key"] for asked in api.asked}) == 2


def test_reading_needs_no_key() -> None:
    api = FakeApi([ok({})])
    caller(api, []).call("GET", "/v1/me")
    assert "idempotency-key" not in api.asked[0].headers
    assert "content-type" not in api.asked[0].headers


@pytest.mark.parametrize("status", KINDS)
def test_every_problem_is_its_own_exception_with_the_document(status: int) -> None:
    api = FakeApi([problem(status, code="SOME_RULE", errors=[{"pointer": "/a/0", "detail": "Too long."}])] * 9)
    with pytest.raises(KeyholderError) as raised:
        caller(api, []).call("POST", "/v1/requests", b"{}")
    assert type(raised.value) is KINDS[status]
    assert raised.value.problem.code == "SOME_RULE"
    assert raised.value.problem.document["status"] == status
    assert "/a/0: Too long." in str(raised.value)
    assert raised.value.idempotency_key == api.asked[0].headers["idempotency-key"]


@pytest.mark.parametrize("status", sorted(set(KINDS) - {429, 503}))
def test_what_a_retry_can_not_help_is_sent_once(status: int) -> None:
    api = FakeApi([problem(status)])
    with pytest.raises(KeyholderError):
        caller(api, []).call("POST", "/v1/requests", b"{}")
    assert len(api.asked) == 1


def test_retry_after_is_honoured_up_to_a_limit() -> None:
    waits: list[float] = []
    answers = [problem(503, headers={"retry-after": "7"}), problem(429, headers={"retry-after": "9999"}), ok({})]
    caller(FakeApi(answers), waits).call("GET", "/v1/me")
    assert waits == [7.0, LONGEST_WAIT_SECONDS]


def test_a_key_still_in_use_is_waited_for_and_then_not_yet() -> None:
    waits: list[float] = []
    api = FakeApi([problem(409, "still-running", headers={"retry-after": "1"})] * 3)
    with pytest.raises(NotYet):
        caller(api, waits, attempts=3).call("POST", "/v1/requests", b"{}")
    assert waits == [1.0, 1.0]


def test_no_answer_at_all_says_so_and_keeps_the_key() -> None:
    api = FakeApi([NoAnswerError()] * 2)
    with pytest.raises(Unavailable) as raised:
        caller(api, [], attempts=2).call("POST", "/v1/requests", b"{}")
    assert raised.value.idempotency_key is not None
    assert "did not answer" in str(raised.value)


def test_an_answer_of_a_gateway_is_a_problem_without_its_text() -> None:
    api = FakeApi([Reply(502, {"content-type": "text/html"}, b"<html>9990000018</html>")])
    with pytest.raises(Unavailable) as raised:
        caller(api, [], attempts=1).call("GET", "/v1/me")
    assert "9990000018" not in str(raised.value)


def test_a_redirect_is_not_followed_with_a_token() -> None:
    api = FakeApi([Reply(302, {"location": "https://elsewhere.test"}, b"")])
    with pytest.raises(Failed):
        caller(api, []).call("GET", "/v1/me")
    assert len(api.asked) == 1


@pytest.mark.parametrize("url", ["http://keyholder.test", "ftp://keyholder.test", "keyholder.test"])
def test_nothing_is_sent_but_over_https(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        Keyholder(url, lambda: "token")


def test_the_token_is_asked_for_at_every_attempt_and_never_shown() -> None:
    tokens = iter(["first", "second"])
    api = FakeApi([problem(503), ok({})])
    calling = Caller(URL, lambda: next(tokens), api, 2, lambda _: None)
    calling.call("GET", "/v1/me")
    assert [asked.headers["authorization"] for asked in api.asked] == ["Bearer first", "Bearer second"]
    assert "first" not in repr(calling)
