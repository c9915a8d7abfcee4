"""Providers turn identifiers into pseudonyms: one of the two functions that may use the domain keys."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from keyholder.adapters.assembly import assembly
from keyholder.adapters.clock import SystemClock
from keyholder.collection.report import CollectionReport
from keyholder.edge.bodies import CollectionBody, PseudonymiseBody
from keyholder.edge.outcomes import accepted, person_of
from keyholder.edge.problems import Problem, ProblemError, ProblemType
from keyholder.edge.routes import Function
from keyholder.edge.service import Service, answer
from keyholder.policy.choices import ChoicesUnavailableError
from keyholder.policy.days import london_day
from keyholder.policy.digests import Digester
from keyholder.policy.type1_opt_outs import Type1OptOuts
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
    actor = person_of(call)
    rows = [ClearRow(row.row_id, row.identifiers) for row in body.rows]
    job = Job(house.new_id(), DomainId(domain_id), rows, call.trace, call.idempotency, _collection(body.collection))
    person, domain = house.registry.person(actor), house.registry.domain(job.domain)
    try:
        with house.purpose_keys.digest() as digest_key:
            type_1 = Type1OptOuts(house.choices.type_1(), Digester(digest_key.material), call.now)
            bench = Workbench(house.ledger, house.key_ring, digest_key, house.choices, type_1)
            made = pseudonymise(bench, job, person, domain, london_day(call.now))
    except KeyUnavailableError:
        raise ProblemError(Problem(ProblemType.KEYS_UNAVAILABLE, headers={"retry-after": "300"})) from None
    except ChoicesUnavailableError:
        raise ProblemError(Problem(ProblemType.UNAVAILABLE, headers={"retry-after": "30"})) from None
    if isinstance(made, Refusal):
        record_refusal(
            house.ledger,
            house.ids,
            actor=ActorId(actor),
            command="pseudonymise",
            subject=StreamId(f"domain/{domain_id}"),
            refusal=made,
            trace=call.trace,
        )
    return answer({"domain": job.domain, "rows": [_row(row) for row in accepted(made)]})


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The function's entry."""
    return service(event, context)


def _collection(body: CollectionBody | None) -> CollectionReport | None:
    if body is None:
        return None
    return CollectionReport(ContentHash(body.rules), body.began_on, body.dropped, body.columns_refused)


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
