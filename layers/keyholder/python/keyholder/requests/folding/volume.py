"""The state after a volume limit was gone above, or let go above."""

# ruff: noqa: ARG001 - one rule for each event, all of one shape
from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from keyholder.limits.vocabulary import Action
from keyholder.requests.events import VolumeExceeded, VolumeLetThrough
from keyholder.requests.folding.rules import apply, with_release
from keyholder.requests.state import RequestState

STOPPED = {Action.HOLD: "VOLUME_HELD", Action.BLOCK: "VOLUME_BLOCKED"}
"""How a release that a limit stopped has failed."""


@apply.register
def _exceeded(event: VolumeExceeded, state: RequestState, at: datetime) -> RequestState:
    if not event.stopped:
        return state
    after = with_release(state, event.release, failed=STOPPED[event.action])
    if event.action is not Action.HOLD:
        return after
    held = tuple(one.threshold for one in event.exceeded if one.action is Action.HOLD)
    return replace(after, held_for=held, let_through=())


@apply.register
def _let_through(event: VolumeLetThrough, state: RequestState, at: datetime) -> RequestState:
    return replace(state, held_for=(), let_through=event.thresholds)
