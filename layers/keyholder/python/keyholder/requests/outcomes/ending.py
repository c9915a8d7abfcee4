"""What follows when a time has run out."""

from __future__ import annotations

from keyholder.requests.case import Case
from keyholder.requests.codes import ExpiryReason, State
from keyholder.requests.events import (
    RequestExpired,
)
from keyholder.requests.outcomes.outcome import Outcome


def expire(case: Case) -> Outcome:
    approved = case.state.status in (State.APPROVED, State.RELEASED)
    return (RequestExpired(ExpiryReason.WINDOW_OVER if approved else ExpiryReason.NOT_DECIDED),)
