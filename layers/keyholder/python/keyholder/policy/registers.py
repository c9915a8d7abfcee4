"""What is kept of people's choices: registers of keyed digests, each written once, none ever changed.

The stored form of each: one line of canonical JSON (the header), LF, the body, and the SHA-256 of all before it (32
bytes). A body begins with digests, eight bytes each, ascending, each once; `count` in the header says how many.

- `national-data-opt-outs`: everybody asked about, then one bit a person in the same order, most significant first,
  set for opted out, the last byte filled with zeros. For an answer that never came (state pending or failed) no bit
  is set and none is read.
- `type-1`: everybody whose record was read, then a line of JSON for each who has events:
  `["<digest, hex>",[["<system>","<code>","<day>"],...]]`.
- `consents`: everybody with a consent, and for each a line
  `["<digest, hex>",[["<project>",<covers re-identification>,"<given on>",<withdrawn on>,"<given by>",<ends on>],...]]`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from types import MappingProxyType

from keyholder.policy.consents import ConsentRecord
from keyholder.policy.digests import DIGEST_LENGTH, Digester, PersonDigest
from keyholder.policy.facts import CodedEvent, Consent, NdooCheck
from keyholder.policy.opt_outs import Reply, ReplyState
from keyholder.policy.register_form import (
    AnswerState,
    Header,
    RegisterDamagedError,
    RegisterKind,
    consent_cells,
    event_cells,
    open_register,
    place_of,
    read_consent_cells,
    read_event,
    read_lines,
    seal,
    write_lines,
)
from keyholder.policy.type1 import Type1Row
from keyholder.policy.vocabulary import CheckState

_ANSWERS = {
    ReplyState.CLEANED: AnswerState.CLEANED,
    ReplyState.PENDING: AnswerState.PENDING,
    ReplyState.FAILED: AnswerState.FAILED,
    ReplyState.CORRUPT: AnswerState.FAILED,
}
_UNANSWERED = {AnswerState.PENDING: CheckState.PENDING, AnswerState.FAILED: CheckState.FAILED}


@dataclass(frozen=True, slots=True)
class OptOutRegister:
    """One answer of the opt-out service about everybody it was asked about."""

    header: Header
    state: AnswerState
    digests: bytes = field(repr=False)
    bits: bytes = field(repr=False)

    @classmethod
    def of_reply(cls, header: Header, reply: Reply, asked: Iterable[str], digester: Digester) -> OptOutRegister:
        """The register of a judged reply to a request for `asked`. A corrupt reply counts as failed."""
        state = _ANSWERS[reply.state]
        clear = {digester.digest(number) for number in reply.clear}
        opted_out = {digester.digest(number) for number in reply.opted_out}
        digests = sorted({digester.digest(number) for number in asked})
        bits = bytearray((len(digests) + 7) // 8)
        for place, digest in enumerate(digests):
            if state is AnswerState.CLEANED and (digest in opted_out or digest not in clear):
                bits[place // 8] |= 0x80 >> place % 8
        return cls(header, state, b"".join(digests), bytes(bits))

    @classmethod
    def of_request(cls, header: Header, asked: Iterable[str], digester: Digester) -> OptOutRegister:
        """The register of a request for `asked` (NHS numbers) that nobody has answered yet."""
        digests = sorted(set(digester.digests(tuple(asked))))
        return cls(header, AnswerState.PENDING, b"".join(digests), bytes((len(digests) + 7) // 8))

    def answered(self, reply: Reply, made_at: datetime) -> OptOutRegister:
        """The same people once the service has answered; `reply` names them as `names` does.

        Whoever the reply does not say to be clear counts as opted out; without a cleaned list the check failed.
        """
        state = _ANSWERS[reply.state]
        bits = bytearray(len(self.bits))
        for place, name in enumerate(self._in_order()):
            if state is AnswerState.CLEANED and name not in reply.clear:
                bits[place // 8] |= 0x80 >> place % 8
        return replace(self, header=replace(self.header, made_at=made_at), state=state, bits=bytes(bits))

    def failed(self, made_at: datetime) -> OptOutRegister:
        """The same people where no answer came, or none that can be used."""
        return replace(
            self, header=replace(self.header, made_at=made_at), state=AnswerState.FAILED, bits=bytes(len(self.bits))
        )

    def names(self) -> frozenset[str]:
        """Everybody asked about: their digests in hexadecimal digits."""
        return frozenset(self._in_order())

    def _in_order(self) -> Iterator[str]:
        ends = range(DIGEST_LENGTH, len(self.digests) + 1, DIGEST_LENGTH)
        return (self.digests[end - DIGEST_LENGTH : end].hex() for end in ends)

    def __len__(self) -> int:
        return len(self.digests) // DIGEST_LENGTH

    def check_of(self, digest: PersonDigest) -> NdooCheck | None:
        """The check of one person; None for somebody it was not asked about."""
        place = place_of(digest, self.digests)
        if place is None:
            return None
        return self.check(opted_out=bool(self.bits[place // 8] & 0x80 >> place % 8))

    def check(self, *, opted_out: bool) -> NdooCheck:
        """The check of somebody asked about, whose bit is this one."""
        answered = CheckState.OPTED_OUT if opted_out else CheckState.CLEAR
        state = _UNANSWERED.get(self.state, answered)
        return NdooCheck(state, self.header.mode, self.header.performed_on, self.header.cache_refreshed_on)

    def to_bytes(self) -> bytes:
        """The stored form."""
        return seal(RegisterKind.OPT_OUTS, self.header, self.state, self.digests, self.bits)

    @classmethod
    def parse(cls, stored: bytes) -> OptOutRegister:
        """Reads the stored form. Raises `RegisterDamagedError`."""
        opened = open_register(stored, RegisterKind.OPT_OUTS)
        bits = opened.rest
        if len(bits) != (opened.count + 7) // 8:
            raise RegisterDamagedError("the bits do not match the count")
        unused = (1 << -opened.count % 8) - 1
        if (bits and bits[-1] & unused) or (opened.state is not AnswerState.CLEANED and any(bits)):
            raise RegisterDamagedError("bits are set that belong to nobody")
        return cls(opened.header, opened.state, opened.digests, bits)


@dataclass(frozen=True, slots=True)
class Type1Register:
    """The Type 1 events of everybody whose GP record was read."""

    header: Header
    digests: bytes = field(repr=False)
    events: Mapping[PersonDigest, tuple[CodedEvent, ...]] = field(repr=False)

    @classmethod
    def of_rows(cls, header: Header, rows: Iterable[Type1Row], digester: Digester) -> Type1Register:
        """The register of a file; everybody named in it counts as read."""
        held: dict[PersonDigest, set[CodedEvent]] = {}
        for row in rows:
            events = held.setdefault(digester.digest(row.nhs_number), set())
            if row.event is not None:
                events.add(row.event)
        with_events = {digest: tuple(sorted(events)) for digest, events in held.items() if events}
        return cls(header, b"".join(sorted(held)), MappingProxyType(with_events))

    def __len__(self) -> int:
        return len(self.digests) // DIGEST_LENGTH

    def people(self) -> Iterator[PersonDigest]:
        """Everybody whose record was read, in the order of their digests."""
        starts = range(0, len(self.digests), DIGEST_LENGTH)
        return (PersonDigest(self.digests[start : start + DIGEST_LENGTH]) for start in starts)

    def events_of(self, digest: PersonDigest) -> tuple[CodedEvent, ...] | None:
        """The events of one person, empty for a record without any; None for a record that was not read."""
        found = self.events.get(digest)
        return () if found is None and place_of(digest, self.digests) is not None else found

    def to_bytes(self) -> bytes:
        """The stored form."""
        lines = write_lines((digest, [event_cells(event) for event in held]) for digest, held in self.events.items())
        return seal(RegisterKind.TYPE1, self.header, AnswerState.CLEANED, self.digests, lines)

    @classmethod
    def parse(cls, stored: bytes) -> Type1Register:
        """Reads the stored form. Raises `RegisterDamagedError`."""
        opened = open_register(stored, RegisterKind.TYPE1)
        events = {
            digest: tuple(read_event(item) for item in items)
            for digest, items in read_lines(opened.rest, opened.digests)
        }
        return cls(opened.header, opened.digests, MappingProxyType(events))


@dataclass(frozen=True, slots=True)
class ConsentRegister:
    """The consents of everybody who gave one."""

    header: Header
    digests: bytes = field(repr=False)
    consents: Mapping[PersonDigest, tuple[Consent, ...]] = field(repr=False)

    @classmethod
    def of_records(cls, header: Header, records: Iterable[ConsentRecord], digester: Digester) -> ConsentRegister:
        """The register of the consents of a file."""
        held: dict[PersonDigest, dict[Consent, None]] = {}
        for record in records:
            held.setdefault(digester.digest(record.nhs_number), {})[record.consent] = None
        ordered = {digest: tuple(sorted(consents, key=_by_day)) for digest, consents in held.items()}
        return cls(header, b"".join(sorted(held)), MappingProxyType(ordered))

    def __len__(self) -> int:
        return len(self.digests) // DIGEST_LENGTH

    def consents_of(self, digest: PersonDigest) -> tuple[Consent, ...]:
        """Every consent of one person that this register holds."""
        return self.consents.get(digest, ())

    def to_bytes(self) -> bytes:
        """The stored form."""
        lines = write_lines((digest, [consent_cells(item) for item in held]) for digest, held in self.consents.items())
        return seal(RegisterKind.CONSENTS, self.header, AnswerState.CLEANED, self.digests, lines)

    @classmethod
    def parse(cls, stored: bytes) -> ConsentRegister:
        """Reads the stored form. Raises `RegisterDamagedError`."""
        opened = open_register(stored, RegisterKind.CONSENTS)
        consents = {
            digest: tuple(read_consent_cells(item) for item in items)
            for digest, items in read_lines(opened.rest, opened.digests)
        }
        if len(consents) != opened.count:
            raise RegisterDamagedError("somebody in the register has no consent")
        return cls(opened.header, opened.digests, MappingProxyType(consents))


Register = OptOutRegister | Type1Register | ConsentRegister


def _by_day(consent: Consent) -> tuple[str, date, date]:
    return consent.project_id, consent.given_on, consent.withdrawn_on or date.max
