"""Who has an active Type 1 opt-out, for collection: nothing of theirs may leave the practice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from keyholder.policy.choices import Choices
from keyholder.policy.days import london_day
from keyholder.policy.digests import Digester, PersonDigest
from keyholder.policy.type1 import Type1State, state_of


@dataclass(frozen=True, slots=True)
class Type1OptOuts:
    """The Type 1 registers at one moment.

    At collection only a known, active opt-out stops a row: a practice need not have told us of everybody. At release,
    unknown withholds.
    """

    held: Choices = field(repr=False)
    digester: Digester
    now: datetime

    def active(self, nhs_number: str) -> bool:
        """Is a Type 1 opt-out of this person set?"""
        found = self.held.of(self.digester.digest(nhs_number), "", self.now)
        state = state_of(found.type1_events, known=found.type1_known, today=london_day(self.now))
        return state is Type1State.ACTIVE

    def active_among(self, nhs_numbers: Sequence[str]) -> frozenset[str]:
        """Those of many people whose Type 1 opt-out is set. Who has no event in any register is not asked about."""
        with_events = frozenset[PersonDigest]().union(*(register.events for register in self.held.type1))
        return frozenset(
            nhs_number
            for nhs_number, digest in zip(nhs_numbers, self.digester.digests(nhs_numbers), strict=True)
            if digest in with_events and self.active(nhs_number)
        )
