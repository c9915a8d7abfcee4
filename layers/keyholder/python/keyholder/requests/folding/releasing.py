"""The state after each step of a release."""

# ruff: noqa: ARG001 - one rule for each event, all of one shape
from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from keyholder.requests.codes import State
from keyholder.requests.events.releasing import (
    ItemsReleased,
    ReleaseAuthorised,
    ReleaseCollected,
    ReleaseFailed,
    ReleaseFinished,
)
from keyholder.requests.folding.rules import apply, with_release
from keyholder.requests.state import Release, RequestState


@apply.register
def _authorised(event: ReleaseAuthorised, state: RequestState, at: datetime) -> RequestState:
    release = Release(event.release, event.delivery, at, event.granted)
    return replace(state, releases=(*state.releases, release), policy_hash=event.policy_hash)


@apply.register
def _items_released(event: ItemsReleased, state: RequestState, at: datetime) -> RequestState:
    after = with_release(state, event.release, chunks_written=event.chunk, chunks=event.chunks)
    return replace(after, status=State.RELEASED, let_through=())


@apply.register
def _finished(event: ReleaseFinished, state: RequestState, at: datetime) -> RequestState:
    return with_release(state, event.release, finished_at=at)


@apply.register
def _failed(event: ReleaseFailed, state: RequestState, at: datetime) -> RequestState:
    return with_release(state, event.release, failed=event.code)


@apply.register
def _collected(event: ReleaseCollected, state: RequestState, at: datetime) -> RequestState:
    return with_release(state, event.release, collected_at=at)
