"""One rule for each event: the state after it. The modules of this package register theirs here."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import singledispatch

from keyholder.requests.codes import State
from keyholder.requests.state import Release, RequestState


@singledispatch
def apply(event: object, state: RequestState, at: datetime) -> RequestState:  # noqa: ARG001 - the shape of a rule
    """The state after `event`, which happened at `at`. Raises `TypeError` where no rule is registered for it."""
    raise TypeError(f"no rule for {type(event).__name__}")


def over(state: RequestState, status: State) -> RequestState:
    """Nothing is waited for any more."""
    return replace(state, status=status, due_at=None, checks_held=None)


def with_release(
    state: RequestState,
    release: str,
    *,
    chunks_written: int | None = None,
    chunks: int | None = None,
    finished_at: datetime | None = None,
    failed: str | None = None,
    collected_at: datetime | None = None,
    result_sha256: str | None = None,
) -> RequestState:
    """The state with something new known of one release."""

    def changed(known: Release) -> Release:
        return replace(
            known,
            chunks_written=known.chunks_written if chunks_written is None else chunks_written,
            chunks=known.chunks if chunks is None else chunks,
            finished_at=finished_at or known.finished_at,
            failed=failed or known.failed,
            collected_at=collected_at or known.collected_at,
            result_sha256=result_sha256 or known.result_sha256,
        )

    return replace(state, releases=tuple(changed(known) if known.id == release else known for known in state.releases))
