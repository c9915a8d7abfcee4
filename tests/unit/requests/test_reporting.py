"""The end in order: what came of a release is reported, what was released is destroyed, and who owes that waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from keyholder.canonical import JsonObject
from keyholder.refusals import Refusal
from keyholder.registry.service import Call as RegistryCall
from keyholder.requests.actors import Limits
from keyholder.requests.codes import Awaited, Destruction, EscalationReason, Finding, RevokeReason, State
from keyholder.requests.commands import CommandName
from keyholder.requests.content import Delivery, RequestContent
from keyholder.requests.events import Escalated, OutcomeReported, Reminded, RequestExpired
from keyholder.requests.events.releasing import ItemsReleased, ReleaseAuthorised
from keyholder.requests.service import Done
from keyholder.requests.waiting import awaited, look_again_at, overdue_command
from keyholder.vocabulary import ContentHash, RequestId
from tests.fakes.ledger import ManualClock, Memory, memory_ledger
from tests.unit.requests import world
from tests.unit.requests.world import COLLEAGUE, GP, NADIA, OPERATOR, REPORT, ROSA, STRANGER, SWEEPER, TARA

DAY, TICK = timedelta(days=1), timedelta(microseconds=1)
LIMITS = Limits()
FILE = {
    "delivery": "file",
    "recipient": {
        "organisation": "ZZ9",
        "public_key": "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
    },
}


def sweep(course: world.Course) -> list[object]:
    before = len(course.happened)
    while (command := overdue_command(course.state, LIMITS, course.now)) is not None:
        course.do(command, SWEEPER)
    return list(course.happened[before:])


def test_a_report_closes_a_request_for_good() -> None:
    course = world.released().do(REPORT, ROSA)
    reported = OutcomeReported(ROSA.id, 2, Finding.RECORDS_LINKED, Destruction.DESTROYED, world.NOW.date(), "e" * 64)
    assert course.happened[-1] == reported
    assert (course.state.status, course.state.due_at) == (State.CLOSED, None)
    assert course.refused(REPORT, ROSA) == "WRONG_STATE"
    assert course.refused(world.release_of(course, 2), ROSA) == "WRONG_STATE"


def test_it_is_due_after_the_day_of_destruction_and_after_the_window() -> None:
    """Midnight in London, whatever the season; the window where it ends later."""
    summer = world.released()
    assert summer.state.report_due_at == datetime(2027, 6, 30, 23, tzinfo=UTC) + LIMITS.report_within
    winter = world.released(destroy_by="2026-12-31")
    assert winter.state.report_due_at == datetime(2027, 1, 1, tzinfo=UTC) + LIMITS.report_within
    soon = world.released(destroy_by="2026-11-03")
    assert soon.state.until == world.NOW + 14 * DAY
    assert soon.state.report_due_at == soon.state.until + LIMITS.report_within
    never = world.released(destroy_by="9999-12-31")
    assert never.state.report_due_at
    earlier = world.accepted()
    world.released(course=earlier)
    assert earlier.state.report_due_at == datetime(2027, 2, 1, tzinfo=UTC) + LIMITS.report_within


def test_nothing_is_owed_before_anything_left() -> None:
    course = world.approved()
    course.do(world.release_of(course), ROSA)
    assert (course.state.report_due_at, awaited(course.state)) == (None, Awaited.RELEASE)
    course.now += timedelta(days=14)
    assert [type(event) for event in sweep(course)][-1] is RequestExpired


def test_it_never_expires_but_is_reminded_of_and_then_told_to_more_people_once() -> None:
    course = world.released()
    due = course.state.report_due_at
    assert due
    assert (course.state.due_at, awaited(course.state)) == (due, Awaited.REPORT)
    for days in LIMITS.remind_days:
        course.now = due - days * DAY
        assert sweep(course) == [Reminded(Awaited.REPORT, days, due)]
    course.now = due - TICK
    assert sweep(course) == []
    assert look_again_at(course.state, LIMITS) == due
    course.now = due
    assert sweep(course) == [Escalated(EscalationReason.REPORT_OVERDUE, (GP,))]
    assert look_again_at(course.state, LIMITS) is None
    course.now = due + 3_650 * DAY
    assert sweep(course) == []
    assert course.state.status is State.RELEASED
    late = replace(REPORT, destroyed_on=course.now.date())
    assert course.do(late, ROSA).state.status is State.CLOSED


def test_what_was_released_before_reports_were_asked_for_ends_with_its_window() -> None:
    course = world.approved()
    (authorised,) = (event for event in course.do(world.release_of(course), ROSA).happened[-1:])
    assert isinstance(authorised, ReleaseAuthorised)
    old = [replace(one, report_due_at=None) for one in course.state.releases]
    course.state = replace(course.state, releases=tuple(old))
    course.do(world.chunk_of(authorised.release), world.RELEASE)
    assert awaited(course.state) is Awaited.RELEASE
    course.now += timedelta(days=14)
    assert [type(event) for event in sweep(course)][-1] is RequestExpired


@pytest.mark.parametrize("who", [ROSA, COLLEAGUE], ids=["requester", "colleague"])
def test_the_requester_or_a_colleague_reports_even_when_the_project_is_over(who: world.Person) -> None:
    course = world.released()
    over = replace(world.a_project(), active_until=date(2026, 11, 1))
    course.facts = replace(course.facts, project=over)
    assert course.do(REPORT, who).state.report


def test_who_asked_and_has_left_the_project_may_still_report() -> None:
    course = world.released()
    course.facts = replace(course.facts, project=replace(world.a_project(), members=(COLLEAGUE.id,)))
    assert course.do(REPORT, ROSA).state.report


@pytest.mark.parametrize("who", [STRANGER, NADIA, OPERATOR])
def test_nobody_else_does(who: world.Person) -> None:
    assert world.released().refused(REPORT, who) == "NOT_ON_THE_PROJECT"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"used": 3}, "USED_TOO_MANY"),
        ({"used": 0}, "USED_AND_FINDING_DIFFER"),
        ({"finding": Finding.NOT_USED}, "USED_AND_FINDING_DIFFER"),
        ({"destroyed_on": None}, "DESTRUCTION_DAY_MISSING"),
        ({"destroyed_on": date(2026, 11, 1)}, "DESTRUCTION_DAY_IMPOSSIBLE"),
        ({"destroyed_on": date(2026, 11, 3)}, "DESTRUCTION_DAY_IMPOSSIBLE"),
        ({"destruction": Destruction.NEVER_RECEIVED}, "WAS_RECEIVED"),
    ],
)
def test_what_can_t_be_true_is_refused_with_its_field(changes: dict[str, object], code: str) -> None:
    course = world.released()
    assert course.refused(replace(REPORT, **changes), ROSA) == code  # type: ignore[arg-type]  # a test names the fields


def test_of_a_narrowed_approval_no_more_was_used_than_it_covers() -> None:
    course = world.released(course=world.narrowed())
    assert course.refused(REPORT, ROSA) == "USED_TOO_MANY"
    assert course.do(replace(REPORT, used=1), ROSA).state.status is State.CLOSED


def test_a_file_that_nobody_collected_was_never_received() -> None:
    course = world.released(**FILE)
    none = replace(REPORT, used=0, finding=Finding.NOT_USED)
    assert course.refused(none, ROSA) == "WAS_NOT_RECEIVED"
    never = replace(none, destruction=Destruction.NEVER_RECEIVED, destroyed_on=None)
    assert course.ask(never, ROSA)
    course.do(world.ask.Collect(course.state.releases[0].id), ROSA)
    assert course.refused(never, ROSA) == "WAS_RECEIVED"
    assert course.do(none, ROSA).state.status is State.CLOSED


def test_a_release_that_still_runs_is_waited_for() -> None:
    course = world.released()
    course.do(world.release_of(course, 2), ROSA)
    assert course.refused(REPORT, ROSA) == "RELEASE_RUNNING"


class Ledger:
    """A desk over a ledger, and one request that was released."""

    def __init__(self) -> None:
        self.clock = ManualClock(world.NOW)
        self.house = world.House(memory_ledger(self.clock, Memory()), self.clock)
        self.request = self.released()

    def call(self, who: world.Person) -> world.Call:
        return self.house.call(who)

    def drafted(self, who: world.Person = ROSA, **changes: str) -> RequestId:
        outcome = self.house.desk.create(self.call(who), world.a_body(**changes))
        assert isinstance(outcome, Done), outcome
        return outcome.state.id

    def content(self, request: RequestId) -> ContentHash:
        named = self.house.desk.load(request).content_hash
        assert named
        return named

    def released(self) -> RequestId:
        request, desk = self.drafted(destroy_by="2026-11-03"), self.house.desk
        desk.submit(self.call(ROSA), request)
        named = self.content(request)
        desk.record_checks(request, named, world.checks(), "trace")
        self.house.clear(request)
        for who in (NADIA, TARA):
            desk.approve(self.call(who), request, GP, named)
        outcome = desk.authorise_release(self.call(ROSA), request, named, Delivery.INLINE)
        assert isinstance(outcome, Done), outcome
        release = outcome.state.releases[0].id
        chunk = ItemsReleased(release, 1, 1, 2, "2026", {"RELEASED": ("0a" * 16,)}, {"malformed": 1})
        desk.record_chunk(request, chunk, "trace")
        desk.finish_release(request, release, {"released": 2}, None, "trace")
        return request

    def submits(self, who: world.Person = ROSA, **changes: str) -> Done | Refusal:
        return self.house.desk.submit(self.call(who), self.drafted(who, **changes))

    def overdue(self) -> None:
        due = self.house.desk.load(self.request).report_due_at
        assert due
        self.clock.moment = due
        self.house.desk.keep_time(self.request, "sweep")

    def view(self, who: world.Person) -> JsonObject:
        view = self.house.desk.view(world.signed_in(who, self.clock.now()), self.request)
        assert not isinstance(view, Refusal)
        return view


def test_an_overdue_report_keeps_its_requester_and_its_project_from_submitting() -> None:
    """Until it is there; drafts are written meanwhile, and another's other project goes on."""
    ledger = Ledger()
    assert isinstance(ledger.submits(), Done)
    ledger.overdue()
    for who in (ROSA, COLLEAGUE):
        refused = ledger.submits(who)
        assert isinstance(refused, Refusal)
        assert refused.code == "REPORT_OVERDUE"
    other = replace(world.a_project(), id=world.ProjectId("PRJ-0002"), members=(ROSA.id, STRANGER.id))
    operator = RegistryCall(OPERATOR.id, "trace")
    ledger.house.registry.register_project(operator, other)
    assert isinstance(ledger.submits(STRANGER, project=other.id), Done)
    refused = ledger.submits(ROSA, project=other.id)
    assert isinstance(refused, Refusal)
    assert refused.code == "REPORT_OVERDUE"
    report = replace(REPORT, text_sha256=None, destroyed_on=ledger.clock.now().date())
    outcome = ledger.house.desk.report_outcome(ledger.call(COLLEAGUE), ledger.request, report, "Two were linked.")
    assert isinstance(outcome, Done), outcome
    for who in (ROSA, COLLEAGUE):
        assert isinstance(ledger.submits(who), Done)


def test_what_is_owed_is_said_before_anybody_tries() -> None:
    ledger = Ledger()
    ledger.overdue()
    assert (ledger.view(ROSA)["report_overdue"], ledger.view(ROSA)["waits_for"]) == (True, "report")
    draft = ledger.drafted()
    view = ledger.house.desk.view(world.signed_in(ROSA, ledger.clock.now()), draft)
    assert not isinstance(view, Refusal)
    commands = view["allowed_commands"]
    assert isinstance(commands, list)
    (submit,) = [one for one in commands if isinstance(one, dict) and one["command"] == CommandName.SUBMIT.value]
    assert submit["code"] == "REPORT_OVERDUE"


def test_revoked_it_is_owed_no_more() -> None:
    """What was released has to be destroyed, and the ledger says by when; there is nothing left to close."""
    ledger = Ledger()
    ledger.overdue()
    revoked = ledger.house.desk.revoke(ledger.call(NADIA), ledger.request, RevokeReason.OTHER)
    assert isinstance(revoked, Done), revoked
    assert isinstance(ledger.submits(), Done)


def test_the_words_are_read_by_those_who_approved_and_stay_out_of_the_ledger() -> None:
    ledger = Ledger()
    desk, words = ledger.house.desk, "Two people were linked to the registry."
    report = replace(REPORT, text_sha256=None)
    refused = desk.report_outcome(ledger.call(ROSA), ledger.request, report, "It was 999 000 0018.")
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.field) == ("IDENTIFIER_IN_TEXT", "/text#char=7,19")
    before = len(ledger.house.contents.pieces)
    outcome = desk.report_outcome(ledger.call(ROSA), ledger.request, report, words)
    assert isinstance(outcome, Done), outcome
    assert len(ledger.house.contents.pieces) == before + 1
    told = ledger.view(NADIA)["report"]
    assert isinstance(told, dict)
    assert {**told, "at": None, "text_sha256": None} == {
        "author": ROSA.id,
        "at": None,
        "used": 2,
        "finding": "records_linked",
        "destruction": "destroyed",
        "destroyed_on": "2026-11-02",
        "late": False,
        "text_sha256": None,
    }
    for who, heard in ((NADIA, words), (world.GRETA, words), (COLLEAGUE, words)):
        narrative = desk.narrative(world.signed_in(who), ledger.request)
        assert not isinstance(narrative, Refusal)
        assert list(narrative.comments.values()) == [heard]
    assert isinstance(desk.content(desk.load(ledger.request)), RequestContent)


def test_destroyed_after_the_day_agreed_on_is_said_so() -> None:
    ledger = Ledger()
    ledger.overdue()
    report = replace(REPORT, text_sha256=None, destroyed_on=date(2026, 12, 1))
    assert isinstance(ledger.house.desk.report_outcome(ledger.call(ROSA), ledger.request, report), Done)
    told = ledger.view(NADIA)["report"]
    assert isinstance(told, dict)
    assert told["late"] is True
