"""A row of the table: from which state, who, what, under which rules, and what it makes of the request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from keyholder.requests import guards as g
from keyholder.requests.case import Case
from keyholder.requests.codec import RequestEvent
from keyholder.requests.codes import State
from keyholder.requests.commands import CommandName


class Who(StrEnum):
    """Who may at all."""

    RESEARCHER = "a researcher"
    REQUESTER = "the requester"
    PROJECT = "the requester, or another researcher on the project"
    CONTROLLER = "a human controller, Caldicott Guardian or data protection officer of one of the request's domains"
    ADVISER = "a person whose advice was asked"
    RELEASE_FUNCTION = "Keyholder's release function"
    READER = "Keyholder's reader of files"
    SWEEPER = "Keyholder's sweeper"


@dataclass(frozen=True, slots=True)
class Transition:
    """One row. `sources` None stands for a request that does not exist yet; `to` lists what it may become.

    An empty `to` leaves it in the state it is in.
    """

    sources: frozenset[State] | None
    command: CommandName
    who: Who
    guards: tuple[g.Guard, ...]
    events: tuple[str, ...]
    to: frozenset[State]
    outcome: Callable[[Case], tuple[RequestEvent, ...]]
    fresh_sign_in: bool = False


def types(*events: type[RequestEvent]) -> tuple[str, ...]:
    """The types of these events, as the ledger writes them."""
    return tuple(event.TYPE for event in events)


STAYS: frozenset[State] = frozenset()


def states(*those: State) -> frozenset[State]:
    return frozenset(those)
