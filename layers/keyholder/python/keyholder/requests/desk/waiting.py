"""What Keyholder hands in by itself when time goes by."""

from __future__ import annotations

from keyholder.requests.actors import System, SystemActor
from keyholder.requests.codec import RequestEvent
from keyholder.requests.desk.core import Call, Desk, Done
from keyholder.requests.waiting import overdue_command
from keyholder.vocabulary import RequestId

_MOST_STEPS = 5
"""A reminder, an escalation and an end: more can't be due at once."""


class Waiting(Desk):
    """Reminders, escalation and expiry."""

    def keep_time(self, request: RequestId, trace: str) -> tuple[RequestEvent, ...]:
        """Do all that is due now. Repeated, it does nothing: each reminder is sent once."""
        happened: list[RequestEvent] = []
        for _ in range(_MOST_STEPS):
            command = overdue_command(self.load(request), self._limits, self._clock.now())
            if command is None:
                break
            outcome = self.carry_out(Call(SystemActor(System.SWEEPER), trace), request, command)
            if not isinstance(outcome, Done):
                break
            happened.extend(outcome.events)
        return tuple(happened)
