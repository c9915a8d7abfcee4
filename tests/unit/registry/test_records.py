"""People, projects and domains: what is written is read back, and what is wrong is refused by its place alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.canonical import JsonObject, JsonValue, canonical_json
from keyholder.pseudonyms.token import Scheme
from keyholder.refusals import Refusal
from keyholder.registry.domains import KMS_KEY_ARN, CareOrigin, Domain, SourceDataset, domain_json, parse_domain
from keyholder.registry.people import Capacity, Membership, Person, PersonKind, parse_person, person_id, person_json
from keyholder.registry.projects import (
    Agreement,
    CagStatus,
    CagSupport,
    CareRelationship,
    CopiNotice,
    CopiPurpose,
    EthicsOpinion,
    Evidence,
    OnFile,
    OptOutCondition,
    Project,
    PublicInterestTest,
    parse_project,
    project_json,
)
from keyholder.vocabulary import DomainId, IdentifierType, OrganisationCode, ProjectId, Role
from tests.people import some_nhs_numbers

CANARY = some_nhs_numbers(3)[2]
DAYS = st.dates(date(1990, 1, 1), date(2090, 1, 1))
MAYBE_DAYS = st.none() | DAYS
ORGANISATIONS = st.sampled_from([OrganisationCode(code) for code in ("X26", "RJ1", "ABCDE12345")])
DOMAINS = st.sampled_from([DomainId("gp-2026"), DomainId("h")])
REFS = st.sampled_from(["25/CAG/0036", "DARS-NIC-123456-A1B2C-v1.2"])
IDS = st.text(min_size=1).map(lambda name: person_id("https://issuer.test", name))
ON_FILE = st.none() | st.builds(OnFile, REFS, st.booleans())
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the strategy adds the zone
EVIDENCE = st.builds(
    Evidence,
    cag=st.none()
    | st.builds(
        CagSupport,
        REFS,
        st.sampled_from(CagStatus),
        MAYBE_DAYS,
        MAYBE_DAYS,
        st.sampled_from(OptOutCondition),
        st.booleans(),
        st.booleans(),
    ),
    rec=st.none() | st.builds(EthicsOpinion, REFS, st.booleans()),
    direction=ON_FILE,
    court_order=ON_FILE,
    copi=st.none() | st.builds(CopiNotice, st.booleans(), MAYBE_DAYS, MAYBE_DAYS, st.sampled_from(CopiPurpose)),
    public_interest_test=st.none()
    | st.builds(PublicInterestTest, st.booleans(), st.booleans(), st.none() | st.just("caldicott_guardian")),
    care_relationship=st.none() | st.builds(CareRelationship, MOMENTS, st.none() | MOMENTS),
)
PEOPLE = st.builds(
    Person,
    id=IDS,
    roles=st.lists(st.builds(Membership, st.sampled_from(Role), ORGANISATIONS), max_size=4).map(tuple),
    kind=st.sampled_from(PersonKind),
    accredited_until=MAYBE_DAYS,
    capacities=st.lists(st.sampled_from(Capacity), unique=True).map(tuple),
    disabled=st.booleans(),
)
PROJECTS = st.builds(
    Project,
    id=st.just(ProjectId("PRJ-0001")),
    organisation=ORGANISATIONS,
    members=st.lists(IDS, unique=True, max_size=3).map(tuple),
    active_until=DAYS,
    domains=st.lists(DOMAINS, unique=True).map(tuple),
    agreement=st.builds(Agreement, REFS, DAYS),
    evidence=EVIDENCE,
    former_members=st.just(frozenset()),
)
SOME_DOMAINS = st.builds(
    Domain,
    id=DOMAINS,
    controllers=st.lists(ORGANISATIONS, unique=True, min_size=1).map(tuple),
    identifier_types=st.lists(st.sampled_from(IdentifierType), unique=True, min_size=1).map(tuple),
    source_dataset=st.sampled_from(SourceDataset),
    care_origin=st.sampled_from(CareOrigin),
    quorum=st.integers(2, 20),
    kms_key_arn=st.none() | st.from_regex(KMS_KEY_ARN, fullmatch=True),
    schemes=st.sampled_from([{}, {IdentifierType.NHS_NUMBER: Scheme.FF1}]),
    collection_began_on=MAYBE_DAYS,
    keys_behind=st.just(value=False),
    keys=st.just({}),
    key_changes=st.just(()),
)
DOMAIN: JsonObject = {
    "id": "gp-2026",
    "controllers": ["X26", "RJ1"],
    "identifier_types": ["nhs_number"],
    "source_dataset": "gp",
    "care_origin": "england_public",
    "quorum": 2,
}


def through_json(value: JsonObject) -> JsonObject:
    again = json.loads(canonical_json(value))
    assert isinstance(again, dict)
    return again


@given(PEOPLE)
def test_a_person_comes_back(person: Person) -> None:
    assert parse_person(through_json(person_json(person))) == person


@given(PROJECTS)
def test_a_project_comes_back(project: Project) -> None:
    assert parse_project(through_json(project_json(project))) == project


@given(SOME_DOMAINS)
def test_a_domain_comes_back(domain: Domain) -> None:
    assert parse_domain(through_json(domain_json(domain))) == domain


def test_a_scheme_that_is_the_usual_one_is_no_choice() -> None:
    made = parse_domain({**DOMAIN, "schemes": {"nhs_number": "aes_256_siv_1"}})
    assert made == parse_domain(DOMAIN)


@pytest.mark.parametrize("schemes", [{"nhs_number": "ff3"}, {"name": "ff1"}, ["ff1"], {"nhs_number": 1}])
def test_a_scheme_nobody_knows_is_refused_by_its_place(schemes: JsonValue) -> None:
    refused = parse_domain({**DOMAIN, "schemes": schemes})
    assert isinstance(refused, Refusal)
    assert (refused.field or "").startswith("/schemes")


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:kms:eu-west-2:111122223333:alias/mine",
        "arn:aws:kms:eu-west-2:111122223333:key/*",
        "arn:aws:s3:eu-west-2:111122223333:key/0a1b2c3d-0000-4000-8000-0123456789ab",
        "arn:aws:kms:eu-west-2:111122223333:key/0a1b2c3d-0000-4000-8000-0123456789ab\n",
        "0a1b2c3d-0000-4000-8000-0123456789ab",
        "",
    ],
)
def test_a_controllers_own_key_is_named_by_its_own_name(arn: str) -> None:
    refused = parse_domain({**DOMAIN, "kms_key_arn": arn})
    assert isinstance(refused, Refusal)
    assert refused.field == "/kms_key_arn"


@pytest.mark.parametrize("quorum", [-1, 0, 1])
def test_a_quorum_below_two_can_not_be_configured(quorum: int) -> None:
    refused = parse_domain({**DOMAIN, "quorum": quorum})
    assert isinstance(refused, Refusal)
    assert refused.field == "/quorum"
    made = parse_domain(DOMAIN)
    assert isinstance(made, Domain)
    with pytest.raises(ValueError, match="two or more"):
        Domain(made.id, made.controllers, made.identifier_types, made.source_dataset, made.care_origin, quorum)


@pytest.mark.parametrize("name", ["controllers", "identifier_types"])
def test_a_domain_without_controllers_or_types_can_not_be(name: str) -> None:
    for value in ([], None, "X26", ["X26", "X26"], ["nhs_number", "nhs_number"]):
        refused = parse_domain({**DOMAIN, name: value})
        assert isinstance(refused, Refusal)
        assert (refused.field or "").startswith(f"/{name}")


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(CANARY),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.just(CANARY), inner),
    max_leaves=5,
)
PARSERS: list[tuple[Callable[[JsonObject], object], list[str]]] = [
    (parse_person, ["id", "roles", "kind", "accredited_until", "capacities", "disabled", CANARY]),
    (parse_project, ["id", "members", "domains", "agreement", "evidence", "active_until", CANARY]),
    (parse_domain, ["id", "controllers", "identifier_types", "source_dataset", "care_origin", "quorum", CANARY]),
]


@given(st.sampled_from(PARSERS), st.data())
def test_what_is_wrong_is_named_by_its_place_and_never_quoted(
    parser: tuple[Callable[[JsonObject], object], list[str]], data: st.DataObject
) -> None:
    parse, names = parser
    body: dict[str, JsonValue] = data.draw(st.dictionaries(st.sampled_from(names), ANY_JSON))
    outcome = parse(body)
    assert isinstance(outcome, Refusal)
    assert CANARY not in repr(outcome)


def test_a_person_is_a_hash_of_issuer_and_subject() -> None:
    assert person_id("https://a", "b") == "person/e3b7ec50dbab4d027b764605b6a1aded"
    assert person_id("https://a", "b") != person_id("https://a", "c")
    for issuer, subject in (("", "b"), ("a", ""), ("a\nb", "c")):
        with pytest.raises(ValueError, match="issuer and the subject"):
            person_id(issuer, subject)
