"""The policy that allowed a step."""

from __future__ import annotations

from keyholder.requests.case import Case


def policy_hash(case: Case) -> str:
    """The policy that was asked. Raises `TypeError` where none was: a table mistake."""
    if case.facts.assessment is None:
        raise TypeError("the table lets this happen without asking the policy")
    return case.facts.assessment.policy_hash
