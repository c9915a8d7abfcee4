"""Events: one byte form each."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyholder.ledger.event import Event, EventTooLargeError, parse_rfc3339, rfc3339
from keyholder.vocabulary import ActorId, StreamId

AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcz_", max_size=4), inner, max_size=3),
    max_leaves=8,
)


def event(**data: object) -> Event:
    return Event(StreamId("request/1"), 1, "test.done", AT, ActorId("person/1"), "trace", data)  # type: ignore[arg-type]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.text("abcz_", max_size=4), DATA, max_size=3))
def test_an_event_reads_back(data: dict[str, object]) -> None:
    written = event(**{f"k{key}": value for key, value in data.items()})
    assert Event.parse(written.line()) == written
    claimed = replace(written, claim="ab" * 32)
    assert Event.parse(claimed.line()) == claimed


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"{}",
        event().line() + b" ",
        event().line().replace(b'"number":1', b'"number":0'),
        event().line().replace(b'"number":1', b'"number":true'),
        event().line().replace(b'"number":1', b'"number":1.0'),
        event().line().replace(b'"v":1', b'"v":2'),
        event().line().replace(b'"v":1', b'"v":true'),
        event().line().replace(b'"v":1', b'"v":1,"w":1'),
        event().line().replace(b'"actor":"person/1",', b""),
        event().line().replace(b'"person/1"', b"7"),
        event().line().replace(b'"data":{}', b'"data":[]'),
        event().line().replace(b'"data":{}', b'"data":{"a":1.5}'),
        event().line().replace(b'"data":{}', b'"data":{"a":1,"a":1}'),
        event().line().replace(b'"data":{}', b'"data":{"b":1,"a":1}'),
        event().line().replace(b'"data":{}', b'"data":{"a":"\\u0041"}'),
        event().line().replace(b'"data":{}', b'"data":{"a":"\\ud800"}'),
        event().line().replace(b'"data":{}', b'"data":{"a":NaN}'),
        event().line().replace(b'"data":{}', b'"data":{"a":' + b"[" * 50_000 + b"]" * 50_000 + b"}"),
        event().line().replace(b"09:00:00.000000Z", b"09:00:00Z"),
        event().line().replace(b"09:00:00.000000Z", b"10:00:00.000000+01:00"),
        event().line().replace(b"09:00:00.000000Z", b"09:00:00.000000"),
        json.dumps(json.loads(event().line())).encode(),
        event().line().decode().encode("utf-16"),
    ],
)
def test_nothing_but_the_one_form_is_an_event(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any ValueError is the promise
        Event.parse(line)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=100))
def test_no_bytes_raise_anything_else(junk: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any ValueError is the promise
        Event.parse(junk)


def test_an_event_fits_into_one_entry_of_the_log() -> None:
    spare = 65_535 - len(event(a="").line())
    assert len(event(a="x" * spare).line()) == 65_535
    with pytest.raises(EventTooLargeError, match=r"type test.done takes 65536 bytes; an entry of the log holds 65535"):
        event(a="x" * (spare + 1)).line()


def test_times_are_utc_and_of_one_length() -> None:
    summer = datetime(2026, 7, 1, 1, 0, tzinfo=timezone(timedelta(hours=1)))
    assert rfc3339(summer) == "2026-07-01T00:00:00.000000Z"
    assert parse_rfc3339("2026-07-01T00:00:00.000000Z") == summer
    with pytest.raises(ValueError, match="zone"):
        rfc3339(datetime(2026, 7, 1))  # noqa: DTZ001 - the mistake under test
    with pytest.raises(ValueError, match="zone"):
        parse_rfc3339("2026-07-01T00:00:00")


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_a_moment_outside_the_calendar_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="calendar"):
        parse_rfc3339(text)
