"""What AuditEvents of ours have to be, said again from the specifications: FHIR R4, IHE De-Identification, IHE BALP.

`fhir.resources` checks structure and types. It does not check required value sets, an empty list of agents, or any
profile (measured on 8.3.0), so that is here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from fhir.resources.R4B.auditevent import AuditEvent
from fhir.resources.R4B.bundle import Bundle

Resource = dict[str, Any]

DCM = "http://dicom.nema.org/resources/ontology/DCM"
SCT = "http://snomed.info/sct"
LIFECYCLE = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"
ENTITY = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
REIDENTIFICATION = "https://profiles.ihe.net/ITI/DeId/StructureDefinition/IHE.BasicAudit.DeIdentification.Source"
AUTHORISATION = "https://profiles.ihe.net/ITI/BALP/CodeSystem/AuthZsubType"

ACTIONS = set("CRUDE")
OUTCOMES = {"0", "4", "8", "12"}
NETWORKS = {"1", "2", "3", "4", "5"}
LEAF = {"ledger-origin", "leaf-index", "tree-size", "leaf-hash"}


def check_bundle(document: Resource) -> list[Resource]:
    """The AuditEvents of a bundle, each checked. Raises `AssertionError`, or what `fhir.resources` raises."""
    Bundle.model_validate(document)
    resources = [entry["resource"] for entry in document["entry"]]
    assert len({entry["fullUrl"] for entry in document["entry"]}) == len(resources)
    for resource in resources:
        check(resource)
    return resources


def check(resource: Resource) -> None:
    """One AuditEvent."""
    AuditEvent.model_validate(resource)
    faults = [*base_faults(resource), *reidentification_faults(resource), *authorisation_faults(resource)]
    assert not faults, (faults, resource)


def base_faults(resource: Resource) -> Iterator[str]:
    """FHIR R4: required bindings, at least one agent, sev-1; and what each of our exports promises."""
    if resource.get("action") not in ACTIONS:
        yield "action"
    if resource.get("outcome") not in OUTCOMES:
        yield "outcome"
    if not resource.get("agent"):
        yield "no agent"
    networks = [agent["network"] for agent in resource["agent"] if "network" in agent]
    if any(network["type"] not in NETWORKS or not network["address"] for network in networks):
        yield "network"
    if any("name" in entity and "query" in entity for entity in resource["entity"]):
        yield "sev-1"
    if any("reference" not in who and "identifier" not in who for who in _whos(resource)):
        yield "who"
    if not re.fullmatch(r"[A-Za-z0-9.-]{1,64}", resource["id"]):
        yield "id"
    if sum({detail["type"] for detail in entity.get("detail", ())} == LEAF for entity in resource["entity"]) != 1:
        yield "no way back to the leaf"


def reidentification_faults(resource: Resource) -> Iterator[str]:
    """IHE.BasicAudit.DeIdentification.Source, of those that claim it."""
    if REIDENTIFICATION not in resource.get("meta", {}).get("profile", ()):
        return
    if (resource["type"]["system"], resource["type"]["code"]) != (DCM, "110106") or resource["action"] != "R":
        yield "type and action"
    lifecycle = [one["code"] for one in resource["subtype"] if one["system"] == LIFECYCLE]
    if lifecycle != ["reidentify"]:
        yield "subtype"
    sources = _agents(resource, DCM, "110153")
    if len(sources) != 1 or "network" not in sources[0] or sources[0]["who"] != resource["source"]["observer"]:
        yield "source"
    if not all("network" in agent and "who" in agent for agent in _agents(resource, DCM, "110152")):
        yield "recipient"
    if len(_agents(resource, SCT, "159541003")) > 1 or len(_agents(resource, SCT, "429577009")) > 1:
        yield "custodian or authorizer more than once"
    if len(resource["entity"]) < 2:
        yield "an entity is missing"
    people = [one for one in resource["entity"] if (one["type"]["system"], one["type"]["code"]) == (ENTITY, "1")]
    if len(people) != 1 or people[0]["role"]["code"] != "1" or people[0]["what"]["type"] != "Patient":
        yield "not exactly one patient"


def authorisation_faults(resource: Resource) -> Iterator[str]:
    """The pattern of IHE.BasicAudit.AuthZconsent, but for its one patient, of decisions on requests."""
    subtypes = [one["code"] for one in resource.get("subtype", ()) if one["system"] == AUTHORISATION]
    if not subtypes:
        return
    if len(subtypes) != 1 or (resource["type"]["code"], resource["action"]) != ("110113", "E"):
        yield "type and action"
    servers = [agent for agent in resource["agent"] if agent["type"]["coding"][0]["code"] == "authserver"]
    if len(servers) != 1 or servers[0]["who"] != resource["source"]["observer"] or servers[0]["requestor"]:
        yield "authorizer"
    kinds = [agent["type"]["coding"][0]["code"] for agent in resource["agent"]]
    if any(code in kinds for code in ("110150", "PROV")) and not {"110150", "IRCP", "PROV"} <= set(kinds):
        yield "client, user and organisation"


def _agents(resource: Resource, system: str, code: str) -> list[Resource]:
    return [
        agent
        for agent in resource["agent"]
        if any((one["system"], one["code"]) == (system, code) for one in agent["type"]["coding"])
    ]


def _whos(resource: Resource) -> Iterator[Resource]:
    yield resource["source"]["observer"]
    yield from (agent["who"] for agent in resource["agent"])
    yield from (entity["what"] for entity in resource["entity"])
