"""Researchers write, submit and follow requests; everybody with a part in a request reads it here."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, TypeVar

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.utilities.typing import LambdaContext

from keyholder.adapters.assembly import assembly
from keyholder.adapters.clock import SystemClock
from keyholder.canonical import JsonObject
from keyholder.edge.bodies import NoBody, RequestBody, TermsBody
from keyholder.edge.cursors import LONGEST, position, sealed, text
from keyholder.edge.logs import LogCode
from keyholder.edge.outcomes import (
    accepted,
    acting,
    desk_call,
    done_answer,
    own_receipts,
    person_of,
    registry_call,
    sign_in_of,
)
from keyholder.edge.problems import Problem, ProblemError, ProblemType
from keyholder.edge.readings import shown
from keyholder.edge.review_bodies import AcceptConditionsBody, ReplyBody, ReportOutcomeBody
from keyholder.edge.routes import Function
from keyholder.edge.service import Service, answer
from keyholder.edge.standing_bodies import StandingTermsBody, UseStandingBody
from keyholder.emergency.access import access_view, emergency_stream, owner_of
from keyholder.emergency.decide import NO_SUCH_ACCESS
from keyholder.linkage.agreement import agreement_view
from keyholder.linkage.refusals import AGREEMENT_UNKNOWN
from keyholder.refusals import Refusal
from keyholder.registry.attempts import UNNAMED
from keyholder.registry.carrying_out import Entry
from keyholder.registry.decide import operates
from keyholder.registry.decide_delegations import DELEGATION_UNKNOWN, NOT_TO_LIST, may_read
from keyholder.registry.delegation_events import delegation_stream
from keyholder.registry.delegations import DELEGATION, Delegation, delegation_view, with_lent
from keyholder.registry.people import Person
from keyholder.registry.terms import parse_terms
from keyholder.registry.terms_texts import in_force, texts
from keyholder.requests.actors import PersonActor
from keyholder.requests.commands import ReportOutcome
from keyholder.requests.file_view import file_view
from keyholder.requests.filing import Read
from keyholder.requests.listings import (
    advice_requests,
    domain_requests,
    organisation_requests,
    own_requests,
    project_requests,
    request_stream,
)
from keyholder.requests.service import Done
from keyholder.requests.standing import standing_view, terms_state
from keyholder.requests.view import said_json
from keyholder.standing.approval import standing_view as bounds_view
from keyholder.standing.refusals import NOT_ONE_LISTING, STANDING_UNKNOWN
from keyholder.standing.service import of_domain, of_project
from keyholder.standing.terms import parse_terms as parse_bounds
from keyholder.uploads.form import FilesUnavailableError
from keyholder.vocabulary import ContentHash, DomainId, OrganisationCode, ProjectId, RequestId, Role, StreamId

T = TypeVar("T")

service = Service(Function.REQUESTS, lambda: assembly().tokens, SystemClock().now)


@service.route("GET", "/v1/me", summary="Who you are to Keyholder")
def show_myself() -> Response[str]:
    """Your roles, terms and accreditation from Keyholder's own records, your sign-in, and what you lack."""
    house = assembly()
    actor = acting(service.call, house)
    view = standing_view(actor, house.sign_in_rules, in_force(), service.call.now)
    lent = _delegations(house.delegations.of_person(actor.person.id))
    return answer({"person_id": actor.person.id, **view, "delegations": lent})


@service.route("GET", "/v1/terms", summary="The terms of use in force")
def show_terms() -> Response[str]:
    """The texts, and which of them you have accepted."""
    person = acting(service.call, assembly()).person
    items = [{**terms_state(person, document, in_force()), "text": text.text} for document, text in texts().items()]
    return answer({"items": items})


@service.route("POST", "/v1/terms/accept", summary="Accept terms of use, for yourself")
def accept_terms(body: TermsBody) -> Response[str]:
    """The newest text, named by its version and hash; after a recent sign-in."""
    house = assembly()
    acting(service.call, house)
    terms = accepted(parse_terms(body.model_dump(mode="json")))
    entry = accepted(house.registry.accept_terms(registry_call(service.call), terms, service.call.now))
    return answer(terms_state(entry.value, terms.document, in_force()))


@service.route("POST", "/v1/requests", status=201, summary="Write a request")
def create_request(body: RequestBody) -> Response[str]:
    """A draft: what is asked for, why, and for whom."""
    house = assembly()
    call = desk_call(service.call, house)
    return _answered(house.desk.create(call, _content(body)), status=201)


@service.route("GET", "/v1/requests", summary="Requests you have a part in")
def list_requests(
    domain: Annotated[str | None, Query(max_length=64, description="Only those submitted to this domain")] = None,
    project: Annotated[str | None, Query(max_length=64, description="Only those of this project")] = None,
    advice: Annotated[bool, Query(description="Only those that your advice was asked on")] = False,
    cursor: Annotated[str | None, Query(max_length=LONGEST, description="`next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> Response[str]:
    """Oldest first. Without a filter: your own, or for a controller those submitted to their organisation."""
    house = assembly()
    actor = acting(service.call, house)
    lent = house.delegations.lent_to(actor.person.id, service.call.now)
    seeing = with_lent(actor.person, lent)
    listing = advice_requests(actor.person.id) if advice else _listing(seeing, domain, project)
    scope = {"list": listing}
    after = StreamId(text(position(house.requests_seal, service.call, scope, cursor), "after")) if cursor else None
    page = house.desk.page(actor, listing, after, limit)
    following = sealed(house.requests_seal, service.call, scope, {"after": page.after}) if page.after else None
    items = _shown_list(actor.person, domain, project, list(page.requests))
    return answer({"items": items, "next": following})


@service.route("GET", "/v1/requests/{request_id}", summary="A request and what you may do with it")
def show_request(request_id: str) -> Response[str]:
    """State, decisions and `allowed_commands`, each with the reason where it is not allowed."""
    house = assembly()
    actor = acting(service.call, house)
    view = _shown(actor, request_id, house.desk.view(actor, RequestId(request_id)))
    version = view["version"]
    return answer(view, version=version if isinstance(version, int) else 0)


@service.route("GET", "/v1/requests/{request_id}/content", summary="What is asked for, in full")
def show_request_content(request_id: str) -> Response[str]:
    """What a decision is made on: everything but the pseudonyms and row ids, of which there are counts.

    Its texts open to a controller with the declaration that they have no conflict of interest.
    """
    house = assembly()
    actor = acting(service.call, house)
    narrative = _shown(actor, request_id, house.desk.narrative(actor, RequestId(request_id)))
    return answer(
        {
            "content": narrative.content,
            "opened": narrative.opened,
            "justification": narrative.justification,
            "comments": dict(narrative.comments),
        }
    )


@service.route("GET", "/v1/requests/{request_id}/conversation", summary="What was said about a request")
def show_conversation(
    request_id: str,
    cursor: Annotated[int, Query(ge=0, description="`next` of the page before")] = 0,
    limit: Annotated[int, Query(ge=1, le=50)] = 50,
) -> Response[str]:
    """As far as you may know of it: who asks never learns what is internal to those who decide."""
    house = assembly()
    actor = acting(service.call, house)
    found = _shown(actor, request_id, house.desk.conversation(actor, RequestId(request_id), cursor, limit))
    return answer(
        {
            "items": [said_json(said.message, said.text) for said in found.said],
            "opened": found.opened,
            "next": found.after,
        }
    )


@service.route("GET", "/v1/requests/{request_id}/receipts", summary="Proof of your own acts on a request")
def list_receipts(
    request_id: str,
    cursor: Annotated[int, Query(ge=0, description="`next` of the page before")] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> Response[str]:
    """Receipts to keep, each with the event it proves. Auditors get those of every event, without others' leaves."""
    house = assembly()
    actor = acting(service.call, house)
    found = _shown(actor, request_id, house.desk.receipts(actor, RequestId(request_id), cursor, limit))
    return answer({"items": list(found), "next": found[-1]["number"] if len(found) == limit else None})


@service.route("GET", "/v1/requests/{request_id}/revisions", summary="Everything that was submitted of a request")
def list_revisions(request_id: str) -> Response[str]:
    """Each revision with its content hash, and what its author was asked when it was returned."""
    house = assembly()
    actor = acting(service.call, house)
    return answer({"items": _shown(actor, request_id, house.desk.revisions(actor, RequestId(request_id)))})


@service.route("GET", "/v1/requests/{request_id}/changes", summary="What changed between two revisions")
def show_changes(
    request_id: str,
    before: Annotated[int | None, Query(ge=1, description="The earlier revision; without it, the one before")] = None,
    after: Annotated[int | None, Query(ge=2, description="The later revision; without it, the newest")] = None,
) -> Response[str]:
    """Field by field, with the texts where they are open to you. Records are counted, for your own domains."""
    house = assembly()
    actor = acting(service.call, house)
    return answer(_shown(actor, request_id, house.desk.changes(actor, RequestId(request_id), before, after)))


@service.route("GET", "/v1/requests/{request_id}/records", summary="The records asked for from a domain")
def list_records(
    request_id: str,
    domain: Annotated[str, Query(max_length=64, description="The domain they are of")],
    cursor: Annotated[int, Query(ge=0, description="`next` of the page before")] = 0,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 500,
) -> Response[str]:
    """Row ids and pseudonyms: for the requester, and for whoever decides for this domain and has no conflict."""
    house = assembly()
    actor = acting(service.call, house)
    found = _shown(actor, request_id, house.desk.records(actor, RequestId(request_id), DomainId(domain), cursor, limit))
    items = [{"row_id": record.row_id, "pseudonyms": dict(record.pseudonyms)} for record in found]
    return answer({"items": items, "next": cursor + limit if len(found) == limit else None})


@service.route("GET", "/v1/requests/{request_id}/file", summary="How a draft's file of records stands")
def show_file(request_id: str) -> Response[str]:
    """For its requester: where to upload it while it is awaited, what it holds once it was read, or why not."""
    house = assembly()
    actor = acting(service.call, house)
    with _files_reached():
        return answer(file_view(_shown(actor, request_id, house.record_files.show(actor, RequestId(request_id)))))


@service.route("POST", "/v1/requests/{request_id}/hand-in-file", summary="Have an uploaded file of records read")
def hand_in_file(request_id: str, body: NoBody) -> Response[str]:  # noqa: ARG001
    """Says that the declared file is uploaded. It is read off a queue; ask how it stands, then submit."""
    house = assembly()
    call = desk_call(service.call, house, expected=service.call.if_match)
    with _files_reached():
        return _answered(house.record_files.hand_in(call, RequestId(request_id)))


@service.route("POST", "/v1/requests/{request_id}/save", summary="Write a draft anew")
def save_request(request_id: str, body: RequestBody) -> Response[str]:
    """Needs If-Match."""
    house = assembly()
    call = desk_call(service.call, house, expected=service.call.version())
    return _answered(house.desk.save(call, RequestId(request_id), _content(body)))


@service.route("POST", "/v1/requests/{request_id}/take-over", summary="Go on with what somebody who left was writing")
def take_request_over(request_id: str, body: NoBody) -> Response[str]:  # noqa: ARG001 - an empty object is still checked
    """By another researcher on the project, once its author is suspended, off the project or not accredited."""
    house = assembly()
    call = desk_call(service.call, house, expected=service.call.if_match)
    return _answered(house.desk.take_over(call, RequestId(request_id)))


@service.route("POST", "/v1/requests/{request_id}/submit", summary="Freeze the draft and submit it")
def submit_request(request_id: str, body: NoBody) -> Response[str]:  # noqa: ARG001 - an empty object is still checked
    """The content hash is fixed; the checks of every person are asked for."""
    house = assembly()
    call = desk_call(service.call, house, expected=service.call.if_match)
    outcome = house.desk.submit(call, RequestId(request_id))
    if isinstance(outcome, Done):
        house.checks.ask(outcome.state.id)
    return _answered(outcome)


@service.route("POST", "/v1/requests/{request_id}/accept-conditions", summary="Accept the conditions of an approval")
def accept_conditions(request_id: str, body: AcceptConditionsBody) -> Response[str]:
    """By the requester: exactly the set that is offered. Needs If-Match and a recent sign-in."""
    house = assembly()
    call = desk_call(service.call, house, expected=service.call.version())
    return _answered(house.desk.accept_conditions(call, RequestId(request_id), ContentHash(body.conditions_hash)))


@service.route(
    "POST", "/v1/requests/{request_id}/use-standing-approval", summary="Have a request approved by a standing approval"
)
def use_standing_approval(request_id: str, body: UseStandingBody) -> Response[str]:
    """By the requester, of a request in review that it covers and nobody has decided on. Needs a recent sign-in."""
    house = assembly()
    call = desk_call(service.call, house, expected=service.call.if_match)
    return _answered(house.desk.use_standing(call, RequestId(request_id), body.standing_approval_id))


@service.route("POST", "/v1/requests/{request_id}/withdraw", summary="Withdraw a request")
def withdraw_request(request_id: str, body: NoBody) -> Response[str]:  # noqa: ARG001
    """By its requester, at any time before it is decided."""
    house = assembly()
    call = desk_call(service.call, house, expected=service.call.if_match)
    return _answered(house.desk.withdraw(call, RequestId(request_id)))


@service.route("POST", "/v1/requests/{request_id}/discard", summary="Throw a draft away")
def discard_request(request_id: str, body: NoBody) -> Response[str]:  # noqa: ARG001
    """By its author."""
    house = assembly()
    call = desk_call(service.call, house, expected=service.call.if_match)
    return _answered(house.desk.discard(call, RequestId(request_id)))


@service.route("POST", "/v1/requests/{request_id}/reply", summary="Say something to those who decide")
def reply_to_controllers(request_id: str, body: ReplyBody) -> Response[str]:
    """By its requester."""
    house = assembly()
    call = desk_call(service.call, house, expected=service.call.if_match)
    return _answered(house.desk.reply(call, RequestId(request_id), body.text, body.about))


@service.route("POST", "/v1/requests/{request_id}/nudge", summary="Remind those who decide")
def nudge_controllers(request_id: str, body: NoBody) -> Response[str]:  # noqa: ARG001
    """By its requester, once in three days."""
    house = assembly()
    call = desk_call(service.call, house, expected=service.call.if_match)
    return _answered(house.desk.nudge(call, RequestId(request_id)))


@service.route("POST", "/v1/requests/{request_id}/report-outcome", summary="Report what came of it, and close it")
def report_outcome(request_id: str, body: ReportOutcomeBody) -> Response[str]:
    """By its requester, or another researcher on the project, with the statement that everything is destroyed."""
    house = assembly()
    call = desk_call(service.call, house, expected=service.call.if_match)
    report = ReportOutcome(body.used, body.finding, body.destruction, body.destroyed_on)
    return _answered(house.desk.report_outcome(call, RequestId(request_id), report, body.text))


@service.route("POST", "/v1/standing-approvals", status=201, summary="Ask for a standing approval")
def ask_standing_approval(body: StandingTermsBody) -> Response[str]:
    """By a researcher on the project. Nothing is approved by it before the controllers of every domain have."""
    house, call = assembly(), service.call
    terms = accepted(parse_bounds(body.model_dump(mode="json")))
    standing_id = f"STA-{house.new_id()}"
    entry = accepted(house.standings.ask(registry_call(call), sign_in_of(call), standing_id, terms, call.now))
    receipts = own_receipts(entry.recorded, person_of(call))
    view = {**bounds_view(entry.value, call.now, entry.version), "receipts": receipts}
    return answer(view, status=201, version=entry.version)


@service.route("GET", "/v1/standing-approvals/{standing_id}", summary="A standing approval")
def show_standing_approval(standing_id: str) -> Response[str]:
    """For whoever is on the project, whoever decides for one of its domains, and for auditors."""
    house = assembly()
    person = acting(service.call, house).person
    found = house.standings.shown_to(person, standing_id) or STANDING_UNKNOWN
    entry = shown(service.call, house, person, StreamId(f"standing/{standing_id}"), found)
    return answer(bounds_view(entry.value, service.call.now, entry.version), version=entry.version)


@service.route("GET", "/v1/standing-approvals", summary="Standing approvals of a domain or a project")
def list_standing_approvals(
    domain: Annotated[str | None, Query(max_length=64, description="Those its controllers were asked for")] = None,
    project: Annotated[str | None, Query(max_length=64, description="Those it asked for")] = None,
    cursor: Annotated[str | None, Query(max_length=LONGEST, description="`next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 20,
) -> Response[str]:
    """Those that you may read, the oldest first. Name one of the two."""
    house, call = assembly(), service.call
    person = acting(call, house).person
    if (domain is None) == (project is None):
        raise ProblemError(Problem.of(NOT_ONE_LISTING))
    listing = of_domain(DomainId(domain)) if domain else of_project(ProjectId(project or ""))
    scope = {"standing": listing}
    after = text(position(house.requests_seal, call, scope, cursor), "after") if cursor else None
    page = house.standings.page(person, listing, after, limit)
    following = sealed(house.requests_seal, call, scope, {"after": page.next}) if page.next else None
    items = [bounds_view(entry.value, call.now, entry.version) for entry in page.items]
    return answer({"items": _shown_list(person, domain, project, items), "next": following})


@service.route("GET", "/v1/linkage-agreements/{agreement_id}", summary="A linkage agreement")
def show_linkage_agreement(agreement_id: str) -> Response[str]:
    """For whoever decides for one of its domains, for providers who translate under it, and for auditors."""
    house = assembly()
    person = acting(service.call, house).person
    found = house.linkage.shown_to(person, agreement_id) or AGREEMENT_UNKNOWN
    entry = shown(service.call, house, person, StreamId(f"linkage/{agreement_id}"), found)
    return answer(agreement_view(entry.value, service.call.now, entry.version), version=entry.version)


@service.route("GET", "/v1/domains/{domain_id}/linkage-agreements", summary="A domain's linkage agreements")
def list_linkage_agreements(
    domain_id: str,
    cursor: Annotated[str | None, Query(max_length=LONGEST, description="`next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 20,
) -> Response[str]:
    """Those from it and to it that you may read, the oldest first."""
    house, call = assembly(), service.call
    person, domain = acting(call, house).person, DomainId(domain_id)
    if house.registry.domain(domain) is None:
        raise ProblemError(Problem(ProblemType.NOT_FOUND))
    scope = {"linkage": domain_id}
    after = text(position(house.requests_seal, call, scope, cursor), "after") if cursor else None
    page = house.linkage.page(person, domain, after, limit)
    following = sealed(house.requests_seal, call, scope, {"after": page.next}) if page.next else None
    items = [agreement_view(entry.value, call.now, entry.version) for entry in page.items]
    return answer({"items": _shown_list(person, domain_id, None, items), "next": following})


@service.route("GET", "/v1/emergency-accesses", summary="Emergency accesses: your own, or a domain's")
def list_emergency_accesses(
    domain: Annotated[str | None, Query(max_length=64, description="Those to it, for who decides there")] = None,
) -> Response[str]:
    """What waits for its review goes first."""
    house = assembly()
    person = acting(service.call, house).person
    desk = house.emergency_desk
    found = desk.own(person) if domain is None else desk.of_domain(person, DomainId(domain))
    items = [access_view(access, owner) for access, owner in found]
    return answer({"items": _shown_list(person, domain, None, items)})


@service.route("GET", "/v1/emergency-accesses/{access_id}", summary="One emergency access and its review")
def show_emergency_access(access_id: str) -> Response[str]:
    """For whose it is, whoever decides for its domain, and auditors. Never whose records they were."""
    house = assembly()
    person, owner = acting(service.call, house).person, owner_of(access_id)
    subject = UNNAMED if owner is None else emergency_stream(owner)
    found = house.emergency_desk.shown(person, access_id) or NO_SUCH_ACCESS
    access, accesses = shown(service.call, house, person, subject, found)
    return answer(access_view(access, accesses.person), version=accesses.version)


@service.route("GET", "/v1/delegations", summary="Who decides in whose place")
def list_delegations(
    organisation: Annotated[
        str | None, Query(max_length=10, description="Those of its roles, for operators and who decides for it")
    ] = None,
) -> Response[str]:
    """Your own, on either side, or an organisation's, the oldest first."""
    house = assembly()
    person, book = acting(service.call, house).person, house.delegations
    if organisation is None:
        return answer({"items": _delegations(book.of_person(person.id))})
    code = OrganisationCode(organisation)
    may = operates(person) or person.has(Role.AUDITOR) or person.approves_for(code)
    items = _delegations(book.of_organisation(code)) if may else []
    outcome = items if may else NOT_TO_LIST
    return answer({"items": shown(service.call, house, person, UNNAMED, outcome, count=len(items))})


@service.route("GET", "/v1/delegations/{delegation_id}", summary="One delegation, and whether it is in force")
def show_delegation(delegation_id: str) -> Response[str]:
    """For its two people, operators, whoever decides for that organisation, and auditors."""
    house = assembly()
    person, entry = acting(service.call, house).person, house.delegations.entry(delegation_id)
    stream = delegation_stream(delegation_id) if DELEGATION.fullmatch(delegation_id) else UNNAMED
    found = entry if entry is not None and may_read(person, entry.value) else DELEGATION_UNKNOWN
    known = shown(service.call, house, person, stream, found)
    (view,) = _delegations((known,))
    return answer(view, version=known.version)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The function's entry: an API event, or messages that ask for a file of records to be read."""
    records = event.get("Records")
    if isinstance(records, list):
        return _read(records)
    return service(event, context)


_LOGGED = {Read.DONE: LogCode.FILE_DONE, Read.NOT_ASKED: LogCode.FILE_SKIPPED}


def _read(records: list[dict[str, Any]]) -> dict[str, Any]:
    """Each message is one request; what failed is reported alone and comes again (partial batch response)."""
    failed = []
    for record in records:
        trace = str(uuid.uuid4())
        try:
            request = RequestId(str(json.loads(record["body"])["request"]))
            service.log.write(_LOGGED[assembly().record_files.read(request, trace)], request_id=trace)
        except Exception as fault:  # noqa: BLE001 - reported to the queue, which delivers it again, then to its dead letters
            service.log.fault(LogCode.FAULT, fault, request_id=trace)
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def _answered(outcome: Done | Refusal, *, status: int = 200) -> Response[str]:
    house = assembly()
    return done_answer(house.desk, acting(service.call, house), outcome, status=status)


def _shown(actor: PersonActor, request: str, outcome: T | Refusal) -> T:
    """What was read of a request."""
    return shown(service.call, assembly(), actor.person, request_stream(RequestId(request)), outcome)


def _shown_list(person: Person, domain: str | None, project: str | None, items: list[JsonObject]) -> list[JsonObject]:
    """What a list of a domain or a project held; that of a person's own is named after nothing."""
    named = {"domain": domain, "project": project}
    subject = next((StreamId(f"{kind}/{name}") for kind, name in named.items() if name is not None), UNNAMED)
    return shown(service.call, assembly(), person, subject, items, count=len(items))


@contextmanager
def _files_reached() -> Iterator[None]:
    """A store that can't be reached is said to be so."""
    try:
        yield
    except FilesUnavailableError:
        raise ProblemError(Problem(ProblemType.UNAVAILABLE, headers={"retry-after": "30"})) from None


def _delegations(entries: Iterable[Entry[Delegation]]) -> list[JsonObject]:
    now, book = service.call.now, assembly().delegations
    return [
        delegation_view(entry.value, now, entry.version, in_force=book.in_force(entry.value, now)) for entry in entries
    ]


def _content(body: RequestBody) -> dict[str, Any]:
    """Plain values; what was not sent is left out, so that the domain sees what the caller wrote."""
    content: dict[str, Any] = body.model_dump(mode="json", exclude_none=True)
    return content


def _listing(person: Person, domain: str | None, project: str | None) -> str:
    if domain is not None:
        return domain_requests(DomainId(domain))
    if project is not None:
        return project_requests(ProjectId(project))
    organisations = sorted(person.organisations(Role.CONTROLLER))
    if organisations and not person.has(Role.RESEARCHER):
        return organisation_requests(organisations[0])
    if person.has(Role.RESEARCHER):
        return own_requests(person.id)
    raise ProblemError(Problem(ProblemType.FORBIDDEN, advice="Name a domain or a project."))
