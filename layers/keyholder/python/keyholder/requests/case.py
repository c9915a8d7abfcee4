"""One command on one request at one moment: everything a rule may look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeVar

from keyholder.policy.days import london_day
from keyholder.registry.delegations import Delegated, Under
from keyholder.registry.domains import Domain
from keyholder.registry.factors import Standing, standings
from keyholder.registry.people import Person
from keyholder.registry.projects import Project
from keyholder.registry.terms import InForce
from keyholder.requests.actors import Actor, Limits, PersonActor
from keyholder.requests.commands import Command
from keyholder.requests.content import Summary
from keyholder.requests.state import DomainDecision, RequestState
from keyholder.standing.approval import StandingApproval
from keyholder.vocabulary import DomainId, PersonId

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the policy says of the request as a whole, now: no reason, no objection."""

    policy_hash: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What is registered, read for this decision. What is missing here is unknown, and unknown is no.

    `assessment` is None where the policy was not asked. `approvers` are those who have approved, as they are registered
    now, `adviser` is whoever is asked for advice, `standing` the standing approval that approves or approved it, and
    `terms` are those that have to be accepted. `candidates` are those who could approve, where they are known; without
    them nothing is said about whether the quorum can be reached.
    `reports_overdue`: the requester or the project owes a report. `author` is the requester as they are
    registered now. `stand_ins` decide in the actor's place now, or the actor in theirs.
    """

    project: Project | None = None
    domains: Mapping[DomainId, Domain] = field(default_factory=dict)
    assessment: Assessment | None = None
    candidates: tuple[Person, ...] | None = None
    approvers: Mapping[PersonId, Person] = field(default_factory=dict)
    adviser: Person | None = None
    standing: StandingApproval | None = None
    reports_overdue: bool = False
    author: Person | None = None
    stand_ins: frozenset[PersonId] = frozenset()
    limits: Limits = field(default_factory=Limits)
    terms: InForce = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """The whole question."""

    state: RequestState
    command: Command
    actor: Actor
    facts: Facts
    now: datetime

    @property
    def person(self) -> Person:
        """Raises `TypeError` where Keyholder itself acts: a table mistake."""
        if not isinstance(self.actor, PersonActor):
            raise TypeError("this rule is about a person")
        return self.actor.person

    @property
    def under(self) -> Under | None:
        """In whose place the person decides; None where they decide for themselves."""
        return self.actor.under if isinstance(self.actor, PersonActor) else None

    @property
    def delegated(self) -> Delegated | None:
        """The same as an event says it."""
        return Delegated(self.under.delegation, self.under.delegator.id) if self.under else None

    @property
    def today(self) -> date:
        return london_day(self.now)

    @property
    def summary(self) -> Summary:
        """What is asked for: the draft's content being saved, or the one that stands."""
        found = getattr(self.command, "summary", None) or self.state.summary
        if not isinstance(found, Summary):
            raise TypeError("this rule needs a content")
        return found

    def of(self, kind: type[C]) -> C:
        """The command as one of its classes. Raises `TypeError` for another: a table mistake."""
        if not isinstance(self.command, kind):
            raise TypeError(f"this rule is about {kind.__name__}")
        return self.command

    def decision(self, domain: DomainId) -> DomainDecision | None:
        return self.state.domains.get(domain)

    def stands_for(self, domain: DomainId) -> frozenset[Standing]:
        """The parts this person could take for `domain`, and for which of its controllers."""
        known = self.facts.domains.get(domain)
        return standings(self.person, known.controllers) if known else frozenset()
