"""`keyholder policy`: try the policy on examples, and have its path explained. Works without a connection."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

import click

from keyholder.canonical import canonical_json
from keyholder.cli.options import json_object
from keyholder.cli.session import Session
from keyholder.policy.cases import CaseFile, CaseFileError, differences, published_cases, read_cases
from keyholder.policy.explain import Explanation, Step, explain
from keyholder.policy.settings import CHECK_AT_DISCLOSURE, STATED, PolicyFacts, settings_json
from keyholder.policy.settings_form import parse_settings
from keyholder.refusals import Refusal

FILE = click.argument("file", type=click.Path(path_type=Path), required=False)
UNDER = click.option(
    "--settings",
    "settings_file",
    type=click.Path(path_type=Path),
    help="A file of settings to decide under; without it the published rules at their limits.",
)


@click.group()
def policy() -> None:
    """The rules of release, on examples."""


@policy.command()
@FILE
@UNDER
def check(file: Path | None, settings_file: Path | None) -> None:
    """Evaluate the cases in FILE and print each difference from what they expect.

    Without FILE, the published cases that come with this command. Ends with 0 if there is no difference, 1 if there is
    any, 2 if the file can't be used.
    """
    cases, facts = _read(file), _settings(settings_file)
    found = list(differences(cases, facts))
    for difference in found:
        click.echo(str(difference))
    if found:
        click.echo(f"{len(found)} differences in {len({item.case_id for item in found})} cases", err=True)
        sys.exit(1)
    batch = "" if cases.batch_case is None else " and the batch case"
    click.echo(f"{len(cases.cases)} cases{batch} agree")


@policy.command(name="explain")
@FILE
@click.option("--case", "case_id", required=True, help="The case's id.")
@UNDER
@click.pass_context
def explain_case(context: click.Context, file: Path | None, case_id: str, settings_file: Path | None) -> None:
    """Print the path of one case of FILE through the rules, check by check, and the answer.

    Without FILE, one of the published cases. Ends with 2 if there is no such case or the file can't be used.
    """
    cases, facts = _read(file), _settings(settings_file)
    case = next((case for case in cases.cases if case.case_id == case_id), None)
    if case is None:
        _unusable(f"{_name(file)}: holds no case {case_id}")
    told = explain(case.request, case.person, facts, case.as_of)
    if isinstance(context.obj, Session) and context.obj.as_json:
        click.echo(json.dumps(_form(told)))
        return
    click.echo(f"{case.case_id}: {case.title}" if case.title else case.case_id)
    for line in told.lines():
        click.echo(line)


@policy.command()
@click.option("--published", is_flag=True, help="The published rules at their limits, in place of the default.")
def settings(published: bool) -> None:
    """Print the default settings as JSON, to edit and propose."""
    facts = STATED if published else CHECK_AT_DISCLOSURE
    click.echo(json.dumps(json.loads(canonical_json(settings_json(facts))), indent=2))


def _form(told: Explanation) -> object:
    def steps(found: Sequence[Step]) -> list[object]:
        return [{"check": step.check, "verdict": step.verdict, "why": step.why} for step in found]

    answer = told.assessment
    return {
        "today": told.today.isoformat(),
        "request": steps(told.of_request),
        "person": steps(told.of_person),
        "decision": answer.decision,
        "reasons": answer.reasons,
        "warnings": answer.warnings,
        "identifiers_released": answer.identifiers_released,
        "outward_code": answer.outward_code,
        "policy_hash": answer.policy_hash,
    }


def _read(file: Path | None) -> CaseFile:
    read: Callable[[], bytes] = published_cases if file is None else file.read_bytes
    try:
        return read_cases(read())
    except OSError as fault:
        _unusable(f"{_name(file)}: {fault.strerror}")
    except CaseFileError as fault:
        _unusable(f"{_name(file)}: {fault}")


def _settings(file: Path | None) -> PolicyFacts:
    if file is None:
        return STATED
    try:
        found = parse_settings(json_object(file))
    except OSError as fault:
        _unusable(f"{file}: {fault.strerror}")
    if isinstance(found, Refusal):
        _unusable(f"{file}: {found.field or 'the settings'}: {found.advice} ({found.code})")
    return found


def _name(file: Path | None) -> str:
    return "the published cases" if file is None else str(file)


def _unusable(words: str) -> NoReturn:
    click.echo(words, err=True)
    sys.exit(2)
