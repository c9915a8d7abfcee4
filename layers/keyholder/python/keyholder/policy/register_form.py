"""The stored form of registers: the frame that all three kinds share (`policy.registers` says what is inside)."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from itertools import islice
from operator import lt

from keyholder.canonical import JsonObject, JsonValue, canonical_json
from keyholder.policy.digests import DIGEST_LENGTH, PersonDigest
from keyholder.policy.facts import CodedEvent, Consent
from keyholder.policy.lookup import numbers
from keyholder.policy.reading import FieldError, Node, read_json
from keyholder.policy.vocabulary import CheckMode, CodeSystem, ConsentGiver

FORMAT = "keyholder-register/1"
_CHECKSUM_LENGTH = 32


class RegisterDamagedError(Exception):
    """A stored register is not what was written. The text says which rule it breaks, never what it holds."""


class RegisterKind(StrEnum):
    """Which choice a register is about; also the first part of the name it is stored under."""

    OPT_OUTS = "national-data-opt-outs"
    TYPE1 = "type-1"
    CONSENTS = "consents"


class AnswerState(StrEnum):
    """Whether the opt-out service has answered."""

    CLEANED = "cleaned"
    PENDING = "pending"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Header:
    """Where a register comes from.

    `performed_on`: the London day the service was asked, or the data was taken. `mode` and `cache_refreshed_on` belong
    to opt-outs. `source`: what delivered it (a mailbox, a file's SHA-256), never a person. `made_at` has its zone.
    """

    made_at: datetime
    performed_on: date
    source: str
    mode: CheckMode = CheckMode.DIRECT
    cache_refreshed_on: date | None = None


@dataclass(frozen=True, slots=True)
class OpenedRegister:
    """A stored register whose checksum holds: its header fields, and the digests apart from the rest of the body."""

    header: Header
    state: AnswerState
    count: int
    digests: bytes = field(repr=False)
    rest: bytes = field(repr=False)


def seal(kind: RegisterKind, header: Header, state: AnswerState, digests: bytes, rest: bytes) -> bytes:
    """The stored form."""
    if header.made_at.tzinfo is None:
        raise ValueError("a moment needs its zone")
    first: JsonObject = {
        "format": FORMAT,
        "kind": kind,
        "made_at": header.made_at.isoformat(),
        "performed_on": header.performed_on.isoformat(),
        "mode": header.mode,
        "cache_refreshed_on": None if header.cache_refreshed_on is None else header.cache_refreshed_on.isoformat(),
        "source": header.source,
        "state": state,
        "count": len(digests) // DIGEST_LENGTH,
    }
    body = canonical_json(first) + b"\n" + digests + rest
    return body + hashlib.sha256(body).digest()


def open_register(stored: bytes, kind: RegisterKind) -> OpenedRegister:
    """Checks checksum, header and order. Raises `RegisterDamagedError`."""
    body, checksum = stored[:-_CHECKSUM_LENGTH], stored[-_CHECKSUM_LENGTH:]
    if hashlib.sha256(body).digest() != checksum:
        raise RegisterDamagedError("the checksum does not match")
    first, _, rest = body.partition(b"\n")
    try:
        node = read_json(first)
        header, state, count = _read_header(node, kind)
    except FieldError as fault:
        raise RegisterDamagedError(f"the header is wrong: {fault}") from None
    digests, rest = rest[: count * DIGEST_LENGTH], rest[count * DIGEST_LENGTH :]
    if len(digests) != count * DIGEST_LENGTH:
        raise RegisterDamagedError("the register is shorter than its count")
    held = numbers(digests)
    if not all(map(lt, held, islice(held, 1, None))):
        raise RegisterDamagedError("the digests are not in order")
    return OpenedRegister(header, state, count, digests, rest)


def place_of(digest: PersonDigest, digests: bytes) -> int | None:
    """The place (from 0) of a digest among sorted ones, by binary search without copying; None if it is not there."""
    count = len(digests) // DIGEST_LENGTH

    def at(place: int) -> PersonDigest:
        return PersonDigest(digests[place * DIGEST_LENGTH : (place + 1) * DIGEST_LENGTH])

    place = bisect_left(range(count), digest, key=at)
    return place if place < count and at(place) == digest else None


def write_lines(lines: Iterable[tuple[PersonDigest, list[JsonValue]]]) -> bytes:
    """One line of canonical JSON for each person, in the order of their digests."""
    return b"".join(canonical_json([digest.hex(), items]) + b"\n" for digest, items in sorted(lines))


def read_lines(rest: bytes, digests: bytes) -> Iterator[tuple[PersonDigest, list[Node]]]:
    """Each person's line. Raises `RegisterDamagedError` for a line out of form, out of order or about nobody."""
    previous = b""
    for line in rest.splitlines():
        try:
            cells = read_json(line).items()
            digest, items = PersonDigest(bytes.fromhex(cells[0].text())), cells[1].items()
        except (FieldError, ValueError, IndexError):
            raise RegisterDamagedError("a line is not a digest and a list") from None
        if digest <= previous or place_of(digest, digests) is None or not items:
            raise RegisterDamagedError("a line is out of order, empty or about nobody in the register")
        previous = digest
        yield digest, items


def event_cells(event: CodedEvent) -> list[JsonValue]:
    """A coded event as a list."""
    return [event.system, event.code, event.on.isoformat()]


def read_event(node: Node) -> CodedEvent:
    """A coded event from its list. Raises `RegisterDamagedError`."""
    try:
        system, code, on = node.items()
        return CodedEvent(on.day(), system.choice(CodeSystem), code.text())
    except (FieldError, ValueError):
        raise RegisterDamagedError("an event is out of form") from None


def consent_cells(consent: Consent) -> list[JsonValue]:
    """A consent as a list."""
    return [
        consent.project_id,
        consent.covers_reidentification,
        consent.given_on.isoformat(),
        None if consent.withdrawn_on is None else consent.withdrawn_on.isoformat(),
        consent.given_by,
        None if consent.ends_on is None else consent.ends_on.isoformat(),
    ]


def read_consent_cells(node: Node) -> Consent:
    """A consent from its list. Raises `RegisterDamagedError`."""
    try:
        project, covers, given_on, withdrawn_on, given_by, ends_on = node.items()
        return Consent(
            project_id=project.text(),
            covers_reidentification=covers.flag(),
            given_on=given_on.day(),
            withdrawn_on=withdrawn_on.optional(Node.day),
            given_by=given_by.choice(ConsentGiver),
            ends_on=ends_on.optional(Node.day),
        )
    except (FieldError, ValueError):
        raise RegisterDamagedError("a consent is out of form") from None


def _read_header(node: Node, kind: RegisterKind) -> tuple[Header, AnswerState, int]:
    node.only(*("format", "kind", "made_at", "performed_on", "mode", "cache_refreshed_on", "source", "state", "count"))
    if node.get("format").value != FORMAT:
        raise node.get("format").fault("is not known")
    if node.get("kind").choice(RegisterKind) is not kind:
        raise node.get("kind").fault("is another one")
    header = Header(
        made_at=node.get("made_at").moment(),
        performed_on=node.get("performed_on").day(),
        source=node.get("source").text(),
        mode=node.get("mode").choice(CheckMode),
        cache_refreshed_on=node.get("cache_refreshed_on").optional(Node.day),
    )
    return header, node.get("state").choice(AnswerState), node.get("count").number()
