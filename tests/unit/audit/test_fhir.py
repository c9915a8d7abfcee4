"""Every event has a valid AuditEvent, and a release one for each person in it and nobody else."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyholder.audit.facets import Histories
from keyholder.audit.fhir import LedgerName, audit_events, bundle
from keyholder.audit.index import Place
from keyholder.audit.listing import Indexed
from keyholder.emergency.access import EmergencyReason
from keyholder.emergency.events import Opened, Released
from keyholder.ledger.event import Event
from keyholder.ledger.merkle import leaf_hash
from keyholder.vocabulary import ActorId, IdentifierType, PersonId, StreamId
from tests.unit.audit.fhir_profiles import REIDENTIFICATION, check, check_bundle
from tests.unit.audit.world import DOMAINS, MORNING, ORGANISATIONS, PEOPLE, PROJECTS, TAGS, World, grown

LEDGER = LedgerName("keyholder.test/ledger", 1_000)


def exported(world: World) -> list[dict[str, Any]]:
    """All events as AuditEvents, as JSON brings them."""
    histories = Histories(world.read)
    made = [
        resource
        for index, (event, _) in enumerate(world.known)
        for resource in audit_events(
            Indexed(event, event.line(), Place(index, 1)), histories.state(event), LEDGER, histories.access(event)
        )
    ]
    return check_bundle(json.loads(json.dumps(bundle(made, LEDGER))))


def details(resource: dict[str, Any]) -> dict[str, str]:
    return {one["type"]: one["valueString"] for entity in resource["entity"] for one in entity.get("detail", ())}


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_every_event_has_valid_audit_events_that_lead_back_to_its_leaf(data: st.DataObject) -> None:
    world = data.draw(grown(most=12))
    resources = exported(world)
    for resource in resources:
        told = details(resource)
        event = world.known[int(told["leaf-index"])][0]
        assert told["leaf-hash"] == leaf_hash(event.line()).hex()
        assert (told["tree-size"], told["ledger-origin"]) == ("1000", "keyholder.test/ledger")
        assert resource["recorded"] == event.line().decode().split('"at":"')[1].split('"')[0]
    people = [
        tag for event, _ in world.known for tags in event.data.get("subjects", {}).values() for tag in tags  # type: ignore[union-attr]
    ]  # fmt: skip
    assert len([one for one in resources if "meta" in one]) == len(people)


def test_a_release_is_told_person_by_person() -> None:
    world = World()
    world.request(0, PROJECTS[0], DOMAINS[:1])
    world.vote(0, DOMAINS[0], yes=True)
    world.release(0, {"S251_SUPPORTED": TAGS[:2], "NDOO_OPTED_OUT": TAGS[2:3]}, MALFORMED=2)
    resources = exported(world)
    told = [one for one in resources if REIDENTIFICATION in one.get("meta", {}).get("profile", ())]
    found = {}
    for resource in told:
        text = json.dumps(resource)
        (tag,) = [tag for tag in TAGS if tag in text]
        found[tag] = (resource["outcome"], resource["outcomeDesc"])
        assert "NDOO" not in text, "why a record was withheld is not told"
        assert resource["purposeOfEvent"][0]["coding"][0]["code"] == "HRESCH"
        assert {"RX1", "gp-2026"} <= {agent["who"].get("identifier", {}).get("value") for agent in resource["agent"]}
    assert found == {TAGS[0]: ("0", "released"), TAGS[1]: ("0", "released"), TAGS[2]: ("4", "withheld")}


def test_an_emergency_is_told_person_by_person_and_as_one() -> None:
    clinician = PersonId("person/" + "e" * 32)
    access, domain, stream = f"EMG-{'e' * 32}-1", DOMAINS[0], f"emergency/{'e' * 32}"
    opened = Opened(
        access=access,
        domain=domain,
        reason=EmergencyReason.LIFE_AT_RISK,
        identifier_types=(IdentifierType.NHS_NUMBER,),
        records=3,
        organisation=ORGANISATIONS[0],
        policy_hash="ab" * 32,
        review_by=MORNING + timedelta(days=3),
    ).new_event()
    subjects = {"CARE_RELATIONSHIP": tuple(TAGS[:2])}
    released = Released(access, domain, "2026", subjects, {"MALFORMED": 1}, None).new_event()
    world = World()
    world.add(stream, opened.type, opened.data, clinician)
    world.add(stream, released.type, released.data, clinician)
    first, *told = exported(world)
    assert first["type"]["code"] == "110113"
    assert [REIDENTIFICATION in one["meta"]["profile"] for one in told] == [True, True]
    for resource, tag in zip(told, TAGS, strict=False):
        assert [other for other in TAGS if other in json.dumps(resource)] == [tag]
        assert (resource["outcome"], resource["outcomeDesc"]) == ("0", "released")
        requestors = [agent for agent in resource["agent"] if agent["requestor"]]
        assert [agent["who"]["identifier"]["value"] for agent in requestors] == ["e" * 32]
        assert {"RX1", domain} <= {agent["who"].get("identifier", {}).get("value") for agent in resource["agent"]}
    for resource in (first, *told):
        assert [one["coding"][0]["code"] for one in resource["purposeOfEvent"]] == ["BTG", "TREAT"]


def test_decisions_say_permit_or_deny_and_for_whom() -> None:
    world = World()
    world.request(0, PROJECTS[0], DOMAINS[:2], legal_basis="explicit_consent")
    world.vote(0, DOMAINS[0], yes=True, person=PEOPLE[1])
    world.vote(0, DOMAINS[1], yes=False, person=PEOPLE[2])
    world.refuse(PEOPLE[3], "unknown/unnamed")
    approval, rejection, refusal = exported(world)[-3:]
    assert [one["outcome"] for one in (approval, rejection, refusal)] == ["0", "8", "8"]
    assert [one["subtype"][0]["code"] for one in (approval, refusal)] == ["AuthZ-Consent", "AuthZ-Role"]
    requestor = [agent["who"]["identifier"]["value"] for agent in approval["agent"] if agent["requestor"]]
    assert requestor == [PEOPLE[0].removeprefix("person/")], "the requester, and not who decided"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("audit.events_read", "110101"),
        ("audit.record_read", "rest"),
        ("person.changed", "110137"),
        ("project.changed", "110136"),
        ("domain.key_changed", "110113"),
        ("choices.loaded", "110107"),
        ("pseudonyms.made", "110107"),
        ("pseudonyms.rekeyed", "110100"),
        ("linkage.translated", "110100"),
        ("linkage.approved", "110113"),
        ("linkage.ended", "110113"),
        ("standing.approved", "110113"),
        ("standing.ended", "110113"),
        ("linkage.proposed", "rest"),
        ("extract.announced", "rest"),
        ("extract.made", "110107"),
        ("extract.failed", "rest"),
        ("extract.erased", "rest"),
        ("something.new", "110100"),
    ],
)
def test_what_is_no_request_has_the_type_of_its_family(kind: str, code: str) -> None:
    event = Event(StreamId("audit/1"), 1, kind, MORNING, ActorId("system/sweeper"), "trace", {})
    (resource,) = audit_events(Indexed(event, event.line(), Place(0, 1)), None, LEDGER)
    check(json.loads(json.dumps(resource)))
    assert resource["type"]["code"] == code  # type: ignore[index,call-overload]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("action",), "Q"),
        (("outcome",), "99"),
        (("agent",), []),
        (("agent", 0, "network", "type"), "77"),
        (("agent", 0, "who"), {"display": "somebody else"}),
        (("entity", 0, "role", "code"), "4"),
        (("entity", 0, "detail"), []),
        (("subtype",), [{"system": "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle", "code": "deidentify"}]),
        (("source",), None),
    ],
)
def test_the_checks_catch_what_they_are_for(place: tuple[str | int, ...], value: object) -> None:
    world = World()
    world.request(0, PROJECTS[0], DOMAINS[:1])
    world.release(0, {"S251_SUPPORTED": TAGS[:1]})
    resource: Any = exported(world)[-1]
    *way, last = place
    part = resource
    for step in way:
        part = part[step]
    part[last] = value
    with pytest.raises((AssertionError, ValueError, TypeError)):
        check(resource)


def test_a_thousand_people_fit_into_one_answer() -> None:
    """Lambda answers at most 6 MB, and one event is never divided between two objects."""
    world = World()
    world.request(0, PROJECTS[0], DOMAINS)
    world.release(0, {"S251_SUPPORTED": [f"{number:032x}" for number in range(1_000)]})
    event = world.known[-1][0]
    state = Histories(world.read).state(event)
    made = audit_events(Indexed(event, event.line(), Place(1, 1)), state, LEDGER)
    body = json.dumps({"body": json.dumps(bundle(made, LEDGER), separators=(",", ":"))})
    assert len(made) == 1_000
    assert len(body) < 4_500_000
