"""How far a domain's quorum is, and who could still fill it: "1 of 2", for whoever waits for it."""

from __future__ import annotations

from collections.abc import Iterable

from keyholder.canonical import JsonObject, JsonValue
from keyholder.registry.factors import Factor
from keyholder.requests.case import Facts
from keyholder.requests.codes import State
from keyholder.requests.eligibility import Count, could_approve, expected
from keyholder.requests.state import RequestState
from keyholder.vocabulary import DomainId

OPEN = frozenset({State.DRAFT, State.SUBMITTED, State.IN_REVIEW})
"""States in which approvals are still to come."""


def quorum_view(state: RequestState, facts: Facts) -> list[JsonObject]:
    """For each domain the request asks from: what it asks for, what is filled, who could fill the rest.

    Counted with the people, the project and the rules of now. `attainable` is null, and nobody is named, where the
    approvals are behind the request or the people are not known.
    """
    names: Iterable[DomainId] = state.domains or (state.summary.records if state.summary else ())
    return [_domain(name, state, facts) for name in names if name in facts.domains]


def _domain(name: DomainId, state: RequestState, facts: Facts) -> JsonObject:
    known = facts.domains[name]
    counted = expected(state, known, facts.project, facts.approvers)
    view: dict[str, JsonValue] = {
        "domain": name,
        "met": counted.met,
        "places": [_places(factor, counted) for factor in counted.wanted()],
        "organisations_missing": list(counted.organisations_missing()),
        "attainable": None,
        "could_approve": [],
    }
    if facts.candidates is not None and state.status in OPEN:
        able = could_approve(state, known, facts.project, facts.candidates)
        view["attainable"] = counted.attainable(able)
        view["could_approve"] = [
            {"person": person, "factor": factor.value, "organisation": organisation}
            for person, parts in able.items()
            for factor, organisation in sorted(parts, key=lambda part: (_ORDER[part[0]], part[1]))
        ]
    return view


_ORDER = {factor: place for place, factor in enumerate(Factor)}


def _places(factor: Factor, counted: Count) -> JsonObject:
    needed = counted.needed(factor)
    return {"factor": factor.value, "needed": needed, "filled": needed - counted.missing(factor)}
