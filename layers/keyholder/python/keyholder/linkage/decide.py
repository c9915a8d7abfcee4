"""Who may agree to a linkage, who may stop it, and who translates under it: pure decisions.

Two domains' controllers agree beforehand: one of them proposes exact terms, others approve them by their hash, each
domain's quorum as it stands, nobody counted twice and the proposer not at all. Any one of them stops it. Every
translation is decided again with the people, the domains and the project as they are at that moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from keyholder.linkage import refusals
from keyholder.linkage.agreement import Agreement, AgreementState, LinkageEndReason
from keyholder.linkage.events import (
    AgreementApproved,
    AgreementCameIntoForce,
    AgreementEnded,
    AgreementProposed,
    Translated,
    TranslationAuthorised,
)
from keyholder.linkage.terms import LONGEST, Terms
from keyholder.policy.days import london_day, over
from keyholder.refusals import Refusal
from keyholder.registry.domains import Domain
from keyholder.registry.factors import Factor, Standing, standings
from keyholder.registry.people import Person, PersonKind
from keyholder.registry.projects import Project
from keyholder.registry.quorum import Able, met, open_places
from keyholder.registry.terms import TERMS_NOT_ACCEPTED, Document, InForce, current
from keyholder.vocabulary import ContentHash, DomainId, IdentifierType, OrganisationCode, PersonId, Role

Objects = Callable[[Terms], Refusal | None]
"""What the policy has against terms, whoever agrees to them."""


@dataclass(frozen=True, slots=True)
class Parties:
    """The two domains, the project and the approvers, as they are at the moment of a decision.

    `terms` are the terms of use that whoever decides has to have accepted.
    """

    domains: Mapping[DomainId, Domain]
    project: Project | None = None
    approvers: Mapping[PersonId, Person] | None = None
    terms: InForce = field(default_factory=dict)

    def both(self, terms: Terms) -> tuple[Domain, Domain] | None:
        """Source and target; None where one is not registered."""
        source, target = (self.domains.get(name) for name in terms.domains)
        return None if source is None or target is None else (source, target)


@dataclass(frozen=True, slots=True)
class Yes:
    """What an approval says. `factor` and `organisation` are needed only of who could fill several places."""

    domain: DomainId
    terms_hash: ContentHash
    factor: Factor | None = None
    organisation: OrganisationCode | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """Terms, and what the policy has against them. `existing` is an agreement that has the new one's id already."""

    terms: Terms
    objects: Objects
    existing: Agreement | None = None


def propose(
    acting: Person | None, proposal: Proposal, parties: Parties, now: datetime
) -> tuple[AgreementProposed, ...] | Refusal:
    """Terms put before the controllers of both domains, by a human controller of one of them."""
    terms = proposal.terms
    both = parties.both(terms)
    if both is None:
        return refusals.DOMAIN_UNKNOWN
    refusal = (
        _not_deciding(acting, both)
        or _not_accepted(acting, parties)
        or _terms_refused(terms, both, now)
        or proposal.objects(terms)
        or _project_refused(terms, parties.project, now)
    )
    if proposal.existing is not None:
        return refusals.ALREADY_PROPOSED
    return refusal or (AgreementProposed(terms, parties.terms.get(Document.APPROVER)),)


def approve(
    acting: Person | None, agreement: Agreement | None, parties: Parties, yes: Yes, now: datetime
) -> tuple[AgreementApproved | AgreementCameIntoForce, ...] | Refusal:
    """One person's yes for one domain; with the last one that is needed the agreement is in force."""
    found = _found(acting, agreement, parties)
    if isinstance(found, Refusal):
        return found
    person, known, both = found
    domain = next((one for one in both if one.id == yes.domain), None)
    refusal = _not_accepted(person, parties) or _not_approvable(known, person, parties.project, yes, now)
    if refusal is not None or domain is None:
        return refusal or refusals.NOT_ONE_OF_ITS_DOMAINS
    part = _part(known, person, domain, parties, yes)
    if isinstance(part, Refusal):
        return part
    approved = AgreementApproved(known.terms, domain.id, *part, parties.terms.get(Document.APPROVER))
    counted = {one.id: _counted(known, one, parties) for one in both}
    counted[domain.id] = {**counted[domain.id], person.id: frozenset({part})}
    if all(met(counted[one.id], one.needs()) for one in both):
        return approved, AgreementCameIntoForce(known.terms)
    return (approved,)


def end(
    acting: Person | None, agreement: Agreement | None, parties: Parties, reason: LinkageEndReason, now: datetime
) -> tuple[AgreementEnded, ...] | Refusal:
    """Refuse a proposal or end an agreement: one human of one controller suffices."""
    found = _found(acting, agreement, parties)
    if isinstance(found, Refusal):
        return found
    _, known, _ = found
    over_already = known.state(now) in {AgreementState.ENDED, AgreementState.EXPIRED}
    return refusals.AGREEMENT_OVER if over_already else (AgreementEnded(known.terms, reason),)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a translation is asked for: so many rows, and so many pseudonyms of each identifier type.

    `distinct`: every row has an id of its own.
    """

    translation: str
    rows: int
    tokens: Mapping[IdentifierType, int]
    distinct: bool = True


def authorise(
    acting: Person | None, agreement: Agreement | None, parties: Parties, wanted: Wanted, now: datetime
) -> tuple[TranslationAuthorised, ...] | Refusal:
    """Leave to translate so many pseudonyms, by an entitled person; they count from then on."""
    refusal = usable(acting, agreement, parties, now)
    if refusal is not None or agreement is None:
        return refusal or refusals.AGREEMENT_UNKNOWN
    terms = agreement.terms
    if not set(wanted.tokens) <= {*terms.identifier_types, IdentifierType.NHS_NUMBER}:
        return refusals.TYPE_NOT_AGREED
    if not wanted.distinct:
        return refusals.ROW_IDS_NOT_UNIQUE
    counted = {kind: count for kind, count in wanted.tokens.items() if kind in terms.identifier_types}
    if not counted:
        return refusals.TYPE_NOT_AGREED
    if agreement.tokens_used + sum(counted.values()) > terms.most_tokens:
        return refusals.TOKENS_SPENT
    return (TranslationAuthorised(terms, wanted.translation, wanted.rows, counted),)


def usable(acting: Person | None, agreement: Agreement | None, parties: Parties, now: datetime) -> Refusal | None:
    """Why this person can't translate under the agreement now; None where they can."""
    both = parties.both(agreement.terms) if agreement is not None else None
    if agreement is None or both is None or acting is None or acting.disabled:
        return refusals.AGREEMENT_UNKNOWN
    carrier = agreement.terms.carried_out_by
    if carrier not in acting.organisations(Role.PROVIDER) or not any(carrier in one.controllers for one in both):
        return refusals.NOT_THE_CARRIER
    if acting.id in agreement.approvers:
        return refusals.APPROVER_TRANSLATES
    state = agreement.state(now)
    if state is not AgreementState.IN_FORCE:
        return refusals.NOT_IN_FORCE if state is AgreementState.PROPOSED else refusals.AGREEMENT_OVER
    if not all(met(_counted(agreement, one, parties), one.needs()) for one in both):
        return refusals.APPROVALS_LOST
    return _project_refused(agreement.terms, parties.project, now)


def finish(
    acting: Person | None, agreement: Agreement | None, parties: Parties, outcome: Translated, now: datetime
) -> tuple[Translated, ...] | Refusal:
    """What became of an authorised translation, while it is still allowed: whoever ends an agreement ends this too."""
    refusal = usable(acting, agreement, parties, now)
    if refusal is not None or agreement is None:
        return refusal or refusals.AGREEMENT_UNKNOWN
    asked = dict(agreement.unfinished).get(outcome.translation)
    if asked is None:
        return refusals.TRANSLATION_UNKNOWN
    told = sum(sum(counts.values()) for counts in outcome.cells.values())
    return (outcome,) if told == asked else refusals.COUNTS_DIFFER


def may_read(person: Person, agreement: Agreement, domains: Iterable[Domain]) -> bool:
    """Whoever decides for one of the domains, whoever carries it out, and every auditor."""
    if person.has(Role.AUDITOR) or agreement.terms.carried_out_by in person.organisations(Role.PROVIDER):
        return True
    return any(standings(person, one.controllers) for one in domains)


def _found(
    acting: Person | None, agreement: Agreement | None, parties: Parties
) -> tuple[Person, Agreement, tuple[Domain, Domain]] | Refusal:
    both = parties.both(agreement.terms) if agreement is not None else None
    if agreement is None or both is None:
        return refusals.AGREEMENT_UNKNOWN
    refusal = _not_deciding(acting, both)
    if refusal is not None or acting is None:
        return refusal or refusals.NOT_A_CONTROLLER
    return acting, agreement, both


def _not_deciding(acting: Person | None, both: tuple[Domain, Domain]) -> Refusal | None:
    if acting is None or acting.disabled:
        return refusals.NOT_A_CONTROLLER
    if not any(standings(acting, one.controllers) for one in both):
        promised = replace(acting, awaiting=frozenset())
        waits = any(standings(promised, one.controllers) for one in both)
        return refusals.ROLE_NOT_CONFIRMED if waits else refusals.NOT_A_CONTROLLER
    return None if acting.kind is PersonKind.HUMAN else refusals.NOT_HUMAN


def _not_accepted(acting: Person | None, parties: Parties) -> Refusal | None:
    accepted = acting is not None and current(acting.terms, Document.APPROVER, parties.terms)
    return None if accepted else TERMS_NOT_ACCEPTED


def _terms_refused(terms: Terms, both: tuple[Domain, Domain], now: datetime) -> Refusal | None:
    if terms.from_domain == terms.to_domain:
        return refusals.SAME_DOMAIN
    for domain in both:
        if not {*terms.identifier_types, IdentifierType.NHS_NUMBER} <= set(domain.identifier_types):
            return refusals.TYPE_NOT_IN_DOMAINS
    if not any(terms.carried_out_by in domain.controllers for domain in both):
        return refusals.CARRIER_CONTROLS_NEITHER
    today = london_day(now)
    return None if today <= terms.until <= today + LONGEST else refusals.UNTIL_OUT_OF_RANGE


def _project_refused(terms: Terms, project: Project | None, now: datetime) -> Refusal | None:
    if terms.project is None:
        return None
    if project is None or project.id != terms.project or not set(terms.domains) <= set(project.domains):
        return refusals.PROJECT_UNKNOWN
    return refusals.PROJECT_OVER if over(project.active_until, london_day(now)) else None


def _not_approvable(
    agreement: Agreement, person: Person, project: Project | None, yes: Yes, now: datetime
) -> Refusal | None:
    if agreement.state(now) is not AgreementState.PROPOSED:
        return refusals.NOT_PROPOSED
    if yes.terms_hash != agreement.terms_hash:
        return refusals.OTHER_TERMS
    if person.id == agreement.proposed_by:
        return refusals.OWN_PROPOSAL
    if _on_project(agreement.terms, project, person.id):
        return refusals.ON_THE_PROJECT
    if person.id in agreement.approvers:
        return refusals.ALREADY_APPROVED
    return _project_refused(agreement.terms, project, now)


def _on_project(terms: Terms, project: Project | None, person: PersonId) -> bool:
    """Unknown counts as yes."""
    return terms.project is not None and (project is None or project.ever_on(person))


def _part(agreement: Agreement, person: Person, domain: Domain, parties: Parties, yes: Yes) -> Standing | Refusal:
    """The place this person fills: as they name it, or the only one they could."""
    able = [
        part
        for part in sorted(standings(person, domain.controllers))
        if yes.factor in (None, part[0]) and yes.organisation in (None, part[1])
    ]
    if not able:
        return refusals.NOT_A_CONTROLLER
    counted, needs = _counted(agreement, domain, parties), domain.needs()
    left = len(open_places(counted, needs))
    helping = [part for part in able if len(open_places({**counted, person.id: frozenset({part})}, needs)) < left]
    if not helping:
        return refusals.PLACE_TAKEN
    return helping[0] if len(helping) == 1 else refusals.PART_UNCLEAR


def _counted(agreement: Agreement, domain: Domain, parties: Parties) -> Able:
    """Whose approval for a domain stands: a human who still has the part they took, and never was on the project."""
    counted: dict[PersonId, frozenset[Standing]] = {}
    for approval in agreement.approvals:
        person = (parties.approvers or {}).get(approval.person)
        if approval.domain != domain.id or person is None or person.disabled or person.kind is not PersonKind.HUMAN:
            continue
        if _on_project(agreement.terms, parties.project, person.id) or person.id == agreement.proposed_by:
            continue
        if approval.part in standings(person, domain.controllers):
            counted[person.id] = frozenset({approval.part})
    return counted
