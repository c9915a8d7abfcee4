"""What of a request its requester can't see change, and so must not learn from a version or a time either."""

from __future__ import annotations

from dataclasses import replace

from keyholder.requests.codec import RequestEvent
from keyholder.requests.conversation import visible
from keyholder.requests.events import (
    AdviceGiven,
    AdviceRequested,
    Commented,
    ConflictCleared,
    ConsentFell,
    Recused,
    Reminded,
    VolumeExceeded,
)
from keyholder.requests.state import RequestState

_MAY_BE_UNSEEN = (
    ConflictCleared,
    Recused,
    Commented,
    AdviceRequested,
    AdviceGiven,
    Reminded,
    VolumeExceeded,
    ConsentFell,
)
"""Only after these is it worth looking: everything else changes something that is told outside."""


def unseen(event: RequestEvent, before: RequestState, after: RequestState) -> bool:
    """Whether `event` left all as it was that the requester is shown."""
    return isinstance(event, _MAY_BE_UNSEEN) and _outward(before) == _outward(after)


def _outward(state: RequestState) -> RequestState:
    """The state without what those who decide declare and say among themselves, without what Keyholder remembers of its
    own clocks, and without how many consents fell once one has."""
    return replace(
        state,
        version=0,
        created_at=None,
        changed_at=None,
        cleared={},
        recused={},
        messages=visible(state.messages, internal=False),
        reminded=None,
        consents_withdrawn=min(state.consents_withdrawn, 1),
    )
