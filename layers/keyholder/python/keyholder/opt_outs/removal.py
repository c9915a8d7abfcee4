"""What may be kept for a time only is deleted when the time is over, and the ledger says so first: answers of the
opt-out service past the cap, and numbers that nobody could send."""

from __future__ import annotations

from dataclasses import dataclass

from keyholder.ledger.event import NewEvent
from keyholder.ledger.ports import Clock
from keyholder.opt_outs.book import MOST_REGISTERS, CheckBook, OptOutStore, check_of
from keyholder.opt_outs.check_events import Removed
from keyholder.opt_outs.checks import ASKS, past_cap
from keyholder.opt_outs.list_events import ListDropped, lists_stream, number_of, request_of, to_new_event
from keyholder.opt_outs.lists import fold
from keyholder.opt_outs.outbox import KEPT_FOR, Outbox
from keyholder.policy.days import london_day
from keyholder.policy.intake import CHOICES_LOADED
from keyholder.policy.register_form import RegisterDamagedError, RegisterKind
from keyholder.policy.settings import DIRECT_CAP_DAYS
from keyholder.requests.ids import made_at
from keyholder.vocabulary import StreamId

CHOICES_REMOVED = "choices.removed"


class UnknownRegisterError(Exception):
    """A register is in the store of which the ledger knows nothing. It is deleted by the bucket's life cycle."""


@dataclass(frozen=True, slots=True)
class Removal:
    """Looks at every answer there is. Raises the first fault once all were tried: one that can't be deleted keeps no
    other."""

    book: CheckBook
    store: OptOutStore
    outbox: Outbox
    clock: Clock

    def run(self) -> int:
        """How many registers and lists were deleted."""
        removed = 0
        faults: list[Exception] = []
        for waiting in self.outbox.waiting():
            try:
                if self.clock.now() - waiting.since > KEPT_FOR:
                    self._drop(waiting.list_id)
                    removed += 1
            except Exception as fault:  # noqa: BLE001 - raised below
                faults.append(fault)
        for register_id in self.store.listed(RegisterKind.OPT_OUTS, MOST_REGISTERS):
            try:
                if self._past_cap(register_id):
                    self._remove(register_id)
                    removed += 1
            except Exception as fault:  # noqa: BLE001 - raised below
                faults.append(fault)
        if faults:
            raise faults[0]
        return removed

    def _drop(self, name: str) -> None:
        request, number = request_of(name), number_of(name)
        stream, log = lists_stream(request), self.book.log
        lists = fold(request, log.read(stream))
        if name not in lists.dropped:
            event = to_new_event(ListDropped(number), request)
            log.record(stream, lists.version, [event], actor=ASKS, trace=self.book.trace)
        self.outbox.remove(name)

    def _past_cap(self, register_id: str) -> bool:
        """By the day of the check. Of a register nobody can read any more, by the moment its id was made."""
        now = self.clock.now()
        try:
            register = self.store.opt_out_register(register_id)
        except RegisterDamagedError:
            made = made_at(register_id.partition(".")[0])
            if made is None or not past_cap(london_day(made), now):
                raise
            return True
        return register is not None and past_cap(register.header.performed_on, now)

    def _remove(self, register_id: str) -> None:
        check = check_of(register_id)
        if check is None:
            self._note_loaded(register_id)
        else:
            self._note_checked(check)
        self.store.remove_opt_outs(register_id)

    def _note_checked(self, check_id: str) -> None:
        check = self.book.load(check_id)
        if check is None:
            raise UnknownRegisterError
        # One event stands for all that is left of a check.
        if not check.removed:
            self.book.record(check.id, check, Removed(), self.clock.now())

    def _note_loaded(self, register_id: str) -> None:
        stream, log = StreamId(f"register/{register_id}"), self.book.log
        events = log.read(stream)
        if not events or events[0].type != CHOICES_LOADED:
            raise UnknownRegisterError
        if events[-1].type != CHOICES_REMOVED:
            event = NewEvent(CHOICES_REMOVED, {"kind": RegisterKind.OPT_OUTS.value, "cap_days": DIRECT_CAP_DAYS})
            log.record(stream, len(events), [event], actor=ASKS, trace=self.book.trace)
