"""Who may ask for a standing approval, who approves and ends one, and what it approves: pure decisions.

A project asks once for what it will need again and again; the controllers of every domain approve the bounds by their
hash, with the same quorum as a request's. Any one of them ends it. Every request under it is decided again with the
people, the domains and the project as they are at that moment, and again when something is released.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from keyholder.policy.days import london_day, over
from keyholder.refusals import Refusal
from keyholder.registry.domains import Domain
from keyholder.registry.factors import Factor, Standing, standings
from keyholder.registry.people import Person, PersonKind
from keyholder.registry.projects import Project
from keyholder.registry.quorum import Able, met, open_places
from keyholder.registry.terms import TERMS_NOT_ACCEPTED, Document, InForce, current
from keyholder.standing import refusals
from keyholder.standing.approval import StandingApproval, StandingEndReason, StandingState
from keyholder.standing.events import (
    StandingApproved,
    StandingAsked,
    StandingCameIntoForce,
    StandingDrawn,
    StandingEnded,
)
from keyholder.standing.terms import LONGEST, Terms
from keyholder.vocabulary import (
    ContentHash,
    DomainId,
    IdentifierType,
    OrganisationCode,
    PersonId,
    ProjectId,
    RequestId,
    Role,
)


@dataclass(frozen=True, slots=True)
class Parties:
    """The domains, the project and the approvers, as they are at the moment of a decision. What is missing is no.

    `terms` are the terms of use that have to be accepted. `candidates` are those who could approve, where they are
    known; without them nothing is said about whether a quorum can be reached.
    """

    domains: Mapping[DomainId, Domain] = field(default_factory=dict)
    project: Project | None = None
    approvers: Mapping[PersonId, Person] = field(default_factory=dict)
    terms: InForce = field(default_factory=dict)
    candidates: tuple[Person, ...] | None = None


@dataclass(frozen=True, slots=True)
class Yes:
    """What an approval says. `factor` and `organisation` are needed only of who could fill several places."""

    domain: DomainId
    terms_hash: ContentHash
    factor: Factor | None = None
    organisation: OrganisationCode | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks for, as far as the terms are about it. `records` are those of all domains together."""

    request: RequestId
    content_hash: ContentHash
    project: ProjectId
    domains: frozenset[DomainId]
    identifier_types: frozenset[IdentifierType]
    purpose: str
    legal_basis: str
    recipient: OrganisationCode
    records: int


def ask(
    acting: Person | None, terms: Terms, existing: StandingApproval | None, parties: Parties, now: datetime
) -> tuple[StandingAsked, ...] | Refusal:
    """Bounds put before the controllers of every domain, by a researcher on the project."""
    refusal = (
        _not_asking(acting, parties.project, terms.project, now)
        or _not_accepted(acting, Document.REQUESTER, parties)
        or _terms_refused(terms, parties, now)
        or (refusals.ALREADY_ASKED if existing is not None else None)
        or _unattainable(acting, terms, parties)
    )
    return refusal or (StandingAsked(terms, parties.terms.get(Document.REQUESTER)),)


def approve(
    acting: Person | None, standing: StandingApproval | None, parties: Parties, yes: Yes, now: datetime
) -> tuple[StandingApproved | StandingCameIntoForce, ...] | Refusal:
    """One person's yes for one domain; with the last one that is needed it is in force."""
    found = _deciding(acting, standing, parties)
    if isinstance(found, Refusal):
        return found
    person, known = found
    refusal = _not_accepted(person, Document.APPROVER, parties) or _not_approvable(known, person, parties, yes, now)
    if refusal is not None:
        return refusal
    part = _part(known, person, parties.domains[yes.domain], parties, yes)
    if isinstance(part, Refusal):
        return part
    approved = StandingApproved(known.terms, yes.domain, *part, parties.terms.get(Document.APPROVER))
    counted = {name: counted_for(known, name, parties) for name in known.terms.domains}
    counted[yes.domain] = {**counted[yes.domain], person.id: frozenset({part})}
    if all(met(counted[name], parties.domains[name].needs()) for name in known.terms.domains):
        return approved, StandingCameIntoForce(known.terms)
    return (approved,)


def end(
    acting: Person | None,
    standing: StandingApproval | None,
    parties: Parties,
    reason: StandingEndReason,
    now: datetime,
) -> tuple[StandingEnded, ...] | Refusal:
    """Refuse or revoke it: one human of one controller suffices."""
    found = _deciding(acting, standing, parties)
    if isinstance(found, Refusal):
        return found
    _, known = found
    over_already = known.state(now) in {StandingState.ENDED, StandingState.EXPIRED}
    return refusals.STANDING_OVER if over_already else (StandingEnded(known.terms, reason),)


def draw(
    acting: Person | None, standing: StandingApproval | None, parties: Parties, wanted: Wanted, now: datetime
) -> tuple[StandingDrawn, ...] | Refusal:
    """Take a request's records from the weekly volume; nothing more where they are taken already."""
    if standing is None:
        return refusals.STANDING_UNKNOWN
    refusal = _not_asking(acting, parties.project, standing.terms.project, now) or covers(standing, wanted, now)
    if refusal is not None:
        return refusal
    if any(name not in parties.domains for name in standing.terms.domains) or not _stands(standing, parties):
        return refusals.NOT_IN_FORCE
    if standing.drawn(wanted.request, wanted.content_hash) is not None:
        return ()
    return (StandingDrawn(standing.terms, wanted.request, wanted.content_hash, wanted.records),)


def covers(standing: StandingApproval | None, wanted: Wanted, now: datetime) -> Refusal | None:
    """Why a standing approval does not approve a request; None where it does."""
    if standing is None or standing.terms.project != wanted.project:
        return refusals.STANDING_UNKNOWN
    refusal = not_in_force(standing, now)
    if refusal is not None:
        return refusal
    terms = standing.terms
    within = (
        wanted.domains <= set(terms.domains)
        and wanted.identifier_types <= set(terms.identifier_types)
        and (wanted.purpose, wanted.legal_basis) == (terms.purpose.value, terms.legal_basis.value)
        and wanted.recipient == terms.recipient
    )
    if not within or not wanted.domains or wanted.records < 1:
        return refusals.BEYOND_TERMS
    taken = standing.drawn(wanted.request, wanted.content_hash)
    fits = taken.records == wanted.records if taken else wanted.records <= standing.records_left(now)
    return None if fits else refusals.WEEK_SPENT


def not_in_force(standing: StandingApproval, now: datetime) -> Refusal | None:
    """Why nothing may be released under it now."""
    state = standing.state(now)
    if state is StandingState.IN_FORCE:
        return None
    return refusals.NOT_IN_FORCE if state is StandingState.ASKED else refusals.STANDING_OVER


def counted_for(standing: StandingApproval, domain: DomainId, parties: Parties) -> Able:
    """Whose approval for a domain counts today, each with the one part they took."""
    known, project = parties.domains[domain], parties.project
    counted = {}
    for approval in standing.approvals_of(domain):
        person = parties.approvers.get(approval.person)
        stands = person is not None and _eligible(standing, person, project)
        if stands and person is not None and approval.part in standings(person, known.controllers):
            counted[approval.person] = frozenset({approval.part})
    return counted


def may_read(person: Person, standing: StandingApproval, project: Project | None, domains: Iterable[Domain]) -> bool:
    """Whoever is on the project, whoever decides for one of the domains, and every auditor."""
    if person.disabled:
        return False
    if person.has(Role.AUDITOR) or person.id == standing.asked_by:
        return True
    on_it = project is not None and person.id in project.members
    return on_it or any(standings(person, domain.controllers) for domain in domains)


def _stands(standing: StandingApproval, parties: Parties) -> bool:
    """Whether the approvals suffice, counted again."""
    return all(
        met(counted_for(standing, name, parties), parties.domains[name].needs()) for name in standing.terms.domains
    )


def _eligible(standing: StandingApproval, person: Person, project: Project | None) -> bool:
    return person.id != standing.asked_by and _independent(person, project)


def _independent(person: Person, project: Project | None) -> bool:
    """An enabled human who is not, and never was, on the project. Unknown counts as no."""
    human = person.kind is PersonKind.HUMAN and not person.disabled
    return human and project is not None and not project.ever_on(person.id)


def _not_asking(acting: Person | None, project: Project | None, named: ProjectId, now: datetime) -> Refusal | None:
    if acting is None or acting.disabled or not acting.has(Role.RESEARCHER):
        return refusals.NOT_ON_THE_PROJECT
    if project is None or project.id != named or acting.id not in project.members:
        return refusals.NOT_ON_THE_PROJECT
    if not acting.accredited_on(london_day(now)):
        return refusals.NOT_ACCREDITED
    return refusals.PROJECT_OVER if over(project.active_until, london_day(now)) else None


def _not_accepted(acting: Person | None, document: Document, parties: Parties) -> Refusal | None:
    """Who asks and who decides has accepted the newest terms of use, as for a request."""
    accepted = acting is not None and current(acting.terms, document, parties.terms)
    return None if accepted else TERMS_NOT_ACCEPTED


def _unattainable(acting: Person | None, terms: Terms, parties: Parties) -> Refusal | None:
    """Whether some domain's quorum could not be met by the people there are, without whoever asks."""
    project, candidates = parties.project, parties.candidates
    if candidates is None or acting is None:
        return None
    others = [one for one in candidates if one.id != acting.id and _independent(one, project)]
    for name in terms.domains:
        domain = parties.domains[name]
        if not met({one.id: standings(one, domain.controllers) for one in others}, domain.needs()):
            return refusals.QUORUM_UNATTAINABLE
    return None


def _terms_refused(terms: Terms, parties: Parties, now: datetime) -> Refusal | None:
    project = parties.project
    if project is None or not set(terms.domains) <= set(project.domains) & set(parties.domains):
        return refusals.DOMAIN_NOT_COVERED
    if any(not set(terms.identifier_types) <= set(parties.domains[name].identifier_types) for name in terms.domains):
        return refusals.TYPE_NOT_IN_DOMAINS
    today = london_day(now)
    return None if today <= terms.until <= today + LONGEST else refusals.UNTIL_OUT_OF_RANGE


def _deciding(
    acting: Person | None, standing: StandingApproval | None, parties: Parties
) -> tuple[Person, StandingApproval] | Refusal:
    if standing is None or any(name not in parties.domains for name in standing.terms.domains):
        return refusals.STANDING_UNKNOWN
    if acting is None or acting.disabled:
        return refusals.NOT_A_CONTROLLER
    domains = [parties.domains[name] for name in standing.terms.domains]
    if not any(standings(acting, domain.controllers) for domain in domains):
        promised = replace(acting, awaiting=frozenset())
        waits = any(standings(promised, domain.controllers) for domain in domains)
        return refusals.ROLE_NOT_CONFIRMED if waits else refusals.NOT_A_CONTROLLER
    return (acting, standing) if acting.kind is PersonKind.HUMAN else refusals.NOT_HUMAN


def _not_approvable(
    standing: StandingApproval, person: Person, parties: Parties, yes: Yes, now: datetime
) -> Refusal | None:
    if standing.state(now) is not StandingState.ASKED:
        return refusals.NOT_OPEN
    if yes.terms_hash != standing.terms_hash:
        return refusals.OTHER_TERMS
    project = parties.project
    if project is None or project.ever_on(person.id) or person.id == standing.asked_by:
        return refusals.SELF_APPROVAL if person.id == standing.asked_by else refusals.ON_THE_PROJECT
    if yes.domain not in standing.terms.domains:
        return refusals.DOMAIN_NOT_ASKED
    if any(one.person == person.id for one in standing.approvals_of(yes.domain)):
        return refusals.ALREADY_APPROVED
    return refusals.PROJECT_OVER if over(project.active_until, london_day(now)) else None


def _part(standing: StandingApproval, person: Person, domain: Domain, parties: Parties, yes: Yes) -> Standing | Refusal:
    """The place this person fills: as they name it, or the only one they could."""
    able = [
        part
        for part in sorted(standings(person, domain.controllers))
        if yes.factor in (None, part[0]) and yes.organisation in (None, part[1])
    ]
    if not able:
        return refusals.NOT_A_CONTROLLER
    counted, needs = counted_for(standing, domain.id, parties), domain.needs()
    missing = len(open_places(counted, needs))
    helping = [part for part in able if len(open_places({**counted, person.id: frozenset({part})}, needs)) < missing]
    if not helping:
        return refusals.PLACE_TAKEN
    return helping[0] if len(helping) == 1 else refusals.PART_UNCLEAR
