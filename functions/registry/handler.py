"""Operators register people, projects and domains; a domain's keys are made in KMS, unseen, when it is registered."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from keyholder.adapters.assembly import assembly
from keyholder.adapters.clock import SystemClock
from keyholder.edge.bodies import DomainBody, PersonBody, ProjectBody
from keyholder.edge.outcomes import accepted, member, person_of, registry_call
from keyholder.edge.problems import Problem, ProblemError, ProblemType
from keyholder.edge.routes import Function
from keyholder.edge.service import Service, answer
from keyholder.registry.decide import operates
from keyholder.registry.domains import Domain, domain_view, parse_domain
from keyholder.registry.people import Person, parse_person, person_id, person_json
from keyholder.registry.projects import parse_project, project_json
from keyholder.registry.service import Entry
from keyholder.vocabulary import DomainId, PersonId, ProjectId

FIRST_VERSION = 1

service = Service(Function.REGISTRY, lambda: assembly().tokens, SystemClock().now)


@service.route("POST", "/v1/people", status=201, summary="Register a person, or change one (If-Match)")
def register_person(body: PersonBody) -> Response[str]:
    """By an operator. The first operator is registered by whom the deployment named, once."""
    identity = person_id(service.call.caller.issuer, body.subject)
    person = accepted(parse_person({**body.model_dump(mode="json", exclude={"subject"}), "id": identity}))
    registry = assembly().registry
    change = service.call.if_match is not None
    entry = accepted(
        (registry.change_person if change else registry.register_person)(registry_call(service.call), person)
    )
    return answer({"person_id": entry.value.id, **person_json(entry.value)}, status=201, version=entry.version)


@service.route("POST", "/v1/projects", status=201, summary="Register a project, or change one (If-Match)")
def register_project(body: ProjectBody) -> Response[str]:
    """By an operator, with the evidence that the operator has on file."""
    raw = {**body.model_dump(mode="json", exclude={"project_id"}), "id": body.project_id}
    project = accepted(parse_project(raw))
    registry = assembly().registry
    change = service.call.if_match is not None
    entry = accepted(
        (registry.change_project if change else registry.register_project)(registry_call(service.call), project)
    )
    return answer({"project_id": entry.value.id, **project_json(entry.value)}, status=201, version=entry.version)


@service.route("POST", "/v1/domains", status=201, summary="Register a domain and make its keys")
def register_domain(body: DomainBody) -> Response[str]:
    """By an operator. Registering and making keys are two steps of the ledger; a repeated call finishes a half one."""
    domain = accepted(parse_domain({**body.model_dump(mode="json", exclude={"domain_id"}), "id": body.domain_id}))
    entry = _with_keys(accepted(assembly().registry.register_domain(registry_call(service.call), domain)))
    return answer(_domain(entry), status=201, version=entry.version)


@service.route("GET", "/v1/people/{person_id}", summary="A person's roles and standing")
def show_person(person_id: str) -> Response[str]:
    """For operators. The id is the part after `person/`."""
    _operator()
    entry = assembly().registry.person_entry(PersonId(f"person/{person_id}"))
    if entry is None:
        raise ProblemError(Problem(ProblemType.NOT_FOUND))
    return answer({"person_id": entry.value.id, **person_json(entry.value)}, version=entry.version)


@service.route("GET", "/v1/projects/{project_id}", summary="A project, its people and its evidence")
def show_project(project_id: str) -> Response[str]:
    """For operators."""
    _operator()
    entry = assembly().registry.project_entry(ProjectId(project_id))
    if entry is None:
        raise ProblemError(Problem(ProblemType.NOT_FOUND))
    return answer({"project_id": entry.value.id, **project_json(entry.value)}, version=entry.version)


@service.route("GET", "/v1/domains/{domain_id}", summary="A domain, its controllers and key versions")
def show_domain(domain_id: str) -> Response[str]:
    """For every registered person."""
    member(assembly().registry.person(person_of(service.call)))
    entry = assembly().registry.domain_entry(DomainId(domain_id))
    if entry is None:
        raise ProblemError(Problem(ProblemType.NOT_FOUND))
    return answer(_domain(entry), version=entry.version)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The function's entry."""
    return service(event, context)


def _with_keys(registered: Entry[Domain]) -> Entry[Domain]:
    """Makes the domain's first keys, and this year's tag key and the digest key where they are not there yet.

    A repeated call is answered with the domain as it was first registered, without keys: it is read again.
    """
    entry = assembly().registry.domain_entry(registered.value.id) or registered
    maker, domain = assembly().key_maker, entry.value
    maker.make_digest_key()
    maker.make_tag_key(service.call.now.year)
    missing = tuple((kind, FIRST_VERSION) for kind in domain.identifier_types if not domain.newest_version(kind))
    if not missing:
        return entry
    for kind, version in missing:
        maker.make_domain_key(domain.id, kind, version)
    call = registry_call(service.call)
    made = assembly().registry.make_keys(type(call)(call.actor, call.trace), domain.id, missing)
    return accepted(made)


def _domain(entry: Entry[Domain]) -> dict[str, object]:
    return {"domain_id": entry.value.id, **domain_view(entry.value)}


def _operator() -> Person:
    person = member(assembly().registry.person(person_of(service.call)))
    if not operates(person):
        raise ProblemError(Problem(ProblemType.FORBIDDEN))
    return person
