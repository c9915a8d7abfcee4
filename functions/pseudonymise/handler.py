"""Providers make pseudonyms, of large extracts too, re-key and translate them: it may use the domain keys."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from keyholder.adapters.assembly import assembly
from keyholder.adapters.clock import SystemClock
from keyholder.collection.report import CollectionReport
from keyholder.edge.bodies import CollectionBody, ExtractBody, NoBody, PseudonymiseBody, RecordBody, TokenRowsBody
from keyholder.edge.logs import LogCode
from keyholder.edge.outcomes import accepted, acting, person_of, registry_call
from keyholder.edge.problems import Problem, ProblemError, ProblemType
from keyholder.edge.routes import Function
from keyholder.edge.service import Service, answer
from keyholder.extracts.service import Told
from keyholder.extracts.view import collected_json, extract_json
from keyholder.extracts.working import Worked
from keyholder.linkage import translation
from keyholder.linkage.events import agreement_stream
from keyholder.linkage.translating import TranslatedRow
from keyholder.policy.choices import ChoicesUnavailableError
from keyholder.policy.days import london_day
from keyholder.policy.digests import Digester
from keyholder.policy.type1_opt_outs import Type1OptOuts
from keyholder.pseudonyms import rekeying
from keyholder.pseudonyms.job import ClearRow, Job, MadeRow, Workbench, pseudonymise
from keyholder.pseudonyms.key_ring import KeyUnavailableError
from keyholder.refusals import Refusal
from keyholder.registry.attempts import record_failure, record_refusal
from keyholder.registry.service import Call
from keyholder.uploads.form import FilesUnavailableError
from keyholder.vocabulary import ActorId, ContentHash, DomainId, ExtractId, StreamId

service = Service(Function.PSEUDONYMISE, lambda: assembly().tokens, SystemClock().now)


@service.route("POST", "/v1/domains/{domain_id}/pseudonyms", summary="Pseudonymise rows of an extract")
def make_pseudonyms(domain_id: str, body: PseudonymiseBody) -> Response[str]:
    """Up to 5,000 rows. A bad cell is one error in its row; rows of people with a known active Type 1 are refused."""
    house, call = assembly(), service.call
    rows = [ClearRow(row.row_id, row.identifiers) for row in body.rows]
    job = Job(house.new_id(), DomainId(domain_id), rows, call.trace, call.idempotency, _collection(body.collection))
    person, domain = house.registry.person(person_of(call)), house.registry.domain(job.domain)
    with _everything_reached(), house.purpose_keys.digest() as digest_key:
        type_1 = Type1OptOuts(house.choices.type_1(), Digester(digest_key.material), call.now)
        bench = Workbench(house.ledger, house.key_ring, digest_key, house.choices, type_1)
        made = pseudonymise(bench, job, person, domain, london_day(call.now))
    _note_refusal(made, "pseudonymise", StreamId(f"domain/{domain_id}"))
    return answer({"domain": job.domain, "rows": [_row(row) for row in accepted(made)]})


@service.route("POST", "/v1/domains/{domain_id}/rekeyings", summary="Bring pseudonyms to the newest key version")
def rekey_pseudonyms(domain_id: str, body: TokenRowsBody) -> Response[str]:
    """Up to 5,000 rows, without anybody seeing an identifier. Each pseudonym has its own status."""
    house, call = assembly(), service.call
    rows, today = _token_rows(body.rows), london_day(call.now)
    job = rekeying.Rekeying(house.new_id(), DomainId(domain_id), rows, today, call.trace, call.idempotency)
    person, domain = house.registry.person(person_of(call)), house.registry.domain(job.domain)
    with _everything_reached():
        rekeyed = rekeying.rekey(house.ledger, house.key_ring, job, person, domain)
    _note_refusal(rekeyed, "rekey", StreamId(f"domain/{domain_id}"))
    return answer({"domain": job.domain, "rows": [_replaced(row) for row in accepted(rekeyed)]})


@service.route(
    "POST", "/v1/linkage-agreements/{agreement_id}/translations", summary="Translate pseudonyms for another domain"
)
def translate_pseudonyms(agreement_id: str, body: TokenRowsBody) -> Response[str]:
    """Up to 5,000 rows under an agreement of both domains' controllers. Each row has its NHS number pseudonym, for
    people's choices are asked; what lies in the person is `not_available`."""
    house, call = assembly(), service.call
    job = translation.Job(house.new_id(), agreement_id, _token_rows(body.rows))
    person = house.registry.person(person_of(call))
    with _everything_reached(agreement_stream(agreement_id)):
        done = accepted(house.translating.translate(registry_call(call), job, person, call.now))
    return answer({"agreement_id": agreement_id, "domain": done.domain, "rows": [_replaced(row) for row in done.rows]})


@service.route("POST", "/v1/domains/{domain_id}/extracts", status=201, summary="Announce a large extract")
def announce_extract(domain_id: str, body: ExtractBody) -> Response[str]:
    """A file of up to 5,000,000 rows. The answer says where to upload it, once, within a quarter of an hour."""
    told = Told(body.rows, body.bytes, ContentHash(body.sha256), tuple(body.columns), _collection(body.collection))
    with _everything_reached():
        shown = accepted(assembly().extract_desk.announce(_provider(), DomainId(domain_id), told))
    return answer(extract_json(shown), status=201)


@service.route("GET", "/v1/extracts/{extract_id}", summary="How an extract stands")
def show_extract(extract_id: str) -> Response[str]:
    """By the provider who announced it: how far it is, what became of it, where to upload it while it is awaited."""
    with _everything_reached():
        return answer(extract_json(accepted(assembly().extract_desk.show(_provider(), ExtractId(extract_id)))))


@service.route("POST", "/v1/extracts/{extract_id}/start", summary="Have an uploaded extract pseudonymised")
def start_extract(extract_id: str, body: NoBody) -> Response[str]:  # noqa: ARG001 - an empty object is asked for
    """Says that the upload is there. The work is done off a queue; ask how it stands."""
    with _everything_reached():
        return answer(extract_json(accepted(assembly().extract_desk.start(_provider(), ExtractId(extract_id)))))


@service.route("POST", "/v1/extracts/{extract_id}/collect", summary="Collect a pseudonymised extract")
def collect_extract(extract_id: str, body: NoBody) -> Response[str]:  # noqa: ARG001
    """Where its parts can be downloaded for a quarter of an hour; as often as asked, for a day. Each time is logged."""
    with _everything_reached():
        shown = accepted(assembly().extract_desk.collect(_provider(), ExtractId(extract_id)))
    return answer(collected_json(shown, service.call.now))


@service.route("POST", "/v1/extracts/{extract_id}/discard", summary="Discard an extract")
def discard_extract(extract_id: str, body: NoBody) -> Response[str]:  # noqa: ARG001
    """Stops it wherever it stands: neither the upload nor the result is kept any more."""
    with _everything_reached():
        return answer(extract_json(accepted(assembly().extract_desk.discard(_provider(), ExtractId(extract_id)))))


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The function's entry: an API event, or messages that ask for the work on an extract."""
    records = event.get("Records")
    if isinstance(records, list):
        return _worked(records, context)
    return service(event, context)


_LOGGED = {
    Worked.DONE: LogCode.EXTRACT_DONE,
    Worked.NOT_NEEDED: LogCode.EXTRACT_SKIPPED,
    Worked.HELD: LogCode.EXTRACT_HELD,
    Worked.HANDED_OVER: LogCode.EXTRACT_HANDED_OVER,
}


def _worked(records: list[dict[str, Any]], context: LambdaContext) -> dict[str, Any]:
    """Each message is one extract; what failed is reported alone and comes again (partial batch response)."""
    failed = []
    for record in records:
        trace = str(uuid.uuid4())
        try:
            extract = ExtractId(str(json.loads(record["body"])["extract"]))
            worked = assembly().workshop.work(extract, trace, lambda: _time_left(context))
            service.log.write(_LOGGED[worked], request_id=trace)
        except Exception as fault:  # noqa: BLE001 - reported to the queue, which delivers it again, then to its dead letters
            service.log.fault(LogCode.FAULT, fault, request_id=trace)
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def _time_left(context: LambdaContext) -> timedelta:
    return timedelta(milliseconds=context.get_remaining_time_in_millis())


def _provider() -> Call:
    """The call of a registered person. Raises `ProblemError` (403) for anybody else."""
    acting(service.call, assembly())
    return registry_call(service.call)


@contextmanager
def _everything_reached(begun: StreamId | None = None) -> Iterator[None]:
    """Keys that are withdrawn and stores that can't be read are said to be so.

    `begun` is what the ledger says was begun: then it is told that it failed.
    """
    try:
        yield
    except KeyUnavailableError:
        _note_failure(begun, "KEYS_UNAVAILABLE")
        raise ProblemError(Problem(ProblemType.KEYS_UNAVAILABLE, headers={"retry-after": "300"})) from None
    except (ChoicesUnavailableError, FilesUnavailableError):
        _note_failure(begun, "CHOICES_UNAVAILABLE")
        raise ProblemError(Problem(ProblemType.UNAVAILABLE, headers={"retry-after": "30"})) from None


def _note_failure(begun: StreamId | None, code: str) -> None:
    if begun is not None:
        house, call = assembly(), service.call
        record_failure(
            house.ledger,
            house.ids,
            actor=ActorId(person_of(call)),
            command="translate",
            subject=begun,
            code=code,
            trace=call.trace,
        )


def _note_refusal(outcome: object, command: str, subject: StreamId) -> None:
    """A refusal is in the ledger before it is told."""
    if isinstance(outcome, Refusal):
        house, call = assembly(), service.call
        record_refusal(
            house.ledger,
            house.ids,
            actor=ActorId(person_of(call)),
            command=command,
            subject=subject,
            refusal=outcome,
            trace=call.trace,
        )


def _collection(body: CollectionBody | None) -> CollectionReport | None:
    if body is None:
        return None
    return CollectionReport(ContentHash(body.rules), body.began_on, body.dropped, body.columns_refused)


def _token_rows(rows: list[RecordBody]) -> list[rekeying.TokenRow]:
    return [rekeying.TokenRow(row.row_id, row.pseudonyms) for row in rows]


def _row(row: MadeRow) -> dict[str, object]:
    body: dict[str, object] = {
        "row_id": row.row_id,
        "status": "refused" if row.refused else "pseudonymised",
        "pseudonyms": {kind.value: token for kind, token in row.pseudonyms.items()},
    }
    if row.refused:
        body["reason"] = row.refused.value
    if row.errors:
        body["errors"] = {kind.value: error for kind, error in row.errors.items()}
    return body


def _replaced(row: rekeying.RekeyedRow | TranslatedRow) -> dict[str, object]:
    return {
        "row_id": row.row_id,
        "statuses": {kind.value: cell.status.value for kind, cell in row.cells.items()},
        "pseudonyms": {kind.value: cell.pseudonym for kind, cell in row.cells.items() if cell.pseudonym is not None},
    }
