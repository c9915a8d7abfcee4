"""All that is held about people's choices, put together for one person at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from keyholder.policy.by_kind import ByKind
from keyholder.policy.consents import deciding_consent
from keyholder.policy.days import london_day
from keyholder.policy.digests import PersonDigest, PersonDigests
from keyholder.policy.facts import CodedEvent, Consent, NdooCheck, PersonChoices
from keyholder.policy.lookup import Lookup, LookupMaker, lookup_for
from keyholder.policy.register_form import RegisterKind
from keyholder.policy.registers import ConsentRegister, OptOutRegister, Register, Type1Register
from keyholder.policy.type1 import set_events
from keyholder.policy.vocabulary import CheckState
from keyholder.vocabulary import DomainId

_ANSWERED = frozenset({CheckState.CLEAR, CheckState.OPTED_OUT})

FEW = 32
"""Below so many people, looking one up after the other is faster than preparing for all."""


@dataclass(frozen=True, slots=True)
class Choices:
    """The registers in use, each list newest first. Empty lists know nobody, so everybody is withheld."""

    opt_outs: tuple[OptOutRegister, ...] = field(default=(), repr=False)
    type1: tuple[Type1Register, ...] = field(default=(), repr=False)
    consents: tuple[ConsentRegister, ...] = field(default=(), repr=False)

    def of(self, digest: PersonDigest, project_id: str, now: datetime) -> PersonChoices:
        """What one person chose, as far as it bears on a project. Raises `ValueError` for a moment without a zone."""
        events = self._type1_events(digest)
        return PersonChoices(
            ndoo_check=self._ndoo_check(digest),
            type1_known=events is not None,
            type1_events=events or (),
            consent=self._consent(digest, project_id, london_day(now)),
        )

    def of_all(
        self, digests: PersonDigests, project_id: str, now: datetime, lookup: LookupMaker | None = None
    ) -> ByKind[PersonChoices]:
        """What `of` says of each of many people. `lookup` is for tests: it is chosen by how many they are."""
        if lookup is None and len(digests) < FEW:
            return ByKind.group(self.of(digest, project_id, now) for digest in digests)
        crowd = (lookup or lookup_for(len(digests)))(digests, 3)
        checks = _note_checks(self.opt_outs, crowd, 0)
        events = self._note_events(crowd, 1)
        consents = self._note_consents(crowd, 2, project_id, london_day(now))
        combinations, of = crowd.combinations()
        kinds = [
            PersonChoices(checks[check], events[known] is not None, events[known] or (), consents[consent])
            for check, known, consent in combinations
        ]
        return ByKind(tuple(kinds), of)

    def _note_events(self, crowd: Lookup, column: int) -> Sequence[tuple[CodedEvent, ...] | None]:
        """Notes a number for each person; what the numbers mean."""
        numbers: dict[tuple[CodedEvent, ...] | None, int] = {None: 0, (): 1}
        for register in self.type1:
            crowd.note(column, register.digests, numbers[()])
        eventful = sorted({digest for register in self.type1 for digest in register.events})
        crowd.note_each(
            column,
            b"".join(eventful),
            lambda place: numbers.setdefault(self._type1_events(eventful[place]), len(numbers)),
        )
        return tuple(numbers)

    def _note_consents(self, crowd: Lookup, column: int, project_id: str, today: date) -> Sequence[Consent | None]:
        numbers: dict[Consent | None, int] = {None: 0}
        consenting = sorted({digest for register in self.consents for digest in register.consents})
        crowd.note_each(
            column,
            b"".join(consenting),
            lambda place: numbers.setdefault(self._consent(consenting[place], project_id, today), len(numbers)),
        )
        return tuple(numbers)

    def _consent(self, digest: PersonDigest, project_id: str, today: date) -> Consent | None:
        held = [consent for register in self.consents for consent in register.consents_of(digest)]
        return deciding_consent(held, project_id, today)

    def _ndoo_check(self, digest: PersonDigest) -> NdooCheck | None:
        """The newest answer about the person; an unanswered request only where there is no answer.

        Newest is the answer of the latest day, which is the day of the cache where it came out of one; of two of one
        day the one that says opted out.
        """
        checks = [check for register in self.opt_outs if (check := register.check_of(digest)) is not None]
        return max(checks, key=_precedence, default=None)

    def _type1_events(self, digest: PersonDigest) -> tuple[CodedEvent, ...] | None:
        """The newest reading of the record, and every set event of older ones: only a dated withdrawal ends one."""
        readings = [events for register in self.type1 if (events := register.events_of(digest)) is not None]
        if not readings:
            return None
        older = {event for events in readings[1:] for event in set_events(events)}
        return tuple(sorted({*readings[0], *older}))


def _precedence(check: NdooCheck) -> tuple[bool, date, bool]:
    """Of two checks the greater counts; of equal ones that of the newer register."""
    if check.state not in _ANSWERED:
        return False, date.min, False
    known_on = check.cache_refreshed_on or check.performed_on or date.min
    return True, known_on, check.state == CheckState.OPTED_OUT


def _note_checks(registers: Sequence[OptOutRegister], crowd: Lookup, column: int) -> Sequence[NdooCheck | None]:
    """Notes a number for each person, the greater for the check that counts more; what the numbers mean."""
    oldest_first = [(age, said) for age in reversed(range(len(registers))) for said in (False, True)]
    ranked = sorted(oldest_first, key=lambda one: _precedence(registers[one[0]].check(opted_out=one[1])))
    numbers = {one: number for number, one in enumerate(ranked, start=1)}
    for age, register in enumerate(registers):
        crowd.note_bits(column, register.digests, register.bits, (numbers[age, False], numbers[age, True]))
    return (None, *(registers[age].check(opted_out=said) for age, said in ranked))


class Stored(StrEnum):
    """The answer of a store that writes each name once."""

    STORED = "stored"
    EXISTS = "exists"
    """The name is taken by something else; nothing was written."""


class ChoicesUnavailableError(Exception):
    """The store did not answer, or refused. Without it nobody's choices are known and nothing is released."""


class ChoiceStore(Protocol):
    """Where registers and row links are kept. Every method may raise `ChoicesUnavailableError`.

    Ids are time-ordered text given by the caller: later ones sort after earlier ones.
    """

    def keep(self, register_id: str, register: Register) -> Stored:
        """Writes a register once. The same register again is `STORED`; another one under its name is `EXISTS`."""
        ...

    def listed(self, kind: RegisterKind, limit: int) -> Sequence[str]:
        """The newest ids of a kind, newest first."""
        ...

    def load(self, now: datetime) -> Choices:
        """The registers in use at `now`. Raises `RegisterDamagedError` if one of them is not what was written."""
        ...

    def keep_links(self, domain: DomainId, job_id: str, links: bytes) -> Stored:
        """Writes the row links of one pseudonymisation job once."""
        ...

    def links(self, domain: DomainId) -> Sequence[bytes]:
        """The row links of every job of a domain, newest first."""
        ...
