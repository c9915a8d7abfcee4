"""Rules about a draft that is saved or handed in."""

from __future__ import annotations

from keyholder.refusals import Refusal
from keyholder.requests import reasons
from keyholder.requests.case import Case
from keyholder.requests.commands import (
    Submit,
)
from keyholder.requests.eligibility import unattainable_for
from keyholder.requests.guards.guard import Guard
from keyholder.vocabulary import Role


def _same_project(case: Case) -> Refusal | None:
    stands = case.state.summary
    return reasons.PROJECT_FIXED if stands and stands.project != case.summary.project else None


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


def _quorum_attainable(case: Case) -> Refusal | None:
    facts = case.facts
    if facts.candidates is None:
        return None
    asked = {domain: facts.domains[domain] for domain in case.summary.records}
    short = unattainable_for(case.state, asked, facts.project, facts.approvers, facts.candidates)
    return reasons.QUORUM_UNATTAINABLE if short else None


def _draft_meant(case: Case) -> Refusal | None:
    meant = case.of(Submit).content_hash
    return reasons.OTHER_CONTENT if meant is not None and meant != case.state.content_hash else None


SAME_PROJECT = Guard("the project stays the same", _same_project)
DOMAINS_COVERED = Guard("the project may ask from every domain, and each has the identifier types", _domains_covered)
DESTROYED_LATER = Guard("the day of destruction lies ahead", _destroyed_later)
QUORUM_ATTAINABLE = Guard("enough people could approve, where they are known", _quorum_attainable)


def _author_left(case: Case) -> Refusal | None:
    """Whether who writes it could still hand it in. Unknown counts as there: nothing is taken from them."""
    author, project = case.facts.author, case.facts.project
    if author is None or project is None or author.id == case.person.id:
        return reasons.AUTHOR_STILL_HERE
    here = author.has(Role.RESEARCHER) and not author.disabled and author.id in project.members
    return reasons.AUTHOR_STILL_HERE if here and author.accredited_on(case.today) else None


DRAFT_MEANT = Guard("the draft is the one meant", _draft_meant)
AUTHOR_LEFT = Guard(
    "its author is suspended, no researcher any more, off the project or not accredited today", _author_left
)
