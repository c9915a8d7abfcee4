"""Everybody who decides for a domain hears of an emergency access to it, whatever else they are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from keyholder.emergency.access import Access, EmergencyReason
from keyholder.notices.emergencies import EmergencyScene, emergency_notices
from keyholder.notices.vocabulary import Template
from keyholder.vocabulary import ActorId, OrganisationCode, PersonId
from tests.unit.requests import world
from tests.unit.requests.world import COLLEAGUE, DEV, GP, GRETA, NADIA, NILS, OPERATOR, ROSA, TARA

ACCESS = Access(
    id=f"EMG-{ROSA.id.removeprefix('person/')}-1",
    domain=GP,
    reason=EmergencyReason.LIFE_AT_RISK,
    identifier_types=(),
    records=1,
    organisation=OrganisationCode("ZZ9"),
    opened_at=world.NOW,
    review_by=world.NOW,
    policy_hash=world.POLICY,
)
EVERYBODY = {who.id: who for who in world.EVERYBODY}
OF_GP = {who.id for who in (NADIA, NILS, TARA, world.BOTH, GRETA, DEV, COLLEAGUE)}


def _scene(kind: str, actor: str = ROSA.id) -> EmergencyScene:
    operators = frozenset({OPERATOR.id})
    return EmergencyScene(kind, ActorId(actor), ACCESS, ROSA.id, world.a_domain(), EVERYBODY, operators)


def _told(scene: EmergencyScene) -> dict[PersonId, Template]:
    return {notice.person: notice.template for notice in emergency_notices(scene)}


def test_everybody_who_decides_is_told_at_once_and_the_clinician_is_not() -> None:
    told = _told(_scene("emergency.opened"))
    assert told == dict.fromkeys(OF_GP, Template.EMERGENCY_OPENED)
    assert {notice.due for notice in emergency_notices(_scene("emergency.opened"))} == {ACCESS.review_by}


def test_the_verdict_is_told_to_the_clinician_too_and_lateness_to_operators() -> None:
    assert _told(_scene("emergency.not_upheld", NADIA.id)) == dict.fromkeys(
        (OF_GP | {ROSA.id}) - {NADIA.id}, Template.EMERGENCY_NOT_UPHELD
    )
    late = _told(_scene("emergency.review_overdue", "system/sweeper"))
    assert set(late) == OF_GP | {ROSA.id, OPERATOR.id}


@pytest.mark.parametrize("kind", ["emergency.opened", "emergency.upheld", "emergency.review_overdue"])
def test_nobody_disabled_is_told(kind: str) -> None:
    people = {**EVERYBODY, TARA.id: replace(TARA, disabled=True)}
    assert TARA.id not in _told(replace(_scene(kind), people=people))
