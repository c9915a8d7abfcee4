"""The `request` and the `subject` of a case file, read into the policy's facts. Strict: unknown names are faults."""

from __future__ import annotations

import re

from keyholder.policy import references
from keyholder.policy.facts import (
    Agreement,
    CagSupport,
    CareRelationship,
    CodedEvent,
    Consent,
    CopiReliance,
    EthicsOpinion,
    LegalInstrument,
    NdooCheck,
    Person,
    PersonChoices,
    PolicyRequest,
    PublicInterestTest,
    Requester,
)
from keyholder.policy.reading import Node
from keyholder.policy.tables import CodeMeaning
from keyholder.policy.type1 import MEANINGS, TYPE1_MEANINGS, TYPE2_MEANINGS
from keyholder.policy.vocabulary import (
    ApproverRole,
    CagStatus,
    CareOrigin,
    CheckMode,
    CheckState,
    CodeSystem,
    ConsentGiver,
    CopiPurpose,
    LegalBasis,
    OptOutCondition,
    OutputForm,
    PdsSecurity,
    PolicyIdentifier,
    Purpose,
    RequesterRole,
    SourceDataset,
)

_COLLECTION = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


def read_request(node: Node) -> PolicyRequest:
    """The request of a case. Raises `FieldError`."""
    node.only(
        *("purpose", "legal_basis", "output_form", "source_dataset", "care_origin", "project_id"),
        *("identifiers_requested", "identifiers_approved"),
        *("controllers_required", "controllers_approved", "controllers_refused"),
        *("dsa", "requester", "cag", "rec", "iras", "copi", "court_order", "public_interest_test", "direction"),
        *("collection", "extracted_on"),
    )
    iras = node.find("iras")
    if iras is not None:
        iras.matching(references.IRAS, references.IRAS_FORM)
    collection, extracted_on = node.find("collection"), node.find("extracted_on")
    return PolicyRequest(
        purpose=node.get("purpose").choice(Purpose),
        legal_basis=node.get("legal_basis").choice(LegalBasis),
        output_form=node.get("output_form").choice(OutputForm),
        source_dataset=node.get("source_dataset").choice(SourceDataset),
        care_origin=node.get("care_origin").choice(CareOrigin),
        project_id=node.get("project_id").matching(references.PROJECT, references.PROJECT_FORM),
        identifiers_requested=_identifiers(node.get("identifiers_requested")),
        identifiers_approved=_identifiers(node.get("identifiers_approved")),
        controllers_required=_organisations(node.get("controllers_required")),
        controllers_approved=_organisations(node.get("controllers_approved")),
        controllers_refused=_organisations(node.get("controllers_refused")),
        agreement=node.get("dsa").optional(_agreement),
        requester=_requester(node.get("requester")),
        cag=node.get("cag").optional(_cag),
        rec=node.get("rec").optional(_rec),
        copi=node.get("copi").optional(_copi),
        court_order=node.get("court_order").optional(_instrument),
        direction=node.get("direction").optional(_instrument),
        public_interest_test=node.get("public_interest_test").optional(_public_interest_test),
        collection=None if collection is None else collection.matching(_COLLECTION, "a collection id"),
        extracted_on=None if extracted_on is None else extracted_on.day(),
    )


def read_person(node: Node, requester: Node) -> Person:
    """The subject of a case; the care relationship stands with the requester there. Raises `FieldError`."""
    node.only(
        *("pseudonym_resolves", "nhs_number_known", "nhs_number_effort_exemption", "ndoo_check"),
        *("type1_events", "type1_known", "type2_events", "consent", "programme_opt_out"),
        *("deceased_on", "age_years", "pds_security"),
    )
    # Neither age nor death changes a decision: a choice stands until the person changes it.
    node.get("deceased_on").optional(Node.day)
    node.get("age_years").optional(Node.number)
    return Person(
        pseudonym_resolves=node.get("pseudonym_resolves").flag(),
        nhs_number_known=node.get("nhs_number_known").flag(),
        nhs_number_effort_exemption=node.get("nhs_number_effort_exemption").flag(),
        choices=PersonChoices(
            ndoo_check=node.get("ndoo_check").optional(_ndoo_check),
            type1_known=node.get("type1_known").flag(),
            type1_events=_events(node.get("type1_events"), TYPE1_MEANINGS, "a Type 1 code of its system"),
            consent=node.get("consent").optional(_consent),
        ),
        type2_events=_events(node.get("type2_events"), TYPE2_MEANINGS, "a Type 2 code of its system"),
        programme_opt_out=node.get("programme_opt_out").flag(),
        care_relationship=requester.get("care_relationship").optional(_care_relationship),
        pds_security=node.get("pds_security").choice(PdsSecurity),
    )


def _identifiers(node: Node) -> tuple[PolicyIdentifier, ...]:
    return tuple(item.choice(PolicyIdentifier) for item in node.items())


def _organisations(node: Node) -> tuple[str, ...]:
    return tuple(item.matching(references.ORGANISATION, references.ORGANISATION_FORM) for item in node.items())


def _agreement(node: Node) -> Agreement:
    node.only("ref", "ends_on")
    return Agreement(node.get("ref").matching(references.DARS, references.DARS_FORM), node.get("ends_on").day())


def _requester(node: Node) -> Requester:
    node.only("role", "accredited_until", "care_relationship")
    return Requester(node.get("role").choice(RequesterRole), node.get("accredited_until").optional(Node.day))


def _care_relationship(node: Node) -> CareRelationship:
    node.only("from", "to")
    return CareRelationship(node.get("from").moment(), node.get("to").optional(Node.moment))


def _cag(node: Node) -> CagSupport:
    node.only(
        *("ref", "status", "next_review_on", "ends_on", "opt_out_condition"),
        *("exemption_letter_on_file", "permits_reidentification"),
    )
    return CagSupport(
        ref=node.get("ref").optional(_cag_ref),
        status=node.get("status").choice(CagStatus),
        next_review_on=node.get("next_review_on").optional(Node.day),
        ends_on=node.get("ends_on").optional(Node.day),
        opt_out_condition=node.get("opt_out_condition").choice(OptOutCondition),
        exemption_letter_on_file=node.get("exemption_letter_on_file").flag(),
        permits_reidentification=node.get("permits_reidentification").flag(),
    )


def _cag_ref(node: Node) -> str:
    return node.matching(references.CAG, references.CAG_FORM)


def _rec(node: Node) -> EthicsOpinion:
    node.only("ref", "favourable")
    return EthicsOpinion(node.get("ref").optional(_rec_ref), node.get("favourable").flag())


def _rec_ref(node: Node) -> str:
    return node.matching(references.REC, references.REC_FORM)


def _copi(node: Node) -> CopiReliance:
    node.only("notice", "notice_from", "notice_to", "purpose")
    return CopiReliance(
        notice=node.get("notice").flag(),
        notice_from=node.get("notice_from").optional(Node.day),
        notice_to=node.get("notice_to").optional(Node.day),
        purpose=node.get("purpose").choice(CopiPurpose),
    )


def _instrument(node: Node) -> LegalInstrument:
    node.only("ref", "on_file", "ends_on")
    ends_on = node.find("ends_on")
    return LegalInstrument(
        ref=node.get("ref").optional(Node.text),
        on_file=node.get("on_file").flag(),
        ends_on=None if ends_on is None else ends_on.day(),
    )


def _public_interest_test(node: Node) -> PublicInterestTest:
    node.only("documented", "individual", "approved_by_role")
    return PublicInterestTest(
        documented=node.get("documented").flag(),
        individual=node.get("individual").flag(),
        approved_by_role=node.get("approved_by_role").optional(lambda role: role.choice(ApproverRole)),
    )


def _ndoo_check(node: Node) -> NdooCheck:
    node.only("state", "mode", "performed_on", "cache_refreshed_on")
    return NdooCheck(
        state=node.get("state").choice(CheckState),
        mode=node.get("mode").choice(CheckMode),
        performed_on=node.get("performed_on").optional(Node.day),
        cache_refreshed_on=node.get("cache_refreshed_on").optional(Node.day),
    )


def _consent(node: Node) -> Consent:
    node.only("project_id", "covers_reidentification", "given_on", "withdrawn_on", "given_by")
    return Consent(
        project_id=node.get("project_id").matching(references.PROJECT, references.PROJECT_FORM),
        covers_reidentification=node.get("covers_reidentification").flag(),
        given_on=node.get("given_on").day(),
        withdrawn_on=node.get("withdrawn_on").optional(Node.day),
        given_by=node.get("given_by").choice(ConsentGiver),
    )


def _events(node: Node, meanings: frozenset[CodeMeaning], what: str) -> tuple[CodedEvent, ...]:
    return tuple(_event(item, meanings, what) for item in node.items())


def _event(node: Node, meanings: frozenset[CodeMeaning], what: str) -> CodedEvent:
    node.only("code", "system", "on")
    system = node.get("system").choice(CodeSystem)
    code = node.get("code")
    if MEANINGS.get((system, code.text())) not in meanings:
        raise code.fault(f"is not {what}")
    return CodedEvent(node.get("on").day(), system, code.text())
