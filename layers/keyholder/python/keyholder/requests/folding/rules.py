"""One rule for each event: the state after it. The modules of this package register theirs here."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import singledispatch

from keyholder.requests.codes import State
from keyholder.requests.state import RequestState


@singledispatch
def apply(event: object, state: RequestState, at: datetime) -> RequestState:  # noqa: ARG001 - the shape of a rule
    """The state after `event`, which happened at `at`. Raises `TypeError` where no rule is registered for it."""
    raise TypeError(f"no rule for {type(event).__name__}")


def over(state: RequestState, status: State) -> RequestState:
    """Nothing is waited for any more."""
    return replace(state, status=status, due_at=None, checks_held=None)
