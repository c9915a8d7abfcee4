"""Auditors read what happened, search for a person, count a quarter, and take the ledger away to verify it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, TypeVar

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import AwareDatetime

from keyholder.adapters.assembly import assembly
from keyholder.adapters.clock import SystemClock
from keyholder.audit.auditor import Auditor
from keyholder.audit.consistency import consistency
from keyholder.audit.exports import ExportOrder
from keyholder.audit.facets import EventFilter
from keyholder.audit.index import IndexReader
from keyholder.audit.listing import Indexed, Reading, StoppedError
from keyholder.audit.reading import Auditing, Search, SignedLog
from keyholder.audit.subjects import Reidentified
from keyholder.audit.vocabulary import Decision, ExportFormat
from keyholder.canonical import JsonObject
from keyholder.edge.bodies import ExportBody, SubjectSearchBody
from keyholder.edge.cursors import LONGEST, number, position, sealed
from keyholder.edge.outcomes import accepted, person_of
from keyholder.edge.problems import Problem, ProblemError, ProblemType
from keyholder.edge.routes import Function
from keyholder.edge.service import Service, answer
from keyholder.ledger.event import rfc3339
from keyholder.ledger.merkle import leaf_hash
from keyholder.ledger.verification import Download
from keyholder.limits.thresholds import default_limits
from keyholder.refusals import Refusal
from keyholder.registry.attempts import record_refusal
from keyholder.registry.fields import Fields
from keyholder.vocabulary import ActorId, StreamId

T = TypeVar("T")
Cursor = Annotated[str | None, Query(max_length=LONGEST, description="`next` of the page before")]

_INDEX = re.compile(r"[0-9]{1,15}")
_LARGEST = 10**15
PAGE_BYTES = 3_000_000
"""A page of an export stays well under Lambda's answer of 6 MB."""

service = Service(Function.AUDIT, lambda: assembly().tokens, SystemClock().now)


@service.route("GET", "/v1/audit/events", summary="Events of the ledger by any combination of conditions")
def list_events(
    *,
    request: Annotated[str | None, Query(max_length=64, description="A request's id")] = None,
    project: Annotated[str | None, Query(max_length=64, description="A project's id")] = None,
    actor: Annotated[str | None, Query(max_length=64, description="`person/…` or `system/…`")] = None,
    domain: Annotated[str | None, Query(max_length=64, description="A domain's id")] = None,
    event_type: Annotated[
        str | None, Query(alias="type", max_length=80, description="For example `request.approved`")
    ] = None,
    decision: Annotated[Decision | None, Query(description="What the event decides")] = None,
    since: Annotated[AwareDatetime | None, Query(description="From this moment on")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Up to just before this moment")] = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> Response[str]:
    """In the order of the ledger, complete up to the tree of `size` events that the first page fixes.

    Each event was proven against a signed checkpoint while it was read. That none is missing is proven by a download.
    """
    wanted = EventFilter(request, project, actor, domain, event_type, decision, since, until)
    scope = {"list": "audit/events", **wanted.json()}
    found = _position(scope, cursor)
    begin, size = (number(found, "begin"), number(found, "size")) if found is not None else (0, None)
    page = accepted(_logged("list_events", lambda: _auditing().events(wanted, begin, size, limit)))
    following = None if page.begin is None else _cursor(scope, {"begin": page.begin, "size": page.size})
    return answer({"items": [_event(one) for one in page.items], "size": page.size, "next": following})


@service.route("GET", "/v1/audit/events/{index}", summary="One event with its proof")
def show_event(index: str) -> Response[str]:
    """The exact leaf, and a proof (`c2sp.org/tlog-proof@v1`) that it is in the ledger, to be checked without us."""
    place = int(index) if _INDEX.fullmatch(index) else -1
    shown = accepted(_logged("show_event", lambda: _auditing().event(place)))
    leaf = shown.one.leaf
    proof = {
        "leaf": leaf.decode(),
        "leaf_hash": leaf_hash(leaf).hex(),
        "proof": shown.proof.encode(),
        "size": shown.size,
    }
    return answer({**_event(shown.one), **proof})


@service.route("GET", "/v1/audit/consistency", summary="That the ledger continues an older one")
def show_consistency(
    first: Annotated[int, Query(ge=1, le=_LARGEST, description="Size of the older checkpoint, one you kept")],
    second: Annotated[
        int | None, Query(ge=1, le=_LARGEST, description="Size of the later one; without it, the newest published")
    ] = None,
) -> Response[str]:
    """A consistency proof (RFC 6962, 2.1.2) with the later checkpoint, as C2SP tlog-witness takes it.

    Verify it with the older checkpoint as you kept it: one that was signed, but is not known here, shows that the
    ledger was rewritten or cut off.
    """
    shown = accepted(_logged("show_consistency", lambda: consistency(_auditing(), first, second)))
    return answer(
        {
            "first": shown.proof.old_size,
            "second": shown.later.size,
            "root": shown.later.root.hex(),
            "path": [node.hex() for node in shown.proof.path],
            "proof": shown.proof.encode(),
        }
    )


@service.route("POST", "/v1/audit/subject-searches", summary="Who re-identified this person?")
def search_subject(body: SubjectSearchBody) -> Response[str]:
    """Every release the person was in, and for whom and what. The NHS number is not kept.

    The answer comes from an index: each release in it is proven, that there is no other is not (`proven` is false).
    With `proof`, every event of the ledger is read and verified instead, if the ledger is short enough for one call.
    A longer one is downloaded, verified and searched offline for `tags`, which stand for the person in it.
    """
    search = accepted(
        _logged("search_subject", lambda: _auditing().search(body.nhs_number, body.reason, prove=body.proof))
    )
    return answer(_search(search))


@service.route("POST", "/v1/audit/exports", status=201, summary="Begin an export")
def begin_export(body: ExportBody) -> Response[str]:
    """Of the whole ledger as it is stored, or of chosen events as NDJSON, CSV or FHIR; read object by object.

    It holds everything up to this moment. `first` is the cursor of the first object of an export of events.
    """
    order = ExportOrder(body.format, EventFilter(**body.filter.model_dump()))
    export = accepted(_logged("begin_export", lambda: _auditing().begin_export(order)))
    first = None if order.format is ExportFormat.LEDGER else _next_object(export.export_id, order, 0)
    vkey = assembly().settings.ledger_vkey
    told = {"export_id": export.export_id, "format": order.format, "size": export.size, "vkey": vkey, "first": first}
    return answer(told, status=201)


@service.route("GET", "/v1/audit/exports/{export_id}/objects", summary="Objects of an export")
def read_export(export_id: str, cursor: Cursor = None) -> Response[str]:
    """Objects of the ledger come with every version the bucket lists, so that what was added or removed shows."""
    found = _position(_export_scope(export_id), cursor)
    if found is not None and "format" in found:
        return answer(_exported_events(export_id, found))
    begin = 0 if found is None else number(found, "begin")
    download = accepted(_logged("read_export", lambda: _auditing().exported_ledger(export_id, begin)))
    return answer(_page(download, export_id, begin))


@service.route("GET", "/v1/audit/reports/{quarter}", summary="The report of a quarter")
def show_report(quarter: str) -> Response[str]:
    """Requests by purpose, legal basis and outcome, the time to decide, and why records were withheld.

    Counts of records below 10 are not shown, nor a total they follow from. Days are London's.
    """
    return answer(accepted(_logged("show_report", lambda: _auditing().report(quarter))))


@service.route("GET", "/v1/audit/volume-reports/{month}", summary="What went above volume limits in a month")
def show_volume_report(month: str) -> Response[str]:
    """Every threshold with how often releases went above it and what followed, and each occasion. Days are London's."""
    found = _logged("show_volume_report", lambda: _auditing().volume_report(month, default_limits()))
    return answer(accepted(found))


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The function's entry."""
    return service(event, context)


def _auditing() -> Auditing:
    house, call = assembly(), service.call
    auditor = Auditor(
        log=house.ledger,
        person=house.registry.person(person_of(call)),
        trace=call.trace,
        idempotency=call.idempotency,
        now=call.now,
        new_id=house.new_id,
    )
    return Auditing(
        auditor=auditor,
        log=SignedLog(house.ledger, house.ledger.checkpoint, house.verifiers, house.view_store),
        reading=Reading(house.ledger, lambda: IndexReader.newest(house.view_store)),
        download=house.ledger_objects,
        tag_key=house.purpose_keys.tag,
    )


def _logged(command: str, act: Callable[[], T | Refusal]) -> T | Refusal:
    """A refusal is in the ledger before it is told."""
    with _in_time():
        outcome = act()
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


@contextmanager
def _in_time() -> Iterator[None]:
    """The index is too far behind to answer in one call: the sweeper brings it up to date within minutes."""
    try:
        yield
    except StoppedError:
        raise ProblemError(Problem(ProblemType.UNAVAILABLE, headers={"retry-after": "60"})) from None


def _position(scope: JsonObject, text: str | None) -> dict[str, object] | None:
    return None if text is None else dict(position(assembly().audit_seal, service.call, scope, text))


def _cursor(scope: JsonObject, place: JsonObject) -> str:
    return sealed(assembly().audit_seal, service.call, scope, place)


def _next_object(export: str, order: ExportOrder, begin: int) -> str:
    """The filter travels in the cursor, which nobody can read."""
    return _cursor(_export_scope(export), {"begin": begin, "format": order.format.value, "filter": order.wanted.json()})


def _export_scope(export: str) -> JsonObject:
    return {"list": "audit/exports", "export": export}


def _exported_events(export: str, found: dict[str, object]) -> dict[str, object]:
    order = ExportOrder(ExportFormat(str(found["format"])), EventFilter.read(Fields(found["filter"])))
    begin = number(found, "begin")
    made = accepted(_logged("read_export", lambda: _auditing().exported_events(export, order, begin)))
    following = None if made.begin is None else _next_object(export, order, made.begin)
    return {"items": [{"key": made.key, "body": made.body, "versions": []}], "next": following}


def _event(one: Indexed) -> dict[str, object]:
    event = one.event
    return {
        "index": one.place.index,
        "stream": event.stream,
        "number": event.number,
        "type": event.type,
        "at": rfc3339(event.at),
        "actor": event.actor,
        "trace": event.trace,
        "data": event.data,
    }


def _search(search: Search) -> dict[str, object]:
    return {
        "found": [_reidentified(one) for one in search.found],
        "searched": {"size": search.checkpoint.size, "root": search.checkpoint.root.hex()},
        "proven": search.whole,
        "tags": list(search.tags),
    }


def _reidentified(one: Reidentified) -> dict[str, object]:
    return {
        "index": one.index,
        "request": one.request,
        "release_id": one.release,
        "at": rfc3339(one.at),
        "actor": one.who,
        "outcome": one.outcome,
        "disclosed": one.disclosed,
        "domain": one.domain,
        "project": one.project,
        "organisation": one.organisation,
        "recipient": one.recipient,
        "capacity": one.capacity,
        "purpose": one.purpose,
        "legal_basis": one.legal_basis,
        "identifier_types": list(one.identifier_types),
    }


def _page(download: Download, export: str, begin: int) -> dict[str, object]:
    names, versions = download.names(), download.versions()
    if begin > len(names):
        raise ProblemError(Problem(ProblemType.NOT_FOUND))
    items: list[dict[str, object]] = []
    size = 0
    for place, name in enumerate(names[begin:], begin):
        body = download.read(name).decode()
        if items and size + len(body) > PAGE_BYTES:
            return {"items": items, "next": _cursor(_export_scope(export), {"begin": place})}
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
