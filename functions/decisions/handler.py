"""Controllers approve, reject and revoke."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from keyholder.adapters.assembly import assembly
from keyholder.adapters.clock import SystemClock
from keyholder.edge.bodies import ApproveBody, RejectBody, RevokeBody
from keyholder.edge.outcomes import acting, desk_call, done_answer
from keyholder.edge.routes import Function
from keyholder.edge.service import Service
from keyholder.refusals import Refusal
from keyholder.requests.service import Call, Done
from keyholder.vocabulary import ContentHash, DomainId, OrganisationCode, RequestId

service = Service(Function.DECISIONS, lambda: assembly().tokens, SystemClock().now)


@service.route("POST", "/v1/requests/{request_id}/approve", summary="Approve for one domain")
def approve_request(request_id: str, body: ApproveBody) -> Response[str]:
    """One person's yes to exactly the content hash they saw. Needs If-Match and a recent sign-in."""
    outcome = assembly().desk.approve(
        _call(),
        RequestId(request_id),
        DomainId(body.domain),
        ContentHash(body.content_hash),
        organisation=OrganisationCode(body.organisation) if body.organisation else None,
        until=body.until,
        identifier_types=tuple(body.identifier_types) if body.identifier_types else None,
        factor=body.factor,
    )
    return _answered(outcome)


@service.route("POST", "/v1/requests/{request_id}/reject", summary="Reject for one domain")
def reject_request(request_id: str, body: RejectBody) -> Response[str]:
    """One controller's no. Needs If-Match."""
    outcome = assembly().desk.reject(
        _call(),
        RequestId(request_id),
        DomainId(body.domain),
        ContentHash(body.content_hash),
        body.reason,
        comment=body.comment or None,
        organisation=OrganisationCode(body.organisation) if body.organisation else None,
        factor=body.factor,
    )
    return _answered(outcome)


@service.route("POST", "/v1/requests/{request_id}/revoke", summary="Stop an approved request")
def revoke_request(request_id: str, body: RevokeBody) -> Response[str]:
    """One controller suffices to stop. Needs If-Match."""
    return _answered(assembly().desk.revoke(_call(), RequestId(request_id), body.reason))


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The function's entry."""
    return service(event, context)


def _call() -> Call:
    return desk_call(service.call, assembly(), expected=service.call.version())


def _answered(outcome: Done | Refusal) -> Response[str]:
    house = assembly()
    return done_answer(house.desk, acting(service.call, house), outcome)
