"""Intake of patients' choices: lists become keyed digests here, and no NHS number is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from keyholder.adapters.assembly import assembly
from keyholder.adapters.clock import SystemClock
from keyholder.edge.bodies import ConsentsBody, OptOutReplyBody, Type1Body
from keyholder.edge.outcomes import accepted, member, person_of
from keyholder.edge.problems import Problem, ProblemError, ProblemType
from keyholder.edge.routes import Function
from keyholder.edge.service import Service, answer
from keyholder.opt_outs.overview import overview
from keyholder.policy.choices import ChoicesUnavailableError
from keyholder.policy.intake import Intake, Loaded
from keyholder.pseudonyms.key_ring import KeyUnavailableError
from keyholder.refusals import Refusal
from keyholder.registry.attempts import record_refusal
from keyholder.registry.decide import operates
from keyholder.vocabulary import ActorId, StreamId

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
    seen = overview(house.ledger, house.facts.freshness, service.call.now)
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
    return _answered(
        "load_consents", "choices/consents", lambda intake: intake.consents(body.resources.encode(), body.source)
    )


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The function's entry."""
    return service(event, context)


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
    )
    try:
        loaded = take_in(intake)
    except KeyUnavailableError:
        raise ProblemError(Problem(ProblemType.KEYS_UNAVAILABLE, headers={"retry-after": "300"})) from None
    except ChoicesUnavailableError:
        raise ProblemError(Problem(ProblemType.UNAVAILABLE, headers={"retry-after": "30"})) from None
    if isinstance(loaded, Refusal):
        record_refusal(
            house.ledger,
            house.ids,
            actor=ActorId(actor),
            command=command,
            subject=StreamId(subject),
            refusal=loaded,
            trace=call.trace,
        )
    done = accepted(loaded)
    return answer({"register": done.register_id, **done.summary}, status=201)
