"""An explanation tells the path the policy took: every check once, and nothing but what was decided."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given

from keyholder.cli.main import cli
from keyholder.cli.session import Session
from keyholder.policy import checks
from keyholder.policy.assess import assess_person
from keyholder.policy.case_fields import read_person, read_request
from keyholder.policy.cases import published_cases, read_cases
from keyholder.policy.explain import Verdict, explain
from keyholder.policy.reading import Node
from keyholder.policy.settings import CHECK_AT_DISCLOSURE, STATED
from keyholder.policy.tables import EFFECT
from keyholder.policy.vocabulary import Decision
from tests.unit.policy import any_case
from tests.unit.policy.examples import person, request
from tests.unit.policy.rulebook import RULES, Rule

STOPPED = {Verdict.STOPS, Verdict.WAITS, Verdict.WITHHOLDS, Verdict.HOLDS}
CASES = read_cases(published_cases())


@given(any_case.cases())
def test_the_path_ends_where_the_policy_does(case: dict[str, Any]) -> None:
    asked = read_request(Node(case["request"]))
    somebody = read_person(Node(case["subject"]), Node(case["request"]["requester"]))
    now = datetime.fromisoformat(case["as_of"])
    told = explain(asked, somebody, STATED, now)
    answer = assess_person(asked, somebody, STATED, now)
    assert told.assessment == answer
    assert len(told.of_request) == len(checks.REQUEST_CHECKS)
    assert len(told.of_person) == len(checks.PERSON_CHECKS) + 1
    steps = [*told.of_request, *told.of_person]
    released = answer.decision in {Decision.RELEASE, Decision.RELEASE_PARTIAL}
    assert released == (not any(step.verdict in STOPPED for step in steps))
    assert (answer.decision is Decision.RELEASE_PARTIAL) == any(step.verdict is Verdict.NARROWS for step in steps)
    words = "\n".join(told.lines())
    for reason in answer.reasons:
        assert f"({reason})" in words
        if EFFECT[reason].decision is not Decision.RELEASE:
            assert any(f"({reason})" in step.why for step in steps)
    assert all(step.why for step in steps)
    if not all(step.verdict is Verdict.PASSES for step in told.of_request):
        assert all(step.verdict is Verdict.NOT_ASKED for step in told.of_person)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_can_be_told(rule: Rule) -> None:
    told = explain(request(**rule.asked), person(**rule.about), rule.facts, rule.now)
    assert told.assessment == rule.assessment()
    assert f"Answer: {rule.decision} " in "\n".join(told.lines())


def run(*arguments: str, as_json: bool = False) -> Result:
    return CliRunner().invoke(cli, [*(["--json"] if as_json else []), "policy", *arguments], obj=Session({}))


def test_the_command_tells_a_published_case_in_words() -> None:
    told = run("explain", "--case", "PC-073")
    assert told.exit_code == 0
    assert told.stdout.startswith(
        "PC-073: both opt-outs set: both reasons recorded internally\nOn 10 June 2025 (London)."
    )
    assert "13. Type 1 opt-out: withholds. A Type 1 opt-out is in scope and set. (TYPE1_ACTIVE)" in told.stdout
    assert told.stdout.endswith("The requester sees: NOT_AVAILABLE.\n")


@pytest.mark.parametrize("case", CASES.cases, ids=lambda case: case.case_id)
def test_the_command_tells_every_published_case(case: Any) -> None:
    told = run("explain", "--case", case.case_id, as_json=True)
    assert told.exit_code == 0
    answer = json.loads(told.stdout)
    assert (answer["decision"], tuple(answer["reasons"])) == (case.expected.decision, case.expected.reasons)


def test_the_command_refuses_a_case_that_is_not_there(tmp_path: Path) -> None:
    assert run("explain", "--case", "PC-000").exit_code == 2
    file = tmp_path / "cases.json"
    file.write_bytes(published_cases())
    refused = run("explain", "--case", "PC-000", str(file))
    assert (refused.exit_code, refused.stdout, refused.stderr) == (2, "", f"{file}: holds no case PC-000\n")
    assert run("explain", str(file)).exit_code == 2


def test_cases_are_evaluated_under_settings_somebody_wants_to_propose(tmp_path: Path) -> None:
    printed = run("settings")
    assert json.loads(printed.stdout)["freshness"]["direct_days"] == CHECK_AT_DISCLOSURE.freshness.direct_days
    file = tmp_path / "settings.json"
    file.write_text(printed.stdout)
    stricter = run("check", "--settings", str(file))
    assert stricter.exit_code == 1
    assert 'PC-053 decision: expected "release", got "hold"' in stricter.stdout
    file.write_text(run("settings", "--published").stdout)
    assert run("check", "--settings", str(file)).exit_code == 0
    file.write_text(run("settings").stdout.replace('"direct_days": 1', '"direct_days": 21'))
    refused = run("check", "--settings", str(file))
    assert refused.exit_code == 2
    assert "/freshness" in refused.stderr
    assert "FRESHNESS_OVER_CAP" in refused.stderr


def test_without_a_file_the_published_cases_are_checked() -> None:
    assert run("check").stdout == "50 cases and the batch case agree\n"
