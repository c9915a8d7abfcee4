"""The consents held for a project, without whose they are: what an operator compares with the project's own list."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from enum import StrEnum

from keyholder.canonical import JsonObject
from keyholder.policy.choices import Choices
from keyholder.policy.consents import deciding_consent
from keyholder.policy.days import london_day
from keyholder.policy.facts import Consent


class ConsentState(StrEnum):
    """What a consent says today."""

    IN_FORCE = "in_force"
    NOT_YET_GIVEN = "not_yet_given"
    WITHDRAWN = "withdrawn"
    ENDED = "ended"


def consent_list(choices: Choices, project: str, now: datetime) -> JsonObject:
    """Each person's deciding consent for `project` as it stands today, counted by what it says. No order of people."""
    today = london_day(now)
    digests = {digest for register in choices.consents for digest in register.consents}
    decided = []
    for digest in digests:
        held = [
            one for register in choices.consents for one in register.consents_of(digest) if one.project_id == project
        ]
        consent = deciding_consent(held, project, today)
        if consent is not None:
            decided.append(consent)
    states = Counter(_state(consent, now).value for consent in decided)
    return {
        "project": project,
        "people": len(decided),
        "states": dict(sorted(states.items())),
        "consents": [_row(consent, now) for consent in sorted(decided, key=_by_its_days)],
    }


def _by_its_days(consent: Consent) -> tuple[str, str, str]:
    return consent.given_on.isoformat(), str(consent.withdrawn_on), str(consent.ends_on)


def _state(consent: Consent, now: datetime) -> ConsentState:
    today = london_day(now)
    if consent.withdrawn_on is not None and consent.withdrawn_on <= today:
        return ConsentState.WITHDRAWN
    if consent.given_on > today:
        return ConsentState.NOT_YET_GIVEN
    if consent.ends_on is not None and consent.ends_on < today:
        return ConsentState.ENDED
    return ConsentState.IN_FORCE


def _row(consent: Consent, now: datetime) -> JsonObject:
    return {
        "state": _state(consent, now).value,
        "covers_reidentification": consent.covers_reidentification,
        "given_on": consent.given_on.isoformat(),
        "given_by": consent.given_by.value,
        "withdrawn_on": consent.withdrawn_on.isoformat() if consent.withdrawn_on else None,
        "ends_on": consent.ends_on.isoformat() if consent.ends_on else None,
    }
