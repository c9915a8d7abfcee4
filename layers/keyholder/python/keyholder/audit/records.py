"""People, projects and domains as a ledger has them up to some point, and as they were a moment before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from keyholder.audit.terms_seen import TermsSeen
from keyholder.ledger.event import Event
from keyholder.policy.changes import SETTINGS, PolicyState
from keyholder.registry.delegations import Delegation
from keyholder.registry.domains import Domain
from keyholder.registry.people import Person
from keyholder.registry.projects import Project
from keyholder.standing.approval import StandingApproval
from keyholder.vocabulary import DomainId, PersonId, ProjectId, StreamId

T = TypeVar("T")
K = TypeVar("K")

MEANWHILE = timedelta(minutes=2)
"""A decision is at most this much older than its event: a function lives a minute, and two clocks may differ."""


class History(Generic[K, T]):
    """One kind of record.

    A decision stands on what was read a moment before it was written, and others write meanwhile; so a version that was
    replaced less than `MEANWHILE` before a step, or after it, counts for that step too.
    """

    def __init__(self) -> None:
        self._now: dict[K, T] = {}
        self._before: dict[K, list[tuple[T, datetime]]] = {}
        self._since: dict[K, datetime] = {}

    def __contains__(self, key: object) -> bool:
        return key in self._now

    def keys(self) -> frozenset[K]:
        """Everything that is registered."""
        return frozenset(self._now)

    def put(self, key: K, value: T, at: datetime) -> None:
        """A new version, written at this moment."""
        if key in self._now:
            self._before.setdefault(key, []).append((self._now[key], at))
        self._now[key] = value
        self._since.setdefault(key, at)

    def newest(self, key: K) -> T | None:
        return self._now.get(key)

    def around(self, key: K, at: datetime) -> Iterator[T]:
        """The versions that a step of this moment may stand on, the newest first."""
        if key in self._now:
            yield self._now[key]
            for value, replaced_at in reversed(self._before.get(key, [])):
                if replaced_at < at - MEANWHILE:
                    return
                yield value

    def everything(self, at: datetime) -> Iterator[tuple[T, ...]]:
        """All there is, as a step of this moment may have found it: now, or before what was written meanwhile."""
        yield tuple(self._now.values())
        known = (key for key, since in self._since.items() if since < at - MEANWHILE)
        yield tuple(list(self.around(key, at))[-1] for key in known)


@dataclass(slots=True)
class Records:
    """The registry, delegations, standing approvals, and the policy under the one name of its stream."""

    people: History[PersonId, Person] = field(default_factory=History)
    projects: History[ProjectId, Project] = field(default_factory=History)
    domains: History[DomainId, Domain] = field(default_factory=History)
    standings: History[str, StandingApproval] = field(default_factory=History)
    delegations: History[str, Delegation] = field(default_factory=History)
    delegations_of: dict[PersonId, set[str]] = field(default_factory=dict)
    """Which of them each person made, or was named in."""
    policy: History[StreamId, PolicyState] = field(default_factory=History)
    policy_hashes: set[str] = field(default_factory=set)
    """Of all settings that were ever in force or proposed."""

    def may_have_ruled(self, policy_hash: str, at: datetime) -> bool:
        """Whether a decision of this moment may stand on the policy with this hash.

        Not on settings of this ledger that were not in force then. A hash that is none of theirs is of another version
        of Keyholder, with other tables, of which nothing is known here.
        """
        in_force = {state.facts.policy_hash for state in self.policy.around(SETTINGS, at)}
        return policy_hash in in_force or policy_hash not in self.policy_hashes

    terms: TermsSeen = field(default_factory=TermsSeen)

    def acting(self, event: Event) -> Iterator[Person | None]:
        """Who did this, as they may have been when it was decided; None where nobody is registered."""
        known = tuple(self.people.around(PersonId(event.actor), event.at))
        yield from known or (None,)


def moments(at: datetime) -> Iterator[datetime]:
    """When the decision may have been made whose event says `at`: then, or a little before."""
    yield at
    for seconds in (1, 5, 20, 60, 120):
        yield at - timedelta(seconds=seconds)
