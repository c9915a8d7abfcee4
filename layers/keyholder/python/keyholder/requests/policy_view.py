"""A request as the policy sees it: what was asked for, and what the operator has on file for its project.

The requester cites references; only evidence that is on file under the very reference cited counts as evidence.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from keyholder.policy import facts as policy
from keyholder.policy.assess import assess_request, supposing_approved
from keyholder.policy.settings import PolicyFacts
from keyholder.policy.vocabulary import (
    ApproverRole,
    CagStatus,
    CareOrigin,
    CopiPurpose,
    LegalBasis,
    OptOutCondition,
    OutputForm,
    PolicyIdentifier,
    Purpose,
    RequesterRole,
    SourceDataset,
)
from keyholder.registry.domains import Domain
from keyholder.registry.factors import Factor
from keyholder.registry.people import Person
from keyholder.registry.projects import CagSupport, CopiNotice, EthicsOpinion, OnFile, Project, PublicInterestTest
from keyholder.requests.case import Assessment
from keyholder.requests.codes import State, Vote
from keyholder.requests.content import ReferenceKind, RequestContent, Vocabulary
from keyholder.requests.service import Assess, Question
from keyholder.requests.state import DomainDecision

VOCABULARY = Vocabulary(
    purposes=frozenset(purpose.value for purpose in Purpose), legal_bases=frozenset(basis.value for basis in LegalBasis)
)
"""The purposes and legal bases a draft may name."""

Cited = TypeVar("Cited", CagSupport, EthicsOpinion, OnFile)


def policy_request(
    content: RequestContent, project: Project, domain: Domain, requester: Person, decision: DomainDecision | None
) -> policy.PolicyRequest:
    """One domain's part of a request. Without a `decision` no controller has approved anything."""
    evidence, cited = project.evidence, content.references
    approvals = [ballot for ballot in decision.approvals() if ballot.factor is Factor.CONTROLLER] if decision else []
    refusals = [ballot for ballot in decision.ballots if ballot.vote is Vote.REJECT] if decision else []
    return policy.PolicyRequest(
        purpose=Purpose(content.purpose),
        legal_basis=LegalBasis(content.legal_basis),
        output_form=OutputForm.IDENTIFIABLE,
        source_dataset=SourceDataset(domain.source_dataset.value),
        care_origin=CareOrigin(domain.care_origin.value),
        project_id=project.id,
        identifiers_requested=_identifiers(content.identifier_types),
        identifiers_approved=_identifiers(decision.granted() if decision else ()),
        controllers_required=domain.controllers,
        controllers_approved=tuple(sorted({ballot.organisation for ballot in approvals})),
        controllers_refused=tuple(sorted({ballot.organisation for ballot in refusals})),
        agreement=policy.Agreement(project.agreement.ref, project.agreement.ends_on),
        requester=policy.Requester(RequesterRole(content.capacity.value), requester.accredited_until),
        cag=_cag(_on_file(evidence.cag, cited.get(ReferenceKind.CAG))),
        rec=_rec(_on_file(evidence.rec, cited.get(ReferenceKind.REC))),
        copi=_copi(evidence.copi),
        court_order=_instrument(_on_file(evidence.court_order, cited.get(ReferenceKind.COURT_ORDER))),
        direction=_instrument(_on_file(evidence.direction, cited.get(ReferenceKind.DIRECTION))),
        public_interest_test=_test(evidence.public_interest_test),
        collection=domain.id,
    )


def assess_with(policy: Callable[[], PolicyFacts]) -> Assess:
    """The policy's answer about a request as a whole: every reason of every domain that is still in question.

    `policy` gives the settings in force, anew for each answer.

    Before the controllers have decided, it is asked as if they had approved: their decision is the next step.
    """

    def assess(question: Question) -> Assessment:
        facts, undecided = policy(), question.state.status in (State.DRAFT, State.RETURNED)
        reasons: list[str] = []
        for name in question.state.approved_domains() or tuple(question.domains):
            decision = question.state.domains.get(name)
            asked = policy_request(
                question.content, question.project, question.domains[name], question.requester, decision
            )
            found = assess_request(supposing_approved(asked) if undecided else asked, facts, question.now)
            reasons.extend(reason.value for reason in found.reasons if not found.passes)
        return Assessment(facts.policy_hash, tuple(dict.fromkeys(reasons)))

    return assess


def _identifiers(kinds: tuple[str, ...]) -> tuple[PolicyIdentifier, ...]:
    return tuple(PolicyIdentifier(kind) for kind in kinds)


def _on_file(paper: Cited | None, reference: str | None) -> Cited | None:
    """The paper, if it is the one the request cites."""
    return paper if paper is not None and paper.ref == reference else None


def _cag(paper: CagSupport | None) -> policy.CagSupport | None:
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


def _rec(paper: EthicsOpinion | None) -> policy.EthicsOpinion | None:
    return policy.EthicsOpinion(paper.ref, paper.favourable) if paper is not None else None


def _copi(paper: CopiNotice | None) -> policy.CopiReliance | None:
    if paper is None:
        return None
    return policy.CopiReliance(paper.notice, paper.notice_from, paper.notice_to, CopiPurpose(paper.purpose.value))


def _instrument(paper: OnFile | None) -> policy.LegalInstrument | None:
    return policy.LegalInstrument(paper.ref, paper.on_file) if paper is not None else None


def _test(paper: PublicInterestTest | None) -> policy.PublicInterestTest | None:
    if paper is None:
        return None
    return policy.PublicInterestTest(
        documented=paper.documented,
        individual=paper.individual,
        approved_by_role=ApproverRole(paper.approved_by_role) if paper.approved_by_role else None,
    )
