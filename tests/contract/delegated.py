"""Somebody decides in the place of somebody else, in the settled world, for the API's tests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.contract.api import Api
from tests.contract.settled import Extract, expect

PATH = "/v1/delegations"
DELEGATOR, DELEGATE = "controller", "data-protection-officer"
"""Two people of one organisation."""


def body(api: Api, extract: Extract) -> dict[str, Any]:
    """Two weeks from today."""
    today = api.clock.now.date()
    return {
        "delegate": extract.people[DELEGATE],
        "role": "controller",
        "organisation": "RX1",
        "from": today.isoformat(),
        "until": (today + timedelta(days=13)).isoformat(),
        "reason": "planned_absence",
    }


def named(api: Api, extract: Extract) -> str:
    """The path of a new one, which nobody has confirmed."""
    api.clock.advance(seconds=1)
    made = expect(api.post(PATH, body(api, extract), DELEGATOR), 201)
    return f"{PATH}/{made.json['delegation_id']}"


def in_force(api: Api, extract: Extract) -> str:
    path = named(api, extract)
    expect(api.post(f"{path}/confirm", {}, "operator"), 200)
    return path
