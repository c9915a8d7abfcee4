"""From what the domain decided to what the caller is told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol, TypeVar

from aws_lambda_powertools.event_handler import Response

from keyholder.canonical import JsonObject
from keyholder.edge.call import Call
from keyholder.edge.problems import Problem, ProblemError, ProblemType
from keyholder.edge.service import answer
from keyholder.ledger.log import EventLog, Recorded
from keyholder.ledger.receipts import receipts_json
from keyholder.refusals import Refusal, RefusalKind
from keyholder.registry import service as registry
from keyholder.registry.attempts import UNNAMED, AttemptIds, record_refusal
from keyholder.registry.people import Person, person_id
from keyholder.registry.replays import BUSY, KEY_REUSED
from keyholder.registry.service import Registry
from keyholder.registry.sign_in import SignIn
from keyholder.requests import service as desk
from keyholder.requests.actors import PersonActor
from keyholder.requests.given import given_view
from keyholder.requests.reasons import PERSON_DISABLED
from keyholder.requests.receipts import own_act
from keyholder.requests.service import Done
from keyholder.vocabulary import ActorId, PersonId

T = TypeVar("T")

NOT_A_MEMBER = Refusal(
    "NOT_A_MEMBER", RefusalKind.FORBIDDEN, "Only registered people use Keyholder; an operator registers them."
)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_OWN_TYPE = {KEY_REUSED.code: ProblemType.KEY_REUSED, BUSY.code: ProblemType.STILL_RUNNING}


def accepted(outcome: T | Refusal) -> T:
    """The value. Raises `ProblemError` for a refusal."""
    if not isinstance(outcome, Refusal):
        return outcome
    kind = _OWN_TYPE.get(outcome.code)
    if kind is None:
        raise ProblemError(Problem.of(outcome))
    headers = {"retry-after": "1"} if kind is ProblemType.STILL_RUNNING else {}
    raise ProblemError(Problem(kind, outcome.code, outcome.advice, headers=headers))


def person_of(call: Call) -> PersonId:
    """Who is calling, as Keyholder names them."""
    return person_id(call.caller.issuer, call.caller.subject)


def registry_call(call: Call) -> registry.Call:
    """The call as the registry takes it."""
    return registry.Call(person_of(call), call.trace, call.idempotency, call.if_match, sign_in_of(call))


def sign_in_of(call: Call) -> SignIn:
    """How strongly and when they signed in; a token that does not say counts as weakly and long ago."""
    return SignIn(call.caller.assurance or "", call.caller.signed_in_at or _LONG_AGO)


class Records(Protocol):
    """Where people are looked up, and where it is written that somebody was refused."""

    @property
    def registry(self) -> Registry: ...

    @property
    def ledger(self) -> EventLog: ...

    @property
    def ids(self) -> AttemptIds: ...


def acting(call: Call, records: Records) -> PersonActor:
    """The registered person who is calling. Raises `ProblemError` (403) for anybody else.

    A command of somebody who is not registered is a refusal like any other, and in the ledger before it is told.
    """
    person = records.registry.person(person_of(call))
    if (person is None or person.disabled) and call.idempotency is not None:
        record_refusal(
            records.ledger,
            records.ids,
            actor=ActorId(person_of(call)),
            command=call.command,
            subject=UNNAMED,
            refusal=NOT_A_MEMBER if person is None else PERSON_DISABLED,
            trace=call.trace,
        )
    return PersonActor(member(person), sign_in_of(call))


def desk_call(call: Call, records: Records, *, expected: int | None = None, delegation: str | None = None) -> desk.Call:
    """The call as the desk takes it; `expected` is the version of If-Match where the command needs one, `delegation`
    the one under which it is given."""
    return desk.Call(acting(call, records), call.trace, call.idempotency, expected, delegation)


def done_answer(
    requests: desk.RequestDesk, actor: PersonActor, outcome: Done | Refusal, *, status: int = 200
) -> Response[str]:
    """The request as the command left it, its ETag, and the receipts. Raises `ProblemError` for a refusal."""
    done = accepted(outcome)
    body = {**accepted(requests.view_done(actor, done)), "receipts": done_receipts(done, actor.person.id)}
    if done.given:
        body["given"] = given_view(done.given)
    return answer(body, status=status, version=done.state.edition)


def done_receipts(done: Done, person: PersonId) -> list[JsonObject]:
    """The receipts of what a command wrote, for who gave it."""
    return receipts_json(done.recorded, own_act(done.state, person))


def own_receipts(recorded: Recorded | None, person: PersonId) -> list[JsonObject]:
    """The receipts of a step that no request has, each with its leaf where it is `person`'s own act."""
    return receipts_json(recorded, lambda event: event.actor == ActorId(person)) if recorded else []


def member(person: Person | None) -> Person:
    """A registered, enabled person. Raises `ProblemError` (403) for anybody else."""
    if person is None:
        raise ProblemError(Problem(ProblemType.NOT_A_MEMBER))
    if person.disabled:
        raise ProblemError(Problem.of(PERSON_DISABLED))
    return person
