"""What follows when consents of an approved request are withdrawn."""

from __future__ import annotations

from keyholder.requests.case import Case
from keyholder.requests.commands import RecordConsentFall
from keyholder.requests.events import ConsentFell
from keyholder.requests.outcomes.outcome import Outcome


def record_consent_fall(case: Case) -> Outcome:
    command = case.of(RecordConsentFall)
    return (ConsentFell(command.content_hash, command.people),)
