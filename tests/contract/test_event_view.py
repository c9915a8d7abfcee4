"""The saved queries of Athena, run by DuckDB over the files that the sweeper published.

Both engines run the same text. What DuckDB calls otherwise is defined as macros, so nothing of the text is changed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from infra.athena import QUERIES
from keyholder.canonical import canonical_json
from keyholder.ledger.event_view import COLUMNS
from tests.contract.api import Api
from tests.contract.settled import Asked, expect

MACROS = (
    "CREATE MACRO json_extract_scalar(document, path) AS json_extract_string(document, path)",
    "CREATE MACRO from_iso8601_timestamp(moment) AS CAST(moment AS TIMESTAMPTZ)",
    "CREATE MACRO to_unixtime(moment) AS epoch(moment)",
)
TYPES = {"bigint": "BIGINT", "string": "VARCHAR"}
DAYS = ("2026-01-01", "2026-12-31")


class Events:
    """The published files as a table with a partition for each day."""

    def __init__(self, api: Api, folder: Path) -> None:
        for key, body in api.objects("VIEW_BUCKET").items():
            if key.startswith("events/"):
                (folder / key).parent.mkdir(parents=True, exist_ok=True)
                (folder / key).write_bytes(body)
        columns = {name: TYPES[kind] for name, kind in COLUMNS.items()} | {"day": "VARCHAR"}
        self._db = duckdb.connect()
        for macro in MACROS:
            self._db.execute(macro)
        self._db.execute(
            f"CREATE VIEW events AS SELECT * FROM read_json('{folder}/events/*/*.ndjson', "  # noqa: S608 - a test's folder
            f"format='newline_delimited', hive_partitioning=true, hive_types={{'day': VARCHAR}}, "
            f"columns={ {name: kind for name, kind in columns.items() if name != 'day'} })"
        )

    def asked(self, file: str, *parameters: str) -> list[dict[str, Any]]:
        (query,) = [query for query in QUERIES if query.file == file]
        return self.rows(query.sql, parameters)

    def rows(self, sql: str, parameters: Sequence[str] = ()) -> list[dict[str, Any]]:
        answer = self._db.execute(sql, list(parameters))
        names = [column[0] for column in answer.description or ()]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


@pytest.fixture
def released(cleared: Asked) -> Asked:
    expect(cleared.release(), 200)
    cleared.api.sweep()
    return cleared


@pytest.fixture
def events(released: Asked, tmp_path: Path) -> Events:
    return Events(released.api, tmp_path)


def test_every_event_is_in_the_files_once_with_its_index(released: Asked, events: Events) -> None:
    api = released.api
    rows = events.rows("SELECT * FROM events ORDER BY leaf_index")
    assert [row["leaf_index"] for row in rows] == list(range(len(api.events())))
    for row, event in zip(rows, api.events(), strict=True):
        assert (row["stream"], row["event_number"], row["event_type"]) == (
            event["stream"],
            event["number"],
            event["type"],
        )
        assert (row["happened_at"], row["actor"], row["trace"]) == (event["at"], event["actor"], event["trace"])
        assert row["data"] == canonical_json(event["data"]).decode()
        assert row["day"] == "2026-07-01"


def test_publishing_again_makes_the_same_bytes(released: Asked) -> None:
    api = released.api
    before = {key: body for key, body in api.objects("VIEW_BUCKET").items() if key.startswith("events/")}
    view = api.assembly("sweeper").view_store
    for key in [*before, "position/events"]:
        view.delete(key)
    api.restarted()
    api.sweep()
    after = {key: body for key, body in api.objects("VIEW_BUCKET").items() if key.startswith("events/")}
    assert after == before


def test_releases_per_project_and_purpose(released: Asked, events: Events) -> None:
    submitted = [event for event in released.api.events() if event["type"] == "request.submitted"]
    chunks = [event for event in released.api.events() if event["type"] == "release.items_released"]
    assert events.asked("releases", *DAYS) == [
        {
            "project": submitted[-1]["data"]["project"],
            "purpose": submitted[-1]["data"]["purpose"],
            "releases": 1,
            "records": sum(chunk["data"]["count"] for chunk in chunks),
        }
    ]
    assert events.asked("releases", "2026-07-02", "2026-12-31") == []


def test_who_reidentified_this_person(released: Asked, events: Events) -> None:
    index, chunk = next(
        (place, event) for place, event in enumerate(released.api.events()) if event["type"] == "release.items_released"
    )
    tag = next(tags[0] for tags in chunk["data"]["subjects"].values() if tags)
    (found,) = events.asked("reidentified", tag)
    assert (found["leaf_index"], found["actor"]) == (index, chunk["actor"])
    assert found["release_id"] == chunk["data"]["release_id"]
    # A part of a tag is no tag.
    assert events.asked("reidentified", tag[:-1]) == []


def test_decisions_per_controller(released: Asked, events: Events) -> None:
    approvals = [event for event in released.api.events() if event["type"] == "request.domain_approved"]
    found = {(row["controller"], row["domain"]): row["approved"] for row in events.asked("decisions", *DAYS)}
    assert found
    assert found == {(one["data"]["approver"], one["data"]["domain"]): 1 for one in approvals}


def test_refusals_by_code(released: Asked, tmp_path: Path) -> None:
    api = released.api
    for _ in range(2):
        assert released.approve("controller").status in {403, 409}
    api.sweep()
    refused = [event["data"] for event in api.events() if event["type"] == "attempt.refused"]
    found = Events(api, tmp_path / "later").asked("refusals", *DAYS)
    assert {(row["code"], row["command"]): row["refusals"] for row in found} == {
        (code, command): len([1 for one in refused if (one["code"], one["command"]) == (code, command)])
        for code, command in {(one["code"], one["command"]) for one in refused}
    }
    assert sum(row["refusals"] for row in found) == len(refused) > 0


def test_time_to_decide(released: Asked, events: Events) -> None:
    (row,) = [
        row for row in events.asked("time_to_decide", "2026-07-03T09:00:00Z") if row["stream"].endswith(released.id)
    ]
    assert row["outcome"] == "request.approved"
    assert 0 <= row["hours"] < 24


def test_an_undecided_request_is_open_until_the_moment_asked_about(reviewed: Asked, tmp_path: Path) -> None:
    reviewed.api.sweep()
    found = Events(reviewed.api, tmp_path).asked("time_to_decide", "2026-07-03T09:00:00Z")
    (row,) = [row for row in found if row["stream"].endswith(reviewed.id)]
    assert row["outcome"] == "open"
    assert 47 < row["hours"] <= 48


def test_the_data_stay_what_was_logged(events: Events) -> None:
    for row in events.rows("SELECT data FROM events"):
        assert isinstance(json.loads(row["data"]), dict)
