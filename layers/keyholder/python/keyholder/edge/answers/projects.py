"""What callers are answered about projects and their evidence; as in `answers`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from pydantic import AwareDatetime

from keyholder.edge.answers.form import Answer, PersonReference, Success
from keyholder.registry.projects import CagStatus, CopiPurpose, OptOutCondition


class AgreementView(Answer):
    """A data sharing agreement and the last day it holds."""

    ref: str
    ends_on: dt.date


class CagView(Answer):
    """Support under section 251 of the NHS Act 2006."""

    ref: str
    status: CagStatus
    next_review_on: dt.date | None
    ends_on: dt.date | None
    opt_out_condition: OptOutCondition
    exemption_letter_on_file: bool
    permits_reidentification: bool


class RecView(Answer):
    """A research ethics committee's opinion."""

    ref: str
    favourable: bool


class OnFileView(Answer):
    """A statutory direction or a court order."""

    ref: str
    on_file: bool


class CopiView(Answer):
    """A notice under the COPI Regulations 2002, or regulation 3 use."""

    notice: bool
    notice_from: dt.date | None
    notice_to: dt.date | None
    purpose: CopiPurpose


class PublicInterestTestView(Answer):
    """A documented public interest test."""

    documented: bool
    individual: bool
    approved_by_role: str | None


class CareRelationshipView(Answer):
    """Direct care: from when, and until just before when."""

    starts_at: AwareDatetime
    ends_at: AwareDatetime | None


class EvidenceView(Answer):
    """What the operator holds on file for a project; null for what there is none of."""

    cag: CagView | None
    rec: RecView | None
    direction: OnFileView | None
    court_order: OnFileView | None
    copi: CopiView | None
    public_interest_test: PublicInterestTestView | None
    care_relationship: CareRelationshipView | None


class ProjectView(Answer):
    """A project: its people, what it may ask from, until when, and the evidence on file."""

    project_id: str
    id: str
    organisation: str
    members: list[PersonReference]
    active_until: dt.date
    domains: list[str]
    agreement: AgreementView
    evidence: EvidenceView


SUCCESSES: Mapping[str, Success] = {
    "POST /v1/projects": Success(ProjectView, versioned=True),
    "GET /v1/projects/{project_id}": Success(ProjectView, versioned=True),
}
"""By route."""
