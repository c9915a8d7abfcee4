"""`keyholder request`: what a researcher does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from keyholder.canonical import JsonObject, JsonValue
from keyholder.cli import receipts as kept_receipts
from keyholder.cli.conversing import conversation, nudge, reply
from keyholder.cli.filing import BY_FILE, file_, hand_over_file, some
from keyholder.cli.options import FILE_IN, FILE_OUT, FOLDER_OUT, json_object
from keyholder.cli.receipts import RECEIPTS, Checked, keep, pinned
from keyholder.cli.reporting import report
from keyholder.cli.session import Session
from keyholder.cli.trouble import Exit, Stop
from keyholder.client import Collected, ReleaseResult, RequestView
from keyholder.client.request_file import content_of, declaration, finished
from keyholder.client.spreadsheets import Sheet, SheetError, private_bytes_path, private_file, write_rows
from keyholder.ledger.receipts import SUFFIX
from keyholder.pseudonyms.deid_columns import COLUMN_OF
from keyholder.pseudonyms.token import MalformedReason
from keyholder.requests.codes import State
from keyholder.vocabulary import IdentifierType

AWAITED = {State.SUBMITTED, State.IN_REVIEW}
"""States in which a release is only a matter of time."""

ROWS = click.option("--rows", "extract", type=FILE_IN, help="A pseudonymised CSV whose rows are asked for.")
DOMAINS = click.option("--domain", "domains", multiple=True, help="The domain of --rows, or each domain of --file.")
MALFORMED = frozenset(MalformedReason)


@click.group()
def request() -> None:
    """Ask for identifiers, follow the request, take what is released."""


for said in (reply, nudge, conversation, report, file_):
    request.add_command(said)


@request.command()
@click.argument("file", type=FILE_IN)
@click.option(
    "--column", "columns", multiple=True, help="Columns to check; without it, every column that ends in _deid."
)
@click.option(
    "--domain",
    "saved",
    type=FILE_IN,
    help="The domain they are of, as 'request domain' saved it. Needed for ten digits.",
)
@click.pass_obj
def check(session: Session, file: Path, columns: tuple[str, ...], saved: Path | None) -> None:
    """Check the pseudonyms of a CSV offline: counts, duplicates, typing errors, wrong domain. Sends nothing.

    A pseudonym does not say its domain. With --domain the check finds those the domain can't have made: of a type, a
    key version or a form that it never had, and rows whose column 'domain' names another. Other pseudonyms of another
    domain look alike; a release answers them with not_available.
    """
    from keyholder.client.saved_domain import SavedDomain
    from keyholder.client.tokens import check_column
    from keyholder.pseudonyms.checking import OTHER_DOMAIN

    domain = None if saved is None else SavedDomain.read(saved)
    with file.open(encoding="utf-8-sig", newline="") as text:
        sheet = Sheet.read(text, columns)
        rows = list(sheet.rows)
    wanted = columns or tuple(name for name in sheet.header if name.endswith("_deid"))
    if not wanted:
        raise SheetError("the file has no column that ends in _deid; name one with --column")
    named = [row["domain"] for row in rows] if "domain" in sheet.header else None
    checks = [check_column(column, (row[column] for row in rows), domain, named) for column in wanted]
    for found in checks:
        for reason, lines in found.faults.items():
            session.say(f"{found.column}: {reason} on line {some(lines)}")
        if found.repeated:
            session.say(f"{found.column}: repeated on line {some(found.repeated)}")
    if domain is None:
        session.say("Pseudonyms of a wrong domain are not looked for: that takes --domain.")
    session.table(
        ["column", "cells", "empty", "good", "repeated", "malformed", "wrong_domain", "types"],
        [
            {
                "column": found.column,
                "cells": found.cells,
                "empty": found.empty,
                "good": found.good,
                "repeated": len(found.repeated),
                "malformed": sum(len(lines) for reason, lines in found.faults.items() if reason in MALFORMED),
                "wrong_domain": len(found.faults.get(OTHER_DOMAIN, ())),
                "types": dict(found.types),
                "key_versions": dict(found.key_versions),
                "lines": {reason: list(lines) for reason, lines in found.faults.items()},
                "repeated_lines": found.repeated,
            }
            for found in checks
        ],
    )
    if not all(found.whole for found in checks):
        raise Stop(Exit.FAILED)


@request.command()
@click.argument("domain_id")
@click.option("--out", required=True, type=FILE_OUT, help="Where it goes (JSON).")
@click.pass_obj
def domain(session: Session, domain_id: str, out: Path) -> None:
    """Save what is registered of a domain, for 'request check --domain'. It says nothing of any patient."""
    found = session.keyholder().domain(domain_id)
    out.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    session.say(f"Wrote {out}.")


@request.command()
@click.argument("file", type=FILE_IN)
@ROWS
@BY_FILE
@DOMAINS
@RECEIPTS
@click.pass_obj
def new(
    session: Session,
    *,
    file: Path,
    extract: Path | None,
    by_file: Path | None,
    domains: tuple[str, ...],
    receipts_to: Path | None,
) -> None:
    """Draft the request that FILE (JSON, as the API describes it) holds; --rows adds the records of a CSV.

    Up to 10,000 records go in the request itself (--rows). With --file, up to 1,000,000 pseudonyms are uploaded beside
    it: the command declares the file, hands it over and waits until it was read.
    """
    view = session.keyholder().new_request(whole_body(file, extract, by_file, domains))
    _written(session, view, by_file, receipts_to)


def whole_body(file: Path, extract: Path | None, by_file: Path | None, domains: Sequence[str]) -> JsonObject:
    """The request that a file describes, with the records of a CSV, or a file declared, where one is named."""
    body = json_object(file)
    if extract is not None and by_file is not None:
        raise click.UsageError("--rows sends the records, --file uploads them: name one of the two.")
    if (extract is None and by_file is None) != (not domains):
        raise click.UsageError("--rows or --file, and --domain go together.")
    if extract is not None:
        if len(domains) != 1:
            raise click.UsageError("--rows are of one domain; --file may be of several.")
        return {**body, "domains": [{"domain": domains[0], "records": records(extract, body)}]}
    if by_file is not None:
        others = {name: value for name, value in body.items() if name != "domains"}
        return {**others, "file": declaration(by_file, domains)}
    return body


def _written(session: Session, view: RequestView, by_file: Path | None, receipts_to: Path | None) -> None:
    if by_file is None:
        _show(session, view, receipts_to)
        return
    keep(session, view.receipts, receipts_to)
    session.say(f"{view.id} is {view.state}; it declares the file.")
    hand_over_file(session, view.id, by_file)


def records(extract: Path, body: JsonObject) -> list[JsonValue]:
    """The records of a pseudonymised CSV: the NHS number, which the checks need, and every type asked for."""
    listed = body.get("wanted")
    asked = listed if isinstance(listed, list) else []
    wanted = {item.get("identifier_type") for item in asked if isinstance(item, dict)}
    kinds = [kind for kind in IdentifierType if kind in wanted or kind is IdentifierType.NHS_NUMBER]
    with extract.open(encoding="utf-8-sig", newline="") as text:
        sheet = Sheet.read(text, [COLUMN_OF[kind] for kind in kinds])
        return [
            {
                "row_id": row.get("row_id") or str(number),
                "pseudonyms": {kind.value: row[COLUMN_OF[kind]] for kind in kinds if row[COLUMN_OF[kind]]},
            }
            for number, row in enumerate(sheet.rows, 1)
        ]


@request.command(name="list")
@click.option("--state", help="Only requests in this state, for example approved.")
@click.pass_obj
def list_(session: Session, state: str | None) -> None:
    """The requests you may see."""
    views = (view for view in session.keyholder().requests() if state is None or view.state == state)
    session.table(
        ["id", "state", "revision", "allowed"],
        [
            {"id": view.id, "state": view.state, "revision": view.revision, "allowed": list(view.allowed)}
            for view in views
        ],
    )


@request.command()
@click.argument("request_id")
@click.pass_obj
def show(session: Session, request_id: str) -> None:
    """One request as it is now, and what you may do with it."""
    _show(session, session.keyholder().request(request_id))


@request.command(name="take-over")
@click.argument("request_id")
@RECEIPTS
@click.pass_obj
def take_over(session: Session, request_id: str, receipts_to: Path | None) -> None:
    """Go on with what somebody was writing who left the project, or may not go on. You are its requester then."""
    keyholder = session.keyholder()
    _show(session, keyholder.take_over(request_id, keyholder.request(request_id).etag), receipts_to)


@request.command()
@click.argument("request_id")
@RECEIPTS
@click.pass_obj
def submit(session: Session, request_id: str, receipts_to: Path | None) -> None:
    """Freeze a draft and have it checked."""
    keyholder = session.keyholder()
    _show(session, keyholder.submit(request_id, keyholder.request(request_id).etag), receipts_to)


@request.command()
@click.argument("request_id")
@click.argument("file", type=FILE_IN)
@ROWS
@BY_FILE
@DOMAINS
@RECEIPTS
@click.pass_obj
def save(
    session: Session,
    *,
    request_id: str,
    file: Path,
    extract: Path | None,
    by_file: Path | None,
    domains: tuple[str, ...],
    receipts_to: Path | None,
) -> None:
    """Write a draft, or a request that was returned, anew from FILE. Submit it afterwards."""
    body, keyholder = whole_body(file, extract, by_file, domains), session.keyholder()
    view = keyholder.save(request_id, body, keyholder.request(request_id).etag)
    _written(session, view, by_file, receipts_to)


@request.command()
@click.argument("request_id")
@click.option("--conditions-hash", required=True, help="The hash of the conditions you read ('request show').")
@RECEIPTS
@click.pass_obj
def accept_conditions(session: Session, *, request_id: str, conditions_hash: str, receipts_to: Path | None) -> None:
    """Undertake exactly the conditions of this hash; without that, nothing is released."""
    keyholder = session.keyholder()
    etag = keyholder.request(request_id).etag
    _show(session, keyholder.accept_conditions(request_id, conditions_hash, etag), receipts_to)


@request.command()
@click.argument("request_id")
@click.argument("standing_id")
@RECEIPTS
@click.pass_obj
def use_standing(session: Session, request_id: str, standing_id: str, receipts_to: Path | None) -> None:
    """Have a checked request approved by a standing approval of its project that covers it."""
    keyholder = session.keyholder()
    etag = keyholder.request(request_id).etag
    _show(session, keyholder.use_standing_approval(request_id, standing_id, etag), receipts_to)


@request.command()
@click.argument("request_id")
@click.pass_obj
def revisions(session: Session, request_id: str) -> None:
    """Everything that was submitted of a request, and what was asked back."""
    session.table(["revision", "content_hash", "submitted_at"], list(session.keyholder().revisions(request_id)))


@request.command()
@click.argument("request_id")
@RECEIPTS
@click.pass_obj
def withdraw(session: Session, request_id: str, receipts_to: Path | None) -> None:
    """Take a request back."""
    keyholder = session.keyholder()
    _show(session, keyholder.withdraw(request_id, keyholder.request(request_id).etag), receipts_to)


@request.command()
@click.argument("request_id")
@click.option("--out", type=FOLDER_OUT, default=Path("receipts"), show_default=True, help="The folder they go into.")
@click.pass_obj
def receipts(session: Session, request_id: str, out: Path) -> None:
    """Keep the receipts of all you did on a request; an auditor has those of every event."""
    count = keep(session, session.keyholder().receipts(request_id), out)
    session.show({"request_id": request_id, "receipts": count, "out": str(out)})


@request.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--key", "key_file", required=True, type=FILE_IN, help="The ledger's public key, kept by you.")
@click.pass_obj
def check_receipts(session: Session, folder: Path, key_file: Path) -> None:
    """Check the receipts in FOLDER offline: each proves, by itself, that the event beside it is in the ledger.

    Exit status: 0 none is wrong, 6 one is, 2 there is none.
    """
    verifiers = pinned(key_file)
    found = {file.name: kept_receipts.check(file, verifiers) for file in sorted(folder.glob(f"*{SUFFIX}"))}
    if not found:
        raise click.UsageError(f"{folder} holds no receipts.")
    session.table(["file", "result"], [{"file": name, "result": result.value} for name, result in found.items()])
    if Checked.WRONG in found.values():
        raise Stop(Exit.NOT_VERIFIED)


@request.command()
@click.argument("request_id")
@click.option("--out", required=True, type=FILE_OUT, help="Where the result goes, mode 0600: a CSV, or the age file.")
@RECEIPTS
@click.pass_obj
def release(session: Session, request_id: str, out: Path, receipts_to: Path | None) -> None:
    """Release what was approved. Small results arrive in the answer, others as a file encrypted to the recipient."""
    keyholder = session.keyholder()
    view = keyholder.request(request_id)
    if view.content_hash is None or view.state in AWAITED:
        session.say(f"Not yet: the request is {view.state}.")
        raise Stop(Exit.NOT_YET)
    result = keyholder.release(request_id, view.content_hash, view.etag)
    kept = result.receipts
    if result.running is not None:
        session.say(f"Release {result.release_id} is made; if this is cut short, 'request collect' gets it.")
        finished(keyholder, request_id, result.release_id)
    if result.file is not None or result.running is not None:
        kept += _collect(session, request_id, result.release_id, out)[1].receipts
    else:
        _write_items(result, out)
    keep(session, kept, receipts_to)
    session.say(f"Wrote {out} (mode 0600).")
    session.show({"release_id": result.release_id, "counts": dict(result.counts), "out": str(out)})


@request.command()
@click.argument("request_id")
@click.option("--release", "release_id", required=True, help="The release id that 'request release' printed.")
@click.option("--out", required=True, type=FILE_OUT, help="Where the age file goes, mode 0600.")
@RECEIPTS
@click.pass_obj
def collect(session: Session, request_id: str, release_id: str, out: Path, receipts_to: Path | None) -> None:
    """Collect a released file. That works once, and is logged."""
    size, collected = _collect(session, request_id, release_id, out)
    keep(session, collected.receipts, receipts_to)
    session.say(f"Wrote {out} (mode 0600).")
    session.show({"release_id": release_id, "bytes": size, "out": str(out)})


def _collect(session: Session, request_id: str, release_id: str, out: Path) -> tuple[int, Collected]:
    with private_bytes_path(out) as partial:
        collected = session.keyholder().collect(request_id, release_id)
        return partial.write_bytes(content_of(collected, session.storage())), collected


def _write_items(result: ReleaseResult, out: Path) -> None:
    kinds = [kind.value for kind in IdentifierType if any(kind.value in item.identifiers for item in result.items)]
    with private_file(out) as file:
        write_rows(
            file,
            ["row_id", "status", *kinds],
            ({"row_id": item.row_id, "status": item.status, **item.identifiers} for item in result.items),
        )


def _show(session: Session, view: RequestView, receipts_to: Path | None = None) -> None:
    keep(session, view.receipts, receipts_to)
    session.say(f"{view.id} is {view.state}; you may: {', '.join(view.allowed) or 'nothing at present'}.")
    if repeated := view.repeated:
        session.say(f"{repeated} of the pseudonyms stand in more than one row; each counts once.")
    session.show(view.document)
