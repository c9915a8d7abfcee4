"""Whoever could agree to a standing approval or a linkage hears of it; who asked and agreed, what became of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from keyholder.ledger.event import Event
from keyholder.ledger.ports import Head
from keyholder.linkage.events import AgreementProposed, agreement_stream
from keyholder.linkage.terms import Covers
from keyholder.linkage.terms import Terms as Linkage
from keyholder.notices.agreements import AgreementScene, agreement_notices
from keyholder.notices.directory import Directory, NotYetThereError
from keyholder.notices.vocabulary import Template
from keyholder.policy.vocabulary import LegalBasis, Purpose
from keyholder.registry.people import Person, PersonKind
from keyholder.standing.approval import StandingEndReason
from keyholder.standing.events import standing_stream
from keyholder.vocabulary import ActorId, IdentifierType, PersonId, StreamId
from tests.unit.requests import world
from tests.unit.requests.world import (
    BOTH,
    COLLEAGUE,
    DEV,
    GP,
    GRETA,
    HOSPITAL,
    NADIA,
    NILS,
    NOW,
    ROSA,
    TARA,
    TRUST,
)
from tests.unit.standing.test_service import NAME, Told

EVERYBODY = {who.id: who for who in world.EVERYBODY}
UNTIL = NOW + timedelta(days=30)


def _scene(kind: str, actor: Person = ROSA, **changes: object) -> AgreementScene:
    apart = frozenset({ROSA.id, COLLEAGUE.id})
    scene = AgreementScene(
        kind, ActorId(actor.id), NAME, ROSA.id, frozenset(), UNTIL, (world.a_domain(),), apart, EVERYBODY
    )
    return replace(scene, **changes)  # type: ignore[arg-type] - a test names the fields it changes


def _told(scene: AgreementScene) -> dict[PersonId, Template]:
    return {notice.person: notice.template for notice in agreement_notices(scene)}


def _ids(*people: Person) -> set[PersonId]:
    return {who.id for who in people}


@pytest.mark.parametrize(
    ("kind", "template"),
    [("standing.asked", Template.STANDING_ASKED), ("linkage.proposed", Template.LINKAGE_PROPOSED)],
)
def test_whoever_could_agree_is_told_by_when(kind: str, template: Template) -> None:
    """Not who is on the project (a controller too), nor a guardian or an officer the domain doesn't ask for."""
    scene = _scene(kind)
    assert _told(scene) == dict.fromkeys(_ids(NADIA, NILS, TARA, BOTH), template)
    assert {one.due for one in agreement_notices(scene)} == {UNTIL}
    more = (world.a_domain(caldicott_guardian=1, data_protection_officer=1),)
    assert set(_told(replace(scene, domains=more))) == _ids(NADIA, NILS, TARA, BOTH, GRETA, DEV)
    assert set(_told(replace(scene, agreed=frozenset({NILS.id})))) == _ids(NADIA, TARA, BOTH)
    assert not _told(replace(scene, open_until=None)), "nobody is told to decide on what is decided"


@pytest.mark.parametrize("kind", ["standing.came_into_force", "standing.ended", "linkage.came_into_force"])
def test_what_became_of_it_is_told_to_who_asked_and_who_agreed(kind: str) -> None:
    scene = _scene(kind, TARA, agreed=frozenset({NADIA.id, TARA.id}), open_until=None)
    assert set(_told(scene)) == _ids(ROSA, NADIA)
    assert {one.due for one in agreement_notices(scene)} == {None}


def test_nobody_disabled_and_no_machine_is_told() -> None:
    for gone in (replace(NILS, disabled=True), replace(NILS, kind=PersonKind.MACHINE)):
        people = {**EVERYBODY, NILS.id: gone}
        assert set(_told(_scene("standing.asked", people=people))) == _ids(NADIA, TARA, BOTH)


class _Committed:
    """A log for reading only, as the notifier has it."""

    def __init__(self, told: Told) -> None:
        self._told = told

    def read(self, stream: StreamId) -> tuple[Event, ...]:
        return self._told.house.log.read(stream)

    def listed(self, listing: str, after: StreamId | None, limit: int) -> tuple[StreamId, ...]:
        return tuple(self._told.house.log.listed(listing, after, limit))


def test_the_directory_knows_who_could_agree_until_it_is_decided() -> None:
    told = Told()
    told.ask()
    directory, stream = Directory(_Committed(told)), standing_stream(NAME)
    scene = directory.agreement(stream, 1)
    assert (scene.type, scene.subject, scene.asked_by) == ("standing.asked", NAME, ROSA.id)
    assert scene.open_until == told.clock.now() + timedelta(days=30)
    assert set(_told(scene)) == _ids(NADIA, NILS, TARA, BOTH)
    assert COLLEAGUE.id in scene.apart
    with pytest.raises(NotYetThereError):
        directory.agreement(stream, 2)
    told.approve(NADIA)
    told.approve(TARA)
    assert not _told(directory.agreement(stream, 1))
    assert _told(directory.agreement(stream, 4)) == dict.fromkeys(_ids(ROSA, NADIA), Template.STANDING_IN_FORCE)
    told.standings.end(told.call(NILS), NAME, StandingEndReason.OTHER, told.clock.now())
    assert set(_told(directory.agreement(stream, 5))) == _ids(ROSA, NADIA, TARA)


def test_a_linkage_of_no_project_keeps_nobody_apart() -> None:
    told, name = Told(), "LNK-" + "0" * 26
    terms = Linkage(
        GP, HOSPITAL, (IdentifierType.NHS_NUMBER,), Covers.EVERYBODY, Purpose.PLANNING_COMMISSIONING,
        LegalBasis.STATUTORY_DIRECTION, None, TRUST, 100, NOW.date() + timedelta(days=90),
    )  # fmt: skip
    event = AgreementProposed(terms).new_event()
    told.house.log.record(
        agreement_stream(name), 0, [event], actor=ActorId(NADIA.id), trace="t", head=Head(), at=told.clock.now()
    )
    scene = Directory(_Committed(told)).agreement(agreement_stream(name), 1)
    assert _told(scene) == dict.fromkeys(_ids(NILS, TARA, BOTH, COLLEAGUE), Template.LINKAGE_PROPOSED)
