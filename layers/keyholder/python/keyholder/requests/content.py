"""What a request asks for: the content that submitting freezes, and whose hash every approval names.

The content itself (pseudonyms, row ids, the salt) and the justification are kept apart from each other in the erasable
store; the ledger holds their hashes only.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from keyholder.canonical import JsonObject, canonical_json, content_hash
from keyholder.refusals import Refusal, RefusalKind
from keyholder.registry.fields import CODE, ORGANISATION, SHA256, FieldError, FieldFault, Fields
from keyholder.registry.people import Capacity
from keyholder.registry.projects import DOMAIN, PROJECT, REFERENCE
from keyholder.requests.characters import control_faults
from keyholder.requests.recipient import Recipient, is_public_key
from keyholder.requests.record_file import FileNote, RecordFile
from keyholder.requests.scan import find_identifier_like
from keyholder.vocabulary import ContentHash, DomainId, IdentifierType, OrganisationCode, ProjectId, Pseudonym

MOST_RECORDS = 10_000
MOST_INLINE = 500
"""More records than this come as an encrypted file (DESIGN, section 8)."""
MOST_DOMAINS = 20
LONGEST_JUSTIFICATION = 4_000
LONGEST_PSEUDONYM = 1_000
"""Far above any token, so that a malformed one is one item with its status and not a refused request."""
LONGEST_WINDOW = 90
"""Days in which an approved request can be released."""
FORMAT = 1

ROW_ID = re.compile(r"[\x21-\x7e]{1,64}")
_SALT = re.compile(r"[0-9a-f]{32}")
_ANY_LINE = re.compile(r"[^\r\n]{1,200}")


class Delivery(StrEnum):
    """How the result is handed over."""

    INLINE = "inline"
    FILE = "file"


class NeedCode(StrEnum):
    """Why an identifier type is needed."""

    LINKAGE = "linkage"
    """To join the records with another data set that is keyed by it."""
    CONTACT = "contact"
    """To reach the people, for example to invite them to a study."""
    RETURN_TO_CARE = "return_to_care"
    """To hand a finding to those who care for the person."""
    FOLLOW_UP = "follow_up"
    """To trace outcomes or vital status."""
    VALIDATION = "validation"
    """To check the quality of the data against its source."""
    DERIVATION = "derivation"
    """To compute what the extract lacks, for example an exact age or a small area."""
    LEGAL_DUTY = "legal_duty"
    """Because a law, order or direction names it."""


class ReferenceKind(StrEnum):
    """What a reference cites; whether it is on file is the registry's to say."""

    CAG = "cag"
    REC = "rec"
    IRAS = "iras"
    DSA = "dsa"
    DIRECTION = "direction"
    COURT_ORDER = "court_order"
    COPI_NOTICE = "copi_notice"
    PUBLIC_INTEREST_TEST = "public_interest_test"


@dataclass(frozen=True, slots=True)
class Want:
    """An identifier type asked for, and the coded reason."""

    identifier_type: IdentifierType
    need: NeedCode


@dataclass(frozen=True, slots=True)
class Record:
    """One row of an extract. The NHS number's token, where there is one, is whom the checks are about."""

    row_id: str
    pseudonyms: Mapping[IdentifierType, Pseudonym] = field(repr=False)


@dataclass(frozen=True, slots=True)
class DomainSelection:
    """The records asked for from one domain, in the caller's order."""

    domain: DomainId
    records: tuple[Record, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Summary:
    """What may be known of a content outside the erasable store: codes, counts, dates and hashes."""

    project: ProjectId
    purpose: str
    legal_basis: str
    capacity: Capacity
    identifier_types: tuple[IdentifierType, ...]
    records: Mapping[DomainId, int]
    recipient: OrganisationCode
    delivery: Delivery
    window_days: int
    destroy_by: date
    content_hash: ContentHash
    justification_sha256: str
    file: FileNote | None = None


@dataclass(frozen=True, slots=True)
class RequestContent:
    """One revision's content. `salt` (32 hexadecimal digits) keeps the hashes in the ledger from being guessed.

    Its records are in `domains`, or come as a `file`: then they are kept in parts (`contents.stored_records`).
    """

    project: ProjectId
    purpose: str
    legal_basis: str
    capacity: Capacity
    references: Mapping[ReferenceKind, str]
    wanted: tuple[Want, ...]
    recipient: Recipient
    delivery: Delivery
    window_days: int
    destroy_by: date
    domains: tuple[DomainSelection, ...]
    justification_sha256: str
    salt: str = field(repr=False)
    file: RecordFile | None = None

    @property
    def identifier_types(self) -> tuple[IdentifierType, ...]:
        return tuple(want.identifier_type for want in self.wanted)

    def record_counts(self) -> Mapping[DomainId, int]:
        """Records asked for, for each domain; of a file that was not read yet, none."""
        if self.file is not None:
            return self.file.record_counts()
        return {selection.domain: len(selection.records) for selection in self.domains}

    def described(self) -> JsonObject:
        """All but the records and the salt: what may be shown to those who decide."""
        return {
            "format": FORMAT,
            "project": self.project,
            "purpose": self.purpose,
            "legal_basis": self.legal_basis,
            "capacity": self.capacity.value,
            "references": {kind.value: text for kind, text in self.references.items()},
            "wanted": [
                {"identifier_type": want.identifier_type.value, "need": want.need.value} for want in self.wanted
            ],
            "recipient": {"organisation": self.recipient.organisation, "public_key": self.recipient.public_key},
            "delivery": self.delivery.value,
            "window_days": self.window_days,
            "destroy_by": self.destroy_by.isoformat(),
            "justification_sha256": self.justification_sha256,
            **({"file": self.file.declared()} if self.file else {}),
        }

    def stored(self) -> JsonObject:
        """All of it: what is hashed, and what is stored encrypted. Of a file, its SHA-256 and those of its parts."""
        if self.file is not None:
            return {**self.described(), "file": self.file.stored(), "salt": self.salt}
        domains: list[JsonObject] = [
            {
                "domain": selection.domain,
                "records": [
                    {
                        "row_id": record.row_id,
                        "pseudonyms": {kind.value: token for kind, token in record.pseudonyms.items()},
                    }
                    for record in selection.records
                ],
            }
            for selection in self.domains
        ]
        return {**self.described(), "domains": domains, "salt": self.salt}

    def canonical(self) -> bytes:
        """The bytes whose SHA-256 is the content hash."""
        return canonical_json(self.stored())

    def hash(self) -> ContentHash:
        """What an approval names."""
        return content_hash(self.stored())

    def summary(self) -> Summary:
        """What the ledger and the rules see of it."""
        return Summary(
            project=self.project,
            purpose=self.purpose,
            legal_basis=self.legal_basis,
            capacity=self.capacity,
            identifier_types=self.identifier_types,
            records=self.record_counts(),
            recipient=self.recipient.organisation,
            delivery=self.delivery,
            window_days=self.window_days,
            destroy_by=self.destroy_by,
            content_hash=self.hash(),
            justification_sha256=self.justification_sha256,
            file=FileNote(self.file.size, self.file.was_read) if self.file else None,
        )


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The purposes and legal bases the policy knows: two closed lists."""

    purposes: frozenset[str]
    legal_bases: frozenset[str]


@dataclass(frozen=True, slots=True)
class Draft:
    """A request's content and its justification, as read from its author."""

    content: RequestContent
    justification: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class FreeText:
    """A text somebody wrote, salted so that its hash, which stands for it in the ledger, tells nothing about it."""

    salt: str = field(repr=False)
    text: str = field(repr=False)

    def stored(self) -> bytes:
        """What is stored encrypted: the salt, a newline, the text."""
        return f"{self.salt}\n{self.text}".encode("utf-8", "surrogatepass")

    def sha256(self) -> str:
        """The hash of what is stored, which is also its name in the store."""
        return hashlib.sha256(self.stored()).hexdigest()

    @classmethod
    def read(cls, stored: bytes) -> FreeText:
        """The text `stored` wrote."""
        salt, _, text = stored.decode().partition("\n")
        return cls(salt, text)


def parse_draft(body: JsonObject, salt: str, vocabulary: Vocabulary) -> Draft | Refusal:
    """A request as its author sends it: `justification` in clear and neither salt nor hash. The first fault found."""
    try:
        fields = Fields(body)
        justification = fields.prose("justification", LONGEST_JUSTIFICATION)
        if fields.has("file") and fields.has("domains"):
            return RECORDS_OR_FILE
        content = _read(fields, FreeText(salt, justification).sha256(), salt, RecordFile.parse)
    except FieldError as error:
        return error.refusal()
    draft = Draft(content, justification)
    return next(faults(draft, vocabulary), draft)


def read_content(stored: JsonObject) -> RequestContent:
    """The content `RequestContent.stored` wrote. Raises `FieldError` if it is damaged."""
    fields = Fields(stored)
    if fields.number("format") != FORMAT:
        raise FieldError("/format", FieldFault.RANGE)
    return _read(fields, fields.text("justification_sha256", SHA256), fields.text("salt", _SALT), RecordFile.read)


def _read(
    fields: Fields, justification_sha256: str, salt: str, read_file: Callable[[Fields], RecordFile]
) -> RequestContent:
    file = read_file(fields.inner("file")) if fields.has("file") else None
    content = RequestContent(
        project=ProjectId(fields.text("project", PROJECT)),
        purpose=fields.text("purpose", CODE),
        legal_basis=fields.text("legal_basis", CODE),
        capacity=fields.choice("capacity", Capacity),
        references=_references(fields),
        wanted=tuple(_want(inner) for inner in fields.inners("wanted", len(IdentifierType))),
        recipient=_recipient(fields.inner("recipient")),
        delivery=fields.choice("delivery", Delivery),
        window_days=fields.number("window_days", 1, LONGEST_WINDOW),
        destroy_by=fields.day("destroy_by"),
        domains=() if file else tuple(_selection(inner) for inner in fields.inners("domains", MOST_DOMAINS)),
        justification_sha256=justification_sha256,
        salt=salt,
        file=file,
    )
    fields.end()
    return content


def _references(fields: Fields) -> Mapping[ReferenceKind, str]:
    if not fields.has("references"):
        return {}
    inner = fields.inner("references")
    known = {kind: text for kind in ReferenceKind if (text := inner.maybe_text(kind.value, REFERENCE)) is not None}
    inner.end()
    return known


def _want(fields: Fields) -> Want:
    want = Want(fields.choice("identifier_type", IdentifierType), fields.choice("need", NeedCode))
    fields.end()
    return want


def _recipient(fields: Fields) -> Recipient:
    key = fields.maybe_text("public_key", _ANY_LINE)
    if key is not None and not is_public_key(key):
        raise FieldError(fields.at("public_key"), FieldFault.FORMAT)
    recipient = Recipient(OrganisationCode(fields.text("organisation", ORGANISATION)), key)
    fields.end()
    return recipient


def _selection(fields: Fields) -> DomainSelection:
    selection = DomainSelection(
        DomainId(fields.text("domain", DOMAIN)),
        tuple(_record(inner) for inner in fields.inners("records", MOST_RECORDS)),
    )
    fields.end()
    return selection


def _record(fields: Fields) -> Record:
    row_id, inner = fields.text("row_id", ROW_ID), fields.inner("pseudonyms")
    fields.end()
    pseudonyms: dict[IdentifierType, Pseudonym] = {}
    for name in inner.names():
        try:
            kind = IdentifierType(name)
        except ValueError:
            raise FieldError(inner.pointer, FieldFault.UNKNOWN) from None
        pseudonyms[kind] = Pseudonym(inner.raw_text(name, LONGEST_PSEUDONYM))
    return Record(row_id, pseudonyms)


def faults(draft: Draft, vocabulary: Vocabulary) -> Iterator[Refusal]:
    """Every rule the content breaks that needs nothing but the content, one `Refusal` for each place."""
    content = draft.content
    if content.purpose not in vocabulary.purposes:
        yield PURPOSE_UNKNOWN
    if content.legal_basis not in vocabulary.legal_bases:
        yield BASIS_UNKNOWN
    yield from control_faults(draft.justification, "/justification")
    yield from identifier_faults(draft.justification, "/justification")
    for kind, text in content.references.items():
        yield from identifier_faults(text, f"/references/{kind.value}")
    if content.delivery is Delivery.FILE and content.recipient.public_key is None:
        yield RECIPIENT_KEY_MISSING
    wanted = set(content.identifier_types)
    if not wanted or len(wanted) != len(content.wanted):
        yield WANTED_ONCE
    if content.file is not None:
        yield from _file_faults(content, content.file)
        return
    yield from _selection_faults(content)
    yield from _want_faults(content, wanted)


def _file_faults(content: RequestContent, file: RecordFile) -> Iterator[Refusal]:
    """What the declaration alone shows; the rest is found when the file is read."""
    if not file.domains:
        yield FILE_WITHOUT_DOMAIN
    if content.delivery is not Delivery.FILE:
        yield FILE_TO_FILE


def _selection_faults(content: RequestContent) -> Iterator[Refusal]:
    total = sum(content.record_counts().values())
    if not content.domains or not all(content.record_counts().values()):
        yield RECORDS_MISSING
    if total > MOST_RECORDS:
        yield RECORDS_TOO_MANY
    elif content.delivery is Delivery.INLINE and total > MOST_INLINE:
        yield INLINE_TOO_MANY
    if len(content.record_counts()) != len(content.domains):
        yield DOMAIN_REPEATED
    seen: set[str] = set()
    for place, selection in enumerate(content.domains):
        for row, record in enumerate(selection.records):
            pointer = f"/domains/{place}/records/{row}"
            if record.row_id in seen:
                yield Refusal("ROW_ID_REPEATED", RefusalKind.INVALID, ROW_ID_ADVICE, f"{pointer}/row_id")
            yield from identifier_faults(record.row_id, f"{pointer}/row_id")
            if not record.pseudonyms:
                yield Refusal("PSEUDONYMS_MISSING", RefusalKind.INVALID, PSEUDONYMS_ADVICE, f"{pointer}/pseudonyms")
            seen.add(record.row_id)


def _want_faults(content: RequestContent, wanted: AbstractSet[IdentifierType]) -> Iterator[Refusal]:
    present = {kind for part in content.domains for record in part.records for kind in record.pseudonyms}
    if present and not wanted <= present:
        yield WANTED_ABSENT
    if not present <= wanted | {IdentifierType.NHS_NUMBER}:
        yield NOT_WANTED


def identifier_faults(text: str, pointer: str) -> Iterator[Refusal]:
    """A refusal for each thing in `text` that looks like an identifier: where it stands (RFC 5147), not what it is."""
    for found in find_identifier_like(text):
        place = f"{pointer}#char={found.start},{found.end}"
        yield Refusal("IDENTIFIER_IN_TEXT", RefusalKind.INVALID, IDENTIFIER_ADVICE, place)


IDENTIFIER_ADVICE = "Take out what looks like an NHS number or a pseudonym; say in words what is meant."
ROW_ID_ADVICE = "Give each record of the request a row id of its own."
PSEUDONYMS_ADVICE = "Give each record at least one pseudonym, or leave the record out."
PURPOSE_UNKNOWN = Refusal(
    "PURPOSE_UNKNOWN", RefusalKind.INVALID, "Name a purpose from the list in the API description.", "/purpose"
)
BASIS_UNKNOWN = Refusal(
    "BASIS_UNKNOWN", RefusalKind.INVALID, "Name a legal basis from the list in the API description.", "/legal_basis"
)
RECIPIENT_KEY_MISSING = Refusal(
    "RECIPIENT_KEY_MISSING",
    RefusalKind.INVALID,
    "Send the recipient's age or ssh-ed25519 public key; a file is encrypted to it.",
    "/recipient/public_key",
)
RECORDS_MISSING = Refusal(
    "RECORDS_MISSING", RefusalKind.INVALID, "Name at least one record in every domain you ask from.", "/domains"
)
RECORDS_TOO_MANY = Refusal(
    "RECORDS_TOO_MANY",
    RefusalKind.INVALID,
    "Send at most 10,000 records in the request itself; declare a file for up to 1,000,000 (`file`).",
    "/domains",
)
RECORDS_OR_FILE = Refusal(
    "RECORDS_OR_FILE", RefusalKind.INVALID, "Send either `domains` with their records, or declare a `file`.", "/file"
)
FILE_WITHOUT_DOMAIN = Refusal(
    "FILE_WITHOUT_DOMAIN", RefusalKind.INVALID, "Name the domains the file's pseudonyms are of.", "/file/domains"
)
FILE_TO_FILE = Refusal(
    "FILE_TO_FILE", RefusalKind.INVALID, "Ask for a file as the result of a file: set delivery to file.", "/delivery"
)
INLINE_TOO_MANY = Refusal(
    "INLINE_TOO_MANY", RefusalKind.INVALID, "Ask for a file: an answer carries at most 500 records.", "/delivery"
)
DOMAIN_REPEATED = Refusal("DOMAIN_REPEATED", RefusalKind.INVALID, "Name each domain once.", "/domains")
WANTED_ONCE = Refusal(
    "WANTED_ONCE", RefusalKind.INVALID, "Ask for at least one identifier type, each of them once.", "/wanted"
)
WANTED_ABSENT = Refusal(
    "WANTED_ABSENT", RefusalKind.INVALID, "Ask only for identifier types whose pseudonyms you send.", "/wanted"
)
NOT_WANTED = Refusal(
    "NOT_WANTED",
    RefusalKind.INVALID,
    "Send pseudonyms of the types you ask for only, and the NHS number's, which the checks need.",
    "/domains",
)
REFUSALS = (
    PURPOSE_UNKNOWN,
    BASIS_UNKNOWN,
    RECIPIENT_KEY_MISSING,
    RECORDS_MISSING,
    RECORDS_TOO_MANY,
    RECORDS_OR_FILE,
    FILE_WITHOUT_DOMAIN,
    FILE_TO_FILE,
    INLINE_TOO_MANY,
    DOMAIN_REPEATED,
    WANTED_ONCE,
    WANTED_ABSENT,
    NOT_WANTED,
    Refusal("IDENTIFIER_IN_TEXT", RefusalKind.INVALID, IDENTIFIER_ADVICE),
    Refusal("ROW_ID_REPEATED", RefusalKind.INVALID, ROW_ID_ADVICE),
    Refusal("PSEUDONYMS_MISSING", RefusalKind.INVALID, PSEUDONYMS_ADVICE),
)
