"""Who may open an emergency access, what may follow, and who reviews it: pure decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from keyholder.emergency.access import (
    MOST_RECORDS,
    REVIEW_WITHIN,
    REVIEWERS,
    Access,
    Accesses,
    EmergencyReason,
    ReviewFinding,
    Verdict,
)
from keyholder.emergency.events import Concluded, EmergencyEvent, Failed, Opened, Overdue, Released, Reviewed
from keyholder.policy.days import london_day
from keyholder.refusals import Refusal, RefusalKind
from keyholder.registry.domains import Domain
from keyholder.registry.factors import Standing, standings
from keyholder.registry.people import Capacity, Person, PersonKind
from keyholder.registry.sign_in import SignIn, SignInRules
from keyholder.vocabulary import IdentifierType, OrganisationCode, Role

NOT_A_CLINICIAN = Refusal(
    "NOT_A_CLINICIAN",
    RefusalKind.FORBIDDEN,
    "Emergency access is for people registered as clinicians who may ask; an operator registers the capacity.",
)
CLINICIAN_NOT_ACCREDITED = Refusal(
    "CLINICIAN_NOT_ACCREDITED",
    RefusalKind.FORBIDDEN,
    "Renew your accreditation; an operator registers until when it holds.",
)
EMERGENCY_OFF = Refusal(
    "EMERGENCY_OFF",
    RefusalKind.FORBIDDEN,
    "This domain has no emergency access. Its controllers can have it switched on; otherwise make a request.",
    "/domain",
)
EMERGENCY_UNREVIEWED = Refusal(
    "EMERGENCY_UNREVIEWED",
    RefusalKind.CONFLICT,
    "Your last emergency access is not reviewed. Two who decide for its domain review it; then another can be opened.",
)
EMERGENCY_TOO_MANY = Refusal(
    "EMERGENCY_TOO_MANY", RefusalKind.INVALID, f"Name one to {MOST_RECORDS} records, each once.", "/records"
)
EMERGENCY_TYPE = Refusal(
    "EMERGENCY_TYPE", RefusalKind.INVALID, "Name identifier types of this domain only.", "/identifier_types"
)
EMERGENCY_POLICY = Refusal(
    "EMERGENCY_POLICY",
    RefusalKind.FORBIDDEN,
    "The policy forbids this; nobody can override it. The ledger says which rule, for those who audit.",
)
NO_SUCH_ACCESS = Refusal("NO_SUCH_ACCESS", RefusalKind.NOT_FOUND, "There is no such emergency access.")
NOT_A_REVIEWER = Refusal(
    "NOT_A_REVIEWER",
    RefusalKind.FORBIDDEN,
    "It is reviewed by those who decide for the domain, each for an organisation that controls it.",
)
OWN_ACCESS = Refusal("OWN_ACCESS", RefusalKind.FORBIDDEN, "Nobody reviews their own access; two others do.")
ALREADY_REVIEWED = Refusal("ALREADY_REVIEWED", RefusalKind.CONFLICT, "You have reviewed it; somebody else is needed.")
REVIEW_OVER = Refusal("REVIEW_OVER", RefusalKind.CONFLICT, "Its review is over.")
NOT_RELEASED_YET = Refusal("NOT_RELEASED_YET", RefusalKind.CONFLICT, "It is under way; review it in two minutes.")
NOT_OVERDUE = Refusal("NOT_OVERDUE", RefusalKind.CONFLICT, "The time for its review is not over.")
NOT_RUNNING = Refusal("EMERGENCY_NOT_RUNNING", RefusalKind.CONFLICT, "This access is over, or was cut short.")
ALREADY_ANSWERED = Refusal(
    "EMERGENCY_ANSWERED",
    RefusalKind.CONFLICT,
    "It was answered, and the answer is not kept. Have it reviewed; then another can be opened.",
)
NOT_A_PUBLIC_KEY = Refusal(
    "NOT_A_PUBLIC_KEY", RefusalKind.INVALID, "Give an age or an ssh-ed25519 public key, or none.", "/public_key"
)
REFUSALS = (
    NOT_A_PUBLIC_KEY,
    NOT_A_CLINICIAN,
    CLINICIAN_NOT_ACCREDITED,
    EMERGENCY_OFF,
    EMERGENCY_UNREVIEWED,
    EMERGENCY_TOO_MANY,
    EMERGENCY_TYPE,
    EMERGENCY_POLICY,
    NO_SUCH_ACCESS,
    NOT_A_REVIEWER,
    OWN_ACCESS,
    ALREADY_REVIEWED,
    REVIEW_OVER,
    NOT_RELEASED_YET,
    NOT_OVERDUE,
    NOT_RUNNING,
    ALREADY_ANSWERED,
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: how many records, and which identifiers of them. The pseudonyms are no part of a decision."""

    reason: EmergencyReason
    identifier_types: tuple[IdentifierType, ...]
    records: int


@dataclass(frozen=True, slots=True)
class Policy:
    """The policy's answer about an access as a whole: the hash of the rules, and what stands against it."""

    hash: str
    objections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Opening:
    """Who asks, how they signed in, and of which domain what."""

    person: Person
    sign_in: SignIn
    domain: Domain | None
    wanted: Wanted


def open_access(
    opening: Opening, accesses: Accesses, policy: Policy, rules: SignInRules, now: datetime
) -> tuple[EmergencyEvent, ...] | Refusal:
    """By a clinician who is freshly and strongly signed in, where the domain allows it, one at a time."""
    clinician, domain, wanted = _clinician(opening.person, now), opening.domain, opening.wanted
    if isinstance(clinician, Refusal):
        return clinician
    if domain is None or not domain.emergency_access:
        return EMERGENCY_OFF
    refused = (
        rules.refused(opening.sign_in, now, releasing=True)
        or _not_wanted(wanted, domain)
        or (EMERGENCY_UNREVIEWED if accesses.unreviewed is not None else None)
        or (EMERGENCY_POLICY if policy.objections else None)
    )
    return refused or (
        Opened(
            access=accesses.next_id(),
            domain=domain.id,
            reason=wanted.reason,
            identifier_types=wanted.identifier_types,
            records=wanted.records,
            organisation=clinician,
            policy_hash=policy.hash,
            review_by=now + REVIEW_WITHIN,
        ),
    )


def _not_wanted(wanted: Wanted, domain: Domain) -> Refusal | None:
    if not 1 <= wanted.records <= MOST_RECORDS:
        return EMERGENCY_TOO_MANY
    of_domain = bool(wanted.identifier_types) and set(wanted.identifier_types) <= set(domain.identifier_types)
    return None if of_domain else EMERGENCY_TYPE


def release(accesses: Accesses, released: Released) -> tuple[EmergencyEvent, ...] | Refusal:
    """What leaves, before it leaves; once, and as many records as were opened."""
    access = accesses.access(released.access)
    if access is None or not access.running or access.domain != released.domain:
        return NOT_RUNNING
    told = sum(map(len, released.subjects.values())) + sum(released.unresolved.values())
    return (released,) if told == access.records else NOT_RUNNING


def fail(accesses: Accesses, access_id: str, code: str) -> tuple[EmergencyEvent, ...] | Refusal:
    """It was cut short, and nothing left."""
    access = accesses.access(access_id)
    if access is None or not access.running:
        return NOT_RUNNING
    return (Failed(access.id, access.domain, code),)


def review(
    acting: Person | None, domain: Domain | None, accesses: Accesses, access_id: str, finding: ReviewFinding
) -> tuple[EmergencyEvent, ...] | Refusal:
    """By two others who decide for the domain. What the second one finds concludes it."""
    access = accesses.access(access_id)
    if access is None or domain is None:
        return NO_SUCH_ACCESS
    part = _part(acting, domain)
    if acting is None or part is None:
        return NOT_A_REVIEWER
    refused = _not_reviewable(acting, accesses, access)
    if refused is not None:
        return refused
    reviewed = Reviewed(access.id, access.domain, part[0], part[1], finding)
    return (reviewed, *_conclusion(access, finding))


def _not_reviewable(acting: Person, accesses: Accesses, access: Access) -> Refusal | None:
    standing = (
        (OWN_ACCESS, acting.id == accesses.person),
        (REVIEW_OVER, access.verdict is not None),
        (NOT_RELEASED_YET, access.running),
        (ALREADY_REVIEWED, any(known.person == acting.id for known in access.reviews)),
    )
    return next((refusal for refusal, holds in standing if holds), None)


def note_overdue(accesses: Accesses, now: datetime) -> tuple[EmergencyEvent, ...] | Refusal:
    """The review was not made in time; said once, by the sweeper."""
    waiting = accesses.unreviewed
    if waiting is None or waiting.overdue or waiting.running or now < waiting.review_by:
        return NOT_OVERDUE
    return (Overdue(waiting.id, waiting.domain),)


def may_see(person: Person, accesses: Accesses, access: Access, domain: Domain | None) -> bool:
    """Whose it is, whoever decides for the domain, and auditors."""
    if person.disabled:
        return False
    decides = domain is not None and bool(standings(person, domain.controllers))
    return person.id == accesses.person or person.has(Role.AUDITOR) or (access.domain == _id(domain) and decides)


def _id(domain: Domain | None) -> object:
    return None if domain is None else domain.id


def _clinician(acting: Person | None, now: datetime) -> OrganisationCode | Refusal:
    """The organisation a clinician acts for."""
    if acting is None or acting.disabled or acting.kind is not PersonKind.HUMAN:
        return NOT_A_CLINICIAN
    organisations = sorted(acting.organisations(Role.RESEARCHER))
    if Capacity.CLINICIAN not in acting.capacities or not organisations:
        return NOT_A_CLINICIAN
    if not acting.accredited_on(london_day(now)):
        return CLINICIAN_NOT_ACCREDITED
    return organisations[0]


def _part(acting: Person | None, domain: Domain) -> Standing | None:
    if acting is None or acting.disabled or acting.kind is not PersonKind.HUMAN:
        return None
    return min(standings(acting, domain.controllers), key=_order, default=None)


_ORDER: Mapping[str, int] = {"controller": 0, "caldicott_guardian": 1, "data_protection_officer": 2}


def _order(part: Standing) -> tuple[int, str]:
    return _ORDER[part[0].value], part[1]


def _conclusion(access: Access, finding: ReviewFinding) -> tuple[Concluded, ...]:
    findings = [known.finding for known in access.reviews] + [finding]
    if len(findings) < REVIEWERS:
        return ()
    upheld = all(one is ReviewFinding.JUSTIFIED for one in findings)
    return (Concluded(access.id, access.domain, Verdict.UPHELD if upheld else Verdict.NOT_UPHELD),)
