"""Each rule on its example, and each rule removed: somebody must notice."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from typing import Any

import pytest

from keyholder.policy import assess, checks, evidence, settings, tables
from keyholder.policy.cases import differences, evaluate, read_cases
from keyholder.policy.settings import PolicyFacts
from keyholder.policy.vocabulary import LegalBasis, Purpose, Reason
from tests.unit.policy.examples import CASE_FILE
from tests.unit.policy.rulebook import RULES, Rule

CASES = read_cases(CASE_FILE.read_bytes())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_rule(rule: Rule) -> None:
    assert rule.holds(), rule.assessment()


def test_rules_have_names_of_their_own() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("case", CASES.cases, ids=lambda case: case.case_id)
def test_published_case(case) -> None:
    assert evaluate(case).decision == case.expected.decision


def test_published_cases_agree_in_every_field() -> None:
    assert not list(differences(CASES))


def test_every_reason_is_reached() -> None:
    reached = {reason for rule in RULES for reason in rule.reasons.split()}
    assert reached == {reason.value for reason in Reason}


def nobody_notices() -> bool:
    """Whether rules and cases still hold. A crash is noticed too."""
    try:
        return all(rule.holds() for rule in RULES) and not any(differences(CASES))
    except Exception:  # noqa: BLE001 - whatever a broken policy does, it is not silence
        return False


def test_nothing_is_noticed_while_nothing_is_removed() -> None:
    assert nobody_notices()


@pytest.mark.parametrize("check", checks.REQUEST_CHECKS, ids=lambda check: check.__name__)
def test_a_removed_request_check_is_noticed(check: Callable[..., object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "REQUEST_CHECKS", tuple(one for one in checks.REQUEST_CHECKS if one is not check))
    assert not nobody_notices()


@pytest.mark.parametrize("check", checks.PERSON_CHECKS, ids=lambda check: check.__name__)
def test_a_removed_person_check_is_noticed(check: Callable[..., object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "PERSON_CHECKS", tuple(one for one in checks.PERSON_CHECKS if one is not check))
    assert not nobody_notices()


@pytest.mark.parametrize("place", [place for place in range(len(checks.REQUEST_CHECKS) - 1) if place != 1])
def test_request_checks_in_another_order_are_noticed(place: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Place 1 is left out: a basis that is not named has no roles to ask for, whichever is asked first."""
    order = list(checks.REQUEST_CHECKS)
    order[place], order[place + 1] = order[place + 1], order[place]
    monkeypatch.setattr(checks, "REQUEST_CHECKS", tuple(order))
    assert not nobody_notices()


@pytest.mark.parametrize("row", tables.PROHIBITIONS, ids=lambda row: row.purpose)
def test_a_removed_prohibition_is_noticed(row: tables.Prohibition, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "PROHIBITIONS", tuple(one for one in tables.PROHIBITIONS if one is not row))
    assert not nobody_notices()


@pytest.mark.parametrize("flow", settings.STATED_EXEMPT_FLOWS, ids=lambda flow: flow.purpose)
@pytest.mark.parametrize("change", ["removed", "own opt-out turned"])
def test_a_changed_excluded_flow_is_noticed(flow: settings.ExemptFlow, change: str) -> None:
    flows = [one for one in settings.STATED_EXEMPT_FLOWS if one is not flow]
    if change != "removed":
        turned = copy(flow)
        object.__setattr__(turned, "own_opt_out", not flow.own_opt_out)
        flows.append(turned)
    facts = PolicyFacts(exempt_flows=tuple(flows))
    stated = [rule for rule in RULES if rule.facts is settings.STATED]
    assert not all(replace(rule, facts=facts).holds() for rule in stated)


@pytest.mark.parametrize("row", tables.MATRIX, ids=lambda row: row.basis)
@pytest.mark.parametrize("change", ["ndoo", "type1", "lawful", "ethics_for"])
def test_a_changed_basis_is_noticed(row: tables.BasisRow, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    others: dict[str, dict[str, Any]] = {
        "ndoo": {"ndoo": not row.ndoo},
        "type1": {"type1": not row.type1},
        "lawful": {"lawful": Reason.NOT_IDENTIFIABLE},
        "ethics_for": {"ethics_for": row.purposes - row.ethics_for},
    }
    monkeypatch.setitem(tables.BASES, row.basis, replace(row, **others[change]))
    assert not nobody_notices()


NEVER = {row.purpose for row in tables.PROHIBITIONS}
FITS = [(row, purpose) for row in tables.MATRIX for purpose in Purpose if purpose not in NEVER]


@pytest.mark.parametrize(("row", "purpose"), FITS, ids=lambda part: getattr(part, "basis", part))
def test_a_changed_fit_is_noticed(row: tables.BasisRow, purpose: Purpose, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tables.BASES, row.basis, replace(row, purposes=row.purposes ^ {purpose}))
    assert not nobody_notices()


@pytest.mark.parametrize("row", tables.MATRIX, ids=lambda row: row.basis)
def test_no_basis_makes_a_prohibited_purpose_lawful(row: tables.BasisRow, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not row.purposes & NEVER
    monkeypatch.setitem(tables.BASES, row.basis, replace(row, purposes=frozenset(Purpose)))
    prohibited = [rule for rule in RULES if rule.reasons == "PURPOSE_PROHIBITED"]
    assert prohibited
    assert all(rule.holds() for rule in prohibited)


WITH_EVIDENCE = [basis for basis, rule in evidence.EVIDENCE.items() if rule is not evidence.with_each_person]


@pytest.mark.parametrize("basis", WITH_EVIDENCE)
def test_evidence_that_is_not_asked_for_is_noticed(basis: LegalBasis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "EVIDENCE", {**evidence.EVIDENCE, basis: evidence.with_each_person})
    assert not nobody_notices()


@pytest.mark.parametrize("row", tables.NDOO_REACH, ids=lambda row: row.origin)
def test_a_turned_reach_is_noticed(row: tables.ReachRow, monkeypatch: pytest.MonkeyPatch) -> None:
    turned = tuple(replace(one, reached=not one.reached) if one is row else one for one in tables.NDOO_REACH)
    monkeypatch.setattr(tables, "NDOO_REACH", turned)
    assert not nobody_notices()


@pytest.mark.parametrize("identifier", sorted(tables.LOCATING_IDENTIFIERS))
def test_an_identifier_that_locates_is_noticed(identifier: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assess, "LOCATING_IDENTIFIERS", tables.LOCATING_IDENTIFIERS - {identifier})
    assert not nobody_notices()


@pytest.mark.parametrize("limit", ["direct_days", "cache_days", "cache_refresh_days"])
@pytest.mark.parametrize("step", [-1, 1])
def test_a_moved_limit_is_noticed(limit: str, step: int) -> None:
    freshness = settings.Freshness()
    object.__setattr__(freshness, limit, getattr(freshness, limit) + step)
    facts = PolicyFacts(freshness=freshness)
    stated = [rule for rule in RULES if rule.facts is settings.STATED]
    assert not all(replace(rule, facts=facts).holds() for rule in stated)
