"""One pseudonymisation job: rows in, tokens out, and what was done in the ledger before anybody gets a token.

Being able to pseudonymise is being able to guess: whoever may turn a chosen NHS number into its token can look the
token up in an extract. So only providers of the domain's own controllers may, and every job is an event.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from keyholder.canonical import JsonObject
from keyholder.collection.days import death_rule
from keyholder.collection.report import CollectionReport
from keyholder.collection.vocabulary import DropRule
from keyholder.identifiers import nhs_number
from keyholder.identifiers.not_an_identifier import NotAnIdentifierError
from keyholder.ledger.event import NewEvent
from keyholder.ledger.log import EventLog, IdempotencyKey
from keyholder.ledger.ports import Head
from keyholder.pseudonyms.job_events import record_once
from keyholder.pseudonyms.key_ring import KeyRing, OpenedKeys, SecretKey
from keyholder.pseudonyms.row_links import LinkKey, link_digests
from keyholder.pseudonyms.sealing import SealedCell, SealedRow, SealStatus, canonical_row, seal_rows
from keyholder.refusals import Refusal, RefusalKind
from keyholder.registry.domains import Domain
from keyholder.registry.people import Person
from keyholder.vocabulary import ActorId, DomainId, IdentifierType, Pseudonym, Role, StreamId

PSEUDONYMS_MADE = "pseudonyms.made"

NOT_A_PROVIDER = Refusal(
    "NOT_A_PROVIDER",
    RefusalKind.FORBIDDEN,
    "Only a registered provider of one of the domain's controllers pseudonymises; an operator registers providers.",
)
DOMAIN_UNKNOWN = Refusal("DOMAIN_UNKNOWN", RefusalKind.NOT_FOUND, "Ask an operator which domains there are.")
TYPE_NOT_IN_DOMAIN = Refusal(
    "TYPE_NOT_IN_DOMAIN",
    RefusalKind.INVALID,
    "Send only the identifier types that the domain was registered with.",
    "/rows",
)
ROW_IDS_NOT_UNIQUE = Refusal(
    "ROW_IDS_NOT_UNIQUE", RefusalKind.INVALID, "Give every row an id of its own within the job.", "/rows"
)
REFUSALS = (NOT_A_PROVIDER, DOMAIN_UNKNOWN, TYPE_NOT_IN_DOMAIN, ROW_IDS_NOT_UNIQUE)

REFUSED_HERE = (DropRule.TYPE_1_OPT_OUT, DropRule.DIED_BEFORE_START, DropRule.DATE_OF_DEATH_UNREADABLE)
"""The collection rules that a row of identifiers shows, asked again here whatever the provider's client did."""


class LinkStore(Protocol):
    """Where row links are kept."""

    def keep_links(self, domain: DomainId, job_id: str, links: bytes) -> object: ...


class Type1Register(Protocol):
    """Who is known to have an active Type 1 opt-out."""

    def active(self, nhs_number: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class ClearRow:
    """One row as the provider sends it."""

    row_id: str
    identifiers: Mapping[IdentifierType, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class MadeRow:
    """One row of the answer: tokens by type, and by type why there is none."""

    row_id: str
    pseudonyms: Mapping[IdentifierType, Pseudonym] = field(repr=False)
    errors: Mapping[IdentifierType, str] = field(default_factory=dict)
    refused: DropRule | None = None
    """The collection rule that keeps the whole row out."""


@dataclass(frozen=True, slots=True)
class Job:
    """Who pseudonymises what for which domain, and what the provider's client says it dropped before."""

    id: str
    domain: DomainId
    rows: Sequence[ClearRow] = field(repr=False)
    trace: str
    idempotency: IdempotencyKey | None
    collection: CollectionReport | None = None


@dataclass(frozen=True, slots=True)
class Workbench:
    """What a job needs of the world."""

    log: EventLog
    ring: KeyRing
    digest_key: SecretKey
    links: LinkStore
    type_1: Type1Register


def pseudonymise(
    bench: Workbench, job: Job, person: Person | None, domain: Domain | None, today: date
) -> Sequence[MadeRow] | Refusal:
    """The rows in order, each with its tokens, once the ledger holds the job. A refusal names the rule.

    Raises `LedgerUnavailableError`, `KeyServiceError`, `KeyUnavailableError`.
    """
    refusal = _refusal(job, person, domain)
    if refusal is not None or person is None or domain is None:
        return refusal or NOT_A_PROVIDER
    began_on = collection_start(domain, job.collection.began_on if job.collection else None)
    dropped = {row.row_id: _dropped_by(row, began_on, bench.type_1, today) for row in job.rows}
    open_rows = [row for row in job.rows if dropped[row.row_id] is None]
    with OpenedKeys(bench.ring) as keys:
        cells = [row.identifiers for row in open_rows]
        sealed = seal_rows(cells, domain.id, domain.active_versions(), keys, today, schemes=domain.schemes)
    by_id = {row.row_id: cells for row, cells in zip(open_rows, sealed, strict=True)}
    made = [_made(row.row_id, by_id.get(row.row_id, {}), dropped[row.row_id]) for row in job.rows]
    found = _recorded(bench.log, job, person, _counts(made, sealed, domain.active_versions(), job.collection))
    if found is not None:
        return found
    with LinkKey.derive(bench.digest_key) as link_key:
        rows = map(canonical_row, sealed)
        links = link_digests(link_key, domain.id, rows, lone_numbers=True)
        bench.links.keep_links(domain.id, job.id, links)
    return made


def may_pseudonymise(person: Person | None, domain: Domain | None) -> Refusal | None:
    """Why this person may not turn identifiers into pseudonyms of this domain; None where they may."""
    if person is None or person.disabled or not person.has(Role.PROVIDER):
        return NOT_A_PROVIDER
    if domain is None:
        return DOMAIN_UNKNOWN
    return None if person.organisations(Role.PROVIDER) & set(domain.controllers) else NOT_A_PROVIDER


def _refusal(job: Job, person: Person | None, domain: Domain | None) -> Refusal | None:
    refusal = may_pseudonymise(person, domain)
    if refusal is not None or domain is None:
        return refusal
    if any(kind not in domain.identifier_types for row in job.rows for kind in row.identifiers):
        return TYPE_NOT_IN_DOMAIN
    return ROW_IDS_NOT_UNIQUE if len({row.row_id for row in job.rows}) != len(job.rows) else None


def collection_start(domain: Domain, told_by_client: date | None) -> date | None:
    """The day before which nobody collected may have died: the domain's, or the client's where that is later."""
    told = (domain.collection_began_on, told_by_client)
    return max((day for day in told if day is not None), default=None)


def _dropped_by(row: ClearRow, began_on: date | None, register: Type1Register, today: date) -> DropRule | None:
    if _opted_out(row, register):
        return DropRule.TYPE_1_OPT_OUT
    if began_on is None:
        return None
    return death_rule(row.identifiers.get(IdentifierType.DATE_OF_DEATH, ""), began_on, today)


def _opted_out(row: ClearRow, register: Type1Register) -> bool:
    try:
        return register.active(nhs_number.parse(row.identifiers.get(IdentifierType.NHS_NUMBER, "")))
    except NotAnIdentifierError:
        return False


def _made(row_id: str, cells: SealedRow, dropped: DropRule | None) -> MadeRow:
    if dropped is not None:
        return MadeRow(row_id, {}, refused=dropped)
    tokens = {kind: cell.pseudonym for kind, cell in cells.items() if cell.pseudonym is not None}
    errors = {kind: _error(cell) for kind, cell in cells.items() if cell.status not in _GOOD}
    return MadeRow(row_id, tokens, errors)


def _error(cell: SealedCell) -> str:
    return cell.why.value if cell.why is not None else cell.status.value


_GOOD = {SealStatus.SEALED, SealStatus.EMPTY}


def _counts(
    made: Sequence[MadeRow],
    sealed: Sequence[SealedRow],
    versions: Mapping[IdentifierType, int],
    collection: CollectionReport | None,
) -> JsonObject:
    cells = Counter(kind.value for row in sealed for kind, cell in row.items() if cell.pseudonym is not None)
    return {
        "rows": len(made),
        **{rule.value: sum(row.refused is rule for row in made) for rule in REFUSED_HERE},
        "rows_with_errors": sum(bool(row.errors) for row in made),
        "pseudonyms": dict(sorted(cells.items())),
        "key_versions": {kind.value: version for kind, version in sorted(versions.items())},
        "collection": None if collection is None else collection.json(),
    }


def job_head(data: JsonObject) -> Head:
    """Where a job is listed."""
    return Head(listings=(f"pseudonymisations/{data['domain']}",))


def _recorded(log: EventLog, job: Job, person: Person, counts: JsonObject) -> Refusal | None:
    """The job's event, once; a repetition with the same key and body stands on the first one's."""
    made = NewEvent(PSEUDONYMS_MADE, {"domain": job.domain, **counts})
    return record_once(
        log,
        StreamId(f"pseudonymisation/{job.id}"),
        made,
        actor=ActorId(person.id),
        trace=job.trace,
        head=job_head(made.data),
        idempotency=job.idempotency,
    )
