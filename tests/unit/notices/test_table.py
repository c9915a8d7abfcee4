"""Every event is told to somebody, or to nobody for a reason; a text has no place for anything but ids and times."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

import keyholder
from keyholder.audit.rules import _HOME
from keyholder.limits.vocabulary import Action
from keyholder.notices.audience import Scene, listeners
from keyholder.notices.notices import Notice, notices_of
from keyholder.notices.table import TELLINGS, UNTOLD
from keyholder.notices.vocabulary import Listener, Template
from keyholder.notices.wording import WORDS, text, when
from keyholder.registry.people import Person, PersonKind
from keyholder.requests import commands as ask
from keyholder.requests.codec import EVENTS, Happened, RequestEvent
from keyholder.requests.codes import (
    Advice,
    Audience,
    Awaited,
    EscalationReason,
    ExpiryReason,
    RejectReason,
    RevokeReason,
    State,
)
from keyholder.requests.events import (
    ConsentFell,
    Escalated,
    ReleaseFinished,
    Reminded,
    RequestExpired,
    VolumeExceeded,
    VolumeLetThrough,
)
from keyholder.requests.folding import evolve
from keyholder.vocabulary import ActorId, PersonId, RequestId
from tests.unit.requests import world
from tests.unit.requests.test_codec import samples
from tests.unit.requests.world import COLLEAGUE, GP, HOSPITAL, NADIA, NILS, OPERATOR, ROSA, SWEEPER, TARA, Course

_TYPE = re.compile(r"([a-z][a-z0-9_]{0,30})\.[a-z][a-z0-9_]{0,40}")


@cache
def _all_types() -> frozenset[str]:
    """Every text of the package in the form of a type whose first word begins a type that is known."""
    known = {*EVENTS, *_HOME, *TELLINGS, *UNTOLD}
    kinds = {kind.partition(".")[0] for kind in known}
    found = set(EVENTS) | set(_HOME)
    for path in Path(keyholder.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                matched = _TYPE.fullmatch(node.value)
                found |= {node.value} if matched and matched[1] in kinds else set()
    return frozenset(found)


def test_every_event_is_told_to_somebody_or_deliberately_to_nobody() -> None:
    classified = set(TELLINGS) | set(UNTOLD)
    assert not set(TELLINGS) & set(UNTOLD)
    assert not _all_types() - classified, "say in notices/table.py who is told of it, or why nobody is"
    assert not classified - _all_types(), "no such event is left"
    assert all(reason.strip() for reason in UNTOLD.values())
    assert all(rows for rows in TELLINGS.values())


def test_every_listener_and_every_template_is_used_and_has_words() -> None:
    rows = [row for told in TELLINGS.values() for row in told]
    assert {row.to for row in rows} == set(Listener)
    assert {row.template for row in rows} == set(Template) == set(WORDS)
    asked = {row.template for row in rows if row.due is not None}
    acting = {template for template, words in WORDS.items() if words.act}
    assert acting <= asked, "whoever must act is told by when"


@pytest.mark.parametrize("template", Template)
def test_a_text_is_constant_words_an_id_a_time_and_a_link(template: Template) -> None:
    """Whatever the id, time and link are: take them away, and the same constant words are left."""
    due = datetime(2026, 7, 9, 9, tzinfo=UTC)

    def bare(request: str, due: datetime, link: str) -> str:
        said = text(template, request, due, link)
        whole = f"{said.subject}\n{said.body}"
        return whole.replace(link, "").replace(request, "").replace(when(due), "")

    first = bare("REQ-0123456789ABCDEFGHJKMNPQRS", due, "https://a.test/requests/1")
    assert first == bare("REQ-ZZZZZZZZZZZZZZZZZZZZZZZZZZ", due + timedelta(days=3), "https://b.test/2")
    assert not re.search(r"[0-9]", first)
    assert "{" not in first


def test_times_are_told_in_london_and_utc() -> None:
    assert when(datetime(2026, 7, 9, 9, tzinfo=UTC)) == "9 July 2026, 10:00 (09:00 UTC)"
    assert when(datetime(2026, 12, 9, 9, tzinfo=UTC)) == "9 December 2026, 09:00 (09:00 UTC)"


# -- who is told ------------------------------------------------------------------------------------------------------

EVERYBODY = {who.id: who for who in world.EVERYBODY}


def _scene(course: Course, actor: Person | None = None, event: RequestEvent | None = None, **changes: object) -> Scene:
    """The last event of a course, or one more that happens now, and all there is to know."""
    if event is not None:
        acting = actor.id if actor else SWEEPER.id
        course.state = evolve(course.state, Happened(event, course.now, ActorId(acting)))
        course.happened.append(event)
    happened = Happened(course.happened[-1], course.now, ActorId(actor.id if actor else SWEEPER.id))
    domains = {name: domain for name, domain in course.facts.domains.items() if name in course.state.domains}
    scene = Scene(
        happened, course.state, course.state, course.facts.project, domains, EVERYBODY, frozenset({OPERATOR.id})
    )
    return replace(scene, **changes)  # type: ignore[arg-type] - a test names the fields it changes


def _told(scene: Scene) -> dict[Template, set[PersonId]]:
    found: dict[Template, set[PersonId]] = {}
    for notice in notices_of(scene):
        found.setdefault(notice.template, set()).add(notice.person)
    return found


def _ids(*people: Person) -> set[PersonId]:
    return {who.id for who in people}


DECIDERS_OF_GP = _ids(NADIA, NILS, TARA, world.BOTH)


def test_whoever_can_decide_is_told_by_when_and_who_asked_that_it_is_in_review() -> None:
    course = world.drafted().do(ask.Submit(), ROSA)
    assert course.state.content_hash
    course.do(ask.RecordChecks(course.state.content_hash, world.checks(2)), world.RELEASE)
    scene = _scene(course)
    assert _told(scene) == {Template.REVIEW_WANTED: DECIDERS_OF_GP, Template.IN_REVIEW: {ROSA.id}}
    assert {one.due for one in notices_of(scene) if one.template is Template.REVIEW_WANTED} == {course.state.due_at}
    # Not what is over by now: by the time it would be told, it was withdrawn.
    assert not _told(replace(scene, now=course.do(ask.Withdraw(), ROSA).state))


def test_the_others_of_a_quorum_are_told_when_it_is_decided() -> None:
    course = world.in_review().approve(NADIA)
    assert not _told(_scene(course, NADIA)), "one approval of two decides nothing"
    course.approve(TARA)
    complete = next(event for event in course.happened[::-1] if event.TYPE == "request.domain_approved")
    scene = replace(_scene(course, TARA), happened=Happened(complete, course.now, ActorId(TARA.id)))
    assert _told(scene) == {Template.DOMAIN_DECIDED: DECIDERS_OF_GP - {TARA.id}}
    assert _told(_scene(course, TARA))[Template.APPROVED] == _ids(ROSA, NADIA)


def test_a_no_is_told_to_the_requester_and_to_those_who_said_yes() -> None:
    course = world.in_review().approve(NADIA)
    assert course.state.content_hash
    course.do(ask.Reject(GP, course.state.content_hash, RejectReason.OTHER, "c" * 64), TARA)
    assert _told(_scene(course, TARA)) == {Template.REJECTED: _ids(ROSA, NADIA)}


def test_an_escalation_goes_to_the_domains_it_names_or_to_operators() -> None:
    course = world.in_review(GP, HOSPITAL)
    only = _scene(course, event=Escalated(EscalationReason.UNATTENDED, (HOSPITAL,)))
    assert _told(only) == {Template.ESCALATED: _ids(TARA, world.BOTH)}
    lost = _scene(course, event=Escalated(EscalationReason.QUORUM_LOST, (HOSPITAL,)))
    assert _told(lost) == {Template.QUORUM_LOST: _ids(OPERATOR, ROSA)}


def test_a_reminder_goes_to_whoever_the_request_waits_for() -> None:
    def reminded(course: Course, awaited: Awaited) -> dict[Template, set[PersonId]]:
        return _told(_scene(course, event=Reminded(awaited, 3, course.now)))

    assert reminded(world.drafted(), Awaited.SUBMISSION) == {Template.REMINDED: {ROSA.id}}
    assert reminded(world.approved(), Awaited.RELEASE) == {Template.REMINDED: {ROSA.id}}
    submitted = world.drafted().do(ask.Submit(), ROSA)
    assert reminded(submitted, Awaited.CHECKS) == {Template.CHECKS_STUCK: {OPERATOR.id}}
    assert reminded(world.in_review(), Awaited.DECISION) == {Template.REMINDED_TO_DECIDE: DECIDERS_OF_GP}
    stuck = Escalated(EscalationReason.UNCHECKED, (GP,))
    assert _told(_scene(submitted, event=stuck)) == {Template.CHECKS_STUCK: {OPERATOR.id}}


def test_a_late_report_is_told_to_who_owes_it_and_to_who_approved_and_its_coming_to_both() -> None:
    course = world.released()
    voted = {ballot.person for decision in course.state.domains.values() for ballot in decision.ballots}
    assert _told(_scene(course, event=Reminded(Awaited.REPORT, 7, course.now))) == {Template.REMINDED: {ROSA.id}}
    late = _scene(course, event=Escalated(EscalationReason.REPORT_OVERDUE, (GP,)))
    assert _told(late) == {Template.REPORT_OVERDUE: {ROSA.id}, Template.REPORT_LATE: voted}
    course.do(world.REPORT, COLLEAGUE)
    assert _told(_scene(course, COLLEAGUE)) == {Template.REPORTED: {ROSA.id, *voted}}


def test_a_held_release_waits_for_controllers_and_a_warning_for_nobody() -> None:
    course = world.approved()

    def exceeded(action: Action, *, stopped: bool) -> dict[Template, set[PersonId]]:
        event = VolumeExceeded("REL-" + "0" * 26, "a" * 64, action, stopped, ())
        return _told(_scene(course, ROSA, event))

    assert exceeded(Action.HOLD, stopped=True) == {Template.HELD_DECIDE: DECIDERS_OF_GP}
    assert exceeded(Action.WARN, stopped=False) == {}


def test_what_concerns_an_approval_is_told_to_who_asked_and_who_approved() -> None:
    course = world.approved()
    assert course.state.content_hash
    voted = {ballot.person for decision in course.state.domains.values() for ballot in decision.ballots}
    assert _told(_scene(course, event=ConsentFell(course.state.content_hash, 1))) == {
        Template.CONSENT_FELL: {ROSA.id, *voted}
    }
    done = ReleaseFinished("REL-" + "0" * 26, {"released": 1}, None)
    assert _told(_scene(world.approved(), ROSA, done)) == {Template.RELEASED: voted}
    let = VolumeLetThrough(NADIA.id, course.state.content_hash, ("day",))
    assert _told(_scene(course, NADIA, let)) == {Template.LET_THROUGH: {ROSA.id}}
    course.do(ask.Revoke(RevokeReason.OTHER), NADIA)
    assert _told(_scene(course, NADIA))[Template.REVOKED] == ({ROSA.id} | voted) - {NADIA.id}
    over = _scene(world.in_review(), event=RequestExpired(ExpiryReason.NOT_DECIDED))
    assert _told(over) == {Template.EXPIRED: {ROSA.id, *DECIDERS_OF_GP}}


def test_words_are_told_to_those_they_are_for() -> None:
    course = world.in_review(facts=world.some_facts(adviser=world.DEV))
    course.do(ask.Comment(Audience.REQUESTER, "1" * 64), NADIA)
    assert _told(_scene(course, NADIA)) == {Template.COMMENT: {ROSA.id}}
    course.do(ask.Reply("2" * 64, "1" * 64), ROSA)
    assert _told(_scene(course, ROSA)) == {Template.REPLY: {NADIA.id}}
    course.do(ask.Comment(Audience.INTERNAL, "5" * 64), TARA)
    assert ROSA.id not in {one.person for one in notices_of(_scene(course, TARA))}
    course.do(ask.AskAdvice(world.DEV.id, "3" * 64), TARA)
    assert _told(_scene(course, TARA)) == {Template.ADVICE_ASKED: {world.DEV.id}}
    course.do(ask.Advise("3" * 64, Advice.CONCERNS, "4" * 64), world.DEV)
    assert _told(_scene(course, world.DEV)) == {Template.ADVICE_GIVEN: {TARA.id}}
    course.do(ask.Nudge(), ROSA)
    assert _told(_scene(course, ROSA)) == {Template.REMINDED_TO_DECIDE: DECIDERS_OF_GP}


def _scenes() -> list[tuple[str, Scene]]:
    """Each event there is, in a request that has people on every side of it, done by each of several people."""
    course = world.in_review(GP, HOSPITAL, facts=world.some_facts(adviser=world.DEV)).approve(NADIA)
    course.do(ask.AskAdvice(world.DEV.id, "3" * 64), TARA).do(ask.Claim(GP), NADIA)
    found = []
    for kind, event in samples().items():
        for actor in (ROSA, NADIA, TARA, world.DEV):
            happened = Happened(event, course.now, ActorId(actor.id))
            found.append((kind, replace(_scene(course), happened=happened)))
    return found


def test_nobody_disabled_no_machine_and_not_whoever_did_it_is_told() -> None:
    told = 0
    for _, scene in _scenes():
        for person, known in EVERYBODY.items():
            disabled = replace(known, disabled=True)
            machine = replace(known, kind=PersonKind.MACHINE)
            for changed in (disabled, machine):
                people = {**EVERYBODY, person: changed}
                assert person not in {one.person for one in notices_of(replace(scene, people=people))}
        meant = [one.person for one in notices_of(scene)]
        told += len(meant)
        assert len(meant) == len(set(meant)), "each is told once"
        assert scene.happened.actor not in meant
    assert told > 100


def test_who_is_on_the_project_or_may_not_see_a_request_is_not_told_as_one_who_decides() -> None:
    """A colleague of the requester who is a controller too; somebody who stepped aside; a stranger; an auditor."""
    apart = _ids(COLLEAGUE, world.STRANGER, world.AUDITOR)
    for kind, scene in _scenes():
        if kind != "request.escalated":
            assert not apart & {one.person for one in notices_of(scene)}, kind


def test_a_notice_holds_an_id_of_ours_and_nothing_of_the_event() -> None:
    for _, scene in _scenes():
        for notice in notices_of(scene):
            assert notice == Notice(notice.person, notice.template, scene.after.id, notice.due)
            assert notice.subject == RequestId("REQ-" + "0" * 26)


def test_a_word_to_act_is_not_sent_about_what_is_over() -> None:
    for _, scene in _scenes():
        over = replace(scene.now, status=State.WITHDRAWN)
        late = notices_of(replace(scene, now=over))
        assert not {one.template for one in late} & {
            Template.REVIEW_WANTED,
            Template.REMINDED,
            Template.REMINDED_TO_DECIDE,
            Template.CHECKS_STUCK,
            Template.ESCALATED,
            Template.ADVICE_ASKED,
            Template.HELD_DECIDE,
            Template.CONDITIONS_OFFERED,
            Template.RETURNED_TO_AUTHOR,
        }


@pytest.mark.parametrize("listener", Listener)
def test_every_listener_can_be_asked_of_any_event(listener: Listener) -> None:
    for _, scene in _scenes():
        assert isinstance(listeners(listener, scene), frozenset)
