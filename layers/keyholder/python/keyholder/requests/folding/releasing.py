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
from keyholder.requests.folding.rules import apply
from keyholder.requests.state import Release, RequestState


@apply.register
def _authorised(event: ReleaseAuthorised, state: RequestState, at: datetime) -> RequestState:
    release = Release(event.release, event.delivery, at, event.granted)
    return replace(state, releases=(*state.releases, release), policy_hash=event.policy_hash)


@apply.register
def _items_released(event: ItemsReleased, state: RequestState, at: datetime) -> RequestState:
    after = _with_release(state, event.release, chunks_written=event.chunk, chunks=event.chunks)
    return replace(after, status=State.RELEASED)


@apply.register
def _finished(event: ReleaseFinished, state: RequestState, at: datetime) -> RequestState:
    return _with_release(state, event.release, finished_at=at)


@apply.register
def _failed(event: ReleaseFailed, state: RequestState, at: datetime) -> RequestState:
    return _with_release(state, event.release, failed=event.code)


@apply.register
def _collected(event: ReleaseCollected, state: RequestState, at: datetime) -> RequestState:
    return _with_release(state, event.release, collected_at=at)


def _with_release(
    state: RequestState,
    release: str,
    *,
    chunks_written: int | None = None,
    chunks: int | None = None,
    finished_at: datetime | None = None,
    failed: str | None = None,
    collected_at: datetime | None = None,
) -> RequestState:
    def changed(known: Release) -> Release:
        return replace(
            known,
            chunks_written=known.chunks_written if chunks_written is None else chunks_written,
            chunks=known.chunks if chunks is None else chunks,
            finished_at=finished_at or known.finished_at,
            failed=failed or known.failed,
            collected_at=collected_at or known.collected_at,
        )

    return replace(state, releases=tuple(changed(known) if known.id == release else known for known in state.releases))
