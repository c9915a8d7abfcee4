"""What Keyholder knows of one person's choices, for the data protection officer who answers them.

The opt-out service's licence lets its answers be looked at only to apply opt-outs or where the law asks for it (a
subject access request, UK GDPR Article 15): so one role of a data controller may, must say why, and each look is an
event before the answer is given. Nothing here is ever for a requester.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from keyholder.canonical import JsonObject, JsonValue
from keyholder.identifiers import nhs_number
from keyholder.identifiers.not_an_identifier import NotAnIdentifierError
from keyholder.ledger.event import NewEvent
from keyholder.ledger.log import ClaimedError, EventLog, IdempotencyKey
from keyholder.ledger.ports import Head
from keyholder.policy.choices import Choices
from keyholder.policy.days import london_day
from keyholder.policy.digests import Digester, PersonDigest
from keyholder.policy.facts import Consent, NdooCheck
from keyholder.policy.intake import NOT_AN_NHS_NUMBER
from keyholder.policy.type1 import state_of
from keyholder.refusals import Refusal, RefusalKind
from keyholder.registry.domains import Domain
from keyholder.registry.people import Person, PersonKind
from keyholder.registry.replays import KEY_REUSED, replay
from keyholder.vocabulary import ActorId, DomainId, Role, StreamId

CHOICES_VIEWED = "choices.viewed"

NOT_THE_PRIVACY_ROLE = Refusal(
    "NOT_THE_PRIVACY_ROLE",
    RefusalKind.FORBIDDEN,
    "Only a registered data protection officer of a controller of the domain looks at a person's choices.",
)
REFUSALS = (NOT_THE_PRIVACY_ROLE,)


class ViewReason(StrEnum):
    """Why somebody looks at a person's choices."""

    SUBJECT_ACCESS = "subject_access"
    """The person asked (UK GDPR Article 15)."""
    COMPLAINT = "complaint"
    OBJECTION = "objection"
    """The person objects to a use (Article 21)."""
    LEGAL_DUTY = "legal_duty"


class Held(Protocol):
    """Where the registers are. Raises `ChoicesUnavailableError`, `RegisterDamagedError`."""

    def load(self, now: datetime) -> Choices: ...


@dataclass(frozen=True, slots=True)
class PrivacyOfficer:
    """One call of a data protection officer."""

    log: EventLog
    held: Held
    digester: Callable[[], Digester]
    new_id: Callable[[], str]
    person: Person | None
    trace: str
    idempotency: IdempotencyKey | None
    now: datetime

    def choices_of(self, person: str, domain: Domain | None, reason: ViewReason) -> JsonObject | Refusal:
        """The choices of the person with this NHS number, once the ledger says that somebody looks.

        Raises `LedgerUnavailableError`, `ChoicesUnavailableError`, `KeyUnavailableError`, `KeyServiceError`.
        """
        officer = self.person
        if officer is None or domain is None or not _answers_for(officer, domain):
            return NOT_THE_PRIVACY_ROLE
        try:
            number = nhs_number.parse(person)
        except NotAnIdentifierError:
            return NOT_AN_NHS_NUMBER
        view = person_view(self.held.load(self.now), self.digester().digest(number), self.now)
        noted = self._noted(officer, domain.id, reason)
        return noted if isinstance(noted, Refusal) else {"domain": domain.id, **view}

    def _noted(self, officer: Person, domain: DomainId, reason: ViewReason) -> Refusal | None:
        """That somebody looked, for whom and why; not at whom, which no key of this function could say later."""
        try:
            self.log.record(
                StreamId(f"view/{self.new_id()}"),
                0,
                [NewEvent(CHOICES_VIEWED, {"domain": domain, "reason": reason.value})],
                actor=ActorId(officer.id),
                trace=self.trace,
                head=view_head({"domain": domain}),
                idempotency=self.idempotency,
            )
        except ClaimedError:
            found = replay(self.log, self.idempotency)
            return KEY_REUSED if found is None else found if isinstance(found, Refusal) else None
        return None


def view_head(data: JsonObject) -> Head:
    """Where a look is listed."""
    return Head(listings=("choices/views", f"domain-views/{data['domain']}"))


def person_view(choices: Choices, digest: PersonDigest, now: datetime) -> JsonObject:
    """The registers' entries of one person, as they would be read for a release at `now`."""
    today = london_day(now)
    known = choices.of(digest, "", now)
    return {
        "national_data_opt_out": _check(known.ndoo_check),
        "type_1": {
            "state": state_of(known.type1_events, known=known.type1_known, today=today).value,
            "events": [
                {"system": event.system.value, "code": event.code, "recorded_on": event.on.isoformat()}
                for event in known.type1_events
            ],
        },
        "consents": [_consent(consent) for consent in _consents(choices, digest)],
    }


def _answers_for(officer: Person, domain: Domain) -> bool:
    human = officer.kind is PersonKind.HUMAN and not officer.disabled
    return human and bool(officer.organisations(Role.DATA_PROTECTION_OFFICER) & set(domain.controllers))


def _check(check: NdooCheck | None) -> JsonObject | None:
    """None: nobody asked about this person, or so long ago that the answer is deleted."""
    if check is None:
        return None
    performed = check.performed_on.isoformat() if check.performed_on else None
    return {"state": check.state.value, "performed_on": performed, "mode": check.mode.value if check.mode else None}


def _consents(choices: Choices, digest: PersonDigest) -> list[Consent]:
    found = {consent for register in choices.consents for consent in register.consents_of(digest)}
    return sorted(found, key=lambda consent: (consent.project_id, consent.given_on, str(consent.withdrawn_on)))


def _consent(consent: Consent) -> dict[str, JsonValue]:
    return {
        "project": consent.project_id,
        "covers_reidentification": consent.covers_reidentification,
        "given_on": consent.given_on.isoformat(),
        "given_by": consent.given_by.value,
        "withdrawn_on": consent.withdrawn_on.isoformat() if consent.withdrawn_on else None,
        "ends_on": consent.ends_on.isoformat() if consent.ends_on else None,
    }
