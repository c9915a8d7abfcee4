"""An emergency access from opening to hand-over: the same keys, the same examination, the same order as a release.

The ledger holds that it was opened, proven, before a key is used, and what leaves, proven, before it does. What stands
in for an approval is the domain's own rule, made before; what the engine asks of direct care besides, a care
relationship with each person, is what the clinician declares by opening it, and what the review is about.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from keyholder.emergency.decide import ALREADY_ANSWERED, Opening, Policy, Wanted
from keyholder.emergency.desk import Call, EmergencyDesk, Noted
from keyholder.emergency.events import Released
from keyholder.ledger.log import LedgerUnavailableError, Recorded
from keyholder.ledger.ports import Clock
from keyholder.policy.assess import assess_request
from keyholder.policy.choices import ChoiceStore
from keyholder.policy.days import london_day
from keyholder.policy.facts import Agreement, CareRelationship, PolicyRequest, Requester
from keyholder.policy.settings import PolicyFacts
from keyholder.policy.vocabulary import (
    CareOrigin,
    LegalBasis,
    OutputForm,
    PolicyIdentifier,
    Purpose,
    RequesterRole,
    SourceDataset,
)
from keyholder.pseudonyms.key_ring import KeyRing, KeyUnavailableError, OpenedKeys
from keyholder.refusals import Refusal
from keyholder.registry.domains import Domain
from keyholder.registry.people import Person
from keyholder.registry.service import Registry
from keyholder.registry.sign_in import SignIn
from keyholder.release.chunks import chunks
from keyholder.release.examination import Asked, Examination
from keyholder.release.items import Item, Outcome, result_csv
from keyholder.release.people import Secrets, registered_people
from keyholder.release.releasing import FAULT, KEYS_UNAVAILABLE, POLICY_CHANGED, proven
from keyholder.release.sealing import seal
from keyholder.release.subject_tags import epoch_of
from keyholder.vocabulary import DomainId, IdentifierType, ProjectId, StreamId

NO_PROJECT = ProjectId("none")
"""No consent is to a project of this name."""


@dataclass(frozen=True, slots=True)
class Emergency:
    """What is asked for. `public_key`: to whom the result is encrypted; without it the items are in the answer."""

    domain: DomainId
    wanted: Wanted
    records: tuple[Asked, ...] = field(repr=False)
    public_key: str | None = None


@dataclass(frozen=True, slots=True)
class GivenOut:
    """What the clinician gets, with the proof of each step."""

    noted: Noted
    recorded: tuple[Recorded, ...] = field(repr=False)
    items: tuple[Item, ...] = field(repr=False)
    sealed: bytes | None = field(default=None, repr=False)


Alert = Callable[[Noted], None]
"""Has the controllers told at once. That it fails keeps nobody from care: the sweeper announces the same step."""


@dataclass(frozen=True, slots=True)
class EmergencyReleasing:
    """The emergency work of the `release` function. Methods raise what `releasing.Releasing` raises."""

    desk: EmergencyDesk
    registry: Registry
    ring: KeyRing
    secrets: Secrets
    choices: ChoiceStore
    policy: Callable[[], PolicyFacts]
    alert: Alert
    clock: Clock

    def release(self, call: Call, person: Person, sign_in: SignIn, emergency: Emergency) -> GivenOut | Refusal:
        """Open an access and hand out what the policy allows, now."""
        domain = self.registry.domain(emergency.domain)
        opened = self.desk.open(
            call,
            Opening(person, sign_in, domain, emergency.wanted),
            lambda known, now: self._assess(known, person, emergency, now),
        )
        if isinstance(opened, Refusal):
            return opened
        if opened.replayed or domain is None:
            # Whatever the first call gave is not kept, and a second access is one of its own.
            return ALREADY_ANSWERED
        proven(opened.recorded)
        self.alert(opened)
        try:
            return self._hand_out(opened, person, domain, emergency, call.trace)
        except LedgerUnavailableError:
            raise
        except KeyUnavailableError:
            self.desk.fail(person.id, opened.access.id, KEYS_UNAVAILABLE, call.trace)
            raise
        except Exception:
            self.desk.fail(person.id, opened.access.id, FAULT, call.trace)
            raise

    def _assess(self, domain: Domain, person: Person, emergency: Emergency, now: datetime) -> Policy:
        facts = self.policy()
        found = assess_request(policy_request(domain, person, emergency.wanted.identifier_types, now), facts, now)
        return Policy(facts.policy_hash, () if found.passes else tuple(reason.value for reason in found.reasons))

    def _hand_out(
        self, opened: Noted, person: Person, domain: Domain, emergency: Emergency, trace: str
    ) -> GivenOut | Refusal:
        now, facts = self.clock.now(), self.policy()
        access = opened.access
        if facts.policy_hash != access.policy_hash:
            self.desk.fail(person.id, access.id, POLICY_CHANGED.code, trace)
            return POLICY_CHANGED
        outcomes = self._outcomes(domain, person, emergency, facts, now)
        items = tuple(outcome.item for outcome in outcomes)
        sealed = None
        if emergency.public_key is not None:
            sealed = seal(emergency.public_key, result_csv(items, emergency.wanted.identifier_types))
        (chunk,) = chunks(access.id, epoch_of(now), outcomes)
        released = Released(
            access=access.id,
            domain=domain.id,
            epoch=chunk.epoch,
            subjects=chunk.subjects,
            unresolved=chunk.unresolved,
            result_sha256=None if sealed is None else hashlib.sha256(sealed).hexdigest(),
        )
        noted = self.desk.released(person.id, released, trace)
        if isinstance(noted, Refusal):
            return noted
        return GivenOut(noted, (opened.recorded, proven(noted.recorded)), items, sealed)

    def _outcomes(
        self, domain: Domain, person: Person, emergency: Emergency, facts: PolicyFacts, now: datetime
    ) -> Sequence[Outcome]:
        with (
            registered_people(self.secrets, self.choices, NO_PROJECT, now) as people,
            OpenedKeys(self.ring) as keys,
        ):
            examination = Examination(
                domain.id,
                policy_request(domain, person, emergency.wanted.identifier_types, now),
                people,
                facts,
                now,
                domain.schemes,
                domain.newest_versions(),
                care=CareRelationship(now, None),
            )
            return examination.outcomes(emergency.records, keys)


def policy_request(domain: Domain, person: Person, kinds: Sequence[IdentifierType], now: datetime) -> PolicyRequest:
    """An emergency access as the policy sees it: individual care, by a clinician, of one domain.

    Every rule of the engine is asked. The domain's own rule that allows emergency access takes the place of the
    approvals and of the agreement that other requests need beforehand.
    """
    identifiers = tuple(PolicyIdentifier(kind.value) for kind in kinds)
    return PolicyRequest(
        purpose=Purpose.INDIVIDUAL_CARE,
        legal_basis=LegalBasis.IMPLIED_CONSENT_DIRECT_CARE,
        output_form=OutputForm.IDENTIFIABLE,
        source_dataset=SourceDataset(domain.source_dataset.value),
        care_origin=CareOrigin(domain.care_origin.value),
        project_id=NO_PROJECT,
        identifiers_requested=identifiers,
        identifiers_approved=identifiers,
        controllers_required=domain.controllers,
        controllers_approved=domain.controllers if domain.emergency_access else (),
        controllers_refused=(),
        agreement=Agreement(f"domain/{domain.id}", london_day(now)) if domain.emergency_access else None,
        requester=Requester(RequesterRole.CLINICIAN, person.accredited_until),
        collection=domain.id,
    )


def opened_event(noted: Noted) -> tuple[StreamId, int]:
    """Where the opening stands in its stream."""
    event = noted.recorded.events[0]
    return event.stream, event.number
