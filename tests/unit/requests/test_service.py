"""The desk over the real ledger in memory: replays, races, refusals written down, content kept apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from keyholder.canonical import canonical_json
from keyholder.ledger.event import Event, NewEvent
from keyholder.ledger.log import EventLog, IdempotencyKey, LedgerUnavailableError, Recorded
from keyholder.ledger.ports import Claim, Head, StepKey, StorageRefusedError
from keyholder.refusals import Refusal
from keyholder.requests.codes import RejectReason, State
from keyholder.requests.content import Delivery
from keyholder.requests.contents import ContentLostError
from keyholder.requests.events.releasing import ItemsReleased, ReleaseAuthorised
from keyholder.requests.listings import domain_requests, organisation_requests, own_requests, project_requests
from keyholder.requests.service import Done
from keyholder.vocabulary import ActorId, ContentHash, RequestId, StreamId
from tests.fakes.ledger import ManualClock, Memory, memory_ledger
from tests.unit.requests import world
from tests.unit.requests.world import AUDITOR, GP, HOSPITAL, NADIA, NILS, ROSA, STRANGER, TARA, TOKEN, a_body

KEY = IdempotencyKey("k" * 64, "b" * 64)


class Interrupted:
    """A log in which something else happens just before one `record`."""

    def __init__(self, log: EventLog) -> None:
        self.log = log
        self.first: list[object] = []

    def read(self, stream: StreamId) -> tuple[Event, ...]:
        return self.log.read(stream)

    def record(
        self,
        stream: StreamId,
        after: int,
        events: Sequence[NewEvent],
        *,
        actor: ActorId,
        trace: str,
        head: Head | None = None,
        idempotency: IdempotencyKey | None = None,
        at: datetime | None = None,
    ) -> Recorded:
        while self.first:
            action = self.first.pop()
            assert callable(action)
            action()
        return self.log.record(
            stream, after, events, actor=actor, trace=trace, head=head, idempotency=idempotency, at=at
        )

    def claim(self, key: str) -> Claim | None:
        return self.log.claim(key)

    def settle(self, step: StepKey) -> Recorded:
        return self.log.settle(step)

    def listed(self, listing: str, after: StreamId | None, limit: int) -> Sequence[StreamId]:
        return self.log.listed(listing, after, limit)


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def house(memory: Memory) -> world.House:
    clock = ManualClock(world.NOW)
    return world.House(memory_ledger(clock, memory), clock)


def done(outcome: Done | Refusal) -> Done:
    assert isinstance(outcome, Done), outcome
    return outcome


def refused(outcome: object) -> str:
    assert isinstance(outcome, Refusal), outcome
    return outcome.code


def reviewed(house: world.House) -> Done:
    created = done(house.desk.create(house.call(ROSA), a_body()))
    request = created.state.id
    submitted = done(house.desk.submit(house.call(ROSA), request))
    assert submitted.state.content_hash
    checked = done(house.desk.record_checks(request, submitted.state.content_hash, world.checks(), "trace"))
    house.clear(request, NADIA, TARA)
    return replace(checked, state=house.desk.load(request))


def approve(house: world.House, before: Done, who: world.Person) -> Done | Refusal:
    assert before.state.content_hash
    return house.desk.approve(house.call(who), before.state.id, GP, before.state.content_hash)


def approved(house: world.House) -> Done:
    before = reviewed(house)
    done(approve(house, before, NADIA))
    return done(approve(house, before, TARA))


def attempts(house: world.House, subject: str) -> list[dict[str, object]]:
    streams = house.log.listed(f"attempts/{subject}", None, 100)
    return [dict(event.data) for stream in streams for event in house.log.read(stream)]


def test_a_request_goes_all_the_way(house: world.House) -> None:
    before = approved(house)
    request, content_hash = before.state.id, before.state.content_hash
    assert content_hash
    going = done(house.desk.authorise_release(house.call(ROSA), request, content_hash, Delivery.INLINE))
    (authorised,) = going.events
    assert isinstance(authorised, ReleaseAuthorised)
    assert going.recorded.receipts[0].checkpoint
    assert house.desk.content(going.state).domains[0].records[0].pseudonyms
    chunk = ItemsReleased(authorised.release, 1, 1, 2, "2026-11", {"released": ("A" * 22, "B" * 22)}, {})
    assert done(house.desk.record_chunk(request, chunk, "trace")).state.status is State.RELEASED
    last = done(house.desk.finish_release(request, authorised.release, {"released": 2}, None, "trace"))
    assert last.state == house.desk.load(request)
    assert last.state.retrievals_used() == 1


def test_the_ledger_holds_no_pseudonym_no_row_and_no_text(house: world.House, memory: Memory) -> None:
    before = reviewed(house)
    content_hash = before.state.content_hash
    assert content_hash
    comment = "The purpose does not need the number."
    done(house.desk.reject(house.call(NADIA), before.state.id, GP, content_hash, RejectReason.OTHER, comment=comment))
    everything = b"".join(memory.worm.versions[name][0] for name in memory.worm.versions)
    for secret in (TOKEN, comment, str(a_body()["justification"]), f"{GP}/0"):
        assert secret.encode() not in everything
    seen = house.desk.narrative(world.signed_in(ROSA), before.state.id)
    assert not isinstance(seen, Refusal)
    assert list(seen.comments.values()) == [comment]
    assert seen.justification == a_body()["justification"]
    assert TOKEN.encode() not in canonical_json(seen.content)
    assert refused(house.desk.narrative(world.signed_in(STRANGER), before.state.id)) == "UNKNOWN_REQUEST"


def test_a_replay_gets_the_first_answer_and_adds_nothing(house: world.House) -> None:
    call = house.call(ROSA, idempotency=KEY)
    first = done(house.desk.create(call, a_body()))
    done(house.desk.submit(house.call(ROSA), first.state.id))
    again = done(house.desk.create(call, a_body()))
    assert again.replayed
    assert (again.state, again.events) == (first.state, first.events)
    assert house.desk.load(first.state.id).version == 3
    other = replace(call, idempotency=replace(KEY, body="c" * 64))
    assert refused(house.desk.create(other, a_body(records=1))) == "KEY_REUSED"


def test_of_two_at_once_the_second_decides_on_what_is_true_then(house: world.House) -> None:
    log = Interrupted(house.log)
    late = house.another_desk(log)
    before = reviewed(house)
    assert before.state.content_hash
    log.first.append(lambda: done(approve(house, before, NADIA)))
    second = late.approve(house.call(TARA), before.state.id, GP, before.state.content_hash)
    assert done(second).state.status is State.APPROVED
    assert len(done(second).state.domains[GP].ballots) == 2


def test_of_two_at_once_by_one_person_one_counts(house: world.House) -> None:
    log = Interrupted(house.log)
    late = house.another_desk(log)
    before = reviewed(house)
    assert before.state.content_hash
    log.first.append(lambda: done(approve(house, before, NADIA)))
    again = late.approve(house.call(NADIA), before.state.id, GP, before.state.content_hash)
    assert refused(again) == "ALREADY_DECIDED"
    assert len(house.desk.load(before.state.id).domains[GP].ballots) == 1


def test_the_same_key_at_once_is_one_step(house: world.House) -> None:
    log = Interrupted(house.log)
    late = house.another_desk(log)
    before = reviewed(house)
    call = house.call(ROSA, idempotency=KEY)
    log.first.append(lambda: done(house.desk.withdraw(call, before.state.id)))
    again = done(late.withdraw(call, before.state.id))
    assert again.replayed
    assert again.state.version == before.state.version + 1


def test_who_named_a_version_is_told_when_it_has_moved_on(house: world.House) -> None:
    before = reviewed(house)
    assert before.state.content_hash
    old = house.call(TARA, expected=before.state.edition)
    done(approve(house, before, NADIA))
    outcome = house.desk.approve(old, before.state.id, GP, before.state.content_hash)
    assert refused(outcome) == "STALE"
    stranger = house.call(STRANGER, expected=before.state.edition)
    assert refused(house.desk.approve(stranger, before.state.id, GP, before.state.content_hash)) == "NOT_A_CONTROLLER"
    now = house.call(TARA, expected=house.desk.load(before.state.id).edition)
    assert done(house.desk.approve(now, before.state.id, GP, before.state.content_hash)).state.status is State.APPROVED


def test_a_refusal_is_in_the_ledger_before_it_is_told(house: world.House) -> None:
    before = reviewed(house)
    assert before.state.content_hash
    house.desk.approve(house.call(STRANGER), before.state.id, GP, before.state.content_hash)
    expected = {"command": "approve", "code": "NOT_A_CONTROLLER", "subject": f"request/{before.state.id}"}
    assert attempts(house, f"request/{before.state.id}") == [expected]
    assert attempts(house, STRANGER.id) == [expected]
    house.desk.create(house.call(ROSA), a_body(purpose="none such"))
    assert [found["command"] for found in attempts(house, ROSA.id)] == ["create"]


def test_without_the_ledger_nothing_happens(house: world.House, memory: Memory) -> None:
    before = reviewed(house)

    def broken(name: str, call: object) -> object:
        if "put" in name:
            raise StorageRefusedError
        assert callable(call)
        return call()

    memory.gate(broken)  # type: ignore[arg-type]  # a gate for every type of call
    with pytest.raises(LedgerUnavailableError):
        approve(house, before, NADIA)
    with pytest.raises(LedgerUnavailableError):
        approve(house, before, STRANGER)


def test_an_id_nobody_gave_out_is_not_even_looked_up(house: world.House) -> None:
    odd = RequestId("9990000018")
    assert refused(house.desk.withdraw(house.call(ROSA), odd)) == "UNKNOWN_REQUEST"
    assert refused(house.desk.view(world.signed_in(ROSA), odd)) == "UNKNOWN_REQUEST"
    assert [found["subject"] for found in attempts(house, ROSA.id)] == ["unknown/unnamed"]


def test_the_policy_is_asked_at_submission_and_again_at_release(house: world.House) -> None:
    before = approved(house)
    assert before.state.content_hash
    house.reasons = ("BASIS_EXPIRED",)
    outcome = house.desk.authorise_release(
        house.call(ROSA), before.state.id, before.state.content_hash, Delivery.INLINE
    )
    assert refused(outcome) == "BASIS_EXPIRED"
    created = done(house.desk.create(house.call(ROSA), a_body()))
    assert refused(house.desk.submit(house.call(ROSA), created.state.id)) == "BASIS_EXPIRED"


def test_content_that_is_not_what_its_hash_names_is_not_used(house: world.House) -> None:
    created = done(house.desk.create(house.call(ROSA), a_body()))
    other = world.a_draft(records=3).content.canonical()
    assert created.state.content_hash
    house.contents.keep(created.state.id, {created.state.content_hash: other})
    with pytest.raises(ContentLostError):
        house.desk.submit(house.call(ROSA), created.state.id)


def test_a_comment_with_an_identifier_is_refused_and_not_kept(house: world.House) -> None:
    before = reviewed(house)
    assert before.state.content_hash
    kept = dict(house.contents.pieces)
    outcome = house.desk.reject(
        house.call(NADIA),
        before.state.id,
        GP,
        before.state.content_hash,
        RejectReason.OTHER,
        comment="I know 999 000 0018",
    )
    assert refused(outcome) == "IDENTIFIER_IN_TEXT"
    assert house.contents.pieces == kept


def test_the_sweeper_finds_what_is_due_and_nothing_after_the_end(house: world.House, memory: Memory) -> None:
    before = reviewed(house)
    request = before.state.id
    house.clock.wait(timedelta(days=30))
    assert memory.steps.due(house.clock.now(), 10) == [f"request/{request}"]
    house.desk.keep_time(request, "sweep")
    assert house.desk.load(request).status is State.EXPIRED
    assert memory.steps.due(house.clock.now() + timedelta(days=900), 10) == []
    assert refused(house.desk.expire(request, "sweep")) == "WRONG_STATE"


def test_listings_show_to_each_what_is_theirs(house: world.House) -> None:
    draft = done(house.desk.create(house.call(ROSA), a_body(HOSPITAL)))
    before = reviewed(house)

    def ids(who: world.Person, listing: str) -> set[object]:
        return {view["id"] for view in house.desk.page(world.signed_in(who), listing).requests}

    assert ids(ROSA, own_requests(ROSA.id)) == {draft.state.id, before.state.id}
    assert ids(NADIA, organisation_requests(world.NHSE)) == {before.state.id}
    assert ids(NADIA, domain_requests(GP)) == {before.state.id}
    assert ids(NADIA, domain_requests(HOSPITAL)) == set()
    assert ids(NADIA, project_requests(world.PROJECT)) == {before.state.id}
    assert ids(AUDITOR, project_requests(world.PROJECT)) == {draft.state.id, before.state.id}
    assert ids(STRANGER, own_requests(ROSA.id)) == set()
    first = house.desk.page(world.signed_in(ROSA), own_requests(ROSA.id), None, 1)
    rest = house.desk.page(world.signed_in(ROSA), own_requests(ROSA.id), first.after, 1)
    assert {view["id"] for view in (*first.requests, *rest.requests)} == {draft.state.id, before.state.id}


def test_a_view_is_for_its_reader(house: world.House) -> None:
    before = reviewed(house)
    shown = {}
    for who in (ROSA, world.COLLEAGUE, NADIA, NILS, AUDITOR):
        view = house.desk.view(world.signed_in(who), before.state.id)
        assert not isinstance(view, Refusal)
        assert TOKEN.encode() not in canonical_json(view)
        shown[who.id] = view
    assert "checks" not in shown[ROSA.id]
    assert shown[NADIA.id]["checks"] == {"eligible": "1-7", "held": "0", "withheld": "0"}
    assert shown[AUDITOR.id]["checks"]
    assert shown[ROSA.id]["content_hash"] == before.state.content_hash
    assert refused(house.desk.view(world.signed_in(STRANGER), before.state.id)) == "UNKNOWN_REQUEST"
    assert (
        refused(house.desk.view(world.signed_in(replace(NADIA, disabled=True)), before.state.id)) == "UNKNOWN_REQUEST"
    )


def test_what_a_view_allows_is_what_the_desk_then_does(house: world.House) -> None:
    before = reviewed(house)
    view = house.desk.view(world.signed_in(NADIA), before.state.id)
    assert not isinstance(view, Refusal)
    commands = view["allowed_commands"]
    assert isinstance(commands, list)
    allowed = {(entry["command"], entry["domain"]) for entry in commands if entry["allowed"]}
    assert allowed == {("approve", GP), ("reject", GP), ("return", GP), ("claim", GP)} | {
        (command, None) for command in ("recuse", "comment", "ask_advice")
    }
    assert all(entry["advice"] for entry in commands if not entry["allowed"])
    done(approve(house, before, NADIA))


def test_a_command_with_another_hash_is_stale(house: world.House) -> None:
    before = reviewed(house)
    outcome = house.desk.approve(house.call(NADIA), before.state.id, GP, ContentHash("0" * 64))
    assert isinstance(outcome, Refusal)
    assert outcome.kind == "stale"
