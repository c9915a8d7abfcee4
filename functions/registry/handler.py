"""Operators register people, projects and domains, and propose what the policy's settings are to be.

A domain's keys are made in KMS, unseen, when it is registered.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from keyholder.adapters.assembly import assembly
from keyholder.adapters.clock import SystemClock
from keyholder.edge.bodies import (
    DomainBody,
    KeyChangeBody,
    NoBody,
    PersonBody,
    PolicyChangeBody,
    ProjectBody,
    RolesBody,
    RuleChangeBody,
)
from keyholder.edge.contact_bodies import ContactBody
from keyholder.edge.outcomes import accepted, member, person_of, registry_call, sign_in_of
from keyholder.edge.problems import Problem, ProblemError, ProblemType
from keyholder.edge.readings import shown
from keyholder.edge.routes import Function
from keyholder.edge.service import Service, answer
from keyholder.edge.text_bodies import EraseTextBody, TextBody
from keyholder.notices.contacts import Contact, contact_view, parse_address
from keyholder.policy.changes import PolicyState, change_view, policy_view
from keyholder.policy.settings_form import parse_settings
from keyholder.pseudonyms.key_ring import KeyUnavailableError
from keyholder.registry.decide import operates
from keyholder.registry.domains import Domain, domain_view, parse_domain
from keyholder.registry.key_changes import key_change_view, parse_wish
from keyholder.registry.people import Membership, Person, parse_person, person_id, person_view
from keyholder.registry.projects import parse_project, project_json
from keyholder.registry.rule_changes import rule_change_view
from keyholder.registry.service import Entry
from keyholder.requests.erasing.erasures import Erasures, texts_view
from keyholder.requests.listings import request_stream
from keyholder.requests.reasons import UNKNOWN_REQUEST
from keyholder.vocabulary import DomainId, OrganisationCode, PersonId, ProjectId, RequestId

FIRST_VERSION = 1

service = Service(Function.REGISTRY, lambda: assembly().tokens, SystemClock().now)


@service.route("POST", "/v1/people", status=201, summary="Register a person, or change one (If-Match)")
def register_person(body: PersonBody) -> Response[str]:
    """By an operator. The first operator is registered by whom the deployment named, once.

    Roles that decide on requests count once a second person has confirmed them.
    """
    identity = person_id(service.call.caller.issuer, body.subject)
    person = accepted(parse_person({**body.model_dump(mode="json", exclude={"subject"}), "id": identity}))
    registry = assembly().registry
    change = service.call.if_match is not None
    entry = accepted(
        (registry.change_person if change else registry.register_person)(registry_call(service.call), person)
    )
    return answer(_person(entry.value), status=201, version=entry.version)


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
    registered = accepted(assembly().registry.register_domain(registry_call(service.call), domain))
    with _keys_reached():
        entry = _with_keys(registered)
    return answer(_domain(entry), status=201, version=entry.version)


@service.route("GET", "/v1/people/{person_id}", summary="A person's roles and standing")
def show_person(person_id: str) -> Response[str]:
    """For operators, and for those who decide for an organisation of theirs. The id is the part after `person/`."""
    reader = member(assembly().registry.person(person_of(service.call)))
    entry = assembly().registry.person_entry(PersonId(f"person/{person_id}"))
    together = entry is not None and any(reader.approves_for(held.organisation) for held in entry.value.roles)
    if not operates(reader) and not together:
        raise ProblemError(Problem(ProblemType.FORBIDDEN))
    if entry is None:
        raise ProblemError(Problem(ProblemType.NOT_FOUND))
    return answer(_person(entry.value), version=entry.version)


@service.route("POST", "/v1/people/{person_id}/confirm", summary="Confirm roles that another person gave")
def confirm_roles(person_id: str, body: RolesBody) -> Response[str]:
    """By another operator, or by somebody who decides for the organisation already; after a recent sign-in."""
    roles = tuple(Membership(held.role, OrganisationCode(held.organisation)) for held in body.roles)
    call, person = registry_call(service.call), PersonId(f"person/{person_id}")
    entry = accepted(assembly().registry.confirm_roles(call, person, roles, service.call.now))
    return answer(_person(entry.value), version=entry.version)


@service.route("POST", "/v1/people/{person_id}/contact", summary="Say where somebody is told")
def set_contact(person_id: str, body: ContactBody) -> Response[str]:
    """By an operator. The address goes into a store of its own, is never shown again, and the person is told."""
    address = accepted(parse_address(body.email))
    person = PersonId(f"person/{person_id}")
    return _contact(accepted(assembly().contact_book.set(registry_call(service.call), person, address)))


@service.route("POST", "/v1/people/{person_id}/contact/remove", summary="Erase where somebody is told")
def remove_contact(person_id: str, body: NoBody) -> Response[str]:  # noqa: ARG001 - still checked
    """By an operator. The person is told of nothing any more."""
    person = PersonId(f"person/{person_id}")
    return _contact(accepted(assembly().contact_book.remove(registry_call(service.call), person)))


@service.route("GET", "/v1/people/{person_id}/contact", summary="Whether somebody can be told")
def show_contact(person_id: str) -> Response[str]:
    """For the person, and for operators. Never the address."""
    acting = member(assembly().registry.person(person_of(service.call)))
    person = PersonId(f"person/{person_id}")
    if acting.id != person and not operates(acting):
        raise ProblemError(Problem(ProblemType.FORBIDDEN))
    entry = assembly().contact_book.entry(person)
    if entry is None:
        raise ProblemError(Problem(ProblemType.NOT_FOUND))
    return _contact(entry)


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


@service.route("POST", "/v1/domains/{domain_id}/key-changes", status=201, summary="Propose a change of a domain's keys")
def propose_key_change(domain_id: str, body: KeyChangeBody) -> Response[str]:
    """By an operator. Nothing happens to the keys until another operator confirms it, within 24 hours."""
    house = assembly()
    wish = accepted(parse_wish(body.model_dump(mode="json")))
    change_id = f"KCH-{house.new_id()}"
    call, domain = registry_call(service.call), DomainId(domain_id)
    entry = accepted(house.registry.propose_key_change(call, domain, change_id, wish, service.call.now))
    return _key_change(entry, entry.value.key_changes[-1].id, status=201)


@service.route(
    "POST", "/v1/domains/{domain_id}/key-changes/{change_id}/confirm", summary="Carry out what another proposed"
)
def confirm_key_change(domain_id: str, change_id: str, body: NoBody) -> Response[str]:  # noqa: ARG001 - still checked
    """By another operator than the proposer. It is in the ledger first; a repeated call finishes a half one."""
    house, domain = assembly(), DomainId(domain_id)
    entry = accepted(
        house.registry.confirm_key_change(registry_call(service.call), domain, change_id, service.call.now)
    )
    change = entry.value.key_change(change_id)
    # The keys follow what the ledger says now: a repeated call must not undo what was decided after the first one.
    with _keys_reached():
        house.key_maker.follow(house.registry.domain(domain) or entry.value, change.keys if change else ())
    return _key_change(entry, change_id)


@service.route(
    "POST", "/v1/domains/{domain_id}/key-changes/{change_id}/withdraw", summary="Take back or refuse a proposal"
)
def withdraw_key_change(domain_id: str, change_id: str, body: NoBody) -> Response[str]:  # noqa: ARG001 - still checked
    """By any operator, the proposer included."""
    call, domain = registry_call(service.call), DomainId(domain_id)
    entry = accepted(assembly().registry.withdraw_key_change(call, domain, change_id, service.call.now))
    return _key_change(entry, change_id)


@service.route("GET", "/v1/policy", summary="The policy's settings in force, and the change that waits")
def show_policy() -> Response[str]:
    """For every registered person."""
    member(assembly().registry.person(person_of(service.call)))
    entry = assembly().policy.entry()
    return answer(policy_view(entry.value, service.call.now), version=entry.version)


@service.route("GET", "/v1/policy/changes/{change_id}", summary="A change of the settings: what differs, and the whole")
def show_policy_change(change_id: str) -> Response[str]:
    """For every registered person; settings that were in force once are proposed again from here."""
    member(assembly().registry.person(person_of(service.call)))
    entry = assembly().policy.entry()
    if entry.value.change(change_id) is None:
        raise ProblemError(Problem(ProblemType.NOT_FOUND))
    return _policy_change(entry, change_id)


@service.route("POST", "/v1/policy/changes", status=201, summary="Propose settings of the policy")
def propose_policy_change(body: PolicyChangeBody) -> Response[str]:
    """By an operator. Nothing changes until somebody on the controllers' side confirms it, within seven days."""
    house = assembly()
    facts = accepted(parse_settings(body.settings.model_dump(mode="json", by_alias=True), "/settings"))
    change_id = f"PCH-{house.new_id()}"
    call = registry_call(service.call)
    entry = accepted(house.policy.propose(call, change_id, facts, body.reason, service.call.now))
    return _policy_change(entry, entry.value.changes[-1].id, status=201)


@service.route("POST", "/v1/policy/changes/{change_id}/confirm", summary="Put settings into force")
def confirm_policy_change(change_id: str, body: NoBody) -> Response[str]:  # noqa: ARG001 - still checked
    """By a controller or a Caldicott Guardian who did not propose them, freshly signed in."""
    call, now = registry_call(service.call), service.call.now
    entry = accepted(assembly().policy.confirm(call, change_id, sign_in_of(service.call), now))
    return _policy_change(entry, change_id)


@service.route("POST", "/v1/policy/changes/{change_id}/stop", summary="Stop proposed settings")
def stop_policy_change(change_id: str, body: NoBody) -> Response[str]:  # noqa: ARG001 - still checked
    """By whoever decides on requests for an organisation that controls a domain, the data protection officer too."""
    entry = accepted(assembly().policy.withdraw(registry_call(service.call), change_id, service.call.now))
    return _policy_change(entry, change_id)


@service.route("POST", "/v1/policy/changes/{change_id}/withdraw", summary="Take back proposed settings")
def withdraw_policy_change(change_id: str, body: NoBody) -> Response[str]:  # noqa: ARG001 - still checked
    """By any operator."""
    entry = accepted(assembly().policy.withdraw(registry_call(service.call), change_id, service.call.now))
    return _policy_change(entry, change_id)


@service.route(
    "POST", "/v1/domains/{domain_id}/rule-changes", status=201, summary="Propose a change of a domain's rules"
)
def propose_rule_change(domain_id: str, body: RuleChangeBody) -> Response[str]:
    """By an operator, after a recent sign-in. Nothing changes before the domain's own people agree, within 7 days."""
    house = assembly()
    proposal = (f"RCH-{house.new_id()}", body.wanted(), body.reason)
    call, domain = registry_call(service.call), DomainId(domain_id)
    entry = accepted(house.registry.propose_rule_change(call, domain, proposal, service.call.now))
    return _rule_change(entry, entry.value.rule_changes[-1].id, status=201)


@service.route(
    "POST", "/v1/domains/{domain_id}/rule-changes/{change_id}/confirm", summary="Agree to a change of a domain's rules"
)
def confirm_rule_change(domain_id: str, change_id: str, body: NoBody) -> Response[str]:  # noqa: ARG001 - still checked
    """By those who decide for the domain now: one where every rule gets stricter, else as many as a release takes."""
    house, domain = assembly(), DomainId(domain_id)
    entry = accepted(
        house.registry.confirm_rule_change(registry_call(service.call), domain, change_id, service.call.now)
    )
    # A type that is new gets its keys, as the ledger says now; the sweeper finishes what is cut short.
    known = house.registry.domain(domain) or entry.value
    if known.keys_behind:
        with _keys_reached():
            house.key_maker.follow(known, [(kind, version) for kind in known.keys for version in known.keys[kind]])
    return _rule_change(entry, change_id)


@service.route(
    "POST", "/v1/domains/{domain_id}/rule-changes/{change_id}/withdraw", summary="Take back or refuse other rules"
)
def withdraw_rule_change(domain_id: str, change_id: str, body: NoBody) -> Response[str]:  # noqa: ARG001 - still checked
    """By any operator, and by any one who decides for the domain."""
    call, domain = registry_call(service.call), DomainId(domain_id)
    entry = accepted(assembly().registry.withdraw_rule_change(call, domain, change_id, service.call.now))
    return _rule_change(entry, change_id)


@service.route("GET", "/v1/requests/{request_id}/texts", summary="Which texts a request has, without their words")
def list_texts(request_id: str) -> Response[str]:
    """For operators, for those who decide for one of its domains, and for auditors."""
    house, request = assembly(), RequestId(request_id)
    person = member(house.registry.person(person_of(service.call)))
    found = house.erasures.entry(request) if house.erasures.open_to(person, request) else UNKNOWN_REQUEST
    return _texts(request, shown(service.call, house, person, request_stream(request), found))


@service.route("POST", "/v1/requests/{request_id}/texts/erase", summary="Have a text erased")
def erase_text(request_id: str, body: EraseTextBody) -> Response[str]:
    """By an operator. What was only said is erased within minutes; what a decision rests on waits for a second."""
    call, request = service.call, RequestId(request_id)
    book = assembly().erasures
    return _texts(
        request, accepted(book.propose(registry_call(call), request, body.text_sha256, body.reason, call.now))
    )


@service.route("POST", "/v1/requests/{request_id}/texts/confirm-erasure", summary="Confirm the erasure of a text")
def confirm_erasure(request_id: str, body: TextBody) -> Response[str]:
    """By another operator, or somebody who decides for one of the request's domains, freshly signed in."""
    call, request = service.call, RequestId(request_id)
    outcome = assembly().erasures.confirm(registry_call(call), request, body.text_sha256, sign_in_of(call), call.now)
    return _texts(request, accepted(outcome))


@service.route("POST", "/v1/requests/{request_id}/texts/withdraw-erasure", summary="Stop the erasure of a text")
def withdraw_erasure(request_id: str, body: TextBody) -> Response[str]:
    """By any operator, or somebody who decides for one of the request's domains, until it is confirmed."""
    call, request = service.call, RequestId(request_id)
    outcome = assembly().erasures.withdraw(registry_call(call), request, body.text_sha256, call.now)
    return _texts(request, accepted(outcome))


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The function's entry."""
    return service(event, context)


def _texts(request: RequestId, entry: Entry[Erasures]) -> Response[str]:
    body = texts_view(assembly().erasures.texts(request), entry.value, service.call.now)
    return answer(body, version=entry.version)


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
        maker.make_domain_key(domain.id, kind, version, domain.kms_key_arn)
    call = registry_call(service.call)
    made = assembly().registry.make_keys(type(call)(call.actor, call.trace), domain.id, missing)
    return accepted(made)


def _person(person: Person) -> dict[str, object]:
    return {"person_id": person.id, **person_view(person)}


def _domain(entry: Entry[Domain]) -> dict[str, object]:
    return {"domain_id": entry.value.id, **domain_view(entry.value, service.call.now)}


def _contact(entry: Entry[Contact]) -> Response[str]:
    return answer(contact_view(entry.value), version=entry.version)


def _key_change(entry: Entry[Domain], change_id: str, *, status: int = 200) -> Response[str]:
    change = entry.value.key_change(change_id)
    if change is None:
        raise LookupError("a step on a key change left none")
    return answer(key_change_view(change, service.call.now), status=status, version=entry.version)


def _policy_change(entry: Entry[PolicyState], change_id: str, *, status: int = 200) -> Response[str]:
    change = entry.value.change(change_id)
    if change is None:
        raise LookupError("a step on a change of the policy left none")
    return answer(change_view(change, service.call.now), status=status, version=entry.version)


def _rule_change(entry: Entry[Domain], change_id: str, *, status: int = 200) -> Response[str]:
    change = entry.value.rule_change(change_id)
    if change is None:
        raise LookupError("a step on a rule change left none")
    return answer(rule_change_view(change, service.call.now), status=status, version=entry.version)


@contextmanager
def _keys_reached() -> Iterator[None]:
    """A KMS key that is switched off or withdrawn is said to be so; the step itself is in the ledger by then."""
    try:
        yield
    except KeyUnavailableError:
        raise ProblemError(Problem(ProblemType.KEYS_UNAVAILABLE, headers={"retry-after": "300"})) from None


def _operator() -> Person:
    person = member(assembly().registry.person(person_of(service.call)))
    if not operates(person):
        raise ProblemError(Problem(ProblemType.FORBIDDEN))
    return person
