"""`keyholder request take-over`: what it sends."""

from __future__ import annotations

from click.testing import CliRunner

from keyholder.cli.main import cli
from keyholder.cli.session import Session
from tests.unit.client.fake_api import URL, FakeApi, ok, view

SETTINGS = {"KEYHOLDER_URL": URL, "KEYHOLDER_TOKEN": "token"}


def test_a_draft_is_taken_over_as_it_was_read() -> None:
    api = FakeApi([ok(view("draft"), etag='W/"3"'), ok(view("draft"))])
    result = CliRunner().invoke(cli, ["--json", "request", "take-over", "REQ-1"], obj=Session(SETTINGS, api))
    assert result.exit_code == 0, result.stderr
    asked = api.asked[-1]
    assert (asked.method, asked.path, asked.body) == ("POST", "/v1/requests/REQ-1/take-over", {})
    assert asked.headers["if-match"] == 'W/"3"'
