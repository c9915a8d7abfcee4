"""Auditors read what happened, search for a person, and take the ledger away to verify it themselves."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.utilities.typing import LambdaContext

from keyholder.adapters.assembly import assembly
from keyholder.adapters.clock import SystemClock
from keyholder.audit.reading import Auditing, Indexed
from keyholder.edge.bodies import NoBody, SubjectSearchBody
from keyholder.edge.outcomes import accepted, person_of
from keyholder.edge.problems import Problem, ProblemError, ProblemType
from keyholder.edge.routes import Function
from keyholder.edge.service import Service, answer
from keyholder.ledger.event import rfc3339
from keyholder.ledger.verification import Download
from keyholder.refusals import Refusal
from keyholder.registry.attempts import record_refusal
from keyholder.vocabulary import ActorId, RequestId, StreamId

T = TypeVar("T")

PAGE_BYTES = 3_000_000
"""A page of an export stays well under Lambda's answer of 6 MB."""

service = Service(Function.AUDIT, lambda: assembly().tokens, SystemClock().now)


@service.route("GET", "/v1/audit/events", summary="The events of a request")
def list_events(
    request: Annotated[str, Query(max_length=64, description="The request's id")],
    cursor: Annotated[int, Query(ge=0, description="`next` of the page before")] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> Response[str]:
    """In order, each with its leaf index, proven against a signed checkpoint while reading."""
    found = accepted(_logged("list_events", _auditing().events(RequestId(request), cursor, limit)))
    following = found[-1].event.number if len(found) == limit else None
    return answer({"items": [_event(one) for one in found], "next": following})


@service.route("POST", "/v1/audit/subject-searches", summary="Who re-identified this person?")
def search_subject(body: SubjectSearchBody) -> Response[str]:
    """Scans the whole verified ledger for the person's keyed tags. The NHS number is not kept."""
    search = accepted(_logged("search_subject", _auditing().search(body.nhs_number, body.reason)))
    found = [
        {
            "index": one.index,
            "request": one.request,
            "release_id": one.release,
            "at": rfc3339(one.at),
            "actor": one.who,
            "outcome": one.outcome,
        }
        for one in search.found
    ]
    return answer({"found": found, "searched": {"size": search.checkpoint.size, "root": search.checkpoint.root.hex()}})


@service.route("POST", "/v1/audit/exports", status=201, summary="Begin to download the ledger")
def begin_export(body: NoBody) -> Response[str]:  # noqa: ARG001 - an empty object is still checked
    """The ledger up to this moment; its objects are read page by page."""
    export = accepted(_logged("begin_export", _auditing().begin_export()))
    vkey = assembly().settings.ledger_vkey
    return answer({"export_id": export.export_id, "size": export.size, "vkey": vkey}, status=201)


@service.route("GET", "/v1/audit/exports/{export_id}/objects", summary="Objects of an export")
def read_export(
    export_id: str, cursor: Annotated[int, Query(ge=0, description="`next` of the page before")] = 0
) -> Response[str]:
    """Each object with every version the bucket lists, so that what was added or removed shows."""
    download = accepted(_logged("read_export", _auditing().exported(export_id)))
    return answer(_page(download, cursor))


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The function's entry."""
    return service(event, context)


def _auditing() -> Auditing:
    house, call = assembly(), service.call
    return Auditing(
        log=house.ledger,
        download=house.ledger_objects,
        verifiers=house.verifiers,
        tag_key=house.purpose_keys.tag,
        new_id=house.new_id,
        person=house.registry.person(person_of(call)),
        trace=call.trace,
        idempotency=call.idempotency,
        now=call.now,
    )


def _logged(command: str, outcome: T | Refusal) -> T | Refusal:
    """A refusal is in the ledger before it is told."""
    if isinstance(outcome, Refusal):
        record_refusal(
            assembly().ledger,
            assembly().ids,
            actor=ActorId(person_of(service.call)),
            command=command,
            subject=StreamId(f"audit/{command}"),
            refusal=outcome,
            trace=service.call.trace,
        )
    return outcome


def _event(one: Indexed) -> dict[str, object]:
    event = one.event
    return {
        "index": one.receipt.index,
        "stream": event.stream,
        "number": event.number,
        "type": event.type,
        "at": rfc3339(event.at),
        "actor": event.actor,
        "trace": event.trace,
        "data": event.data,
    }


def _page(download: Download, cursor: int) -> dict[str, object]:
    names, versions = download.names(), download.versions()
    if cursor > len(names):
        raise ProblemError(Problem(ProblemType.NOT_FOUND))
    items: list[dict[str, object]] = []
    size = 0
    for place, name in enumerate(names[cursor:], cursor):
        body = download.read(name).decode()
        if items and size + len(body) > PAGE_BYTES:
            return {"items": items, "next": place}
        size += len(body)
        listed = [
            {
                "version_id": version.version_id,
                "is_delete_marker": version.is_delete_marker,
                "last_modified": rfc3339(version.last_modified),
                "size": version.size,
            }
            for version in versions[name]
        ]
        items.append({"key": name, "body": body, "versions": listed})
    return {"items": items, "next": None}
