"""Projects: who is on them, which domains they may ask from, and the evidence the operator holds on file.

The evidence has the fields of the policy vocabulary, so that the policy can be asked without translation. A researcher
cites a reference; whether it is on file, in force and enough is read from here, never from what they sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from keyholder.canonical import JsonObject
from keyholder.ledger.event import rfc3339
from keyholder.refusals import Refusal
from keyholder.registry.fields import CODE, ORGANISATION, PERSON, FieldError, Fields
from keyholder.vocabulary import DomainId, OrganisationCode, PersonId, ProjectId

PROJECT = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,62}")
DOMAIN = re.compile(r"[a-z][a-z0-9-]{0,62}")
REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ./:()_-]{0,99}")
"""A reference as its giver writes it, for example `25/CAG/0036`, `CAG 7-04(a)/2013` or `DARS-NIC-123456-A1B2C-v1.2`.
The forms of each kind (`policy.references`) are asked for where one comes in."""


class CagStatus(StrEnum):
    """The state of section 251 support in the Confidentiality Advisory Group's register."""

    SUPPORTED = "supported"
    CLOSED = "closed"


class OptOutCondition(StrEnum):
    """Whether the support comes with the standard condition that opt-outs are respected."""

    STANDARD = "standard"
    EXEMPT = "exempt"


class CopiPurpose(StrEnum):
    """Which purpose a notice or regulation 3 use is for."""

    COMMUNICABLE_DISEASE_OUTBREAK = "communicable_disease_outbreak"
    COVID19 = "covid19"


@dataclass(frozen=True, slots=True)
class Agreement:
    """A data sharing agreement; `ends_on` is its last day."""

    ref: str
    ends_on: date


@dataclass(frozen=True, slots=True)
class CagSupport:
    """Support under section 251 of the NHS Act 2006."""

    ref: str
    status: CagStatus
    next_review_on: date | None
    ends_on: date | None
    opt_out_condition: OptOutCondition
    exemption_letter_on_file: bool
    permits_reidentification: bool


@dataclass(frozen=True, slots=True)
class EthicsOpinion:
    """A research ethics committee's opinion."""

    ref: str
    favourable: bool


@dataclass(frozen=True, slots=True)
class OnFile:
    """A statutory direction or a court order."""

    ref: str
    on_file: bool


@dataclass(frozen=True, slots=True)
class CopiNotice:
    """A notice under the Health Service (Control of Patient Information) Regulations 2002, or regulation 3 use."""

    notice: bool
    notice_from: date | None
    notice_to: date | None
    purpose: CopiPurpose


@dataclass(frozen=True, slots=True)
class PublicInterestTest:
    """A documented test that the public interest outweighs confidentiality."""

    documented: bool
    individual: bool
    approved_by_role: str | None


@dataclass(frozen=True, slots=True)
class CareRelationship:
    """Direct care: from when, and to when exclusive."""

    starts_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the operator has seen and holds."""

    cag: CagSupport | None = None
    rec: EthicsOpinion | None = None
    direction: OnFile | None = None
    court_order: OnFile | None = None
    copi: CopiNotice | None = None
    public_interest_test: PublicInterestTest | None = None
    care_relationship: CareRelationship | None = None


@dataclass(frozen=True, slots=True)
class Project:
    """One project. `active_until` is its last day.

    `former_members` is derived: whoever was ever on the project and no longer is. They don't decide on its requests
    either, so that nobody is taken off a project to approve for it.
    """

    id: ProjectId
    organisation: OrganisationCode
    members: tuple[PersonId, ...]
    active_until: date
    domains: tuple[DomainId, ...]
    agreement: Agreement
    evidence: Evidence = field(default_factory=Evidence)
    former_members: frozenset[PersonId] = frozenset()

    def ever_on(self, person: PersonId) -> bool:
        """Whether `person` is or was on the project."""
        return person in self.members or person in self.former_members


def project_json(project: Project) -> JsonObject:
    """The form of events and answers."""
    return {
        "id": project.id,
        "organisation": project.organisation,
        "members": list(project.members),
        "active_until": project.active_until.isoformat(),
        "domains": list(project.domains),
        "agreement": {"ref": project.agreement.ref, "ends_on": project.agreement.ends_on.isoformat()},
        "evidence": _evidence_json(project.evidence),
    }


def read_project(fields: Fields) -> Project:
    """Raises `FieldError`."""
    agreement = fields.inner("agreement")
    project = Project(
        id=ProjectId(fields.text("id", PROJECT)),
        organisation=OrganisationCode(fields.text("organisation", ORGANISATION)),
        members=tuple(PersonId(text) for text in fields.texts("members", PERSON)),
        active_until=fields.day("active_until"),
        domains=tuple(DomainId(text) for text in fields.texts("domains", DOMAIN)),
        agreement=Agreement(agreement.text("ref", REFERENCE), agreement.day("ends_on")),
        evidence=_read_evidence(fields.inner("evidence")) if fields.has("evidence") else Evidence(),
    )
    agreement.end()
    fields.end()
    return project


def parse_project(raw: JsonObject) -> Project | Refusal:
    """A project from a request body: the form of `project_json`, `evidence` and each of its parts optional."""
    try:
        return read_project(Fields(raw))
    except FieldError as error:
        return error.refusal()


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _evidence_json(evidence: Evidence) -> JsonObject:
    cag, rec, copi, test = evidence.cag, evidence.rec, evidence.copi, evidence.public_interest_test
    care = evidence.care_relationship
    return {
        "cag": _cag_json(cag) if cag else None,
        "rec": {"ref": rec.ref, "favourable": rec.favourable} if rec else None,
        "direction": _on_file_json(evidence.direction),
        "court_order": _on_file_json(evidence.court_order),
        "copi": _copi_json(copi) if copi else None,
        "public_interest_test": _test_json(test) if test else None,
        "care_relationship": _care_json(care) if care else None,
    }


def _cag_json(cag: CagSupport) -> JsonObject:
    return {
        "ref": cag.ref,
        "status": cag.status.value,
        "next_review_on": _day(cag.next_review_on),
        "ends_on": _day(cag.ends_on),
        "opt_out_condition": cag.opt_out_condition.value,
        "exemption_letter_on_file": cag.exemption_letter_on_file,
        "permits_reidentification": cag.permits_reidentification,
    }


def _copi_json(copi: CopiNotice) -> JsonObject:
    return {
        "notice": copi.notice,
        "notice_from": _day(copi.notice_from),
        "notice_to": _day(copi.notice_to),
        "purpose": copi.purpose.value,
    }


def _test_json(test: PublicInterestTest) -> JsonObject:
    return {
        "documented": test.documented,
        "individual": test.individual,
        "approved_by_role": test.approved_by_role,
    }


def _care_json(care: CareRelationship) -> JsonObject:
    return {"starts_at": rfc3339(care.starts_at), "ends_at": rfc3339(care.ends_at) if care.ends_at else None}


def _on_file_json(paper: OnFile | None) -> JsonObject | None:
    return {"ref": paper.ref, "on_file": paper.on_file} if paper else None


def _read_evidence(fields: Fields) -> Evidence:
    cag, rec, copi = fields.maybe_inner("cag"), fields.maybe_inner("rec"), fields.maybe_inner("copi")
    test, care = fields.maybe_inner("public_interest_test"), fields.maybe_inner("care_relationship")
    direction, order = fields.maybe_inner("direction"), fields.maybe_inner("court_order")
    evidence = Evidence(
        cag=_read_cag(cag) if cag else None,
        rec=EthicsOpinion(rec.text("ref", REFERENCE), rec.flag("favourable")) if rec else None,
        direction=OnFile(direction.text("ref", REFERENCE), direction.flag("on_file")) if direction else None,
        court_order=OnFile(order.text("ref", REFERENCE), order.flag("on_file")) if order else None,
        copi=_read_copi(copi) if copi else None,
        public_interest_test=_read_test(test) if test else None,
        care_relationship=CareRelationship(care.moment("starts_at"), care.maybe_moment("ends_at")) if care else None,
    )
    for inner in (cag, rec, copi, test, care, direction, order, fields):
        if inner:
            inner.end()
    return evidence


def _read_cag(fields: Fields) -> CagSupport:
    return CagSupport(
        ref=fields.text("ref", REFERENCE),
        status=fields.choice("status", CagStatus),
        next_review_on=fields.maybe_day("next_review_on"),
        ends_on=fields.maybe_day("ends_on"),
        opt_out_condition=fields.choice("opt_out_condition", OptOutCondition),
        exemption_letter_on_file=fields.flag("exemption_letter_on_file"),
        permits_reidentification=fields.flag("permits_reidentification"),
    )


def _read_copi(fields: Fields) -> CopiNotice:
    return CopiNotice(
        notice=fields.flag("notice"),
        notice_from=fields.maybe_day("notice_from"),
        notice_to=fields.maybe_day("notice_to"),
        purpose=fields.choice("purpose", CopiPurpose),
    )


def _read_test(fields: Fields) -> PublicInterestTest:
    return PublicInterestTest(
        documented=fields.flag("documented"),
        individual=fields.flag("individual"),
        approved_by_role=fields.maybe_text("approved_by_role", CODE),
    )
