"""What reviewers and requesters say to each other from the command line, and the list of what waits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from keyholder.cli.main import cli
from keyholder.cli.session import Session
from tests.unit.client.fake_api import URL, Asked, FakeApi, ok, view

SETTINGS = {"KEYHOLDER_URL": URL, "KEYHOLDER_TOKEN": "token"}
HASH = "cd" * 32


def run(*arguments: str, api: FakeApi, typed: str | None = None) -> Result:
    return CliRunner().invoke(cli, ["--json", *arguments], obj=Session(SETTINGS, api), input=typed)


@pytest.mark.parametrize(
    ("arguments", "path", "body"),
    [
        (["review", "declare", "REQ-1", "--no-conflict-of-interest"], "declare", {"conflict_of_interest": False}),
        (["review", "declare", "REQ-1", "--conflict-of-interest"], "declare", {"conflict_of_interest": True}),
        (["review", "recuse", "REQ-1", "--reason", "took_part"], "recuse", {"reason": "took_part"}),
        (["review", "claim", "REQ-1", "--domain", "gp-2026"], "claim", {"domain": "gp-2026"}),
        (["review", "hand-back", "REQ-1", "--domain", "gp-2026"], "hand-back", {"domain": "gp-2026"}),
        (
            ["review", "comment", "REQ-1", "--to", "internal", "--text", "Well?", "--about", HASH],
            "comment",
            {"audience": "internal", "text": "Well?", "about": HASH},
        ),
        (
            ["review", "comment", "REQ-1", "--to", "requester", "--text", "Well?"],
            "comment",
            {"audience": "requester", "text": "Well?"},
        ),
        (
            ["review", "ask", "REQ-1", "--person", "person/1", "--text", "Well?"],
            "ask",
            {"person": "person/1", "question": "Well?"},
        ),
        (
            ["review", "advise", "REQ-1", "--question", HASH, "--advice", "objects"],
            "advise",
            {"question": HASH, "advice": "objects"},
        ),
        (
            ["review", "advise", "REQ-1", "--question", HASH, "--advice", "objects", "--text", "No."],
            "advise",
            {"question": HASH, "advice": "objects", "text": "No."},
        ),
        (["request", "reply", "REQ-1", "--text", "Yes."], "reply", {"text": "Yes."}),
        (["request", "nudge", "REQ-1"], "nudge", {}),
        (
            [
                *("request", "report", "REQ-1", "--used", "3", "--finding", "care_changed"),
                *("--destruction", "in_care_record", "--destroyed-on", "2026-11-02", "--text", "Recalled."),
            ],
            "report-outcome",
            {
                "used": 3,
                "finding": "care_changed",
                "destruction": "in_care_record",
                "destroyed_on": "2026-11-02",
                "text": "Recalled.",
            },
        ),
        (
            ["request", "report", "REQ-1", "--used", "0", "--finding", "not_used", "--destruction", "never_received"],
            "report-outcome",
            {"used": 0, "finding": "not_used", "destruction": "never_received"},
        ),
    ],
)
def test_each_says_what_was_meant_of_the_version_that_is(
    arguments: list[str], path: str, body: dict[str, object]
) -> None:
    api = FakeApi([ok(view(), etag='W/"4"'), ok(view(version=5))])
    result = run(*arguments, api=api)
    assert result.exit_code == 0, result.stderr
    assert api.asked[1].path == f"/v1/requests/REQ-1/{path}"
    assert api.asked[1].body == body
    assert api.asked[1].headers["if-match"] == 'W/"4"'
    assert json.loads(result.stdout)["version"] == 5


def test_words_come_from_a_file_or_stdin_so_that_no_argument_shows_them(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("From a file.")
    for source, typed, text in ((str(words), None, "From a file."), ("-", "From stdin.", "From stdin.")):
        api = FakeApi([ok(view(), etag='W/"4"'), ok(view())])
        assert run("request", "reply", "REQ-1", "--text-file", source, api=api, typed=typed).exit_code == 0
        assert api.asked[1].body == {"text": text}
    both = ["request", "reply", "REQ-1", "--text", "x", "--text-file", str(words)]
    for wrong in (both, ["request", "reply", "REQ-1"], ["review", "declare", "REQ-1"]):
        api = FakeApi([])
        assert run(*wrong, api=api).exit_code == 2
        assert not api.asked


def test_a_conversation_is_read_page_by_page() -> None:
    pages = [
        ok({"items": [{"text": "One."}], "next": 1, "opened": True}),
        ok({"items": [{"text": "Two."}], "next": None}),
    ]
    api = FakeApi(list(pages))
    result = run("review", "conversation", "REQ-1", api=api)
    assert [item["text"] for item in json.loads(result.stdout)] == ["One.", "Two."]
    assert api.asked[1].path == "/v1/requests/REQ-1/conversation?cursor=1"


def test_the_list_has_what_waits_for_this_person_and_who_looks_after_it() -> None:
    """A list says no commands, so each request in review is asked for what this person may do."""

    def answering(asked: Asked) -> object:
        if asked.path.startswith("/v1/requests?") or asked.path == "/v1/requests":
            states = {"REQ-1": "in_review", "REQ-2": "in_review", "REQ-3": "approved"}
            items = [{**view(state), "id": name, "allowed_commands": None} for name, state in states.items()]
            return ok({"items": items, "next": None})
        name = asked.path.rsplit("/", 1)[-1]
        mine = ("approve", "reject") if name == "REQ-1" else ("reply",)
        decisions = [{"domain": "gp-2026", "handler": "person/1"}]
        return ok({**view(allowed=mine), "id": name, "decisions": decisions, "due_at": "2026-12-01T00:00:00Z"})

    listed = run("review", "list", api=FakeApi(answering))  # type: ignore[arg-type]  # answers are replies
    (only,) = json.loads(listed.stdout)
    assert (only["id"], only["handlers"], only["due_at"]) == ("REQ-1", {"gp-2026": "person/1"}, "2026-12-01T00:00:00Z")
    api = FakeApi([ok({"items": [], "next": None})])
    assert json.loads(run("review", "list", "--advice", api=api).stdout) == []
    assert api.asked[0].path == "/v1/requests?advice=true"


def test_the_texts_are_shown_or_it_is_said_how_to_open_them() -> None:
    closed = {"content": {}, "opened": False, "justification": None, "comments": {}}
    api = FakeApi([ok(view()), ok(closed)])
    result = run("review", "show", "REQ-1", api=api)
    assert "declare" in result.stderr
    assert json.loads(result.stdout)["read"] == closed
