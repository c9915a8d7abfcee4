"""The checks as the ledger has them, and the registers they stand behind."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from keyholder.ledger.log import EventLog
from keyholder.opt_outs.check_events import CheckEvent, to_new_event
from keyholder.opt_outs.checks import ASKS, CHECK_ID, Check, asked_on, check_head, check_stream, evolve, fold
from keyholder.policy.choices import Stored
from keyholder.policy.days import london_day
from keyholder.policy.register_form import RegisterKind
from keyholder.policy.registers import OptOutRegister, Register

MOST_A_DAY = 500
"""Checks that are read of one day; one an hour are asked for."""


MOST_REGISTERS = 10_000
"""Registers that are listed at once: some weeks of them."""


class RegisterChangedError(Exception):
    """A register is not the one the ledger names. Never expected; it is not put to use."""


class OptOutStore(Protocol):
    """The registers of the opt-out service's answers. Every method may raise `ChoicesUnavailableError`."""

    def keep(self, register_id: str, register: Register) -> Stored:
        """Writes a register once. The same register again is `STORED`; another one under its name is `EXISTS`."""
        ...

    def listed(self, kind: RegisterKind, limit: int) -> Sequence[str]:
        """The newest ids of a kind, newest first."""
        ...

    def opt_out_register(self, register_id: str) -> OptOutRegister | None:
        """One register; None where there is none. Raises `RegisterDamagedError`."""
        ...

    def remove_opt_outs(self, register_id: str) -> None:
        """Deletes one register; one that is not there is no error."""
        ...


def asked_register(check: str) -> str:
    """The name of the register of everybody a check is about, until it is answered."""
    return f"{check}.asked"


def answer_register(check: str) -> str:
    """The name of the register of a check's answer."""
    return f"{check}.mesh"


def failed_register(check: str) -> str:
    """The name of the register of everybody an ended check was about."""
    return f"{check}.failed"


def check_of(register_id: str) -> str | None:
    """The check a register belongs to; None for one that was loaded by hand."""
    check, _, suffix = register_id.partition(".")
    return check if suffix in {"asked", "mesh", "failed"} and CHECK_ID.fullmatch(check) else None


def sha256_of(register: OptOutRegister) -> str:
    """What the ledger says of a register."""
    return hashlib.sha256(register.to_bytes()).hexdigest()


@dataclass(frozen=True, slots=True)
class CheckBook:
    """Reads and writes checks. Every method may raise `LedgerUnavailableError`."""

    log: EventLog
    trace: str

    def load(self, check: str) -> Check | None:
        """The check as it stands; None for one nobody asked for."""
        return fold(check, self.log.read(check_stream(check))) if CHECK_ID.fullmatch(check) else None

    def recent(self, now: datetime, days: int) -> list[Check]:
        """The checks of today and so many days before, in order."""
        today = london_day(now)
        streams = [
            stream
            for back in range(days, -1, -1)
            for stream in self.log.listed(asked_on(today - timedelta(days=back)), None, MOST_A_DAY)
        ]
        found = [self.load(stream.partition("/")[2]) for stream in streams]
        return sorted((check for check in found if check is not None), key=lambda check: (check.asked_at, check.id))

    def record(self, check: str, before: Check | None, event: CheckEvent, at: datetime) -> Check:
        """Write down what happens to a check, before it takes effect; the check after it.

        Raises `CheckEventError` for what can't happen, `StaleStreamError` where somebody else came first.
        """
        after = evolve(check, before, event, at)
        self.log.record(
            check_stream(check),
            after.version - 1,
            [to_new_event(event)],
            actor=ASKS,
            trace=self.trace,
            head=check_head(after),
            at=at,
        )
        return after
