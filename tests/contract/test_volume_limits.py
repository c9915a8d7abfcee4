"""Volume limits through the API: what goes above one is held until a controller lets it through."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from keyholder.adapters.counters import DynamoDbCounters
from keyholder.limits import thresholds
from keyholder.limits.counting import PATIENT_BYTES, Reserved
from tests.contract.api import Api, Fault
from tests.contract.settled import Asked, Extract, approved, expect, request_body


def limit(**above: int) -> dict[str, Any]:
    one = {"id": "small", "scope": "person", "measure": "patients", "window": "7_days", **above}
    return {
        "format": 1,
        "night": {"from_hour": 21, "to_hour": 6},
        "holidays": [],
        "organisations": {},
        "areas": {},
        "thresholds": [one],
    }


@pytest.fixture
def limited(api: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Deploys another file of limits."""

    def deploy(**above: int) -> None:
        monkeypatch.setattr(
            "keyholder.adapters.assembly.default_limits", lambda: thresholds.read_limits(limit(**above))
        )
        api.restarted()

    yield deploy
    monkeypatch.undo()
    api.restarted()


def events(api: Api, asked: Asked) -> list[dict[str, Any]]:
    return [
        event["data"] | {"type": event["type"]} for event in api.events() if event["stream"] == f"request/{asked.id}"
    ]


def let_through(asked: Asked, who: str = "controller") -> Any:
    seen = asked.seen()
    body = {"content_hash": seen.json["content_hash"]}
    return asked.api.post(f"{asked.path}/let-through", body, who, if_match=seen.etag)


def test_what_goes_above_a_limit_is_held_until_a_controller_lets_it_through(
    api: Api, extract: Extract, limited: Any
) -> None:
    limited(hold_above=2)
    asked = approved(api, request_body(extract))
    held = expect(asked.release(), 409)
    assert held.json["code"] == "VOLUME_HELD"
    assert not any(one["nhs_number"] in held.everything for one in extract.identifiers)
    seen = asked.seen("researcher").json
    assert (seen["held_for"], seen["retrievals"]["used"]) == (["small"], 0)
    assert expect(asked.release(), 409).json["code"] == "VOLUME_HELD"
    for who in ("researcher", "controller-on-project"):
        assert let_through(asked, who).status == 403
    expect(let_through(asked), 200)
    assert {item["status"] for item in expect(asked.release(), 200).json["items"]} == {"released"}
    assert expect(let_through(asked), 409).json["code"] == "NOTHING_HELD"
    assert expect(asked.release(), 409).json["code"] == "VOLUME_HELD"


def test_a_warning_is_in_the_ledger_and_the_release_goes_on(api: Api, extract: Extract, limited: Any) -> None:
    limited(warn_above=2)
    asked = approved(api, request_body(extract))
    expect(asked.release(), 200)
    (warned,) = [event for event in events(api, asked) if event["type"] == "release.volume_exceeded"]
    assert (warned["action"], warned["stopped"]) == ("warn", False)
    assert warned["exceeded"] == [{"threshold": "small", "action": "warn", "count": 3, "above": 2}]


def test_nobody_lets_through_what_is_blocked(api: Api, extract: Extract, limited: Any) -> None:
    limited(hold_above=0, block_above=2)
    asked = approved(api, request_body(extract))
    assert expect(asked.release(), 409).json["code"] == "VOLUME_BLOCKED"
    assert expect(let_through(asked), 409).json["code"] == "NOTHING_HELD"


def test_the_count_does_not_tell_who_opted_out(api: Api, extract: Extract, limited: Any) -> None:
    """Three people, one of whom opted out: as many as three of whom none did."""
    limited(hold_above=2)
    for places in ((0, 1, 2), (0, 1, 3), (0, 1, 4)):
        asked = approved(api, request_body(extract, *places))
        assert expect(asked.release(), 409).json["code"] == "VOLUME_HELD"
        (held,) = [event for event in events(api, asked) if event["type"] == "release.volume_exceeded"]
        assert held["exceeded"][0]["count"] == 3


@pytest.mark.parametrize("operation", ["PutItem", "Query"])
def test_without_counters_nothing_is_released(api: Api, extract: Extract, operation: str) -> None:
    asked = approved(api, request_body(extract))
    table = api.names["COUNTERS_TABLE"]
    with api.failing(Fault(operation, when=lambda parameters: parameters.get("TableName") == table)):
        answer = asked.release()
    assert answer.status == 503
    assert not any(one["nhs_number"] in answer.everything for one in extract.identifiers)
    expect(asked.release(), 200)


def test_what_is_counted_comes_back_in_parts(api: Api) -> None:
    counters = DynamoDbCounters(boto3.client("dynamodb"), api.names["COUNTERS_TABLE"])
    patients = b"".join(number.to_bytes(PATIENT_BYTES, "big") for number in range(90_000))
    large = Reserved("REL-1", "REQ-1", api.clock.now, "person/" + "1" * 32, "RX1", patients)  # type: ignore[arg-type]
    counters.reserve(large)
    counters.reserve(large)
    assert list(counters.since(api.clock.now)) == [large]
    counters.forget(large)
    assert list(counters.since(api.clock.now)) == []
