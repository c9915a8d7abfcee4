"""What a bucket policy says of one call: IAM's evaluation, as far as our policies use it.

Written from the IAM user guide ("Policy evaluation logic", "Condition operators"): a Deny wins; operators of a
statement are joined by *and*; a key that is absent fails a positive operator and passes a negated one. An operator,
principal or element that is not known here is an error, so that no policy is judged by half.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.unit.infra.template import as_list

Statement = Mapping[str, Any]

_ELEMENTS = {"Sid", "Effect", "Principal", "Action", "Resource", "NotResource", "Condition"}


@dataclass(frozen=True)
class Call:
    """One call of AWS: `context` holds the condition keys that are present."""

    action: str
    resource: str
    principal: str = "arn:aws:iam::123456789012:role/anybody"
    context: Mapping[str, str] = field(default_factory=dict)


def denied(policy: list[Statement], call: Call) -> set[str]:
    """The Sids of the statements that deny it."""
    return _matching(policy, call, "Deny")


def allowed_to_others(policy: list[Statement], call: Call) -> set[str]:
    """The Sids of the statements that let a principal of another account in."""
    return _matching(policy, call, "Allow")


def _matching(policy: list[Statement], call: Call, effect: str) -> set[str]:
    return {one.get("Sid", "EnforceSsl") for one in policy if one["Effect"] == effect and _applies(one, call)}


def _applies(statement: Statement, call: Call) -> bool:
    assert set(statement) <= _ELEMENTS, set(statement) - _ELEMENTS
    return (
        _is_for(statement["Principal"], call.principal)
        and any(_like(action, call.action) for action in as_list(statement["Action"]))
        and _is_about(statement, call.resource)
        and all(_holds(operator, keys, call) for operator, keys in statement.get("Condition", {}).items())
    )


def _is_for(principal: Any, who: str) -> bool:
    named = as_list(principal["AWS"]) if isinstance(principal, dict) else as_list(principal)
    return any(one in ("*", who) for one in named)


def _is_about(statement: Statement, resource: str) -> bool:
    if "NotResource" in statement:
        return not any(_like(one, resource) for one in as_list(statement["NotResource"]))
    return any(_like(one, resource) for one in as_list(statement["Resource"]))


def _holds(operator: str, keys: Mapping[str, Any], call: Call) -> bool:
    known = {"aws:PrincipalArn": call.principal, "aws:SecureTransport": "true", **call.context}
    return all(
        _OPERATORS[operator](known.get(key), [str(one) for one in as_list(wanted)]) for key, wanted in keys.items()
    )


_OPERATORS: Mapping[str, Callable[[str | None, list[str]], bool]] = {
    "Null": lambda found, wanted: [str(found is None).lower()] == wanted,
    "Bool": lambda found, wanted: found in wanted,
    "StringEquals": lambda found, wanted: found in wanted,
    "StringNotEquals": lambda found, wanted: found not in wanted,
    "ArnNotEquals": lambda found, wanted: found not in wanted,
    "NumericLessThan": lambda found, wanted: found is not None and float(found) < float(wanted[0]),
}


def _like(pattern: str, text: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text, re.IGNORECASE) is not None
