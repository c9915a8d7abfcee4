"""The permissions page, from the table that is enforced: `docs/permissions.md`. A test compares the two."""

from __future__ import annotations

from collections.abc import Iterator

from keyholder.requests.codes import TERMINAL, State
from keyholder.requests.commands import CommandName
from keyholder.requests.guards import HANDING_OUT
from keyholder.requests.transitions import TRANSITIONS, WHO, Transition, Who

_INTRODUCTION = """\
# Who may do what to a request, and when

This page is written by `make generated` from the one table that is enforced; a test keeps it so.
What is not here can't happen. Auditors and operators have no command on requests. A suspended person has none
at all. Refused commands are recorded too.
"""


def render() -> str:
    """The whole page, in Markdown."""
    return "\n".join((_INTRODUCTION, *_diagram(), "", *_matrix(), "", *_rules(), ""))


def _diagram() -> Iterator[str]:
    yield "## States"
    yield ""
    yield "```mermaid"
    yield "stateDiagram-v2"
    for row in TRANSITIONS:
        for source in _sources(row):
            for target in (state for state in State if state in row.to):
                if source != target.value:
                    yield f"    {source} --> {target.value}: {row.command.value}"
    for state in State:
        if state in TERMINAL:
            yield f"    {state.value} --> [*]"
    yield "```"


def _sources(row: Transition) -> list[str]:
    return ["[*]"] if row.sources is None else [state.value for state in State if state in row.sources]


def _matrix() -> Iterator[str]:
    states = [state for state in State if state not in TERMINAL]
    yield "## Commands by state"
    yield ""
    yield "| command | who | new | " + " | ".join(state.value for state in states) + " |"
    yield "|---|---|---|" + "---|" * len(states)
    for command in CommandName:
        rows = [row for row in TRANSITIONS if row.command is command]
        marks = [_mark(any(row.sources is None for row in rows))]
        marks += [_mark(any(row.sources is not None and state in row.sources for row in rows)) for state in states]
        yield f"| {command.value} | {WHO[command].value} | " + " | ".join(marks) + " |"
    yield ""
    yield "The states " + ", ".join(state.value for state in State if state in TERMINAL) + " accept nothing."


def _mark(possible: bool) -> str:
    return "yes" if possible else ""


def _rules() -> Iterator[str]:
    yield "## Rules"
    for who in Who:
        yield ""
        yield f"### {who.value[0].upper()}{who.value[1:]}"
        for row in TRANSITIONS:
            if row.who is who:
                yield ""
                yield from _rule(row)


def _rule(row: Transition) -> Iterator[str]:
    became = "to " + " or ".join(state.value for state in State if state in row.to) if row.to else "and stays so"
    since = " or ".join(_sources(row)).replace("[*]", "nothing")
    yield f"**{row.command.value}**: from {since} {became}; writes {', '.join(f'`{name}`' for name in row.events)}."
    if row.fresh_sign_in:
        yield ""
        stronger = ", or AAL3 where the deployment asks for it," if row.command in HANDING_OUT else ""
        yield f"- has signed in strongly (AAL2{stronger}) within the last 15 minutes"
    elif row.guards:
        yield ""
    for guard in row.guards:
        yield f"- {guard.sentence}"
