"""Standing approvals in the ledger: who is let in, what is listed, and that a use is written in the right order."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import cast
from unittest.mock import Mock

import pytest

from keyholder.ledger.log import Recorded
from keyholder.limits.counting import PATIENT_BYTES
from keyholder.limits.limiter import Limiter
from keyholder.refusals import Refusal
from keyholder.registry.service import Call, Entry
from keyholder.registry.sign_in import SignIn
from keyholder.registry.terms import Document, InForce, terms_json
from keyholder.release.releasing import Releasing
from keyholder.requests.content import Delivery
from keyholder.requests.events.releasing import ReleaseAuthorised
from keyholder.requests.service import Done
from keyholder.standing.approval import StandingEndReason, StandingState
from keyholder.standing.decide import Yes
from keyholder.standing.service import Standings, of_domain, of_project
from keyholder.vocabulary import RequestId, StreamId
from tests.fakes.ledger import ManualClock, Memory, memory_ledger
from tests.unit.limits.test_limiter import MemoryCounters, limits
from tests.unit.requests import world
from tests.unit.requests.world import AUDITOR, COLLEAGUE, GP, HOSPITAL, NADIA, ROSA, STRANGER, TARA

NAME, OTHER_NAME = (f"STA-{number:026}" for number in (1, 2))
TERMS = world.bounds()


class Told:
    """A house, its standing approvals, and what people say to them."""

    def __init__(self, *, terms_of_use: bool = False) -> None:
        self.clock = ManualClock(world.NOW)
        in_force = world.some_terms() if terms_of_use else {}
        self.house = world.House(memory_ledger(self.clock, Memory()), self.clock, terms=in_force)
        self.standings = self.standings_under(in_force)
        self.number = 0

    def standings_under(self, terms: InForce) -> Standings:
        """Where these terms of use are the newest."""
        return Standings(self.house.log, self.house.registry, self.house.ids, terms=terms)

    def call(self, who: world.Person) -> Call:
        self.number += 1
        return Call(who.id, f"t-{self.number}")

    def sign_in(self, acr: str = "AAL2") -> SignIn:
        return SignIn(acr, self.clock.now())

    def ask(self, who: world.Person = ROSA, name: str = NAME, acr: str = "AAL2") -> object:
        return self.standings.ask(self.call(who), self.sign_in(acr), name, TERMS, self.clock.now())

    def approve(self, who: world.Person, acr: str = "AAL2") -> object:
        yes = Yes(GP, TERMS.hash())
        return self.standings.approve(self.call(who), self.sign_in(acr), NAME, yes, self.clock.now())

    def in_force(self) -> Told:
        for outcome in (self.ask(), self.approve(NADIA), self.approve(TARA)):
            assert isinstance(outcome, Entry), outcome
        return self

    def reviewed(self) -> RequestId:
        desk = self.house.desk
        made = desk.create(self.house.call(ROSA), world.a_body(GP))
        assert isinstance(made, Done)
        submitted = desk.submit(self.house.call(ROSA), made.state.id)
        assert isinstance(submitted, Done)
        assert submitted.state.content_hash
        desk.record_checks(made.state.id, submitted.state.content_hash, world.checks(), "t")
        return made.state.id

    def types(self, stream: str) -> list[str]:
        return [event.type for event in self.house.log.read(StreamId(stream))]


def code(outcome: object) -> str | None:
    return outcome.code if isinstance(outcome, Refusal) else None


def test_it_needs_a_strong_and_recent_sign_in() -> None:
    told = Told()
    assert code(told.ask(acr="AAL1")) == "SIGN_IN_WEAK"
    assert isinstance(told.ask(), Entry)
    assert code(told.approve(NADIA, acr="AAL1")) == "SIGN_IN_WEAK"


def test_who_asks_and_who_approves_has_accepted_the_terms_of_use() -> None:
    told = Told(terms_of_use=True)
    accepted, newer = told.standings, told.standings_under(world.some_terms(2))
    told.standings = newer
    assert code(told.ask()) == "TERMS_NOT_ACCEPTED"
    told.standings = accepted
    assert isinstance(told.ask(), Entry)
    told.standings = newer
    assert code(told.approve(NADIA)) == "TERMS_NOT_ACCEPTED"
    told.standings = accepted
    assert isinstance(told.approve(NADIA), Entry)
    said = [event.data["accepted_terms"] for event in told.house.log.read(StreamId(f"standing/{NAME}"))]
    in_force = world.some_terms()
    assert said == [terms_json(in_force[Document.REQUESTER]), terms_json(in_force[Document.APPROVER])]


def test_what_nobody_could_approve_is_not_asked() -> None:
    told = Told()
    for who in (TARA, world.BOTH):
        gone = told.house.registry.change_person(told.call(world.OPERATOR), replace(who, disabled=True))
        assert isinstance(gone, Entry)
    assert code(told.ask()) == "QUORUM_UNATTAINABLE"


def test_a_release_under_it_is_counted_and_held_as_any_other() -> None:
    """Bounds that allow two records a week are no leave to go above a volume limit."""
    told = Told().in_force()
    request, desk = told.reviewed(), told.house.desk
    assert isinstance(desk.use_standing(told.house.call(ROSA), request, NAME), Done)
    content = desk.load(request).content_hash
    assert content
    threshold = {"id": "small", "scope": "person", "measure": "patients", "window": "7_days", "hold_above": 1}
    limiter = Limiter(limits(thresholds=[threshold]), MemoryCounters())
    releasing = Releasing(
        desk, told.house.registry, limiter=limiter, clock=told.clock, ring=Mock(), secrets=Mock(), choices=Mock(),
        results=Mock(), policy=Mock(),
    )  # fmt: skip
    people = {number.to_bytes(PATIENT_BYTES, "big") for number in (1, 2)}

    def counted() -> list[Recorded] | Refusal:
        going = desk.authorise_release(told.house.call(ROSA), request, content, Delivery.INLINE)
        assert isinstance(going, Done), going
        (authorised,) = going.events
        assert isinstance(authorised, ReleaseAuthorised)
        return releasing._count(going.state, authorised.release, people, "t")

    assert code(counted()) == "VOLUME_HELD"
    assert code(desk.authorise_release(told.house.call(ROSA), request, content, Delivery.INLINE)) == "VOLUME_HELD"
    assert code(desk.let_through(told.house.call(COLLEAGUE), request, content)) == "ON_THE_PROJECT"
    assert isinstance(desk.let_through(told.house.call(NADIA), request, content), Done)
    (written,) = cast("list[Recorded]", counted())
    assert [event.type for event in written.events] == ["release.volume_exceeded"]


def test_a_use_is_drawn_first_and_written_once() -> None:
    told = Told().in_force()
    request = told.reviewed()
    done = told.house.desk.use_standing(told.house.call(ROSA), request, NAME)
    assert isinstance(done, Done), done
    assert told.types(f"standing/{NAME}")[-1] == "standing.drawn"
    assert told.types(f"request/{request}")[-2:] == ["request.standing_approval_used", "request.approved"]
    again = told.house.desk.use_standing(told.house.call(ROSA), request, NAME)
    assert code(again) == "WRONG_STATE"
    assert told.types(f"standing/{NAME}").count("standing.drawn") == 1


def test_what_is_refused_draws_nothing() -> None:
    told = Told().in_force()
    request = told.reviewed()
    told.house.reasons = ("BASIS_EXPIRED",)
    assert code(told.house.desk.use_standing(told.house.call(ROSA), request, NAME)) == "BASIS_EXPIRED"
    told.house.reasons = ()
    assert code(told.house.desk.use_standing(told.house.call(COLLEAGUE), request, NAME)) == "NOT_THE_REQUESTER"
    assert code(told.house.desk.use_standing(told.house.call(ROSA), request, OTHER_NAME)) == "STANDING_UNKNOWN"
    assert code(told.house.desk.use_standing(told.house.call(ROSA), request, "nonsense")) == "STANDING_UNKNOWN"
    assert "standing.drawn" not in told.types(f"standing/{NAME}")


def test_it_ends_at_once_and_with_its_last_day() -> None:
    told = Told().in_force()
    request = told.reviewed()
    assert isinstance(told.standings.end(told.call(NADIA), NAME, StandingEndReason.MISTAKE, told.clock.now()), Entry)
    assert code(told.house.desk.use_standing(told.house.call(ROSA), request, NAME)) == "STANDING_OVER"
    later = Told().in_force()
    later.clock.wait(timedelta(days=60))
    entry = later.standings.entry(NAME)
    assert entry
    assert entry.value.state(later.clock.now()) is StandingState.EXPIRED


@pytest.mark.parametrize(
    ("listing", "found"), [(of_domain(GP), 2), (of_project(world.PROJECT), 2), (of_domain(HOSPITAL), 0)]
)
def test_they_are_listed_for_their_domains_and_their_project(listing: str, found: int) -> None:
    told = Told().in_force()
    told.ask(name=OTHER_NAME)
    for who in (ROSA, NADIA, AUDITOR):
        first = told.standings.page(who, listing, None, 1)
        rest = told.standings.page(who, listing, first.next, 1) if first.next else None
        names = [entry.value.id for page in (first, rest) if page for entry in page.items]
        assert names == [NAME, OTHER_NAME][:found]
    assert told.standings.page(STRANGER, listing, None, 5).items == ()
    assert told.standings.shown_to(STRANGER, NAME) is None
