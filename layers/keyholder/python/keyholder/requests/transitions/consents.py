"""What happens when people in an approved request withdraw their consent."""

from __future__ import annotations

from keyholder.requests import guards as g
from keyholder.requests.codes import State
from keyholder.requests.commands import CommandName
from keyholder.requests.events import ConsentFell
from keyholder.requests.outcomes import consents
from keyholder.requests.transitions.row import STAYS, Transition, Who, states, types

ROWS: tuple[Transition, ...] = (
    Transition(
        sources=states(State.APPROVED, State.RELEASED),
        command=CommandName.RECORD_CONSENT_FALL,
        who=Who.RELEASE_FUNCTION,
        guards=(g.ON_CONSENT, g.SAME_CONTENT, g.MORE_WITHDRAWN),
        events=types(ConsentFell),
        to=STAYS,
        outcome=consents.record_consent_fall,
    ),
)
