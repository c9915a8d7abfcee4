"""Ledger events as FHIR R4 AuditEvents, for the audit repositories that hospitals run (IHE ATNA).

A release, on a request or in an emergency, becomes one AuditEvent for each person in it, after IHE De-Identification
2.0.0, profile IHE.BasicAudit.DeIdentification.Source with subtype `reidentify`: exactly one patient each, named by
their keyed tag, so that nobody learns who else was released. Decisions follow the pattern of IHE BALP's AuthZconsent;
they are no instances of it, because it wants one patient and a decision is about a request. Every AuditEvent says which
leaf of the ledger it was made from, and that leaf is the proof; the AuditEvent is not (its bytes are not hashed
anywhere).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from keyholder.audit.facets import DECISIONS
from keyholder.audit.listing import Indexed
from keyholder.audit.outcomes import disclosing
from keyholder.audit.vocabulary import Decision
from keyholder.canonical import JsonObject, JsonValue
from keyholder.emergency import events as emergency
from keyholder.emergency.access import Access
from keyholder.ledger.event import Event, rfc3339
from keyholder.ledger.merkle import leaf_hash
from keyholder.ledger.verification import EMERGENCY, RELEASED
from keyholder.policy.vocabulary import Purpose
from keyholder.requests.state import RequestState
from keyholder.vocabulary import PersonId

REIDENTIFICATION = "https://profiles.ihe.net/ITI/DeId/StructureDefinition/IHE.BasicAudit.DeIdentification.Source"

_DCM = "http://dicom.nema.org/resources/ontology/DCM"
_SCT = "http://snomed.info/sct"
_EVENT_TYPE = "http://terminology.hl7.org/CodeSystem/audit-event-type"
_LIFECYCLE = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"
_INTERACTION = "http://hl7.org/fhir/restful-interaction"
_AUTHORISATION = "https://profiles.ihe.net/ITI/BALP/CodeSystem/AuthZsubType"
_BALP_ENTITY = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType"
_ENTITY = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
_SOURCE = "http://terminology.hl7.org/CodeSystem/security-source-type"
_SECURITY_ROLE = "http://terminology.hl7.org/CodeSystem/extra-security-role-type"
_PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_ROLE_CLASS = "http://terminology.hl7.org/CodeSystem/v3-RoleClass"
_REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
_ODS = "https://fhir.nhs.uk/Id/ods-organization-code"
_ODS_ADDRESS = "https://directory.spineservices.nhs.uk/STU3/Organization"

SUCCESS, MINOR_FAILURE, SERIOUS_FAILURE, MAJOR_FAILURE = "0", "4", "8", "12"
"""http://terminology.hl7.org/CodeSystem/audit-event-outcome"""

PURPOSES: Mapping[str, tuple[str, str]] = {
    "research": ("HRESCH", "healthcare research"),
    "research_recruitment": ("CLINTRCH", "clinical trial research"),
    "planning_commissioning": ("HSYSADMIN", "health system administration"),
    "public_health_protection": ("PUBHLTH", "public health"),
    "individual_care": ("TREAT", "treatment"),
    "risk_stratification_case_finding": ("POPHLTH", "population health"),
    "legal_requirement": ("HLEGAL", "legal"),
    "serious_harm_prevention": ("THREAT", "threat"),
}
"""Our purposes in HL7's v3-ActReason (PurposeOfUse); every other one is its root, PurposeOfUse."""
_ANY_PURPOSE = ("PurposeOfUse", "purpose of use")


@dataclass(frozen=True, slots=True)
class LedgerName:
    """The ledger an export is made from: its origin, and how many leaves it had."""

    origin: str
    size: int

    @property
    def uri(self) -> str:
        """The origin is a URL without its scheme (C2SP tlog-checkpoint)."""
        return f"https://{self.origin}"


def bundle(resources: Sequence[JsonObject], ledger: LedgerName) -> JsonObject:
    """A collection of AuditEvents, each under the URL that names it in this ledger."""
    entries: list[JsonObject] = [
        {"fullUrl": f"{ledger.uri}/AuditEvent/{one['id']}", "resource": one} for one in resources
    ]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def audit_events(
    one: Indexed, state: RequestState | None, ledger: LedgerName, access: tuple[PersonId, Access] | None = None
) -> list[JsonObject]:
    """The AuditEvents of one event.

    `state` is the request right after it, where it is a request's; `access` whose emergency access it is about, and
    the access, where it is about one.
    """
    if one.event.type == RELEASED and state is not None:
        return list(_reidentifications(one, _Given.on_request(one, state), ledger))
    if one.event.type == EMERGENCY and access is not None:
        return list(_reidentifications(one, _Given.in_emergency(*access), ledger))
    return [_plain(one, state, ledger)]


@dataclass(frozen=True, slots=True)
class _Given:
    """To whom a release was given, out of which domains, and what for."""

    to: str
    organisation: str
    domains: Sequence[str]
    purposes: Sequence[JsonObject]

    @classmethod
    def on_request(cls, one: Indexed, state: RequestState) -> _Given:
        release = state.release(str(one.event.data.get("release_id")))
        domains = sorted(release.granted if release else state.domains)
        recipient = state.summary.recipient if state.summary else ""
        return cls(state.requester or "", recipient, domains, [_purpose(state)])

    @classmethod
    def in_emergency(cls, person: PersonId, access: Access) -> _Given:
        return cls(person, access.organisation, [access.domain], _IN_EMERGENCY)


def _reidentifications(one: Indexed, given: _Given, ledger: LedgerName) -> Iterator[JsonObject]:
    """One for each person in the chunk. Why a record was withheld is not told: it may be the person's own choice."""
    subjects = one.event.data.get("subjects")
    epoch = one.event.data.get("epoch")
    people = sorted(
        (str(tag), disclosing(reason))
        for reason, tags in (subjects.items() if isinstance(subjects, Mapping) else ())
        for tag in (tags if isinstance(tags, list | tuple) else ())
    )
    about = [_request_entity(one, ledger), _trace_entity(one)]
    agents = [
        _source_agent(ledger),
        _recipient_agent(given),
        _custodian_agent(given, ledger),
        _user_agent(given.to, given.purposes, ledger),
    ]
    for place, (tag, disclosed) in enumerate(people, 1):
        patient: JsonObject = {
            "what": {"type": "Patient", "identifier": {"system": f"{ledger.uri}/subject-tag/{epoch}", "value": tag}},
            "type": _coding(_ENTITY, "1", "Person"),
            "role": _coding(_ROLE, "1", "Patient"),
            "detail": _leaf(one, ledger),
        }
        yield {
            "resourceType": "AuditEvent",
            "id": f"leaf-{one.place.index}-{place}",
            "meta": {"profile": [REIDENTIFICATION]},
            "type": _coding(_DCM, "110106", "Export"),
            "subtype": [_coding(_LIFECYCLE, "reidentify", "Re-identify Record Lifecycle Event")],
            "action": "R",
            "recorded": rfc3339(one.event.at),
            "outcome": SUCCESS if disclosed else MINOR_FAILURE,
            "outcomeDesc": "released" if disclosed else "withheld",
            "purposeOfEvent": given.purposes,
            "agent": agents,
            "source": _source(ledger),
            "entity": [patient, *about],
        }


@dataclass(frozen=True, slots=True)
class _Kind:
    """How an event type reads in FHIR."""

    type: JsonObject
    action: str
    subtype: JsonObject | None = None
    outcome: str = SUCCESS


def _plain(one: Indexed, state: RequestState | None, ledger: LedgerName) -> JsonObject:
    event = one.event
    kind = _kind(event, state)
    asked: Sequence[JsonObject] = [_purpose(state)] if state is not None and state.summary else []
    purposes = _IN_EMERGENCY if event.type in emergency.TYPES else asked
    resource: dict[str, JsonValue] = {
        "resourceType": "AuditEvent",
        "id": f"leaf-{one.place.index}",
        "type": kind.type,
        **({"subtype": [kind.subtype]} if kind.subtype else {}),
        "action": kind.action,
        "recorded": rfc3339(event.at),
        "outcome": kind.outcome,
        "outcomeDesc": event.type,
        **({"purposeOfEvent": purposes} if purposes else {}),
        "agent": list(_agents(event, state, ledger)),
        "source": _source(ledger),
        "entity": [_request_entity(one, ledger, _leaf(one, ledger)), _trace_entity(one)],
    }
    return resource


def _kind(event: Event, state: RequestState | None) -> _Kind:
    decision = DECISIONS.get(event.type)
    if decision in _AUTHORISATIONS or event.type == "request.release_authorised":
        by_consent = state is not None and state.summary is not None and state.summary.legal_basis == "explicit_consent"
        words = (
            "Authorization Decision using Roles and Consent"
            if by_consent
            else "Authorization Decision using only Roles"
        )
        subtype = _coding(_AUTHORISATION, "AuthZ-Consent" if by_consent else "AuthZ-Role", words)
        permitted = decision in {None, Decision.APPROVED}
        return _Kind(_ALERT, "E", subtype, SUCCESS if permitted else SERIOUS_FAILURE)
    if event.type in _KINDS:
        return _KINDS[event.type]
    family = event.type.split(".", 1)[0]
    return _FAMILIES.get(family, _Kind(_ACTIVITY, "E"))


def _agents(event: Event, state: RequestState | None, ledger: LedgerName) -> Iterator[JsonObject]:
    """Whoever did it, and Keyholder. A decision also has who asked, for which organisation (IHE BALP, AuthZconsent)."""
    decides = DECISIONS.get(event.type) in _AUTHORISATIONS or event.type == "request.release_authorised"
    actor = _agent(_coding(_PARTICIPATION, "LA", "legal authenticator"), _person(event.actor, ledger), requestor=False)
    if decides and state is not None and state.summary is not None:
        yield {
            **_agent(_coding(_DCM, "110150", "Application"), _keyholder(ledger), requestor=False),
            **_network(ledger),
        }
        yield _user_agent(state.requester or "", [_purpose(state)], ledger)
        organisation = _organisation(state.summary.recipient)
        yield _agent(_coding(_ROLE_CLASS, "PROV", "healthcare provider"), organisation, requestor=False)
        if event.actor != str(state.requester):
            yield actor
    else:
        user = _coding(_PARTICIPATION, "IRCP", "information recipient")
        yield _agent(user, _person(event.actor, ledger), requestor=True)
    server = _coding(_SECURITY_ROLE, "authserver", "authorization server")
    yield _agent(server, _keyholder(ledger), requestor=False)


def _source_agent(ledger: LedgerName) -> JsonObject:
    source = _agent(_coding(_DCM, "110153", "Source Role ID"), _keyholder(ledger), requestor=False)
    return {**source, **_network(ledger)}


def _recipient_agent(given: _Given) -> JsonObject:
    """The organisation that receives; the profile wants a network address, and where a file goes we can't know."""
    code = given.organisation
    recipient = _agent(_coding(_DCM, "110152", "Destination Role ID"), _organisation(code), requestor=False)
    return {**recipient, "network": {"address": f"{_ODS_ADDRESS}/{code}", "type": "5"}}


def _custodian_agent(given: _Given, ledger: LedgerName) -> JsonObject:
    """The domains the people are pseudonymised in; the profile has room for one agent."""
    who: JsonObject = {"identifier": {"system": f"{ledger.uri}/domain", "value": " ".join(given.domains)}}
    return _agent(_coding(_SCT, "159541003", "Record keeping/library clerk"), who, requestor=False)


def _user_agent(person: str, purposes: Sequence[JsonObject], ledger: LedgerName) -> JsonObject:
    user = _coding(_PARTICIPATION, "IRCP", "information recipient")
    agent = _agent(user, _person(person, ledger), requestor=True)
    return {**agent, "purposeOfUse": purposes}


def _agent(kind: JsonObject, who: JsonObject, *, requestor: bool) -> JsonObject:
    return {"type": {"coding": [kind]}, "who": who, "requestor": requestor}


def _network(ledger: LedgerName) -> JsonObject:
    return {"network": {"address": ledger.origin.split("/", 1)[0], "type": "1"}}


def _source(ledger: LedgerName) -> JsonObject:
    return {
        "site": ledger.origin,
        "observer": _keyholder(ledger),
        "type": [_coding(_SOURCE, "4", "Application Server")],
    }


def _keyholder(ledger: LedgerName) -> JsonObject:
    return {"identifier": {"system": "urn:ietf:rfc:3986", "value": ledger.uri}, "display": "Keyholder"}


def _person(actor: str, ledger: LedgerName) -> JsonObject:
    kind, _, value = actor.partition("/")
    return {"identifier": {"system": f"{ledger.uri}/{kind}", "value": value or kind}}


def _organisation(code: str) -> JsonObject:
    return {"type": "Organization", "identifier": {"system": _ODS, "value": code}}


def _request_entity(one: Indexed, ledger: LedgerName, detail: Sequence[JsonObject] = ()) -> JsonObject:
    """What it happened to: the stream of the event."""
    kind, _, value = one.event.stream.partition("/")
    return {
        "what": {"identifier": {"system": f"{ledger.uri}/{kind}", "value": value or kind}},
        "type": _coding(_ENTITY, "2", "System Object"),
        "role": _coding(_ROLE, "20", "Job"),
        **({"detail": list(detail)} if detail else {}),
    }


def _trace_entity(one: Indexed) -> JsonObject:
    return {
        "what": {"identifier": {"value": one.event.trace}},
        "type": _coding(_BALP_ENTITY, "XrequestId", "X-Request-ID"),
    }


def _leaf(one: Indexed, ledger: LedgerName) -> list[JsonObject]:
    """The way back to the proof."""
    told = {
        "ledger-origin": ledger.origin,
        "leaf-index": str(one.place.index),
        "tree-size": str(ledger.size),
        "leaf-hash": leaf_hash(one.leaf).hex(),
    }
    return [{"type": name, "valueString": value} for name, value in told.items()]


def _purpose(state: RequestState) -> JsonObject:
    purpose = state.summary.purpose if state.summary else ""
    code, display = PURPOSES.get(purpose, _ANY_PURPOSE)
    return {"coding": [_coding(_REASON, code, display)], **({"text": purpose} if purpose else {})}


def _coding(system: str, code: str, display: str) -> JsonObject:
    return {"system": system, "code": code, "display": display}


_IN_EMERGENCY: Sequence[JsonObject] = (
    {"coding": [_coding(_REASON, "BTG", "break the glass")]},
    {"coding": [_coding(_REASON, *PURPOSES[Purpose.INDIVIDUAL_CARE])], "text": Purpose.INDIVIDUAL_CARE.value},
)
"""Why records are opened in an emergency: past everybody's approval, and for somebody's care."""
_DELETE = _coding(_LIFECYCLE, "destroy", "Destroy/Delete Record Lifecycle Event")
_ALERT = _coding(_DCM, "110113", "Security Alert")
_REST = _coding(_EVENT_TYPE, "rest", "RESTful Operation")
_CREATE = _Kind(_REST, "C", _coding(_INTERACTION, "create", "create"))
_UPDATE = _Kind(_REST, "U", _coding(_INTERACTION, "update", "update"))
_ACTIVITY = _coding(_DCM, "110100", "Application Activity")
_TRANSFORMED = _coding(_LIFECYCLE, "transform", "Transform/Translate Record Lifecycle Event")
_PSEUDONYMISED = _Kind(
    _coding(_DCM, "110107", "Import"),
    "C",
    _coding(_LIFECYCLE, "pseudonymize", "Pseudonymize Record Lifecycle Event"),
)
_ROLES = _coding(_DCM, "110136", "Security Roles Changed")
_ATTRIBUTES = _coding(_DCM, "110137", "User Security Attributes Changed")

_AUTHORISATIONS = {
    Decision.APPROVED,
    Decision.REJECTED,
    Decision.BLOCKED,
    Decision.REVOKED,
    Decision.REFUSED,
}
_KINDS: Mapping[str, _Kind] = {
    "audit.record_read": _Kind(_REST, "R", _coding(_INTERACTION, "read", "read")),
    "request.created": _CREATE,
    "text.erased": _Kind(_DELETE, "D"),
    "text.erasure_ordered": _Kind(_DELETE, "D"),
    "request.reminded": _Kind(_ACTIVITY, "E"),
    "request.file_refused": _Kind(_REST, "U", _coding(_INTERACTION, "update", "update"), MINOR_FAILURE),
    "request.escalated": _Kind(_ACTIVITY, "E"),
    "extract.announced": _CREATE,
    "extract.collected": _Kind(_REST, "R", _coding(_INTERACTION, "read", "read")),
    "extract.made": _PSEUDONYMISED,
    "extract.refused": _Kind(_REST, "U", _coding(_INTERACTION, "update", "update"), MINOR_FAILURE),
    "extract.failed": _Kind(_REST, "U", _coding(_INTERACTION, "update", "update"), SERIOUS_FAILURE),
    "choices.joined": _Kind(_TRANSFORMED, "U"),
    "choices.removed": _Kind(_DELETE, "D"),
    "opt_outs.list_dropped": _Kind(_DELETE, "D"),
    "opt_out_check.removed": _Kind(_DELETE, "D"),
    "opt_out_check.asked": _Kind(_coding(_DCM, "110106", "Export"), "R"),
    "opt_out_check.sent": _Kind(_coding(_DCM, "110106", "Export"), "R"),
    "opt_out_check.send_refused": _Kind(_coding(_DCM, "110106", "Export"), "R", outcome=SERIOUS_FAILURE),
    "opt_out_check.ended": _Kind(_coding(_DCM, "110107", "Import"), "C", outcome=SERIOUS_FAILURE),
    "release.failed": _Kind(_REST, "U", _coding(_INTERACTION, "update", "update"), SERIOUS_FAILURE),
    "release.collected": _Kind(_REST, "R", _coding(_INTERACTION, "read", "read")),
    "attempt.failed": _Kind(_ALERT, "E", outcome=MAJOR_FAILURE),
    "person.registered": _Kind(_ATTRIBUTES, "C"),
    "person.changed": _Kind(_ATTRIBUTES, "U"),
    "person.roles_confirmed": _Kind(_ROLES, "U"),
    "bootstrap.used": _Kind(_ROLES, "C"),
    "domain.registered": _Kind(_ROLES, "C"),
    "linkage.proposed": _CREATE,
    "standing.asked": _CREATE,
    "delegation.named": _Kind(_ROLES, "C"),
    "linkage.translated": _Kind(_ACTIVITY, "U", _TRANSFORMED),
    "pseudonyms.rekeyed": _Kind(_ACTIVITY, "U", _TRANSFORMED),
    "project.registered": _Kind(_ROLES, "C"),
    "project.changed": _Kind(_ROLES, "U"),
}
_FAMILIES: Mapping[str, _Kind] = {
    "request": _UPDATE,
    "text": _UPDATE,
    "emergency": _Kind(_ALERT, "R", _coding(_DCM, "110127", "Emergency Override Started")),
    "release": _UPDATE,
    "audit": _Kind(_coding(_DCM, "110101", "Audit Log Used"), "R"),
    "domain": _Kind(_ALERT, "U"),
    "rebuild": _Kind(_ALERT, "U", _coding(_DCM, "110129", "Security Configuration")),
    "linkage": _Kind(_ACTIVITY, "E"),
    "standing": _UPDATE,
    "delegation": _Kind(_ROLES, "U"),
    "choices": _Kind(_coding(_DCM, "110107", "Import"), "C"),
    "extract": _UPDATE,
    "pseudonyms": _PSEUDONYMISED,
    "opt_out_check": _Kind(_coding(_DCM, "110107", "Import"), "C"),
    "opt_outs": _Kind(_coding(_DCM, "110112", "Query"), "E"),
}
"""Events of a family that has no line of its own above. Whatever is new is application activity until it gets one."""
