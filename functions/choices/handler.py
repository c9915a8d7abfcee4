"""Intake of patients' choices: lists become keyed digests here, and no NHS number is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from keyholder.adapters.assembly import assembly
from keyholder.adapters.clock import SystemClock
from keyholder.edge.bodies import ConsentsBody, ConsentWithdrawalBody, OptOutReplyBody, PersonChoicesBody, Type1Body
from keyholder.edge.outcomes import accepted, member, person_of
from keyholder.edge.problems import Problem, ProblemError, ProblemType
from keyholder.edge.routes import Function
from keyholder.edge.service import Service, answer
from keyholder.opt_outs.overview import overview
from keyholder.policy.choices import ChoicesUnavailableError
from keyholder.policy.consent_list import consent_list
from keyholder.policy.consents import projects_withdrawn_from
from keyholder.policy.intake import Intake, Loaded
from keyholder.policy.person_view import PrivacyOfficer
from keyholder.pseudonyms.key_ring import KeyUnavailableError
from keyholder.refusals import Refusal
from keyholder.registry.attempts import record_refusal
from keyholder.registry.decide import NOT_AN_OPERATOR, operates
from keyholder.vocabulary import ActorId, DomainId, ProjectId, StreamId

service = Service(Function.CHOICES, lambda: assembly().tokens, SystemClock().now)


@service.route("POST", "/v1/choices/national-data-opt-outs", status=201, summary="Load national data opt-outs")
def load_national_data_opt_outs(body: OptOutReplyBody) -> Response[str]:
    """A request list and the reply of the Check for National Data Opt-outs service, both exactly as sent over MESH."""
    return _answered(
        "load_national_data_opt_outs",
        "choices/national-data-opt-outs",
        lambda intake: intake.opt_outs(
            body.requested.encode(),
            body.reply.encode(),
            source=body.source,
            asked_at=body.performed_at,
            mode=body.mode,
            refreshed=body.cache_refreshed_at,
        ),
    )


@service.route("GET", "/v1/choices/national-data-opt-outs", summary="Checks of national data opt-outs")
def list_national_data_opt_outs() -> Response[str]:
    """For operators: how far each check of the last three weeks is, and until when its answer can be used."""
    house = assembly()
    if not operates(member(house.registry.person(person_of(service.call)))):
        raise ProblemError(Problem(ProblemType.FORBIDDEN))
    seen = overview(house.ledger, house.policy.in_force().freshness, service.call.now)
    return answer({"items": [view.json() for view in seen]})


@service.route("POST", "/v1/choices/type-1-events", status=201, summary="Load Type 1 opt-out events")
def load_type_1_events(body: Type1Body) -> Response[str]:
    """Dated coded events, and everybody whose record was read."""
    return _answered(
        "load_type_1_events",
        "choices/type-1",
        lambda intake: intake.type_1(body.rows.encode(), body.source, body.as_at),
    )


@service.route("POST", "/v1/choices/consents", status=201, summary="Load consents")
def load_consents(body: ConsentsBody) -> Response[str]:
    """FHIR R4 Consent resources for named projects."""
    loaded = _answered(
        "load_consents", "choices/consents", lambda intake: intake.consents(body.resources.encode(), body.source)
    )
    _look_again(ProjectId(name) for name in projects_withdrawn_from(body.resources.encode()))
    return loaded


@service.route("POST", "/v1/choices/consents/withdrawals", status=201, summary="Withdraw a person's consent")
def withdraw_consent(body: ConsentWithdrawalBody) -> Response[str]:
    """It acts on the next release. What was released before stays released, and the ledger says so."""
    loaded = _answered(
        "withdraw_consent",
        "choices/consents",
        lambda intake: intake.withdraw_consent(body.nhs_number, body.project, body.withdrawn_on, body.source),
    )
    _look_again([ProjectId(body.project)])
    return loaded


@service.route("GET", "/v1/choices/consents/{project_id}", summary="The consents held for a project")
def list_consents(project_id: str) -> Response[str]:
    """As they stand today, without whose they are."""
    house, call = assembly(), service.call
    person = house.registry.person(person_of(call))
    if person is None or not operates(person):
        return _refused("list_consents", "choices/consents", NOT_AN_OPERATOR)
    if house.registry.project(ProjectId(project_id)) is None:
        raise ProblemError(Problem(ProblemType.NOT_FOUND))
    return answer(_reading(lambda: consent_list(house.choices.load(call.now), project_id, call.now)))


@service.route("POST", "/v1/people/choices", summary="A person's choices, for their data protection officer")
def show_choices(body: PersonChoicesBody) -> Response[str]:
    """By a data protection officer of an organisation that controls the domain. Each look is in the ledger."""
    house, call = assembly(), service.call
    officer = PrivacyOfficer(
        log=house.ledger,
        held=house.choices,
        digester=house.digester,
        new_id=house.new_id,
        person=house.registry.person(person_of(call)),
        trace=call.trace,
        idempotency=call.idempotency,
        now=call.now,
    )
    domain = house.registry.domain(DomainId(body.domain))
    shown = _reading(lambda: officer.choices_of(body.nhs_number, domain, body.reason))
    if isinstance(shown, Refusal):
        return _refused("show_choices", f"domain/{body.domain}", shown)
    return answer(shown)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The function's entry."""
    return service(event, context)


T = TypeVar("T")


def _reading(read: Callable[[], T]) -> T:
    try:
        return read()
    except KeyUnavailableError:
        raise ProblemError(Problem(ProblemType.KEYS_UNAVAILABLE, headers={"retry-after": "300"})) from None
    except ChoicesUnavailableError:
        raise ProblemError(Problem(ProblemType.UNAVAILABLE, headers={"retry-after": "30"})) from None


def _refused(command: str, subject: str, refusal: Refusal) -> Response[str]:
    """The refusal is in the ledger before it is told. Raises the problem of it."""
    house, call = assembly(), service.call
    record_refusal(
        house.ledger,
        house.ids,
        actor=ActorId(person_of(call)),
        command=command,
        subject=StreamId(subject),
        refusal=refusal,
        trace=call.trace,
    )
    return answer(accepted(refusal))


def _look_again(projects: Iterable[ProjectId]) -> None:
    """Ask `release` to look at the approved requests of these projects, so that those who rely on a consent are told.

    A repeated call asks again, so that nothing is lost where the first one ended here.
    """
    house = assembly()
    for project in projects:
        for request in house.desk.relying_on_consent(project):
            house.checks.ask(request)


def _answered(command: str, subject: str, take_in: Callable[[Intake], Loaded | Refusal]) -> Response[str]:
    house, call = assembly(), service.call
    actor = person_of(call)
    intake = Intake(
        log=house.ledger,
        store=house.choices,
        digester=house.digester,
        new_id=house.new_id,
        person=house.registry.person(actor),
        trace=call.trace,
        idempotency=call.idempotency,
        now=call.now,
        registered=lambda project: house.registry.project(project) is not None,
        join=house.joining(call.trace).run,
    )
    done = _reading(lambda: take_in(intake))
    if isinstance(done, Refusal):
        return _refused(command, subject, done)
    return answer({"register": done.register_id, **done.summary}, status=201)
