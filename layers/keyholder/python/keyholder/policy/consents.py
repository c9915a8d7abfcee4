"""Consent to be re-identified for a project, as FHIR R4 `Consent` resources: a strict reader and a writer.

Read are exactly the fields that decide, and a resource that says anything that would have to be honoured but is not
understood here (modifier extensions, exceptions in nested provisions, several studies) is refused, never half-read.

What Keyholder defines itself:
- category `https://keyholder.example/CodeSystem/consent-scope#re-identification`: the consent covers being
  re-identified; without it the resource is a consent of narrower scope;
- extension `https://keyholder.example/StructureDefinition/consent-withdrawn-on` (`valueDate`): the day it was
  withdrawn. It goes with status `inactive`; one without the other is refused, because R4 has no field for the day.

The giver is `performer`: `Patient`, or `RelatedPerson` or `Practitioner` for a consultee (Mental Capacity Act 2005).
`provision.period.end` is the last day the consent holds. Profile notes: HL7 FHIR R4 Consent; IHE Privacy Consent on
FHIR, research example.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from keyholder.canonical import JsonObject, JsonValue, canonical_json
from keyholder.identifiers import nhs_number
from keyholder.identifiers.not_an_identifier import NotAnIdentifierError
from keyholder.policy import references
from keyholder.policy.days import london_day
from keyholder.policy.facts import Consent
from keyholder.policy.reading import FieldError, Node, read_json
from keyholder.policy.vocabulary import ConsentGiver

NHS_NUMBER_SYSTEM = "https://fhir.nhs.uk/Id/nhs-number"
SCOPE = ("http://terminology.hl7.org/CodeSystem/consentscope", "research")
OPT_IN = ("http://terminology.hl7.org/CodeSystem/v3-ActCode", "OPTIN")
RESEARCH_PURPOSE = ("http://terminology.hl7.org/CodeSystem/v3-ActReason", "HRESCH")
REIDENTIFICATION = ("https://keyholder.example/CodeSystem/consent-scope", "re-identification")
RESEARCH_CATEGORY = ("http://terminology.hl7.org/CodeSystem/v3-ActCode", "RESEARCH")
WITHDRAWN_ON = "https://keyholder.example/StructureDefinition/consent-withdrawn-on"

STUDY_PATH = "provision.data[0].reference.reference"
"""Where a resource names its project."""

_STUDY = re.compile(r"ResearchStudy/[A-Za-z0-9][A-Za-z0-9.-]{0,63}")
_PERFORMER = re.compile(r"(Patient|RelatedPerson|Practitioner)(/[A-Za-z0-9.-]{1,64})?")
_CONDITIONS = frozenset(
    {"extension", "actor", "action", "securityLabel", "class", "code", "dataPeriod", "provision", "modifierExtension"}
)
"""What a provision may narrow itself by in R4, and is not understood here."""
_LONG_DAY = 10
_NOT_KNOWN = "changes the meaning in a way that is not known here"


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """A consent and whose it is."""

    nhs_number: str = field(repr=False)
    consent: Consent = field(repr=False)


@dataclass(frozen=True, slots=True)
class ConsentFault:
    """Why a file of consents is not used at all: line (from 1), path of the field, a constant sentence.

    A path holds the names that a Consent has and positions in its lists, never a name that somebody made up.
    """

    line: int
    path: str
    why: str


def consent_resource(record: ConsentRecord) -> JsonObject:
    """The resource of a consent: what `read_consents` reads back as the same record."""
    consent = record.consent
    categories = [_concept(RESEARCH_CATEGORY)]
    if consent.covers_reidentification:
        categories.append(_concept(REIDENTIFICATION))
    giver = "Patient" if consent.given_by == ConsentGiver.PATIENT else "RelatedPerson"
    period: dict[str, JsonValue] = {"start": consent.given_on.isoformat()}
    if consent.ends_on is not None:
        period["end"] = consent.ends_on.isoformat()
    resource: dict[str, JsonValue] = {
        "resourceType": "Consent",
        "status": "active" if consent.withdrawn_on is None else "inactive",
        "scope": _concept(SCOPE),
        "category": categories,
        "patient": {"identifier": {"system": NHS_NUMBER_SYSTEM, "value": record.nhs_number}},
        "dateTime": consent.given_on.isoformat(),
        "performer": [{"type": giver}],
        "policyRule": _concept(OPT_IN),
        "provision": {
            "type": "permit",
            "period": period,
            "purpose": [_coding(RESEARCH_PURPOSE)],
            "data": [{"meaning": "related", "reference": {"reference": f"ResearchStudy/{consent.project_id}"}}],
        },
    }
    if consent.withdrawn_on is not None:
        resource["extension"] = [{"url": WITHDRAWN_ON, "valueDate": consent.withdrawn_on.isoformat()}]
    return resource


def write_consents(records: Iterable[ConsentRecord]) -> bytes:
    """The resources, one canonical JSON document a line (NDJSON, as in FHIR bulk data)."""
    return b"".join(canonical_json(consent_resource(record)) + b"\n" for record in records)


def read_consents(body: bytes) -> tuple[ConsentRecord, ...] | ConsentFault:
    """Every consent of an NDJSON file, or the first fault and nothing. An empty file is a fault."""
    records: list[ConsentRecord] = []
    for number, line in enumerate(body.removesuffix(b"\n").split(b"\n"), start=1):
        try:
            records.append(read_consent(read_json(line)))
        except FieldError as fault:
            return ConsentFault(number, fault.path, fault.why)
    return tuple(records)


def read_consent(node: Node) -> ConsentRecord:
    """The record of one resource. Raises `FieldError`, which names the field and never its value."""
    node.get("resourceType").matching(re.compile("Consent"), "a Consent")
    for place in (node, node.get("patient"), node.get("provision")):
        if place.find("modifierExtension") is not None:
            raise place.get("modifierExtension").fault(_NOT_KNOWN)
    if node.find("implicitRules") is not None:
        raise node.get("implicitRules").fault(_NOT_KNOWN)
    _require_verified(node.find("verification"))
    _require(node.get("scope"), SCOPE, "the scope of research")
    _require(node.get("policyRule"), OPT_IN, "an opt-in")
    project_id, starts_on, ends_on = _provision(node.get("provision"))
    given_on = _day(node.get("dateTime"))
    consent = Consent(
        project_id=project_id,
        covers_reidentification=_covers_reidentification(node.get("category")),
        given_on=given_on if starts_on is None else max(given_on, starts_on),
        withdrawn_on=_withdrawn_on(node),
        given_by=_given_by(node.get("performer")),
        ends_on=ends_on,
    )
    return ConsentRecord(_person(node.get("patient").get("identifier")), consent)


def projects_withdrawn_from(body: bytes) -> tuple[str, ...]:
    """The projects for which a file of consents, as `read_consents` reads it, says that somebody has withdrawn."""
    read = read_consents(body)
    if isinstance(read, ConsentFault):
        return ()
    return tuple(sorted({one.consent.project_id for one in read if one.consent.withdrawn_on is not None}))


def deciding_consent(consents: Sequence[Consent], project_id: str, today: date) -> Consent | None:
    """The one consent that counts for a project, of all that are held about a person.

    The latest given up to today counts, a tie being read in the narrower way; a withdrawal on or after its day
    withdraws it, whichever copy it was recorded on. Without one for the project, the latest other one is returned, so
    that the reason can be told apart. None if none is held.
    """
    own = [consent for consent in consents if consent.project_id == project_id]
    past = [consent for consent in own if consent.given_on <= today]
    candidates = past or own or list(consents)
    if not candidates:
        return None
    latest = max(consent.given_on for consent in candidates)
    tied = [consent for consent in candidates if consent.given_on == latest]
    withdrawals = [
        consent.withdrawn_on
        for consent in candidates
        if consent.withdrawn_on is not None
        and consent.project_id == tied[0].project_id
        and (consent.given_on == latest or consent.withdrawn_on >= latest)
    ]
    ends = [consent.ends_on for consent in tied if consent.ends_on is not None]
    return Consent(
        project_id=tied[0].project_id,
        covers_reidentification=all(consent.covers_reidentification for consent in tied),
        given_on=latest,
        withdrawn_on=min(withdrawals, default=None),
        given_by=tied[0].given_by,
        ends_on=min(ends, default=None),
    )


def _provision(node: Node) -> tuple[str, date | None, date | None]:
    node.get("type").matching(re.compile("permit"), "permit")
    try:
        node.only("id", "type", "period", "purpose", "data")
    except FieldError as fault:
        if fault.path.rpartition(".")[2] in _CONDITIONS:
            raise
        # A name that FHIR does not know may be anything, so the place is named and not the name.
        raise node.fault("holds a field that is not known here") from None
    purposes = node.get("purpose").items()
    if not any(_is(purpose, RESEARCH_PURPOSE) for purpose in purposes):
        raise node.get("purpose").fault("does not name HRESCH")
    data = node.get("data").items()
    if len(data) != 1:
        raise node.get("data").fault("does not name exactly one study")
    study = data[0].get("reference").get("reference").matching(_STUDY, "a ResearchStudy reference")
    project = study.removeprefix("ResearchStudy/")
    if not references.PROJECT.fullmatch(project):
        raise data[0].get("reference").get("reference").fault("is not a project")
    period = node.find("period")
    if period is None:
        return project, None, None
    start, end = period.find("start"), period.find("end")
    return project, None if start is None else _day(start), None if end is None else _day(end)


def _require_verified(node: Node | None) -> None:
    for item in [] if node is None else node.items():
        if not item.get("verified").flag():
            raise item.get("verified").fault("says that the consent was not verified")


def _covers_reidentification(node: Node) -> bool:
    categories = node.items()
    if not categories:
        raise node.fault("is empty")
    return any(_is(coding, REIDENTIFICATION) for category in categories for coding in category.get("coding").items())


def _withdrawn_on(node: Node) -> date | None:
    status = node.get("status")
    days = [
        extension.get("valueDate").day()
        for extension in _extensions(node)
        if extension.get("url").text() == WITHDRAWN_ON
    ]
    if status.value == "active" and not days:
        return None
    if status.value == "inactive" and len(days) == 1:
        return days[0]
    raise status.fault("is neither active, nor inactive with the one day it was withdrawn on")


def _extensions(node: Node) -> list[Node]:
    found = node.find("extension")
    return [] if found is None else found.items()


def _given_by(node: Node) -> ConsentGiver:
    performers = node.items()
    if len(performers) != 1:
        raise node.fault("does not name exactly one giver")
    performer = performers[0]
    kinds = {
        found.matching(_PERFORMER, "a Patient, RelatedPerson or Practitioner").partition("/")[0]
        for found in (performer.find("type"), performer.find("reference"))
        if found is not None
    }
    if len(kinds) != 1:
        raise performer.fault("does not say what the giver is to the person")
    return ConsentGiver.PATIENT if kinds == {"Patient"} else ConsentGiver.CONSULTEE


def _person(node: Node) -> str:
    if node.get("system").text() != NHS_NUMBER_SYSTEM:
        raise node.get("system").fault("is not the NHS number's")
    value = node.get("value")
    try:
        if nhs_number.parse(value.text()) == value.value:
            return value.text()
    except NotAnIdentifierError:
        pass
    raise value.fault("is not an NHS number of ten digits")


def _day(node: Node) -> date:
    """A FHIR `dateTime` precise to the day at least; a moment is read as the day it was in London."""
    return london_day(node.moment()) if len(node.text()) > _LONG_DAY else node.day()


def _require(node: Node, coding: tuple[str, str], what: str) -> None:
    if not any(_is(held, coding) for held in node.get("coding").items()):
        raise node.fault(f"is not {what}")


def _is(node: Node, coding: tuple[str, str]) -> bool:
    system, code = node.find("system"), node.find("code")
    return system is not None and code is not None and (system.value, code.value) == coding


def _coding(coding: tuple[str, str]) -> JsonObject:
    return {"system": coding[0], "code": coding[1]}


def _concept(coding: tuple[str, str]) -> JsonObject:
    return {"coding": [_coding(coding)]}
