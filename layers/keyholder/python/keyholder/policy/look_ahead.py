"""Whose national data opt-out has to be checked (again), so that a release tomorrow is not held up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from keyholder.policy import checks
from keyholder.policy.days import london_day
from keyholder.policy.facts import NdooCheck, Person, PersonChoices, PolicyRequest
from keyholder.policy.settings import Freshness, PolicyFacts
from keyholder.policy.vocabulary import CheckMode, Reason

_TO_BE_ASKED = frozenset(
    {Reason.NDOO_CHECK_MISSING, Reason.NDOO_CHECK_FAILED, Reason.NDOO_CHECK_INVALID, Reason.NDOO_CHECK_STALE}
)
"""A pending check is being asked about already."""

_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Outlook:
    """One person's check, looked at from today: whether to ask for one, and the last day it can be used (or the new
    one, if it is asked for)."""

    ask: bool
    usable_until: date


def in_reach(request: PolicyRequest, facts: PolicyFacts, now: datetime) -> bool:
    """Whether the opt-out is in scope for somebody whose NHS number is known, whatever they chose."""
    return checks.reach_of(request, _somebody(PersonChoices()), facts, london_day(now)).ndoo


def outlook(request: PolicyRequest, choices: PersonChoices, facts: PolicyFacts, now: datetime) -> Outlook:
    """For a person of a request in whose reach the opt-out is.

    It does not look at what the person chose: somebody who opted out is asked about as often as anybody else, for
    otherwise the requester could tell them by whose answer stays pending.
    """
    today = london_day(now)
    person = _somebody(choices)
    reach = checks.reach_of(request, person, facts, today)
    reasons = checks.ndoo(checks.PersonSituation(request, person, facts, now, today + _A_DAY, reach))
    ask = not _TO_BE_ASKED.isdisjoint(reasons)
    if ask or choices.ndoo_check is None:
        return Outlook(ask, today + timedelta(days=facts.freshness.direct_days))
    return Outlook(ask, _usable_until(choices.ndoo_check, facts.freshness, today))


def next_look(outlooks: Iterable[Outlook], today: date) -> date:
    """The day to look at these people again: when the first of them has to be asked about, not before tomorrow."""
    return max(today + _A_DAY, min((one.usable_until for one in outlooks), default=today))


def _somebody(choices: PersonChoices) -> Person:
    return Person(pseudonym_resolves=True, nhs_number_known=True, choices=choices)


def _usable_until(check: NdooCheck, freshness: Freshness, today: date) -> date:
    if check.performed_on is None:
        return today
    days = freshness.direct_days if check.mode == CheckMode.DIRECT else freshness.cache_days
    return check.performed_on + timedelta(days=days)
