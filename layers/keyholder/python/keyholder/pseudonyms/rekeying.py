"""Re-keying: tokens of older key versions become those of the version that makes tokens now, in the same domain.

What a token stands for is opened and sealed again inside one function; no identifier leaves it. Nothing else changes:
the same people, the same domain, the same controllers. So it takes what pseudonymising takes, a provider of one of the
domain's controllers, and the rotation that two operators made before (`registry.decide_keys`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from keyholder.canonical import JsonObject
from keyholder.ledger.event import NewEvent
from keyholder.ledger.log import EventLog, IdempotencyKey
from keyholder.ledger.ports import Head
from keyholder.pseudonyms.job import DOMAIN_UNKNOWN, NOT_A_PROVIDER, ROW_IDS_NOT_UNIQUE, TYPE_NOT_IN_DOMAIN
from keyholder.pseudonyms.job_events import record_once
from keyholder.pseudonyms.key_ring import KeyGone, KeyRing, OpenedKeys
from keyholder.pseudonyms.opening import Opened, OpenStatus, TokenCell, open_tokens
from keyholder.pseudonyms.sealing import SealedCell, seal_rows
from keyholder.pseudonyms.token import Scheme, as_written
from keyholder.refusals import Refusal, RefusalKind
from keyholder.registry.domains import Domain
from keyholder.registry.people import Person
from keyholder.vocabulary import ActorId, DomainId, IdentifierType, Pseudonym, Role, StreamId

PSEUDONYMS_REKEYED = "pseudonyms.rekeyed"

TYPE_WITHOUT_VERSIONS = Refusal(
    "SCHEME_WITHOUT_VERSIONS",
    RefusalKind.INVALID,
    "Leave out the columns of ten digits: they have one key version. To change it, make a new domain and translate.",
    "/rows",
)
REFUSALS = (TYPE_WITHOUT_VERSIONS,)


class RekeyStatus(StrEnum):
    """What became of one token."""

    REKEYED = "rekeyed"
    CURRENT = "current"
    """It was of the newest version, and is as it was."""
    MALFORMED = "malformed"
    NOT_OPENED = "not_opened"
    """Of another column, of another domain, or forged."""
    KEY_RETIRED = "key_retired"
    KEY_DESTROYED = "key_destroyed"
    KEY_UNKNOWN = "key_unknown"
    """The domain never had the token's version, or has no version that makes tokens."""


GIVEN = frozenset({RekeyStatus.REKEYED, RekeyStatus.CURRENT})
"""Statuses with a token."""

_GONE = {
    KeyGone.RETIRED: RekeyStatus.KEY_RETIRED,
    KeyGone.DESTROYED: RekeyStatus.KEY_DESTROYED,
    KeyGone.UNKNOWN: RekeyStatus.KEY_UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One row as it is sent: its id and its pseudonyms by identifier type."""

    row_id: str
    pseudonyms: Mapping[IdentifierType, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class RekeyedCell:
    """What became of one token; the new one where the status says so, else None."""

    status: RekeyStatus
    pseudonym: Pseudonym | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class RekeyedRow:
    """One row of the answer: what became of each of its tokens."""

    row_id: str
    cells: Mapping[IdentifierType, RekeyedCell]


@dataclass(frozen=True, slots=True)
class Rekeying:
    """Who re-keys what of which domain, on which day in London."""

    id: str
    domain: DomainId
    rows: Sequence[TokenRow] = field(repr=False)
    today: date
    trace: str
    idempotency: IdempotencyKey | None


def rekey(
    log: EventLog, ring: KeyRing, job: Rekeying, person: Person | None, domain: Domain | None
) -> Sequence[RekeyedRow] | Refusal:
    """The rows in order, each token under the newest key version, once the ledger holds the job.

    One opening of each key, whatever the number of rows; one bad token costs the others nothing.
    Raises `LedgerUnavailableError`, `KeyServiceError`, `KeyUnavailableError`, `BatchDisagreesError`.
    """
    kinds = {kind for row in job.rows for kind in row.pseudonyms}
    refusal = entitled(person, domain, kinds)
    if refusal is not None or person is None or domain is None:
        return refusal or NOT_A_PROVIDER
    if len({row.row_id for row in job.rows}) != len(job.rows):
        return ROW_IDS_NOT_UNIQUE
    places = [(row, kind) for row in job.rows for kind in row.pseudonyms]
    with OpenedKeys(ring) as keys:
        cells = rekey_tokens([TokenCell(kind, row.pseudonyms[kind]) for row, kind in places], domain, keys, job.today)
    by_row: dict[str, dict[IdentifierType, RekeyedCell]] = {row.row_id: {} for row in job.rows}
    for (row, kind), cell in zip(places, cells, strict=True):
        by_row[row.row_id][kind] = cell
    rekeyed = [RekeyedRow(row_id, found) for row_id, found in by_row.items()]
    event = NewEvent(PSEUDONYMS_REKEYED, _told(domain, rekeyed, kinds))
    found = record_once(
        log,
        StreamId(f"rekeying/{job.id}"),
        event,
        actor=ActorId(person.id),
        trace=job.trace,
        head=rekeying_head(event.data),
        idempotency=job.idempotency,
    )
    return rekeyed if found is None else found


def entitled(person: Person | None, domain: Domain | None, kinds: Iterable[IdentifierType]) -> Refusal | None:
    """Who may re-key columns of these types; None for yes."""
    if person is None or person.disabled or not person.has(Role.PROVIDER):
        return NOT_A_PROVIDER
    if domain is None:
        return DOMAIN_UNKNOWN
    if not person.organisations(Role.PROVIDER) & set(domain.controllers):
        return NOT_A_PROVIDER
    if not set(kinds) <= set(domain.identifier_types):
        return TYPE_NOT_IN_DOMAIN
    return TYPE_WITHOUT_VERSIONS if any(domain.scheme(kind) is Scheme.FF1 for kind in kinds) else None


def rekey_tokens(cells: Sequence[TokenCell], domain: Domain, keys: OpenedKeys, today: date) -> list[RekeyedCell]:
    """One answer for each token, in order. Raises what `KeyRing.open` raises, and `BatchDisagreesError`."""
    targets = domain.active_versions()
    answers = [RekeyedCell(RekeyStatus.KEY_UNKNOWN)] * len(cells)
    sealable: list[int] = []
    for kind, places in _columns(cells).items():
        # The new key first: without it the old ones need not be opened.
        target = keys.open(domain.id, kind, targets[kind]) if kind in targets else KeyGone.UNKNOWN
        if isinstance(target, KeyGone):
            for place in places:
                answers[place] = RekeyedCell(_GONE[target])
        else:
            sealable += places
    opened = open_tokens([cells[place] for place in sealable], domain.id, keys)
    found = [place for place, one in zip(sealable, opened, strict=True) if one.value is not None]
    values = [one.value for one in opened if one.value is not None]
    rows = [{cells[place].identifier_type: value} for place, value in zip(found, values, strict=True)]
    for place, one in zip(sealable, opened, strict=True):
        answers[place] = RekeyedCell(_status(one))
    for place, row in zip(found, seal_rows(rows, domain.id, targets, keys, today), strict=True):
        answers[place] = _resealed(cells[place], row[cells[place].identifier_type])
    return answers


def _columns(cells: Sequence[TokenCell]) -> Mapping[IdentifierType, list[int]]:
    places: defaultdict[IdentifierType, list[int]] = defaultdict(list)
    for place, cell in enumerate(cells):
        places[cell.identifier_type].append(place)
    return places


def _status(opened: Opened) -> RekeyStatus:
    """What becomes of a token that has no identifier to seal; for the others it is decided after."""
    return RekeyStatus.REKEYED if opened.status is OpenStatus.OPENED else RekeyStatus(opened.status.value)


def _resealed(cell: TokenCell, sealed: SealedCell) -> RekeyedCell:
    if sealed.pseudonym is None:
        # An identifier that was sealed once and is none today, a day in the future say: never handed on.
        return RekeyedCell(RekeyStatus.NOT_OPENED)
    same = sealed.pseudonym == as_written(cell.text)
    return RekeyedCell(RekeyStatus.CURRENT if same else RekeyStatus.REKEYED, sealed.pseudonym)


def _told(domain: Domain, rows: Sequence[RekeyedRow], kinds: Iterable[IdentifierType]) -> JsonObject:
    active = domain.active_versions()
    counts = {
        kind: Counter(row.cells[kind].status.value for row in rows if kind in row.cells) for kind in sorted(kinds)
    }
    return {
        "domain": domain.id,
        "rows": len(rows),
        "tokens": {kind.value: dict(sorted(count.items())) for kind, count in counts.items()},
        "key_versions": {kind.value: version for kind, version in active.items() if kind in counts},
    }


def rekeying_head(data: JsonObject) -> Head:
    """Where a re-keying is listed."""
    return Head(listings=(f"rekeyings/{data['domain']}",))
