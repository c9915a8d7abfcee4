"""The engine and a second reading of the facts, written apart from it, agree on whatever case is drawn."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings

from keyholder.policy.cases import differences, read_cases
from tests.unit.policy import any_case
from tests.unit.policy.examples import CASE_FILE
from tests.unit.policy.second_evaluator import evaluate

PUBLISHED: list[dict[str, Any]] = json.loads(CASE_FILE.read_text())["cases"]


@pytest.mark.parametrize("case", PUBLISHED, ids=lambda case: case["id"])
def test_the_second_evaluator_agrees_with_the_published_cases(case: dict[str, Any]) -> None:
    assert evaluate(case) == case["expected"]


@settings(max_examples=500)
@given(any_case.cases())
def test_the_engine_agrees_with_the_second_evaluator(case: dict[str, Any]) -> None:
    file = {"cases": [{"id": "PC-000", **case, "expected": evaluate(case)}]}
    assert not list(differences(read_cases(json.dumps(file).encode())))
