"""Providers make pseudonyms and re-key them: one of the two functions that may use the domain keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from keyholder.adapters.assembly import assembly
from keyholder.adapters.clock import SystemClock
from keyholder.collection.report import CollectionReport
from keyholder.edge.bodies import CollectionBody, PseudonymiseBody, RecordBody, TokenRowsBody
from keyholder.edge.outcomes import accepted, person_of
from keyholder.edge.problems import Problem, ProblemError, ProblemType
from keyholder.edge.routes import Function
from keyholder.edge.service import Service, answer
from keyholder.policy.choices import ChoicesUnavailableError
from keyholder.policy.days import london_day
from keyholder.policy.digests import Digester
from keyholder.policy.type1_opt_outs import Type1OptOuts
from keyholder.pseudonyms import rekeying
from keyholder.pseudonyms.job import ClearRow, Job, MadeRow, Workbench, pseudonymise
from keyholder.pseudonyms.key_ring import KeyUnavailableError
from keyholder.refusals import Refusal
from keyholder.registry.attempts import record_refusal
from keyholder.vocabulary import ActorId, ContentHash, DomainId, StreamId

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
    return answer({"domain": job.domain, "rows": [_rekeyed(row) for row in accepted(rekeyed)]})


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The function's entry."""
    return service(event, context)


@contextmanager
def _everything_reached() -> Iterator[None]:
    """Keys that are withdrawn and registers that can't be read are said to be so."""
    try:
        yield
    except KeyUnavailableError:
        raise ProblemError(Problem(ProblemType.KEYS_UNAVAILABLE, headers={"retry-after": "300"})) from None
    except ChoicesUnavailableError:
        raise ProblemError(Problem(ProblemType.UNAVAILABLE, headers={"retry-after": "30"})) from None


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


def _rekeyed(row: rekeying.RekeyedRow) -> dict[str, object]:
    return {
        "row_id": row.row_id,
        "statuses": {kind.value: cell.status.value for kind, cell in row.cells.items()},
        "pseudonyms": {kind.value: cell.pseudonym for kind, cell in row.cells.items() if cell.pseudonym is not None},
    }
