"""All that is held about people's choices, put together for one person at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from keyholder.policy.consents import deciding_consent
from keyholder.policy.days import london_day
from keyholder.policy.digests import PersonDigest
from keyholder.policy.facts import CodedEvent, NdooCheck, PersonChoices
from keyholder.policy.register_form import RegisterKind
from keyholder.policy.registers import ConsentRegister, OptOutRegister, Register, Type1Register
from keyholder.policy.tables import CodeMeaning
from keyholder.policy.type1 import MEANINGS
from keyholder.policy.vocabulary import CheckState
from keyholder.vocabulary import DomainId

_ANSWERED = frozenset({CheckState.CLEAR, CheckState.OPTED_OUT})


@dataclass(frozen=True, slots=True)
class Choices:
    """The registers in use, each list newest first. Empty lists know nobody, so everybody is withheld."""

    opt_outs: tuple[OptOutRegister, ...] = field(default=(), repr=False)
    type1: tuple[Type1Register, ...] = field(default=(), repr=False)
    consents: tuple[ConsentRegister, ...] = field(default=(), repr=False)

    def of(self, digest: PersonDigest, project_id: str, now: datetime) -> PersonChoices:
        """What one person chose, as far as it bears on a project. Raises `ValueError` for a moment without a zone."""
        events = self._type1_events(digest)
        held = [consent for register in self.consents for consent in register.consents_of(digest)]
        return PersonChoices(
            ndoo_check=self._ndoo_check(digest),
            type1_known=events is not None,
            type1_events=events or (),
            consent=deciding_consent(held, project_id, london_day(now)),
        )

    def _ndoo_check(self, digest: PersonDigest) -> NdooCheck | None:
        """The newest answer about the person; an unanswered request only where there is no answer.

        Newest is the latest day of the check; of two answers of one day the one that says opted out.
        """
        checks = [check for register in self.opt_outs if (check := register.check_of(digest)) is not None]
        answers = [check for check in checks if check.state in _ANSWERED]
        if not answers:
            return checks[0] if checks else None
        return max(answers, key=lambda check: (check.performed_on or date.min, check.state == CheckState.OPTED_OUT))

    def _type1_events(self, digest: PersonDigest) -> tuple[CodedEvent, ...] | None:
        """The newest reading of the record, and every set event of older ones: only a dated withdrawal ends one."""
        readings = [events for register in self.type1 if (events := register.events_of(digest)) is not None]
        if not readings:
            return None
        older = {
            event
            for events in readings[1:]
            for event in events
            if MEANINGS.get((event.system, event.code)) is not CodeMeaning.TYPE1_WITHDRAWN
        }
        return tuple(sorted({*readings[0], *older}))


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
