"""What a caller is told of the domain's decisions."""

from __future__ import annotations

import pytest

from keyholder.edge.outcomes import accepted
from keyholder.edge.problems import ProblemError, ProblemType
from keyholder.refusals import Refusal, RefusalKind
from keyholder.registry.replays import BUSY, KEY_REUSED


def told(refusal: Refusal) -> ProblemError:
    with pytest.raises(ProblemError) as caught:
        accepted(refusal)
    return caught.value


def test_what_is_no_refusal_is_handed_on() -> None:
    assert accepted("value") == "value"


def test_whoever_is_told_to_wait_is_told_how_long() -> None:
    problem = told(BUSY).problem
    assert "Retry-After" in problem.type.advice
    assert int(problem.headers["retry-after"]) > 0


def test_a_key_of_another_command_has_a_problem_of_its_own() -> None:
    assert told(KEY_REUSED).problem.type is ProblemType.KEY_REUSED


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (RefusalKind.SIGN_IN, 401),
        (RefusalKind.FORBIDDEN, 403),
        (RefusalKind.NOT_FOUND, 404),
        (RefusalKind.CONFLICT, 409),
        (RefusalKind.STALE, 412),
        (RefusalKind.INVALID, 422),
    ],
)
def test_every_kind_of_refusal_has_its_status(kind: RefusalKind, status: int) -> None:
    problem = told(Refusal("A_CODE", kind, "Do this.", "/field")).problem
    assert (problem.type.status, problem.code, problem.advice) == (status, "A_CODE", "Do this.")
    assert [error.pointer for error in problem.errors] == ["/field"]
