"""What follows when somebody looks after a request, or no longer does."""

from __future__ import annotations

from keyholder.requests.case import Case
from keyholder.requests.commands import Claim, HandBack
from keyholder.requests.events import Claimed, HandedBack
from keyholder.requests.outcomes.outcome import Outcome


def claim(case: Case) -> Outcome:
    domain = case.of(Claim).domain
    return (Claimed(domain, case.person.id, case.state.handlers.get(domain)),)


def hand_back(case: Case) -> Outcome:
    return (HandedBack(case.of(HandBack).domain, case.person.id),)
