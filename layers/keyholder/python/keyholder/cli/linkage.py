"""`keyholder linkage`: what two domains' controllers agree on. `keyholder translate`: what is done under it."""

from __future__ import annotations

from pathlib import Path

import click

from keyholder.canonical import JsonObject
from keyholder.cli.options import FILE_IN, FILE_OUT, TOKEN_COLUMNS, chosen_columns, json_object
from keyholder.cli.receipts import RECEIPTS, kept
from keyholder.cli.rekey import tell
from keyholder.cli.session import Session
from keyholder.client import Keyholder
from keyholder.client.answers import AnswerError, Reader
from keyholder.client.spreadsheets import Sheet, SheetError, private_file, write_rows
from keyholder.client.token_columns import Replaced, Replacing, TokenColumns, token_columns
from keyholder.linkage.agreement import LinkageEndReason
from keyholder.linkage.translating import TranslateStatus
from keyholder.pseudonyms.deid_columns import COLUMN_OF
from keyholder.registry.factors import Factor
from keyholder.vocabulary import IdentifierType

AS_AGREED = frozenset({TranslateStatus.TRANSLATED.value, TranslateStatus.NOT_AVAILABLE.value})
"""Statuses that an agreement makes one expect; the others are faults of the file or of keys."""


@click.group()
def linkage() -> None:
    """Agree that pseudonyms of one domain may be translated into another's."""


@linkage.command()
@click.argument("file", type=FILE_IN)
@RECEIPTS
@click.pass_obj
def propose(session: Session, file: Path, receipts_to: Path | None) -> None:
    """Put the terms that FILE (JSON, as the API describes them) holds before the controllers of both domains."""
    _show(session, session.keyholder().propose_linkage(json_object(file)), receipts_to)


@linkage.command(name="list")
@click.option("--domain", required=True, help="The domain whose agreements are listed.")
@click.pass_obj
def list_(session: Session, domain: str) -> None:
    """The agreements from a domain and to it, with the hash of their terms."""
    session.table(
        ["agreement_id", "state", "from_domain", "to_domain", "terms_hash"],
        [
            {
                "agreement_id": one["agreement_id"],
                "state": one["state"],
                **{name: Reader(one).object("terms").get(name) for name in ("from_domain", "to_domain")},
                "terms_hash": one["terms_hash"],
            }
            for one in session.keyholder().linkage_agreements(domain)
        ],
    )


@linkage.command()
@click.argument("agreement_id")
@click.pass_obj
def show(session: Session, agreement_id: str) -> None:
    """One agreement: its terms, who approved, what was used."""
    _show(session, session.keyholder().linkage_agreement(agreement_id))


@linkage.command()
@click.argument("agreement_id")
@click.option("--domain", required=True, help="The domain you approve for, one of the two.")
@click.option("--terms-hash", required=True, help="The hash of the terms you read ('linkage show' prints it).")
@click.option(
    "--no-conflict-of-interest",
    is_flag=True,
    required=True,
    help="You declare that you have no interest in what is to be linked.",
)
@click.option(
    "--factor", type=click.Choice([factor.value for factor in Factor]), help="Which place you fill, if several."
)
@click.option("--organisation", help="Whom you decide for (ODS code), if for several.")
@RECEIPTS
@click.pass_obj
def approve(
    session: Session,
    *,
    agreement_id: str,
    domain: str,
    terms_hash: str,
    no_conflict_of_interest: bool,
    factor: str | None,
    organisation: str | None,
    receipts_to: Path | None,
) -> None:
    """Approve exactly the terms of this hash, for one of the two domains."""
    if not no_conflict_of_interest:
        raise click.UsageError("An approval needs --no-conflict-of-interest.")
    keyholder = session.keyholder()
    etag = _etag(keyholder, agreement_id)
    approved = keyholder.approve_linkage(
        agreement_id, domain, terms_hash, etag, factor=factor, organisation=organisation
    )
    _show(session, approved, receipts_to)


@linkage.command()
@click.argument("agreement_id")
@click.option("--reason", required=True, type=click.Choice([reason.value for reason in LinkageEndReason]), help="Why.")
@RECEIPTS
@click.pass_obj
def end(session: Session, agreement_id: str, reason: str, receipts_to: Path | None) -> None:
    """Refuse or end an agreement: one controller of either domain suffices."""
    keyholder = session.keyholder()
    _show(session, keyholder.end_linkage(agreement_id, reason, _etag(keyholder, agreement_id)), receipts_to)


@click.command()
@click.argument("file", type=FILE_IN)
@click.option("--agreement", "agreement_id", required=True, help="The linkage agreement it is done under.")
@click.option("--out", required=True, type=FILE_OUT, help="Written with mode 0600, whole or not at all.")
@TOKEN_COLUMNS
@click.option("--status", "with_status", is_flag=True, help="Add a column <name>_status beside each of pseudonyms.")
@click.pass_obj
def translate(
    session: Session, *, file: Path, agreement_id: str, out: Path, columns: tuple[str, ...], with_status: bool
) -> None:
    """Replace the pseudonyms of FILE by those of the agreement's target domain.

    Rows, their order and other columns stay as they are. A cell that is not translated is empty: no pseudonym of the
    source is left in a file for the target. Columns of pseudonyms that the agreement is not about are left out; the one
    of NHS numbers is sent all the same, for people's choices are asked. Ends with 1 if a cell is malformed or without a
    key.
    """
    keyholder = session.keyholder()
    terms = Reader(Reader(keyholder.linkage_agreement(agreement_id)).object("terms"))
    done = Replaced()
    with file.open(encoding="utf-8-sig", newline="") as text, private_file(out) as target:
        sheet = Sheet.read(text)
        found = token_columns(sheet.header, chosen_columns(columns))
        replacing = Replacing(
            _sent(found, agreed := _agreed(terms)),
            lambda rows: keyholder.translate(agreement_id, rows),
            kept=lambda _: False,
            with_status=with_status,
            only_sent=frozenset(found) - agreed,
        )
        replaced = {name for kind, name in found.items() if kind in agreed}
        left_out = {*found.values(), *(name for name in COLUMN_OF.values() if name in sheet.header)} - replaced
        header = tuple(name for name in replacing.header(sheet.header) if name not in left_out)
        write_rows(target, header, replacing.rows(sheet.rows, done))
    for name in sorted(left_out):
        session.say(f"Column {name} was left out: the agreement is not about it.")
    session.say(f"Wrote {out} (mode 0600), with pseudonyms of {terms.text('to_domain')}.")
    tell(session, done, good=AS_AGREED)


def _agreed(terms: Reader) -> frozenset[IdentifierType]:
    try:
        return frozenset(IdentifierType(str(kind)) for kind in terms.sequence("identifier_types"))
    except ValueError:
        raise AnswerError("the agreement is about identifiers that this client does not know") from None


def _sent(columns: TokenColumns, agreed: frozenset[IdentifierType]) -> TokenColumns:
    """The columns that are sent. Raises `SheetError` where the person of a row can't be told."""
    if IdentifierType.NHS_NUMBER not in columns:
        raise SheetError("the file has no column of NHS number pseudonyms, which tell whom a row is about")
    if not agreed & set(columns):
        raise SheetError("the file has no column that the agreement is about")
    return {kind: name for kind, name in columns.items() if kind in agreed or kind is IdentifierType.NHS_NUMBER}


def _etag(keyholder: Keyholder, agreement_id: str) -> str:
    return f'W/"{Reader(keyholder.linkage_agreement(agreement_id)).number("version")}"'


def _show(session: Session, agreement: JsonObject, receipts_to: Path | None = None) -> None:
    session.say(f"{agreement.get('agreement_id')} is {agreement.get('state')}.")
    session.show(kept(session, agreement, receipts_to))
