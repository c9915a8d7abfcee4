"""Consents as FHIR resources, and which of several counts."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from fhir.resources.R4B.consent import Consent as FhirConsent
from hypothesis import given
from hypothesis import strategies as st

from keyholder.policy.assess import assess_person
from keyholder.policy.consents import (
    ConsentFault,
    ConsentRecord,
    consent_resource,
    deciding_consent,
    read_consents,
    write_consents,
)
from keyholder.policy.facts import Consent
from keyholder.policy.settings import STATED
from keyholder.policy.vocabulary import ConsentGiver
from tests.people import some_nhs_numbers
from tests.unit.policy.examples import CONSENT, CONSENTED, DAY, NOW, TODAY, consent, person, request

A, B = some_nhs_numbers(2)
DAYS = st.dates(date(2025, 6, 1), date(2025, 6, 20))
CONSENTS = st.builds(
    Consent,
    st.sampled_from(["PRJ-0001", "PRJ-0002"]),
    st.booleans(),
    DAYS,
    st.none() | DAYS,
    st.sampled_from(ConsentGiver),
    st.none() | DAYS,
)
RESOURCE: dict[str, Any] = json.loads(json.dumps(consent_resource(ConsentRecord(A, CONSENT))))


@given(st.lists(st.builds(ConsentRecord, st.sampled_from([A, B]), CONSENTS), min_size=1, max_size=5))
def test_consents_are_read_back(records: list[ConsentRecord]) -> None:
    assert read_consents(write_consents(records)) == tuple(records)


def changed(path: str, value: object) -> bytes:
    """A good resource on line 1, and one with a change on line 2; `...` takes a field away."""
    document = copy.deepcopy(RESOURCE)
    node: Any = document
    *way, last = path.split(".")
    for step in way:
        node = node[int(step) if step.isdigit() else step]
    if value is ...:
        del node[last]
    else:
        node[int(last) if last.isdigit() else last] = value
    return b"\n".join(json.dumps(one).encode() for one in (RESOURCE, document))


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("resourceType", "Patient", "resourceType"),
        ("status", "proposed", "status"),
        ("status", "entered-in-error", "status"),
        ("status", "inactive", "status"),
        ("scope", {"coding": []}, "scope"),
        ("scope.coding.0.code", "treatment", "scope"),
        ("category", [], "category"),
        ("category", ..., "category"),
        ("policyRule", ..., "policyRule"),
        ("policyRule.coding.0.code", "OPTOUT", "policyRule"),
        ("patient.identifier.system", "https://fhir.nhs.uk/Id/local", "patient.identifier.system"),
        ("patient.identifier.value", "9990000019", "patient.identifier.value"),
        ("patient.identifier.value", "999 000 0018", "patient.identifier.value"),
        ("patient", {"reference": "Patient/1"}, "patient.identifier"),
        ("dateTime", "2024-05", "dateTime"),
        ("dateTime", "2024-05-01T10:00:00", "dateTime"),
        ("dateTime", ..., "dateTime"),
        ("performer", [], "performer"),
        ("performer", [{"display": "somebody"}], "performer[0]"),
        ("performer", [{"type": "Patient"}, {"type": "RelatedPerson"}], "performer"),
        ("performer", [{"type": "Patient", "reference": "RelatedPerson/1"}], "performer[0]"),
        ("performer", [{"type": "Device"}], "performer[0].type"),
        ("provision.type", "deny", "provision.type"),
        ("provision.purpose", [], "provision.purpose"),
        ("provision.purpose.0.code", "TREAT", "provision.purpose"),
        ("provision.data", [], "provision.data"),
        ("provision.data.0.reference.reference", "Patient/1", "provision.data[0].reference.reference"),
        ("provision.provision", [{"type": "deny"}], "provision.provision"),
        ("provision.actor", [], "provision.actor"),
        ("provision.period.end", "2024", "provision.period.end"),
        ("modifierExtension", [{"url": "x"}], "modifierExtension"),
        ("provision.modifierExtension", [{"url": "x"}], "provision.modifierExtension"),
        ("implicitRules", "https://keyholder.example/rules", "implicitRules"),
        ("verification", [{"verified": False}], "verification[0].verified"),
        (
            "extension",
            [{"url": "https://keyholder.example/StructureDefinition/consent-withdrawn-on", "valueDate": "2025-01-01"}],
            "status",
        ),
    ],
)
def test_what_is_wrong_or_not_understood_sinks_the_file(path: str, value: object, field: str) -> None:
    fault = read_consents(changed(path, value))
    assert isinstance(fault, ConsentFault)
    assert (fault.line, fault.path) == (2, field)
    assert "999" not in fault.why


@pytest.mark.parametrize("body", [b"", b"\n", b"{}", b"[]", b"\xff", b"null"])
def test_a_file_that_is_none_is_a_fault(body: bytes) -> None:
    assert isinstance(read_consents(body), ConsentFault)


def read_changed(path: str, value: object) -> Consent:
    """The changed consent, which must be readable."""
    records = read_consents(changed(path, value))
    assert not isinstance(records, ConsentFault)
    return records[1].consent


def test_a_consent_without_the_category_is_narrow() -> None:
    assert not read_changed("category", RESOURCE["category"][:1]).covers_reidentification
    assert not read_changed("category.1.coding.0.system", "https://keyholder.example/other").covers_reidentification


def test_days_are_london_days_and_the_later_start_counts() -> None:
    assert read_changed("dateTime", "2024-05-31T23:30:00Z").given_on == date(2024, 6, 1)
    assert read_changed("provision.period.start", "2024-07-01").given_on == date(2024, 7, 1)
    assert read_changed("provision.period", ...).given_on == CONSENT.given_on
    assert read_changed("provision.period.end", "2025-01-01").ends_on == date(2025, 1, 1)


@pytest.mark.parametrize("giver", [{"type": "RelatedPerson"}, {"reference": "Practitioner/1"}])
def test_a_consultee_is_told_from_the_patient(giver: dict[str, str]) -> None:
    assert read_changed("performer", [giver]).given_by == ConsentGiver.CONSULTEE


@pytest.mark.parametrize(
    ("held", "counts"),
    [
        ([consent()], True),
        ([consent(withdrawn_on=TODAY - DAY)], False),
        ([consent(withdrawn_on=TODAY - 9 * DAY), consent(given_on=TODAY - DAY)], True),
        ([consent(), consent(withdrawn_on=TODAY - DAY)], False),
        ([consent(withdrawn_on=TODAY), consent(given_on=TODAY - DAY)], False),
        ([consent(withdrawn_on=TODAY - DAY), consent(given_on=TODAY - DAY)], False),
        ([consent(), consent(given_on=TODAY + DAY, covers_reidentification=False)], True),
        ([consent(), consent(given_on=TODAY - DAY, covers_reidentification=False)], False),
        ([consent(), consent(covers_reidentification=False)], False),
        ([consent(), consent(ends_on=TODAY - DAY)], False),
        ([consent(ends_on=TODAY - 9 * DAY), consent(given_on=TODAY - 9 * DAY)], True),
        ([consent(withdrawn_on=date(2020, 1, 1))], False),
        ([consent(), consent(project_id="PRJ-0002", withdrawn_on=TODAY)], True),
        ([consent(project_id="PRJ-0002")], False),
        ([], False),
    ],
    ids=str,
)
def test_which_of_several_counts(held: list[Consent], counts: bool) -> None:
    for order in (held, held[::-1]):
        chosen = deciding_consent(order, "PRJ-0001", TODAY)
        assert assess_person(request(**CONSENTED), person(consent=chosen), STATED, NOW).passes == counts


@given(st.lists(CONSENTS, max_size=5))
def test_one_more_withdrawal_never_helps(held: list[Consent]) -> None:
    def passes(consents: list[Consent]) -> bool:
        chosen = deciding_consent(consents, "PRJ-0001", TODAY)
        return assess_person(request(**CONSENTED), person(consent=chosen), STATED, NOW).passes

    for place, one in enumerate(held):
        withdrawn = [*held[:place], replace(one, withdrawn_on=TODAY), *held[place + 1 :]]
        earlier = one.withdrawn_on is not None and one.withdrawn_on <= TODAY
        assert earlier or passes(held) or not passes(withdrawn)


@given(CONSENTS)
def test_a_resource_is_one_of_fhir_r4b(given_consent: Consent) -> None:
    resource = consent_resource(ConsentRecord(A, given_consent))
    FhirConsent.model_validate(resource)


def test_a_record_prints_nobody() -> None:
    assert repr(ConsentRecord(A, CONSENT)) == "ConsentRecord()"
