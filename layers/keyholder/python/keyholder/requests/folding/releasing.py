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
    release = Release(event.release, event.delivery, at, event.granted, report_due_at=event.report_due_at)
    return replace(state, releases=(*state.releases, release), policy_hash=event.policy_hash)


@apply.register
def _items_released(event: ItemsReleased, state: RequestState, at: datetime) -> RequestState:
    after = with_release(state, event.release, chunks_written=event.chunk, chunks=event.chunks)
    release = after.release(event.release)
    # From now on the report is waited for; the window ends by itself.
    due_at = (release.report_due_at if release else None) or state.due_at
    return replace(after, status=State.RELEASED, let_through=(), due_at=due_at)


@apply.register
def _finished(event: ReleaseFinished, state: RequestState, at: datetime) -> RequestState:
    return with_release(state, event.release, finished_at=at, result_sha256=event.result_sha256)


@apply.register
def _failed(event: ReleaseFailed, state: RequestState, at: datetime) -> RequestState:
    return with_release(state, event.release, failed=event.code)


@apply.register
def _collected(event: ReleaseCollected, state: RequestState, at: datetime) -> RequestState:
    return with_release(state, event.release, collected_at=at)
