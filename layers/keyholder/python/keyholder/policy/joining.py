"""Many registers of one kind become one that says the same, so that nobody's choice is ever left unread.

Each load writes a register, and none of Type 1 events or of consents may be left out: an older one can hold the opt-out
or the withdrawal. So before a load, once many stand side by side, the oldest become one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Protocol

from keyholder.ledger.event import NewEvent
from keyholder.ledger.log import EventLog
from keyholder.policy.choices import Stored
from keyholder.policy.digests import PersonDigest
from keyholder.policy.facts import CodedEvent, Consent
from keyholder.policy.intake import RegisterChangedError, choices_head
from keyholder.policy.register_form import Header, RegisterKind
from keyholder.policy.registers import ConsentRegister, Type1Register
from keyholder.policy.type1 import set_events
from keyholder.requests.ids import made_at
from keyholder.vocabulary import ActorId, StreamId

CHOICES_JOINED = "choices.joined"

JOINS = ActorId("system/choices")
"""The actor of what Keyholder does by itself with registers."""

SUFFIX = ".joined"
"""A joined register is called after the newest that went into it, and so stands in its place in the order."""

TOGETHER = 100
"""So many of a kind become one."""

SETTLED = timedelta(hours=1)
"""A register younger than this is left alone: one that is older than it may still be on its way."""

MOST = 10_000
"""Registers that are listed at once: far more than may stand side by side."""

JOINABLE = (RegisterKind.TYPE1, RegisterKind.CONSENTS)

Joinable = Type1Register | ConsentRegister


class JoinStore(Protocol):
    """Where registers are kept. Every method may raise `ChoicesUnavailableError`, `RegisterDamagedError`."""

    def listed(self, kind: RegisterKind, limit: int) -> Sequence[str]: ...

    def type_1_register(self, register_id: str) -> Type1Register: ...

    def consent_register(self, register_id: str) -> ConsentRegister: ...

    def keep(self, register_id: str, register: Joinable) -> Stored: ...

    def remove(self, kind: RegisterKind, register_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Joining:
    """Joins what is due, before an operator's load of that kind."""

    log: EventLog
    store: JoinStore
    trace: str
    now: datetime
    together: int = TOGETHER

    def run(self, kind: RegisterKind) -> int:
        """How many registers were deleted because another one says the same. A join cut short is finished first.

        Logged with the joined register's hash and the ids that go into it, then stored, and only then are they deleted:
        both side by side say the same as either. Raises as the log and the store, and `RegisterChangedError` where a
        register of its name is not the one that the ledger names.
        """
        if kind not in JOINABLE:
            return 0
        names = list(reversed(self.store.listed(kind, MOST)))
        removed = self._finish(kind, names)
        parts = [name for name in names if name not in removed and self._settled(name)][: self.together]
        if len(parts) == self.together:
            removed |= self._join(kind, parts)
        return len(removed)

    def _finish(self, kind: RegisterKind, names: Sequence[str]) -> set[str]:
        left: set[str] = set()
        for name in names:
            if name.endswith(SUFFIX):
                left |= self._parts_of(name).intersection(names)
        self._remove(kind, left)
        return left

    def _join(self, kind: RegisterKind, parts: Sequence[str]) -> set[str]:
        newest_first = list(reversed(parts))
        joined = self._joined(kind, newest_first)
        name = newest_first[0] + SUFFIX
        summary = {
            "kind": kind.value,
            "made_at": joined.header.made_at.isoformat(),
            "performed_on": joined.header.performed_on.isoformat(),
            "sha256": hashlib.sha256(joined.to_bytes()).hexdigest(),
            "people": len(joined),
            "parts": list(parts),
        }
        stream = StreamId(f"register/{name}")
        known = self.log.read(stream)
        if not known:
            self.log.record(
                stream,
                0,
                [NewEvent(CHOICES_JOINED, summary)],
                actor=JOINS,
                trace=self.trace,
                head=choices_head(summary),
            )
        elif known[0].data != summary:
            raise RegisterChangedError
        if self.store.keep(name, joined) is not Stored.STORED:
            raise RegisterChangedError
        self._remove(kind, parts)
        return set(parts)

    def _joined(self, kind: RegisterKind, newest_first: Sequence[str]) -> Joinable:
        if kind is RegisterKind.TYPE1:
            return join_type_1([self.store.type_1_register(name) for name in newest_first])
        return join_consents([self.store.consent_register(name) for name in newest_first])

    def _parts_of(self, name: str) -> set[str]:
        events = self.log.read(StreamId(f"register/{name}"))
        if not events or events[0].type != CHOICES_JOINED:
            raise RegisterChangedError
        parts = events[0].data["parts"]
        return {str(part) for part in parts} if isinstance(parts, list) else set()

    def _remove(self, kind: RegisterKind, names: set[str] | Sequence[str]) -> None:
        for name in sorted(names):
            self.store.remove(kind, name)

    def _settled(self, name: str) -> bool:
        made = made_at(name.partition(".")[0])
        return made is not None and self.now - made >= SETTLED


def join_type_1(newest_first: Sequence[Type1Register]) -> Type1Register:
    """One register with everybody's newest reading, and of older ones what set an opt-out (`Choices` reads them so)."""
    events: dict[PersonDigest, set[CodedEvent]] = {}
    read: set[PersonDigest] = set()
    for register in newest_first:
        for digest in register.people():
            found = register.events.get(digest, ())
            events.setdefault(digest, set()).update(set_events(found) if digest in read else found)
        read.update(register.people())
    with_events = {digest: tuple(sorted(found)) for digest, found in sorted(events.items()) if found}
    return Type1Register(_header(newest_first), b"".join(sorted(read)), MappingProxyType(with_events))


def join_consents(newest_first: Sequence[ConsentRegister]) -> ConsentRegister:
    """One register with every consent of the others, each once."""
    held: dict[PersonDigest, dict[Consent, None]] = {}
    for register in newest_first:
        for digest, consents in register.consents.items():
            held.setdefault(digest, {}).update(dict.fromkeys(consents))
    ordered = {digest: tuple(consents) for digest, consents in sorted(held.items())}
    return ConsentRegister(_header(newest_first), b"".join(ordered), MappingProxyType(ordered))


def _header(newest_first: Sequence[Joinable]) -> Header:
    newest = newest_first[0].header
    latest = max(register.header.performed_on for register in newest_first)
    return replace(newest, performed_on=latest, source="joined")
