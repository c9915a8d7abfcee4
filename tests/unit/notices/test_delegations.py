"""Whoever decides in somebody's place is told what that one would be, and that one of each decision."""

from __future__ import annotations

from datetime import timedelta

from keyholder.ledger.event import Event
from keyholder.notices.delegations import delegation_notices
from keyholder.notices.directory import Directory
from keyholder.notices.notices import notices_of
from keyholder.notices.table import TELLINGS
from keyholder.notices.vocabulary import Template
from keyholder.registry.delegation_events import delegation_stream
from keyholder.requests.listings import request_stream
from keyholder.requests.service import Done
from keyholder.vocabulary import PersonId, RequestId, StreamId
from tests.unit.registry.test_delegations import ADA, NAME, Office
from tests.unit.requests import world
from tests.unit.requests.test_delegating import Away
from tests.unit.requests.world import COLLEAGUE, CONFIRMER, GP, NADIA, OPERATOR, ROSA, TARA


class _Committed:
    """A log for reading only, as the notifier has it."""

    def __init__(self, office: Office) -> None:
        self._log = office.house.log

    def read(self, stream: StreamId) -> tuple[Event, ...]:
        return self._log.read(stream)

    def listed(self, listing: str, after: StreamId | None, limit: int) -> tuple[StreamId, ...]:
        return tuple(self._log.listed(listing, after, limit))


def _told(office: Office, number: int) -> dict[PersonId, Template]:
    scene = Directory(_Committed(office)).delegation(delegation_stream(NAME), number)
    return {notice.person: notice.template for notice in delegation_notices(scene)}


def _of_request(away: Office, request: RequestId, kind: str) -> dict[PersonId, Template]:
    """Who is told of the newest event of a kind."""
    events = away.house.log.read(request_stream(request))
    number = max(event.number for event in events if event.type == kind)
    wanted = [row.to for row in TELLINGS[kind]]
    scene = Directory(_Committed(away)).scene(request_stream(request), number, wanted, away.clock.now())
    return {notice.person: notice.template for notice in notices_of(scene)}


def test_both_are_told_and_operators_until_it_is_confirmed() -> None:
    office = Office()
    office.name()
    waiting = Template.DELEGATION_TO_CONFIRM
    assert _told(office, 1) == {ADA.id: Template.DELEGATE_NAMED, OPERATOR.id: waiting, CONFIRMER.id: waiting}
    office.confirm()
    assert _told(office, 1) == {ADA.id: Template.DELEGATE_NAMED}
    assert _told(office, 2) == dict.fromkeys((ADA.id, NADIA.id), Template.DELEGATION_CONFIRMED)
    office.withdraw(ADA)
    assert _told(office, 3) == {NADIA.id: Template.DELEGATION_WITHDRAWN}


def test_what_waits_is_told_to_whoever_stands_in_while_that_lasts() -> None:
    away = Away()
    request = away.reviewed(GP)
    told = _of_request(away, request, "request.checks_recorded")
    assert told[ADA.id] is told[TARA.id] is Template.REVIEW_WANTED
    away.withdraw()
    assert ADA.id not in _of_request(away, request, "request.checks_recorded")


def test_who_is_away_is_told_of_every_decision_in_their_place() -> None:
    away = Away()
    request = away.reviewed(GP)
    away.approve(request, away.in_place())
    assert _of_request(away, request, "request.domain_approved") == {NADIA.id: Template.DECIDED_FOR_YOU}
    away.approve(request, away.house.call(TARA))
    assert Template.DECIDED_FOR_YOU not in _of_request(away, request, "request.domain_approved").values()


def test_whoever_wrote_what_is_taken_over_is_told() -> None:
    office = Office()
    made = office.house.desk.create(office.house.call(ROSA), world.a_body(GP))
    assert isinstance(made, Done)
    office.changed(ROSA, accredited_until=world.NOW.date() - timedelta(days=1))
    assert isinstance(office.house.desk.take_over(office.house.call(COLLEAGUE), made.state.id), Done)
    assert _of_request(office, made.state.id, "request.taken_over") == {ROSA.id: Template.TAKEN_OVER}
