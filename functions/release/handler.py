"""The one function that turns a pseudonym back: checks at submission, releases, and the hand-over of files."""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from keyholder.adapters.assembly import assembly
from keyholder.adapters.checks_queue import OPT_OUTS
from keyholder.adapters.clock import SystemClock
from keyholder.edge.bodies import CollectBody, ReleaseBody
from keyholder.edge.emergency_bodies import EmergencyBody
from keyholder.edge.logs import LogCode
from keyholder.edge.outcomes import accepted, acting, desk_call, done_receipts, person_of
from keyholder.edge.problems import Problem, ProblemError, ProblemType
from keyholder.edge.routes import Function
from keyholder.edge.service import AGE, JSON, Service, answer
from keyholder.emergency.access import access_view
from keyholder.emergency.decide import NOT_A_PUBLIC_KEY, Wanted
from keyholder.emergency.desk import Call as EmergencyCall
from keyholder.emergency.desk import Noted
from keyholder.emergency.events import OPENED
from keyholder.ledger.event import rfc3339
from keyholder.ledger.ports import StorageBusyError, StorageRefusedError, StorageUncertainError
from keyholder.ledger.receipts import receipts_json
from keyholder.limits.limiter import CountersUnavailableError
from keyholder.policy.choices import ChoicesUnavailableError
from keyholder.pseudonyms.key_ring import KeyUnavailableError
from keyholder.release.emergency_release import Emergency, GivenOut
from keyholder.release.examination import Asked
from keyholder.release.items import item_json, shown_counts
from keyholder.release.opt_out_lists import Listed
from keyholder.release.outcomes import Begun, Checked, Finished, Released, ResultAddress
from keyholder.requests.receipts import own_act
from keyholder.requests.recipient import is_public_key
from keyholder.vocabulary import ActorId, ContentHash, DomainId, PersonId, RequestId

SQS = "aws:sqs"

service = Service(Function.RELEASE, lambda: assembly().tokens, SystemClock().now)


@service.route("POST", "/v1/requests/{request_id}/release", summary="Release what was approved")
def release_request(request_id: str, body: ReleaseBody) -> Response[str]:
    """By the requester, after a recent sign-in: items in the answer, or a file to collect.

    Where the records came as a file, it is made off a queue: read the request until the release is finished.
    """
    house = assembly()
    call = desk_call(service.call, house, expected=service.call.if_match)
    try:
        outcome = house.releasing.release(call, RequestId(request_id), ContentHash(body.content_hash))
    except KeyUnavailableError:
        raise ProblemError(Problem(ProblemType.KEYS_UNAVAILABLE, headers={"retry-after": "300"})) from None
    except (ChoicesUnavailableError, CountersUnavailableError):
        raise ProblemError(Problem(ProblemType.UNAVAILABLE, headers={"retry-after": "30"})) from None
    released = accepted(outcome)
    if isinstance(released, Begun):
        if released.running:
            house.checks.ask_for_release(released.state.id, released.release_id)
        return answer(_begun(released, person_of(service.call)))
    service.log.write(LogCode.RELEASED, request_id=service.call.trace, records=sum(released.counts.values()))
    return answer(_released(released, person_of(service.call)))


@service.route("POST", "/v1/requests/{request_id}/collect", summary="Collect a release's file, once")
def collect_result(request_id: str, body: CollectBody) -> Response[bytes]:
    """The age file, encrypted to the recipient's own public key; where the records came as a file, its address.

    The hand-over is in the ledger first.
    """
    house = assembly()
    call = desk_call(service.call, house)
    collected = accepted(house.releasing.collect(call, RequestId(request_id), body.release_id))
    receipts = done_receipts(collected.done, person_of(service.call))
    headers = {
        "content-disposition": f'attachment; filename="{body.release_id}.{"json" if collected.address else "csv.age"}"',
        "keyholder-receipts": base64.b64encode(json.dumps(receipts).encode()).decode(),
    }
    if collected.address is not None:
        return Response(200, JSON, json.dumps(_address(body.release_id, collected.address)).encode(), headers)
    return Response(200, AGE, collected.sealed, headers)


@service.route("POST", "/v1/emergency-accesses", status=201, summary="Open a few records for somebody's care, now")
def open_emergency_access(body: EmergencyBody) -> Response[str]:
    """By a clinician, after a recent sign-in, where the domain allows it; at most five records, one access at a time.

    Every controller of the domain is told at once, and two of those who decide review it within 72 hours.
    """
    house = assembly()
    actor = acting(service.call, house)
    if body.public_key is not None and not is_public_key(body.public_key):
        raise ProblemError(Problem.of(NOT_A_PUBLIC_KEY))
    wanted = Wanted(body.reason, tuple(dict.fromkeys(body.identifier_types)), len(body.records))
    records = tuple(Asked(record.row_id, record.pseudonyms) for record in body.records)
    call = EmergencyCall(ActorId(actor.person.id), service.call.trace, service.call.idempotency)
    emergency = Emergency(DomainId(body.domain), wanted, records, body.public_key)
    try:
        outcome = house.emergency_releasing(_alert).release(call, actor.person, actor.sign_in, emergency)
    except KeyUnavailableError:
        raise ProblemError(Problem(ProblemType.KEYS_UNAVAILABLE, headers={"retry-after": "300"})) from None
    except ChoicesUnavailableError:
        raise ProblemError(Problem(ProblemType.UNAVAILABLE, headers={"retry-after": "30"})) from None
    given = accepted(outcome)
    service.log.write(LogCode.EMERGENCY, request_id=service.call.trace, records=len(body.records))
    return answer(_given(given, actor.person.id), status=201, version=given.noted.accesses.version)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The function's entry: an API event, or messages that ask for checks, for a release, or for an opt-out list."""
    records = event.get("Records")
    if isinstance(records, list):
        return _checked(records)
    return service(event, context)


_LOGGED = {
    Checked.DONE: LogCode.CHECKS_DONE,
    Checked.NOT_ASKED: LogCode.CHECKS_SKIPPED,
    Checked.HELD: LogCode.CHECKS_HELD,
    Finished.DONE: LogCode.RELEASED,
    Finished.NOT_ASKED: LogCode.RELEASE_SKIPPED,
    Finished.STOPPED: LogCode.RELEASE_STOPPED,
    Listed.DONE: LogCode.PEOPLE_LISTED,
    Listed.NOT_ASKED: LogCode.CHECKS_SKIPPED,
    Listed.HELD: LogCode.CHECKS_HELD,
}


def _checked(records: list[dict[str, Any]]) -> dict[str, Any]:
    """Each message is one request; what failed is reported alone and comes again (partial batch response)."""
    failed = []
    for record in records:
        trace = str(uuid.uuid4())
        try:
            asked = json.loads(record["body"])
            request = RequestId(str(asked["request"]))
            if "release" in asked:
                finished = assembly().releasing.finish(request, str(asked["release"]), trace)
                service.log.write(_LOGGED[finished], request_id=trace)
            elif asked.get("list") == OPT_OUTS:
                service.log.write(_LOGGED[assembly().opt_out_lists.make(request, trace)], request_id=trace)
            else:
                service.log.write(_LOGGED[assembly().releasing.check(request, trace)], request_id=trace)
        except Exception as fault:  # noqa: BLE001 - reported to the queue, which delivers it again, then to its dead letters
            service.log.fault(LogCode.FAULT, fault, request_id=trace)
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def _alert(noted: Noted) -> None:
    """Nobody is kept from care by a queue: what can't be sent now, the sweeper sends within minutes."""
    try:
        assembly().tell_at_once(noted)
    except (StorageBusyError, StorageRefusedError, StorageUncertainError) as fault:
        service.log.fault(LogCode.ALERT_LATE, fault, request_id=service.call.trace)


def _given(given: GivenOut, person: PersonId) -> dict[str, object]:
    sealed = given.sealed
    return {
        **access_view(given.noted.access, person),
        "items": None if sealed is not None else [item_json(item) for item in given.items],
        "sealed": None if sealed is None else base64.b64encode(sealed).decode(),
        "sha256": None if sealed is None else hashlib.sha256(sealed).hexdigest(),
        "receipts": [
            receipt for step in given.recorded for receipt in receipts_json(step, lambda event: event.type == OPENED)
        ],
    }


def _address(release_id: str, at: ResultAddress) -> dict[str, object]:
    good_until = rfc3339(at.good_until)
    return {"release_id": release_id, "url": at.url, "bytes": at.size, "sha256": at.sha256, "good_until": good_until}


def _begun(begun: Begun, requester: PersonId) -> dict[str, object]:
    return {
        "release_id": begun.release_id,
        "running": begun.running,
        "receipts": receipts_json(begun.recorded, own_act(begun.state, requester)),
    }


def _released(released: Released, requester: PersonId) -> dict[str, object]:
    own = own_act(released.state, requester)
    body: dict[str, object] = {
        "release_id": released.release_id,
        "counts": shown_counts(released.counts),
        "receipts": [receipt for step in released.recorded for receipt in receipts_json(step, own)],
    }
    if released.items is not None:
        body["items"] = [item_json(item) for item in released.items]
    else:
        body["file"] = {"bytes": released.file_bytes, "sha256": released.file_sha256}
    return body
