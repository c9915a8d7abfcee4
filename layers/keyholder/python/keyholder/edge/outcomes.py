"""From what the domain decided to what the caller is told."""

from __future__ import annotations

from typing import TypeVar

from keyholder.edge.call import Call
from keyholder.edge.problems import Problem, ProblemError, ProblemType
from keyholder.refusals import Refusal
from keyholder.registry import service as registry
from keyholder.registry.people import Person, person_id
from keyholder.registry.replays import BUSY, KEY_REUSED
from keyholder.vocabulary import PersonId

T = TypeVar("T")

_OWN_TYPE = {KEY_REUSED.code: ProblemType.KEY_REUSED, BUSY.code: ProblemType.STILL_RUNNING}


def accepted(outcome: T | Refusal) -> T:
    """The value. Raises `ProblemError` for a refusal."""
    if not isinstance(outcome, Refusal):
        return outcome
    kind = _OWN_TYPE.get(outcome.code)
    raise ProblemError(Problem(kind, outcome.code, outcome.advice) if kind else Problem.of(outcome))


def person_of(call: Call) -> PersonId:
    """Who is calling, as Keyholder names them."""
    return person_id(call.caller.issuer, call.caller.subject)


def registry_call(call: Call) -> registry.Call:
    """The call as the registry takes it."""
    return registry.Call(person_of(call), call.trace, call.idempotency, call.if_match)


def member(person: Person | None) -> Person:
    """A registered, enabled person. Raises `ProblemError` (403) for anybody else."""
    if person is None or person.disabled:
        raise ProblemError(Problem(ProblemType.NOT_A_MEMBER))
    return person
