"""What follows when a time has run out."""

from __future__ import annotations

from collections.abc import Mapping

from keyholder.requests.case import Case
from keyholder.requests.codes import ExpiryReason, State
from keyholder.requests.events import (
    RequestExpired,
)
from keyholder.requests.outcomes.outcome import Outcome


def expire(case: Case) -> Outcome:
    return (RequestExpired(_REASONS.get(case.state.status, ExpiryReason.NOT_DECIDED)),)


_REASONS: Mapping[State | None, ExpiryReason] = {
    State.DRAFT: ExpiryReason.DRAFT_LEFT,
    State.SUBMITTED: ExpiryReason.NOT_CHECKED,
    State.RETURNED: ExpiryReason.NOT_ANSWERED,
    State.CONDITIONS_OFFERED: ExpiryReason.CONDITIONS_NOT_ACCEPTED,
    State.APPROVED: ExpiryReason.WINDOW_OVER,
    State.RELEASED: ExpiryReason.WINDOW_OVER,
}
