"""Who acts: a registered person with the strength of their sign-in, or Keyholder itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from keyholder.registry.delegations import Under
from keyholder.registry.people import Person
from keyholder.registry.sign_in import SignIn, SignInRules
from keyholder.vocabulary import ActorId


@dataclass(frozen=True, slots=True)
class PersonActor:
    """A person from the registry. Who was not found there is nobody, and can't be made an actor.

    `under`: they decide in somebody's place, and `person` has the role they were lent and no other (`Under.lent_to`).
    """

    person: Person
    sign_in: SignIn
    under: Under | None = None

    @property
    def id(self) -> ActorId:
        return ActorId(self.person.id)


class System(StrEnum):
    """Functions of Keyholder that act without a person."""

    RELEASE = "system/release"
    """Runs the checks and the release."""
    READER = "system/requests"
    """Reads files of records, in the function that keeps drafts: it has no key of a domain."""
    SWEEPER = "system/sweeper"
    """Acts when a time has run out."""


@dataclass(frozen=True, slots=True)
class SystemActor:
    """Keyholder itself."""

    system: System

    @property
    def id(self) -> ActorId:
        return ActorId(self.system.value)


Actor = PersonActor | SystemActor


@dataclass(frozen=True, slots=True)
class Limits:
    """The times and counts of the life cycle that a deployment may set; none of them can switch four eyes off."""

    checks_within: timedelta = timedelta(days=30)
    decision_within: timedelta = timedelta(days=30)
    answer_within: timedelta = timedelta(days=30)
    """For a returned request to be sent in again."""
    accept_within: timedelta = timedelta(days=14)
    """For conditions to be accepted."""
    destroy_within: timedelta = timedelta(days=7)
    """For what was released to be destroyed once the request is revoked."""
    sign_in: SignInRules = field(default_factory=SignInRules)
    retrievals: int = 3
    nudge_every: timedelta = timedelta(days=3)
    draft_within: timedelta = timedelta(days=90)
    """For a draft to be saved again or submitted."""
    remind_days: tuple[int, ...] = (7, 2)
    """Whole days before a time runs out at which whoever has to act is reminded."""
    escalate_before: timedelta = timedelta(days=10)
    """So long before the time for checks or a decision runs out, more people are told."""
    report_within: timedelta = timedelta(days=28)
    """For the outcome report, once the day of destruction and the window are over."""
    release_within: timedelta = timedelta(seconds=90)
    """A release still running after this was cut short: nobody waits for an answer as long."""
    release_file_within: timedelta = timedelta(minutes=20)
    """The same for a request whose records came as a file: it is released off a queue, in 15 minutes at most."""
    collect_within: timedelta = timedelta(hours=24)
