"""Every rule of every row matters: what breaks only that rule is refused, and without the rule it would not be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from keyholder.limits.counting import Exceeded
from keyholder.limits.vocabulary import Action
from keyholder.refusals import Refusal
from keyholder.registry.delegations import Under
from keyholder.registry.people import Person
from keyholder.requests import commands as ask
from keyholder.requests import decide as decisions
from keyholder.requests import guards as g
from keyholder.requests.actors import Actor, PersonActor
from keyholder.requests.case import Assessment
from keyholder.requests.codes import (
    Advice,
    Audience,
    EscalationReason,
    FileStage,
    RecuseReason,
    RejectReason,
    RevokeReason,
)
from keyholder.requests.commands import CommandName
from keyholder.requests.content import Delivery
from keyholder.requests.conversation import MOST_MESSAGES
from keyholder.requests.state import FileProgress
from keyholder.requests.transitions import TRANSITIONS, Transition
from keyholder.vocabulary import ContentHash, ProjectId
from tests.unit.requests import world
from tests.unit.requests.world import (
    BOTH,
    COLLEAGUE,
    GP,
    HOSPITAL,
    NADIA,
    NILS,
    POLICY,
    READER,
    RELEASE,
    ROSA,
    SWEEPER,
    TARA,
)

OTHER = ContentHash("0" * 64)
TEXT, QUESTION, ANSWER = "a" * 64, "b" * 64, "c" * 64
RELEASE_ID = "REL-" + "0" * 25 + "1"
FILE = {
    "delivery": "file",
    "recipient": {
        "organisation": "ZZ9",
        "public_key": "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
    },
}


@dataclass
class Scene:
    """A command that is allowed, until something is spoilt."""

    course: world.Course
    command: ask.Command
    who: Person | Actor

    def project(self, **changes: object) -> None:
        assert self.course.facts.project
        changed = replace(self.course.facts.project, **changes)  # type: ignore[arg-type]  # a spoiler names the fields
        self.facts(project=changed)

    def facts(self, **changes: object) -> None:
        self.course.facts = replace(self.course.facts, **changes)  # type: ignore[arg-type]  # as above

    def state(self, **changes: object) -> None:
        self.course.state = replace(self.course.state, **changes)  # type: ignore[arg-type]  # as above

    def person(self, **changes: object) -> None:
        assert isinstance(self.who, Person)
        self.who = replace(self.who, **changes)  # type: ignore[arg-type]  # as above

    def asks(self, **changes: object) -> None:
        self.command = replace(self.command, **changes)  # type: ignore[arg-type]  # as above

    def outcome(self) -> object:
        return self.course.ask(self.command, self.who)


def summary() -> ask.Summary:
    return world.a_draft().content.summary()


def named(course: world.Course) -> ContentHash:
    assert course.state.content_hash
    return course.state.content_hash


def left() -> Scene:
    """Its author is suspended."""
    course = world.drafted(facts=world.some_facts(author=replace(ROSA, disabled=True)))
    return Scene(course, ask.TakeOver(), COLLEAGUE)


def reviewed(make: Callable[[ContentHash], ask.Command]) -> Scene:
    course = world.in_review(GP, HOSPITAL)
    return Scene(course, make(named(course)), NADIA)


def unread(command: ask.Command) -> Scene:
    return Scene(world.unread(GP, HOSPITAL), command, NADIA)


def submitted() -> Scene:
    course = world.drafted().do(ask.Submit(), ROSA)
    return Scene(course, ask.RecordChecks(named(course), world.checks()), RELEASE)


def held() -> Scene:
    course = world.drafted().do(ask.Submit(), ROSA)
    return Scene(course, ask.HoldChecks(named(course), "KEYS_UNAVAILABLE"), RELEASE)


def voted() -> Scene:
    course = world.in_review(GP, HOSPITAL).approve(NADIA)
    return Scene(course, ask.WithdrawVote(GP, named(course)), NADIA)


def offered() -> Scene:
    course = world.offered()
    return Scene(course, world.acceptance(course), ROSA)


def releasing() -> world.Course:
    course = world.approved()
    return course.do(world.release_of(course), ROSA)


VOLUME = ask.RecordVolume(
    RELEASE_ID, "a" * 64, Action.HOLD, stopped=True, exceeded=(Exceeded("person_month", Action.HOLD, 2001, 2000),)
)


def held_for_volume() -> Scene:
    course = releasing().do(VOLUME, RELEASE)
    return Scene(course, ask.LetThrough(named(course)), NADIA)


def fallen() -> Scene:
    course = world.approved(legal_basis="explicit_consent")
    return Scene(course, ask.RecordConsentFall(named(course), 1), RELEASE)


def covered() -> Scene:
    course = world.in_review(facts=world.some_facts(standing=world.a_standing()))
    return Scene(course, ask.UseStanding(world.STANDING_ID), ROSA)


def late() -> Scene:
    course = world.in_review()
    assert course.state.due_at
    course.now = course.state.due_at
    return Scene(course, ask.Expire(), SWEEPER)


def waited(left: timedelta, command: ask.Command) -> Scene:
    course = world.in_review()
    assert course.state.due_at
    course.now = course.state.due_at - left
    return Scene(course, command, SWEEPER)


def approved(make: Callable[[world.Course], ask.Command], who: Person) -> Scene:
    course = world.approved()
    return Scene(course, make(course), who)


def talked() -> world.Course:
    """In review, with a comment, and a question to DEV."""
    course = world.in_review(GP, HOSPITAL, facts=world.some_facts(adviser=world.DEV))
    course.do(ask.Comment(Audience.REQUESTER, TEXT), NADIA)
    return course.do(ask.AskAdvice(world.DEV.id, QUESTION), NADIA)


def nobody_asked() -> Scene:
    course = world.in_review(GP, HOSPITAL, facts=world.some_facts(adviser=world.DEV))
    return Scene(course, ask.AskAdvice(world.DEV.id, QUESTION), NADIA)


SCENES: dict[CommandName, Callable[[], Scene]] = {
    CommandName.CREATE: lambda: Scene(world.Course(), ask.Create(summary()), ROSA),
    CommandName.SAVE: lambda: Scene(world.drafted(), ask.Save(summary()), ROSA),
    CommandName.DISCARD: lambda: Scene(world.drafted(), ask.Discard(), ROSA),
    CommandName.SUBMIT: lambda: Scene(world.drafted(), ask.Submit(), ROSA),
    CommandName.HAND_IN_FILE: lambda: handing_in(world.declared()),
    CommandName.RECORD_FILE_READ: lambda: Scene(world.handed_in(), world.reading_of_file(), READER),
    CommandName.REFUSE_FILE: lambda: Scene(world.handed_in(), world.refusal_of_file(), READER),
    CommandName.RECORD_CHECKS: submitted,
    CommandName.HOLD_CHECKS: held,
    CommandName.APPROVE: lambda: reviewed(lambda named: ask.Approve(GP, named)),
    CommandName.REJECT: lambda: reviewed(lambda named: ask.Reject(GP, named, RejectReason.OTHER)),
    CommandName.RETURN: lambda: reviewed(lambda named: ask.Return(GP, named, (world.QUESTION,))),
    CommandName.WITHDRAW_VOTE: voted,
    CommandName.ACCEPT_CONDITIONS: offered,
    CommandName.WITHDRAW: lambda: Scene(world.in_review(), ask.Withdraw(), ROSA),
    CommandName.REVOKE: lambda: approved(lambda _: ask.Revoke(RevokeReason.OTHER), NADIA),
    CommandName.RELEASE: lambda: approved(world.release_of, ROSA),
    CommandName.RECORD_CHUNK: lambda: Scene(releasing(), world.chunk_of(RELEASE_ID), RELEASE),
    CommandName.FINISH_RELEASE: lambda: Scene(
        releasing().do(world.chunk_of(RELEASE_ID), RELEASE), ask.FinishRelease(RELEASE_ID, {}), RELEASE
    ),
    CommandName.FAIL_RELEASE: lambda: Scene(releasing(), ask.FailRelease(RELEASE_ID, "FAULT"), RELEASE),
    CommandName.COLLECT: lambda: Scene(world.released(**FILE), ask.Collect(RELEASE_ID), ROSA),
    CommandName.EXPIRE: late,
    CommandName.REMIND: lambda: waited(timedelta(days=2), ask.Remind(2)),
    CommandName.ESCALATE: lambda: waited(timedelta(days=10), ask.Escalate(EscalationReason.UNATTENDED)),
    CommandName.DECLARE_NO_CONFLICT: lambda: unread(ask.DeclareNoConflict()),
    CommandName.RECUSE: lambda: unread(ask.Recuse(RecuseReason.OTHER)),
    CommandName.CLAIM: lambda: unread(ask.Claim(GP)),
    CommandName.COMMENT: lambda: Scene(talked(), ask.Comment(Audience.INTERNAL, ANSWER, TEXT), NADIA),
    CommandName.REPLY: lambda: Scene(talked(), ask.Reply(ANSWER, TEXT), ROSA),
    CommandName.NUDGE: lambda: Scene(world.in_review(), ask.Nudge(), ROSA),
    CommandName.ASK_ADVICE: nobody_asked,
    CommandName.ADVISE: lambda: Scene(talked(), ask.Advise(QUESTION, Advice.SUPPORTS), world.DEV),
    CommandName.HAND_BACK: lambda: Scene(world.unread().do(ask.Claim(GP), NADIA), ask.HandBack(GP), NADIA),
    CommandName.RECORD_VOLUME: lambda: Scene(releasing(), VOLUME, RELEASE),
    CommandName.LET_THROUGH: held_for_volume,
    CommandName.RECORD_CONSENT_FALL: fallen,
    CommandName.USE_STANDING_APPROVAL: covered,
    CommandName.TAKE_OVER: left,
    CommandName.REPORT_OUTCOME: lambda: Scene(world.released(), world.REPORT, ROSA),
}


def handing_in(course: world.Course) -> Scene:
    return Scene(course, ask.HandInFile(named(course)), ROSA)


def _file(scene: Scene, stage: FileStage) -> None:
    scene.state(file=FileProgress(stage, world.NOW))


def _off_it(scene: Scene) -> None:
    """Off a project that goes on with somebody else."""
    scene.project(members=(COLLEAGUE.id,))
    if isinstance(scene.command, ask.TakeOver):
        scene.project(active_until=world.NOW.date() - timedelta(days=1))


def _another_s(scene: Scene) -> None:
    scene.person(id=ROSA.id)
    scene.project(members=(COLLEAGUE.id,))
    if isinstance(scene.command, ask.Approve | ask.Reject | ask.Return | ask.Comment | ask.AskAdvice):
        scene.state(cleared={ROSA.id: scene.course.state.content_hash})


def _joined(scene: Scene) -> None:
    scene.project(members=(ROSA.id, NADIA.id))


def _too_late_to_finish(scene: Scene) -> None:
    scene.course.now += timedelta(minutes=15)


def _decided(scene: Scene) -> None:
    scene.course.approve(NILS).approve(TARA)


def _half_done(scene: Scene) -> None:
    scene.course = releasing().do(world.chunk_of(RELEASE_ID, 1, 2), RELEASE)


def _early(scene: Scene) -> None:
    scene.course.now -= timedelta(seconds=1)


def _other_content(scene: Scene) -> None:
    scene.asks(content_hash=OTHER)


def _other_project(scene: Scene) -> None:
    scene.asks(summary=replace(summary(), project=ProjectId("PRJ-2")))
    scene.project(id=ProjectId("PRJ-2"))


def _destroyed_today(scene: Scene) -> None:
    scene.state(summary=replace(summary(), destroy_by=world.NOW.date()))


def _full(scene: Scene) -> None:
    messages = talked().state.messages
    scene.state(messages=(*messages, *(messages[:1] * MOST_MESSAGES)))
    if isinstance(scene.command, ask.AskAdvice):
        scene.state(messages=messages[:1] * MOST_MESSAGES)


def _adviser_joined(scene: Scene) -> None:
    scene.project(members=(ROSA.id, world.DEV.id))


def _settled(scene: Scene) -> None:
    scene.course.clear_everybody().approve(NADIA).approve(TARA)


def _asked_more(scene: Scene) -> None:
    """An approval that stands turns out to ask for something."""
    decision = scene.course.state.domains[GP]
    ballots = tuple(replace(ballot, conditions=(world.NOT_SHARED,)) for ballot in decision.ballots)
    scene.state(domains={GP: replace(decision, ballots=ballots)})


def _another_controller(scene: Scene) -> None:
    scene.who = NILS


def _in_a_members_place(scene: Scene) -> None:
    """Of somebody who is on the project."""
    assert isinstance(scene.who, Person)
    under = Under("DLG-" + "0" * 26, COLLEAGUE, NADIA.roles[0])
    scene.who = replace(world.signed_in(scene.who, scene.course.now), under=under)


def _stood_in_for(scene: Scene) -> None:
    """By somebody who has voted."""
    scene.course.approve(TARA)
    scene.facts(stand_ins=frozenset({TARA.id}))


def _on_another_basis(scene: Scene) -> None:
    assert scene.course.state.summary
    scene.state(summary=replace(scene.course.state.summary, legal_basis="s251_reg5"))


SPOILERS: dict[g.Guard, Callable[[Scene], object]] = {
    g.PROJECT_MEMBER: _off_it,
    g.SAME_PROJECT: _other_project,
    g.ACCREDITED: lambda scene: scene.person(accredited_until=None),
    g.CAPACITY_HELD: lambda scene: scene.person(capacities=()),
    g.REQUESTER_TERMS: lambda scene: scene.facts(terms=world.some_terms()),
    g.APPROVER_TERMS: lambda scene: scene.facts(terms=world.some_terms()),
    g.DRAFT_MEANT: _other_content,
    g.FILE_WAS_READ: lambda scene: _file(scene, FileStage.REFUSED),
    g.FILE_AWAITED: lambda scene: _file(scene, FileStage.READ),
    g.FILE_HANDED_IN: lambda scene: _file(scene, FileStage.REFUSED),
    g.READ_AS_DECLARED: lambda scene: scene.asks(summary=replace(scene.command.summary, purpose="other")),  # type: ignore[union-attr]
    g.KNOWN_FAULT: lambda scene: scene.asks(code="OUT_OF_MOOD"),
    g.DOMAINS_COVERED: lambda scene: scene.project(domains=()),
    g.DESTROYED_LATER: _destroyed_today,
    g.POLICY_ALLOWS: lambda scene: scene.facts(assessment=Assessment(POLICY, ("BASIS_EXPIRED",))),
    g.QUORUM_ATTAINABLE: lambda scene: scene.facts(candidates=(NADIA, NILS)),
    g.SAME_CONTENT: _other_content,
    g.CONTROLS_DOMAIN: lambda scene: scene.asks(domain=HOSPITAL),
    g.SOMEBODY_ELSE: _another_s,
    g.OFF_THE_PROJECT: _joined,
    g.FIRST_DECISION: lambda scene: scene.course.approve(NADIA),
    g.AUTHOR_LEFT: lambda scene: scene.facts(author=ROSA),
    g.DELEGATOR_APART: _in_a_members_place,
    g.COUNTS_ONCE: _stood_in_for,
    g.DOMAIN_OPEN: _decided,
    g.DOMAIN_NOT_REJECTED: lambda scene: scene.course.do(ask.Reject(GP, named(scene.course), RejectReason.OTHER), NILS),
    g.ORGANISATION_CLEAR: lambda scene: scene.person(roles=BOTH.roles),
    g.NARROWED_ONLY: lambda scene: scene.asks(identifier_types=()),
    g.RECORDS_LEFT: lambda scene: scene.asks(records_left=1),
    g.CONDITIONS_FIT: lambda scene: scene.asks(conditions=(replace(world.EARLIER, by=None),)),
    g.ASKS_SOMETHING: lambda scene: scene.asks(questions=()),
    g.APPROVED_BEFORE: _another_controller,
    g.SAME_CONDITIONS: lambda scene: scene.asks(conditions_hash=OTHER),
    g.IN_TIME: lambda scene: scene.state(due_at=world.NOW),
    g.CONDITIONS_ACCEPTED: _asked_more,
    g.WINDOW_OPEN: lambda scene: scene.state(until=world.NOW),
    g.RETRIEVALS_LEFT: lambda scene: scene.state(retrievals=0),
    g.NO_RELEASE_RUNNING: lambda scene: scene.course.do(world.release_of(scene.course, 7), ROSA),
    g.DELIVERY_AS_APPROVED: lambda scene: scene.asks(delivery=Delivery.FILE),
    g.APPROVALS_STAND: _joined,
    g.RELEASE_OPEN: lambda scene: scene.course.do(ask.FailRelease(RELEASE_ID, "FAULT"), RELEASE),
    g.RELEASE_IN_TIME: _too_late_to_finish,
    g.NEXT_CHUNK: lambda scene: scene.asks(chunk=2, chunks=2),
    g.ALL_CHUNKS: _half_done,
    g.FILE_READY: lambda scene: scene.course.do(ask.Collect(RELEASE_ID), ROSA),
    g.DUE: _early,
    g.NO_REPORT_OVERDUE: lambda scene: scene.facts(reports_overdue=True),
    g.USED_OF_RELEASED: lambda scene: scene.asks(used=3),
    g.DESTRUCTION_PLAUSIBLE: lambda scene: scene.asks(destroyed_on=world.NOW.date() + timedelta(days=1)),
    g.REMINDER_DUE: _early,
    g.ESCALATION_DUE: _early,
    g.ROOM_LEFT: _full,
    g.ANSWERS_WHAT_STANDS: lambda scene: scene.asks(about="9" * 64),
    g.NUDGED_LONG_AGO: lambda scene: scene.state(nudged_at=world.NOW),
    g.ADVISER_FIT: lambda scene: scene.facts(adviser=None),
    g.QUESTION_OPEN: lambda scene: scene.asks(question_sha256=TEXT),
    g.ADVISER_STILL_FIT: _adviser_joined,
    g.NO_CONFLICT: lambda scene: scene.state(cleared={}),
    g.NOT_CLEARED_YET: lambda scene: scene.course.clear(NADIA),
    g.NOT_RECUSED: lambda scene: scene.state(recused={NADIA.id: RecuseReason.OTHER}),
    g.NO_SETTLED_VOTE: _settled,
    g.CLAIMS_OWN_DOMAIN: lambda scene: scene.asks(domain=HOSPITAL),
    g.NOT_THE_HANDLER: lambda scene: scene.course.do(ask.Claim(GP), NADIA),
    g.THE_HANDLER: lambda scene: scene.course.do(ask.Claim(GP), NILS),
    g.ON_CONSENT: _on_another_basis,
    g.MORE_WITHDRAWN: lambda scene: scene.state(consents_withdrawn=1),
    g.NOT_HELD: lambda scene: scene.state(held_for=("person_month",)),
    g.HELD: lambda scene: scene.state(held_for=()),
    g.LETS_THROUGH_FOR_OTHERS: _joined,
    g.NOBODY_DECIDED: lambda scene: scene.course.approve(NADIA),
    g.STANDING_COVERS: lambda scene: scene.facts(standing=world.a_standing(in_force_since=None)),
    g.STANDING_QUORUM: _joined,
    g.STANDING_IN_FORCE: lambda scene: scene.state(standing=world.STANDING_ID),
    g.STOPPED_AS_LET_THROUGH: lambda scene: scene.asks(stopped=False),
}

BACKED = {g.CONTROLS_DOMAIN: {"ORGANISATION_UNCLEAR", "NO_VOTE_TO_WITHDRAW"}}
"""The one rule with a second behind it: who controls nothing there has no organisation to decide for, and no vote."""

GUARDED = [(row, guard) for row in TRANSITIONS for guard in row.guards]


def replaced(row: Transition, **changes: object) -> tuple[Transition, ...]:
    other = replace(row, **changes)  # type: ignore[arg-type]  # a test names the fields it changes
    return tuple(other if known is row else known for known in TRANSITIONS)


@pytest.mark.parametrize("name", CommandName)
def test_unspoilt_it_is_allowed(name: CommandName) -> None:
    scene = SCENES[name]()
    assert scene.command.NAME is name
    assert isinstance(scene.outcome(), tuple)


@pytest.mark.parametrize(
    ("row", "guard"), GUARDED, ids=[f"{row.command.value}: {guard.sentence}" for row, guard in GUARDED]
)
def test_the_rule_says_no_and_only_the_rule(row: Transition, guard: g.Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = SCENES[row.command]()
    SPOILERS[guard](scene)
    assert isinstance(scene.outcome(), Refusal)
    monkeypatch.setattr(
        decisions, "TRANSITIONS", replaced(row, guards=tuple(other for other in row.guards if other is not guard))
    )
    try:
        outcome = scene.outcome()
    except TypeError:
        return  # the outcome itself can't be made from what the rule would have kept out
    assert (outcome.code if isinstance(outcome, Refusal) else None) in BACKED.get(guard, {None})


FRESH = [row for row in TRANSITIONS if row.fresh_sign_in]


@pytest.mark.parametrize("row", FRESH, ids=lambda row: row.command.value)
def test_an_old_sign_in_says_no_and_nothing_else(row: Transition, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = SCENES[row.command]()
    assert isinstance(scene.who, Person)
    scene.who = PersonActor(scene.who, replace(world.signed_in(scene.who).sign_in, at=world.NOW - timedelta(hours=1)))
    outcome = scene.outcome()
    assert isinstance(outcome, Refusal)
    assert outcome.code == "SIGN_IN_OLD"
    monkeypatch.setattr(decisions, "TRANSITIONS", replaced(row, fresh_sign_in=False))
    assert isinstance(scene.outcome(), tuple)
