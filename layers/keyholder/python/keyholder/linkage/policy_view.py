"""A linkage agreement as the policy sees it, once for each of its two domains."""

from __future__ import annotations

from datetime import datetime

from keyholder.linkage import refusals
from keyholder.linkage.decide import Objects
from keyholder.linkage.terms import Terms
from keyholder.policy import facts as policy
from keyholder.policy.linking import against_purpose
from keyholder.policy.settings import PolicyFacts
from keyholder.policy.vocabulary import (
    CagStatus,
    CareOrigin,
    LegalBasis,
    OptOutCondition,
    OutputForm,
    PolicyIdentifier,
    RequesterRole,
    SourceDataset,
)
from keyholder.refusals import Refusal
from keyholder.registry import domains as registry
from keyholder.registry.projects import Project
from keyholder.requests.reasons import policy_refusal

ONE_PATIENT = frozenset({LegalBasis.IMPLIED_CONSENT_DIRECT_CARE, LegalBasis.OVERRIDING_PUBLIC_INTEREST})
"""Bases that are tested for one patient, and so are none for a column."""


def policy_request(
    terms: Terms,
    dataset: registry.SourceDataset,
    origin: registry.CareOrigin,
    project: Project | None,
    collection: str | None = None,
) -> policy.PolicyRequest:
    """What is asked of the policy for one domain's data: as if identifiers were to leave, so that every opt-out counts.

    Whatever would loosen a rule is taken from what the operator has on file for the project, and from nowhere else.
    """
    identifiers = tuple(PolicyIdentifier.of(kind) for kind in terms.identifier_types)
    return policy.PolicyRequest(
        purpose=terms.purpose,
        legal_basis=terms.legal_basis,
        output_form=OutputForm.IDENTIFIABLE,
        source_dataset=SourceDataset(dataset.value),
        care_origin=CareOrigin(origin.value),
        project_id=terms.project or "",
        identifiers_requested=identifiers,
        identifiers_approved=identifiers,
        controllers_required=(),
        controllers_approved=(),
        controllers_refused=(),
        agreement=None,
        requester=policy.Requester(RequesterRole.CONTROLLER_OFFICER, None),
        cag=_cag(project),
        collection=collection,
    )


def requests_of(
    terms: Terms, source: registry.Domain, target: registry.Domain, project: Project | None
) -> tuple[policy.PolicyRequest, policy.PolicyRequest]:
    """Both domains' data get a new use, so each domain's rules are asked."""
    one, other = (
        policy_request(terms, domain.source_dataset, domain.care_origin, project, domain.id)
        for domain in (source, target)
    )
    return one, other


def objections(facts: PolicyFacts, now: datetime) -> Objects:
    """What the policy has against terms as such."""

    def objects(terms: Terms) -> Refusal | None:
        asked = policy_request(terms, registry.SourceDataset.GP, registry.CareOrigin.ENGLAND_PUBLIC, None)
        reason = against_purpose(asked, facts, now)
        if reason is not None:
            return policy_refusal(reason.value)
        if terms.legal_basis in ONE_PATIENT:
            return refusals.BASIS_NOT_FOR_LINKAGE
        needs_project = terms.legal_basis is LegalBasis.EXPLICIT_CONSENT and terms.project is None
        return refusals.CONSENT_NEEDS_PROJECT if needs_project else None

    return objects


def _cag(project: Project | None) -> policy.CagSupport | None:
    paper = project.evidence.cag if project is not None else None
    if paper is None:
        return None
    return policy.CagSupport(
        ref=paper.ref,
        status=CagStatus(paper.status.value),
        next_review_on=paper.next_review_on,
        ends_on=paper.ends_on,
        opt_out_condition=OptOutCondition(paper.opt_out_condition.value),
        exemption_letter_on_file=paper.exemption_letter_on_file,
        permits_reidentification=paper.permits_reidentification,
    )
