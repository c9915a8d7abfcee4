"""Who acts: a registered person with the strength of their sign-in, or Keyholder itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from keyholder.registry.people import Person
from keyholder.vocabulary import ActorId


@dataclass(frozen=True, slots=True)
class SignIn:
    """How strongly (`acr`) and when (`auth_time`) the person signed in, as their verified token says."""

    acr: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PersonActor:
    """A person from the registry. Who was not found there is nobody, and can't be made an actor."""

    person: Person
    sign_in: SignIn

    @property
    def id(self) -> ActorId:
        return ActorId(self.person.id)


class System(StrEnum):
    """Functions of Keyholder that act without a person."""

    RELEASE = "system/release"
    """Runs the checks and the release."""
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

ASSURANCE: Mapping[str, int] = {
    "AAL1": 1,
    "AAL2": 2,
    "AAL3": 3,
    "AAL1_USERPASS": 1,
    "AAL2_OR_AAL3_ANY": 2,
    "AAL2_ANY": 2,
    "AAL3_ANY": 3,
}
"""Authenticator assurance levels (NIST SP 800-63B) of `acr` values, those of NHS CIS2 among them."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The times and counts of the life cycle that a deployment may set; none of them can switch four eyes off."""

    checks_within: timedelta = timedelta(days=30)
    decision_within: timedelta = timedelta(days=30)
    sign_in_age: timedelta = timedelta(minutes=15)
    clock_skew: timedelta = timedelta(seconds=60)
    least_assurance: int = 2
    assurance: Mapping[str, int] = field(default_factory=lambda: ASSURANCE)
    retrievals: int = 3
    release_within: timedelta = timedelta(seconds=90)
    """A release still running after this was cut short (the function that runs it lives 60 seconds)."""
    collect_within: timedelta = timedelta(hours=24)
