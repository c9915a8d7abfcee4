"""The rules a transition names: each looks at the case and says no, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from keyholder.refusals import Refusal
from keyholder.registry.people import PersonKind
from keyholder.requests import reasons
from keyholder.requests.actors import PersonActor
from keyholder.requests.case import Case
from keyholder.requests.codes import DecisionState
from keyholder.requests.commands import (
    Approve,
    AuthoriseRelease,
    Collect,
    FailRelease,
    FinishRelease,
    HoldChecks,
    RecordChecks,
    RecordChunk,
    Reject,
    Submit,
)
from keyholder.requests.content import Delivery
from keyholder.requests.quorum import attainable, quorum_met
from keyholder.requests.state import Release
from keyholder.vocabulary import DomainId, OrganisationCode, Role


@dataclass(frozen=True, slots=True)
class Guard:
    """A rule with the sentence that stands for it on the permissions page."""

    sentence: str
    check: Callable[[Case], Refusal | None]


def _project_member(case: Case) -> Refusal | None:
    project = case.facts.project
    if project is None or project.id != case.summary.project or case.person.id not in project.members:
        return reasons.NOT_ON_THE_PROJECT
    return reasons.PROJECT_OVER if case.today > project.active_until else None


def _same_project(case: Case) -> Refusal | None:
    stands = case.state.summary
    return reasons.PROJECT_FIXED if stands and stands.project != case.summary.project else None


def _accredited(case: Case) -> Refusal | None:
    return None if case.person.accredited_on(case.today) else reasons.NOT_ACCREDITED


def _capacity_held(case: Case) -> Refusal | None:
    return None if case.summary.capacity in case.person.capacities else reasons.CAPACITY_NOT_HELD


def _domains_covered(case: Case) -> Refusal | None:
    project = case.facts.project
    for domain in case.state.approved_domains() or case.summary.records:
        known = case.facts.domains.get(domain)
        if project is None or domain not in project.domains or known is None:
            return reasons.DOMAIN_NOT_COVERED
        if not set(case.summary.identifier_types) <= set(known.identifier_types):
            return reasons.TYPE_NOT_IN_DOMAIN
    return None


def _destroyed_later(case: Case) -> Refusal | None:
    return None if case.summary.destroy_by > case.today else reasons.DESTROY_BY_PAST


def _policy_allows(case: Case) -> Refusal | None:
    assessment = case.facts.assessment
    if assessment is None:
        return reasons.POLICY_NOT_ASKED
    return reasons.policy_refusal(assessment.reasons[0]) if assessment.reasons else None


def _quorum_attainable(case: Case) -> Refusal | None:
    project, candidates = case.facts.project, case.facts.candidates
    if candidates is None or project is None:
        return None
    free = {
        person.id: person.organisations(Role.CONTROLLER)
        for person in candidates
        if not person.disabled
        and person.kind is PersonKind.HUMAN
        and person.id != case.state.requester
        and not project.ever_on(person.id)
    }
    domains = (case.facts.domains[domain] for domain in case.summary.records)
    possible = all(attainable(free, domain.controllers, domain.quorum) for domain in domains)
    return None if possible else reasons.QUORUM_UNATTAINABLE


def _draft_meant(case: Case) -> Refusal | None:
    meant = case.of(Submit).content_hash
    return reasons.OTHER_CONTENT if meant is not None and meant != case.state.content_hash else None


def _same_content(case: Case) -> Refusal | None:
    command = case.command
    if not isinstance(command, RecordChecks | HoldChecks | Approve | Reject | AuthoriseRelease):
        raise TypeError("this rule is about commands that name a content")
    return None if command.content_hash == case.state.content_hash else reasons.OTHER_CONTENT


def decided_domain(case: Case) -> DomainId:
    """The domain an approval or rejection is for."""
    command = case.command
    if not isinstance(command, Approve | Reject):
        raise TypeError("this rule is about decisions")
    return command.domain


def deciding_organisation(case: Case) -> OrganisationCode | None:
    """The one organisation the person decides for, None where that is not clear."""
    command = case.command
    if not isinstance(command, Approve | Reject):
        raise TypeError("this rule is about decisions")
    able = case.stands_for(command.domain)
    if command.organisation is None:
        return next(iter(able)) if len(able) == 1 else None
    return command.organisation if command.organisation in able else None


def _controls_domain(case: Case) -> Refusal | None:
    if decided_domain(case) not in case.state.domains:
        return reasons.DOMAIN_NOT_ASKED
    return None if case.stands_for(decided_domain(case)) else reasons.NOT_A_CONTROLLER


def _somebody_else(case: Case) -> Refusal | None:
    return reasons.SELF_APPROVAL if case.person.id == case.state.requester else None


def _off_the_project(case: Case) -> Refusal | None:
    project = case.facts.project
    return reasons.ON_THE_PROJECT if project is None or project.ever_on(case.person.id) else None


def _first_decision(case: Case) -> Refusal | None:
    decision = case.state.domains[decided_domain(case)]
    return reasons.ALREADY_DECIDED if any(ballot.person == case.person.id for ballot in decision.ballots) else None


def _domain_open(case: Case) -> Refusal | None:
    decision = case.state.domains[decided_domain(case)]
    return None if decision.state is DecisionState.OPEN else reasons.DOMAIN_DECIDED


def _domain_not_rejected(case: Case) -> Refusal | None:
    decision = case.state.domains[decided_domain(case)]
    return reasons.DOMAIN_DECIDED if decision.state is DecisionState.REJECTED else None


def _organisation_clear(case: Case) -> Refusal | None:
    return None if deciding_organisation(case) else reasons.ORGANISATION_UNCLEAR


def _narrowed_only(case: Case) -> Refusal | None:
    command, summary = case.of(Approve), case.summary
    if command.until is not None and not 0 < (command.until - case.now).total_seconds() <= summary.window_days * 86_400:
        return reasons.UNTIL_OUT_OF_RANGE
    if command.identifier_types is None:
        return None
    chosen, decision = set(command.identifier_types), case.state.domains[command.domain]
    left = set(decision.granted()) if decision.approvals() else set(summary.identifier_types)
    fits = chosen <= set(summary.identifier_types) and chosen & left
    return None if fits else reasons.TYPES_NOT_ASKED


def _window_open(case: Case) -> Refusal | None:
    until = case.state.until
    return None if until is not None and case.now < until else reasons.WINDOW_OVER


def _retrievals_left(case: Case) -> Refusal | None:
    return None if case.state.retrievals_used() < case.state.retrievals else reasons.NO_RETRIEVALS_LEFT


def _live(case: Case, release: Release) -> bool:
    return release.running and case.now - release.authorised_at < case.facts.limits.release_within


def _no_release_running(case: Case) -> Refusal | None:
    return reasons.RELEASE_RUNNING if any(_live(case, release) for release in case.state.releases) else None


def _delivery_as_approved(case: Case) -> Refusal | None:
    return None if case.of(AuthoriseRelease).delivery is case.summary.delivery else reasons.DELIVERY_DIFFERS


def _approvals_stand(case: Case) -> Refusal | None:
    """Counted again from the ballots, with today's members and the stricter of then and now."""
    project, approved = case.facts.project, case.state.approved_domains()
    if project is None or not approved:
        return reasons.APPROVALS_LOST
    for domain in approved:
        decision, known = case.state.domains[domain], case.facts.domains.get(domain)
        if known is None:
            return reasons.APPROVALS_LOST
        counted = [
            (ballot.person, ballot.organisation)
            for ballot in decision.approvals()
            if ballot.content_hash == case.state.content_hash
            and ballot.person != case.state.requester
            and not project.ever_on(ballot.person)
        ]
        for needs in (decision.needs, known):
            if not quorum_met(counted, needs.controllers, needs.quorum):
                return reasons.APPROVALS_LOST
    return None


def _named_release(case: Case) -> Release | None:
    command = case.command
    if not isinstance(command, RecordChunk | FinishRelease | FailRelease | Collect):
        raise TypeError("this rule is about a release")
    return case.state.release(command.release)


def _release_open(case: Case) -> Refusal | None:
    release = _named_release(case)
    if release is None:
        return reasons.RELEASE_UNKNOWN
    return None if release.running else reasons.RELEASE_OVER


def _release_in_time(case: Case) -> Refusal | None:
    release = _named_release(case)
    if release is None:
        return reasons.RELEASE_UNKNOWN
    return None if _live(case, release) else reasons.RELEASE_OVER


def _next_chunk(case: Case) -> Refusal | None:
    command, release = case.of(RecordChunk), _named_release(case)
    if release is None:
        return reasons.RELEASE_UNKNOWN
    next_one = command.chunk == release.chunks_written + 1 and command.chunk <= command.chunks
    same_plan = release.chunks in (0, command.chunks)
    return None if next_one and same_plan else reasons.CHUNK_OUT_OF_ORDER


def _all_chunks(case: Case) -> Refusal | None:
    release = _named_release(case)
    done = release is not None and 0 < release.chunks == release.chunks_written
    return None if done else reasons.RELEASE_INCOMPLETE


def _file_ready(case: Case) -> Refusal | None:
    release = _named_release(case)
    if release is None:
        return reasons.RELEASE_UNKNOWN
    if release.delivery is not Delivery.FILE or release.finished_at is None:
        return reasons.NOTHING_TO_COLLECT
    if release.collected_at is not None:
        return reasons.COLLECTED
    over = case.now >= release.finished_at + case.facts.limits.collect_within
    return reasons.COLLECTION_OVER if over else None


def _due(case: Case) -> Refusal | None:
    due = case.state.due_at
    return None if due is not None and case.now >= due else reasons.NOT_DUE


def fresh_sign_in(case: Case) -> Refusal | None:
    """Strong and recent enough for a step that matters: AAL2 and 15 minutes unless the deployment asks for more."""
    limits = case.facts.limits
    if not isinstance(case.actor, PersonActor):
        return None
    if limits.assurance.get(case.actor.sign_in.acr, 0) < limits.least_assurance:
        return reasons.SIGN_IN_WEAK
    age = case.now - case.actor.sign_in.at
    return None if -limits.clock_skew <= age <= limits.sign_in_age else reasons.SIGN_IN_OLD


PROJECT_MEMBER = Guard("is on the project, which is active", _project_member)
SAME_PROJECT = Guard("the project stays the same", _same_project)
ACCREDITED = Guard("is accredited today", _accredited)
CAPACITY_HELD = Guard("holds the capacity the request names", _capacity_held)
DOMAINS_COVERED = Guard("the project may ask from every domain, and each has the identifier types", _domains_covered)
DESTROYED_LATER = Guard("the day of destruction lies ahead", _destroyed_later)
POLICY_ALLOWS = Guard("the policy, asked now, does not refuse the request", _policy_allows)
QUORUM_ATTAINABLE = Guard("enough people could approve, where they are known", _quorum_attainable)
DRAFT_MEANT = Guard("the draft is the one meant", _draft_meant)
SAME_CONTENT = Guard("names the content hash of this revision", _same_content)
CONTROLS_DOMAIN = Guard("controls the domain, which the request asks from", _controls_domain)
SOMEBODY_ELSE = Guard("is not the requester", _somebody_else)
OFF_THE_PROJECT = Guard("is not, and never was, on the project", _off_the_project)
FIRST_DECISION = Guard("has not decided for this domain on this revision", _first_decision)
DOMAIN_OPEN = Guard("the domain has not decided", _domain_open)
DOMAIN_NOT_REJECTED = Guard("the domain has not rejected", _domain_not_rejected)
ORGANISATION_CLEAR = Guard("decides for one organisation that controls the domain", _organisation_clear)
NARROWED_ONLY = Guard("approves what was asked or less, of types and of time", _narrowed_only)
WINDOW_OPEN = Guard("within the approved time", _window_open)
RETRIEVALS_LEFT = Guard("a retrieval is left", _retrievals_left)
NO_RELEASE_RUNNING = Guard("no other release is running", _no_release_running)
DELIVERY_AS_APPROVED = Guard("the delivery is the approved one", _delivery_as_approved)
APPROVALS_STAND = Guard("the approvals, counted again with today's project members, suffice", _approvals_stand)
RELEASE_OPEN = Guard("the release has not ended", _release_open)
RELEASE_IN_TIME = Guard("the release is running, and not cut short by its time limit", _release_in_time)
NEXT_CHUNK = Guard("the chunk is the next one", _next_chunk)
ALL_CHUNKS = Guard("every chunk is written", _all_chunks)
FILE_READY = Guard("the release left a file, which nobody has collected and whose time is not over", _file_ready)
DUE = Guard("its time has run out", _due)
