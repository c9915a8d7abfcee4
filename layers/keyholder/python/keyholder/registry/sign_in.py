"""How strongly and how lately somebody has to have signed in for a step that matters.

NIST SP 800-63B and the NHS's session rules ask for a fresh authentication before a sensitive step; how a client is told
so is RFC 9470 (OAuth 2.0 step up).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from keyholder.refusals import Refusal, RefusalKind, StepUp

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

LEAST_ASSURANCE = 2
"""Nothing in Keyholder can be set below it."""

SIGN_IN_WEAK = Refusal(
    "SIGN_IN_WEAK", RefusalKind.SIGN_IN, "Sign in again with a stronger method, one of `acr_values`, then repeat it."
)
SIGN_IN_OLD = Refusal("SIGN_IN_OLD", RefusalKind.SIGN_IN, "Sign in again, then repeat it within 15 minutes.")
REFUSALS = (SIGN_IN_WEAK, SIGN_IN_OLD)


@dataclass(frozen=True, slots=True)
class SignIn:
    """How strongly (`acr`) and when (`auth_time`) the person signed in, as their verified token says."""

    acr: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SignInRules:
    """What a step that matters asks of the sign-in. Raises `ValueError` for less than AAL2.

    A deployment may ask for more before identifiers are handed out (`least_to_release`).
    """

    least: int = LEAST_ASSURANCE
    least_to_release: int = LEAST_ASSURANCE
    within: timedelta = timedelta(minutes=15)
    clock_skew: timedelta = timedelta(seconds=60)
    assurance: Mapping[str, int] = field(default_factory=lambda: ASSURANCE)

    def __post_init__(self) -> None:
        if min(self.least, self.least_to_release) < LEAST_ASSURANCE:
            raise ValueError("a step that matters asks for AAL2 or more")

    def refused(self, sign_in: SignIn, now: datetime, *, releasing: bool = False) -> Refusal | None:
        """What is wrong with a sign-in, and how to sign in again. An `acr` nobody knows is none."""
        least = max(self.least, self.least_to_release) if releasing else self.least
        refusal = None
        if self.assurance.get(sign_in.acr, 0) < least:
            refusal = SIGN_IN_WEAK
        elif not -self.clock_skew <= now - sign_in.at <= self.within:
            refusal = SIGN_IN_OLD
        return refusal and replace(refusal, step_up=StepUp(self._strong(least), int(self.within.total_seconds())))

    def _strong(self, least: int) -> tuple[str, ...]:
        levels = sorted((level, place, acr) for place, (acr, level) in enumerate(self.assurance.items()))
        return tuple(acr for level, _, acr in levels if level >= least)
