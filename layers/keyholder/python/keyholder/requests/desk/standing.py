"""A request is handed to a standing approval."""

from __future__ import annotations

from dataclasses import dataclass

from keyholder.refusals import Refusal
from keyholder.registry.service import Call as RegistryCall
from keyholder.requests import commands as ask
from keyholder.requests.case import Case
from keyholder.requests.desk.core import Call, Desk, Done
from keyholder.requests.under_bounds import wanted
from keyholder.standing.decide import Wanted
from keyholder.standing.service import Standings
from keyholder.vocabulary import PersonId, RequestId


class UnderStanding(Desk):
    """What the controllers approved once for many requests of a project."""

    def use_standing(self, call: Call, request: RequestId, standing: str) -> Done | Refusal:
        """Approved by it, if it covers the request as it stands. Its weekly volume is taken before, and stays taken."""
        drawing = _Drawing(self._standings, call, standing)
        return self.carry_out(call, request, ask.UseStanding(standing), drawing.take, drawing.see)


@dataclass(slots=True)
class _Drawing:
    """Takes the records of the content that was decided on."""

    standings: Standings
    call: Call
    standing: str
    seen: tuple[Wanted, Case] | None = None

    def see(self, case: Case) -> ask.Command:
        self.seen = (wanted(case.state, case.summary), case) if case.state.summary else None
        return case.command

    def take(self, request: RequestId) -> Refusal | None:  # noqa: ARG002 - the shape of what precedes a step
        if self.seen is None:
            raise TypeError("nothing was decided on")
        asked, case = self.seen
        by = RegistryCall(PersonId(self.call.actor.id), self.call.trace)
        outcome = self.standings.draw(by, self.standing, asked, case.now)
        return outcome if isinstance(outcome, Refusal) else None
