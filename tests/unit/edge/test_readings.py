"""Every reading of what people work on passes through `shown`, which writes it down where it is a step."""

from __future__ import annotations

import ast
from pathlib import Path

from infra.routes import ROUTES, Function

FUNCTIONS = Path(__file__).parents[3] / "functions"
SHOWING = {"shown", "_shown", "_shown_list"}
NOTHING_OF_ANYBODY_S_WORK = {
    "GET /v1/me": "one's own",
    "GET /v1/terms": "the same for everybody, and one's own acceptance",
    "GET /v1/domains/{domain_id}": "the same for every registered person",
    "GET /v1/policy": "the same for every registered person",
    "GET /v1/policy/changes/{change_id}": "the same for every registered person",
    "GET /v1/people/{person_id}": "not for auditors",
    "GET /v1/people/{person_id}/contact": "not for auditors",
    "GET /v1/projects/{project_id}": "not for auditors",
}
"""Readings that are no step, whoever reads, and why."""


def readings(function: Function) -> dict[str, set[str]]:
    """By the GET routes of a function: which functions its handler calls by name."""
    tree = ast.parse((FUNCTIONS / function / "handler.py").read_text(encoding="utf-8"))
    found = {}
    for handler in (node for node in tree.body if isinstance(node, ast.FunctionDef)):
        for one in handler.decorator_list:
            if isinstance(one, ast.Call) and [ast.literal_eval(argument) for argument in one.args[:1]] == ["GET"]:
                calls = {ast.unparse(call.func) for call in ast.walk(handler) if isinstance(call, ast.Call)}
                found[f"GET {ast.literal_eval(one.args[1])}"] = calls
    return found


def test_whatever_an_auditor_may_read_is_written_down_or_has_a_reason() -> None:
    found = readings(Function.REQUESTS) | readings(Function.REGISTRY)
    listed = {
        route.key
        for route in ROUTES
        if route.method == "GET" and route.function in (Function.REQUESTS, Function.REGISTRY)
    }
    assert found.keys() == listed
    for key, calls in found.items():
        assert (key in NOTHING_OF_ANYBODY_S_WORK) != bool(calls & SHOWING), key
