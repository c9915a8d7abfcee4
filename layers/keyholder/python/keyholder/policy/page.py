"""`docs/policy.md`, written from the tables, so that the rules can be read without reading Python.

`make generated` writes it; a test compares it with the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from keyholder.policy import settings, tables
from keyholder.policy.sources import SOURCES
from keyholder.policy.type1 import TYPE1_MEANINGS
from keyholder.policy.vocabulary import Purpose

_TOP = """# The policy

Written by `make generated` from the tables in `keyholder.policy`; a test compares
the two. This is not legal advice: a deployment reads the live texts again. `(derived)` marks a
product choice that no published source states, `(secondary)` a source read only in summaries.

Everything is decided at the moment of disclosure, never at approval. Days are Europe/London calendar days. What is
unknown, stale, missing or unreadable withholds. The requester sees the outward code alone; the reason is for the
ledger and for auditors.

The checks, in order: prohibited purpose; basis named; role; basis fits purpose; evidence and its dates; ethics;
accreditation and agreement; controllers. The first that answers ends it for the whole request. Then for each person:
the pseudonym resolves; consent, care relationship or programme opt-out; Type 1; national data opt-out; and last,
only identifiers that were asked for and approved. All of a person's checks are made; a withholding outweighs a hold,
and the reasons given are those that decided.
"""


_NOT_REACHED = """\
It does not reach aggregate output, nor support that exempts the flow by a letter on file, nor a record without an NHS
number where finding one is documented as disproportionate effort.
"""


_EXCLUDED = """\
## Flows excluded from the national data opt-out

Dated settings; these are the published ones. An exemption of any other flow is one project's.
"""


def render() -> str:
    """The page, in Markdown."""
    sections = (
        _TOP,
        "## Prohibited purposes\n\nNothing makes these lawful here, consent included.\n",
        _table(("Purpose", "Source"), ((_code(row.purpose), row.source) for row in tables.PROHIBITIONS)),
        "## Legal bases\n\n`none` fits nothing.\n",
        _table(
            ("Basis", "Purposes it fits", "National data opt-out", "Type 1 (GP data)", "Evidence", "Source"),
            (_basis_cells(row) for row in tables.MATRIX),
        ),
        "## Basis and purpose\n\nA cross: the basis fits. Prohibited purposes fit nothing and are left out.\n",
        _cross_table(),
        "## Reach of the national data opt-out\n",
        _table(
            ("Origin of care", "Reached", "Source"),
            ((_code(row.origin), _yes(row.reached), row.source) for row in tables.NDOO_REACH),
        ),
        _NOT_REACHED,
        _EXCLUDED,
        _table(
            ("Purpose", "Own opt-out", "From", "To", "Source"),
            (
                (
                    _code(flow.purpose),
                    _yes(flow.own_opt_out),
                    flow.in_force_from.isoformat(),
                    "" if flow.in_force_to is None else flow.in_force_to.isoformat(),
                    SOURCES[flow.source],
                )
                for flow in settings.STATED_EXEMPT_FLOWS
            ),
        ),
        _notices(),
        _freshness(),
        _caps(),
        _type1(),
        _locating(),
        "## Decisions\n",
        _table(
            ("Decision", "Outward code", "Meaning", "Source"),
            ((_code(row.decision), _code(row.outward), row.meaning, row.source) for row in tables.DECISIONS),
        ),
        "## Reasons\n",
        _table(
            ("Reason", "Decision", "About", "When", "Source"),
            ((_code(row.reason), _code(row.decision), row.scope.value, row.when, row.source) for row in tables.REASONS),
        ),
    )
    return "\n".join(sections)


def _notices() -> str:
    rows = ((_code(row.purpose), row.last_day.isoformat(), row.source) for row in tables.COPI_NOTICES_END)
    head = "## Last days of general notices under regulation 3\n\nWhatever a request says of its notice.\n\n"
    return head + _table(("Purpose", "Last day", "Source"), rows)


def _freshness() -> str:
    stated, default = settings.STATED.freshness, settings.CHECK_AT_DISCLOSURE.freshness
    rows = (
        ("Direct check: days since it was made", stated.direct_days, default.direct_days),
        ("Cached list: days since it was taken", stated.cache_days, default.cache_days),
        (
            "Cached list: days from the cache's refresh to the taking",
            stated.cache_refresh_days,
            default.cache_refresh_days,
        ),
    )
    head = f"## Freshness of a check\n\n{settings.FRESHNESS_SOURCE}. No setting goes over the cap.\n\n"
    return head + _table(("What", "Cap", "Default"), ((what, str(cap), str(day)) for what, cap, day in rows))


def _caps() -> str:
    head = (
        "## What no setting sets aside\n\nA deployment's settings change under two people, in the ledger"
        " ([how](policy-changes.md)), within these caps.\n\n"
    )
    return head + _table(
        ("Refused with", "What would be allowed"), ((_code(cap), words) for cap, words in settings.CAPS.items())
    )


def _locating() -> str:
    kinds = ", ".join(_code(item) for item in sorted(tables.LOCATING_IDENTIFIERS))
    return (
        "## Identifiers that locate a person\n\n"
        f"{kinds}. They stay back for a record that PDS\nmarks as restricted and, unless the deployment says otherwise,"
        f" for a record nobody looked up. Source: {tables.LOCATING_SOURCE}.\n"
    )


def _type1() -> str:
    codes = _table(
        ("Meaning", "System", "Code", "Source"),
        (
            (row.meaning.value.replace("_", " "), row.system.value, _code(row.code), row.source)
            for row in tables.OPT_OUT_CODES
        ),
    )
    kinds = len([row for row in tables.OPT_OUT_CODES if row.meaning in TYPE1_MEANINGS])
    return (
        "## Opt-out codes in GP records\n\n"
        f"The latest of the {kinds} Type 1 codes counts; set and withdrawn on one day is set; a state that cannot be"
        f"\nknown withholds. Type 2 codes up to {tables.TYPE2_RETIRED_ON.isoformat()} became national data opt-outs;"
        " later ones have no effect\nand give a warning. Whether Type 1 counts under regulation 3 or a direction is a"
        " dated setting of each\ncollection."
        f" Source on Type 2: {tables.TYPE2_SOURCE}.\n\n" + codes
    )


def _basis_cells(row: tables.BasisRow) -> tuple[str, ...]:
    who = "" if row.roles is None else " (role: " + ", ".join(_code(role) for role in sorted(row.roles)) + ")"
    ethics = "; a favourable ethics opinion for research" if row.ethics_for else ""
    return (
        _code(row.basis) + who,
        ", ".join(_code(purpose) for purpose in Purpose if purpose in row.purposes),
        "yes, unless exempt" if row.ndoo else "no",
        _yes(row.type1) + (", by setting" if row.type1_settable else ""),
        row.evidence + ethics,
        row.source,
    )


def _cross_table() -> str:
    prohibited = {row.purpose for row in tables.PROHIBITIONS}
    return _table(
        ("Purpose", *(_code(row.basis) for row in tables.MATRIX)),
        (
            (_code(purpose), *("x" if purpose in row.purposes else "" for row in tables.MATRIX))
            for purpose in Purpose
            if purpose not in prohibited
        ),
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _code(text: str) -> str:
    return f"`{text}`"


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"
