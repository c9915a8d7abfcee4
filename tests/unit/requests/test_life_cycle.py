"""Any mix of people, commands and clocks, over the real ledger: what must always hold, holds.

The model keeps its own account of who agreed to what; the state of the request is never asked whether it is right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from keyholder.ledger.log import EventLog, IdempotencyKey
from keyholder.refusals import Refusal
from keyholder.registry.people import Person
from keyholder.registry.service import Call as RegistryCall
from keyholder.registry.service import Entry
from keyholder.requests import commands as ask
from keyholder.requests.codes import (
    TERMINAL,
    Advice,
    Audience,
    Destruction,
    Finding,
    QuestionTopic,
    RecuseReason,
    RejectReason,
    RevokeReason,
    State,
)
from keyholder.requests.commands import CommandName
from keyholder.requests.conditions import Condition, ConditionCode, conditions_hash, merged
from keyholder.requests.content import Delivery
from keyholder.requests.conversation import open_question
from keyholder.requests.decide import allowed_commands
from keyholder.requests.desk.conversing import Conversation
from keyholder.requests.events import Reminded, RequestExpired
from keyholder.requests.events.releasing import ItemsReleased, ReleaseAuthorised
from keyholder.requests.folding import fold
from keyholder.requests.listings import request_head
from keyholder.requests.records import RecordChoice
from keyholder.requests.service import Call, Done
from keyholder.requests.state import RequestState
from keyholder.requests.transitions import TRANSITIONS
from keyholder.standing.approval import StandingEndReason
from keyholder.standing.decide import Yes
from keyholder.standing.service import Standings
from keyholder.vocabulary import ContentHash, DomainId, PersonId, RequestId, Role, StreamId
from tests.fakes.ledger import ManualClock, Memory, memory_ledger
from tests.unit.requests import world
from tests.unit.requests.world import COLLEAGUE, GP, HOSPITAL, NADIA, NILS, OPERATOR, ROSA, TARA, a_body

TOM = world.person("tom", (Role.CONTROLLER, world.TRUST))
CAST = (ROSA, COLLEAGUE, world.STRANGER, NADIA, NILS, TARA, TOM, world.BOTH, world.AUDITOR)
PEOPLE = st.sampled_from(CAST)
CONTROLLERS = st.sampled_from((NADIA, NADIA, NILS, TARA, TARA, TOM))
WRITTEN = (State.DRAFT, State.RETURNED)
DOMAINS = st.sampled_from((GP, GP, GP, GP, HOSPITAL, HOSPITAL))
HASHES = st.integers(0, 9).map(lambda number: number > 0)
"""Mostly the hash that stands, sometimes the one before."""

ROWS = st.sampled_from((None, None, None, frozenset({0}), frozenset({1}), frozenset({0, 1}), frozenset({7})))
CONDITIONS = st.sampled_from(
    (
        (),
        (),
        (),
        (world.NOT_SHARED,),
        (world.EARLIER, Condition(ConditionCode.MOST_RETRIEVALS, times=1)),
        (world.EARLIER, world.EARLIER),
    )
)

Command = Callable[[Call], Done | Refusal]

BOUNDS = f"STA-{1:026}"


class Between:
    """A ledger in which somebody else's command comes between what one has read and what one writes, once."""

    def __init__(self, log: EventLog, meanwhile: Callable[[], None]) -> None:
        self._log = log
        self._meanwhile: Callable[[], None] | None = meanwhile

    def __getattr__(self, name: str) -> object:
        return getattr(self._log, name)

    def record(self, *told: object, **more: object) -> object:
        meanwhile, self._meanwhile = self._meanwhile, None
        if meanwhile is not None:
            meanwhile()
        return self._log.record(*told, **more)  # type: ignore[arg-type]  # handed on as it came


class LifeCycle(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.memory = Memory()
        self.clock = ManualClock(world.NOW)
        self.house = world.House(memory_ledger(self.clock, self.memory), self.clock)
        self.house.register(TOM)
        self.request = RequestId("")
        self.number = 0
        self.hashes: list[ContentHash] = []
        self.agreed: set[tuple[DomainId, PersonId, ContentHash]] = set()
        self.aside: set[PersonId] = set()
        self.reminded: set[tuple[datetime, int]] = set()
        self.chosen: dict[tuple[DomainId, PersonId], frozenset[str]] = {}
        """The rows an approval that stands covers, where not all."""
        self.asked: dict[tuple[DomainId, PersonId], tuple[Condition, ...]] = {}
        """What an approval that stands asks for."""
        self.undertaken: ContentHash | None = None
        """The conditions the requester has accepted."""
        self.running: list[str] = []
        self.last: tuple[Call, Command, Done] | None = None
        self.standings = Standings(self.house.log, self.house.registry, self.house.ids)
        self.bounds_end: bool | None = None
        """None: there are none that were approved. False: they are in force."""
        self.under_bounds = False
        """Approved by them."""
        self.ended_at: int | None = None

    @initialize(
        domains=st.sampled_from(((GP,), (GP, HOSPITAL))),
        stage=st.sampled_from((0, 1, 2, 2, 2, 3, 3, 4, 5, 5)),
        rows=st.sampled_from((None, None, frozenset({1}))),
        conditions=st.sampled_from(((), (), (world.NOT_SHARED,))),
        bounds=st.booleans(),
    )
    def begin(
        self,
        domains: tuple[DomainId, ...],
        stage: int,
        rows: frozenset[int] | None,
        conditions: tuple[Condition, ...],
        bounds: bool,
    ) -> None:
        """A draft, or one already submitted, in review, approved or returned: chance would seldom get that far."""
        created = self.house.desk.create(self.call(ROSA), a_body(*domains))
        assert isinstance(created, Done)
        self.request = created.state.id
        self.note(created)
        if bounds or stage == 5:
            self.agree_on_bounds(domains)
        if stage > 0:
            self.submit()
        if stage > 1:
            self.check(2)
            self.house.clear(self.request, NADIA, TARA, TOM)
        if stage == 5:
            self.use_bounds(ROSA, seldom=0)
            assert self.under_bounds
            return
        if stage > 2:
            for domain in domains:
                for who in (NADIA, TARA) if domain == GP else (TARA, TOM):
                    if stage == 4 and who is not NADIA:
                        self.ask_back(who, domain, newest=True, seldom=0)
                        return
                    self.approve(who=who, domain=domain, newest=True, rows=rows, conditions=conditions)
            assert self.state() is (State.CONDITIONS_OFFERED if conditions else State.APPROVED)

    def agree_on_bounds(self, domains: tuple[DomainId, ...]) -> None:
        """A standing approval for these domains is in force."""
        terms = world.bounds(*domains)
        sign_in, now = world.signed_in(COLLEAGUE, self.clock.now()).sign_in, self.clock.now()
        done: list[object] = [self.standings.ask(RegistryCall(COLLEAGUE.id, "t"), sign_in, BOUNDS, terms, now)]
        for domain in domains:
            for who in (NADIA, TARA) if domain == GP else (TARA, TOM):
                yes = Yes(domain, terms.hash())
                done.append(self.standings.approve(RegistryCall(who.id, f"t-{domain}"), sign_in, BOUNDS, yes, now))
        assert all(isinstance(one, Entry) for one in done), done
        self.bounds_end = False

    def call(self, who: Person) -> Call:
        self.number += 1
        return self.house.call(who, idempotency=IdempotencyKey(f"{self.number:064x}", "b" * 64))

    def give(self, who: Person, command: Command, name: CommandName) -> Done | None:
        """Hand a command in; whatever comes of it must be in the table."""
        before = self.house.desk.load(self.request)
        call = self.call(who)
        outcome = command(call)
        after = self.house.desk.load(self.request)
        if isinstance(outcome, Refusal):
            assert after == before
            return None
        assert before.status not in TERMINAL
        (row,) = [row for row in TRANSITIONS if row.command is name and row.sources and before.status in row.sources]
        assert after.status in (row.to or {before.status})
        assert {event.TYPE for event in outcome.events} <= set(row.events)
        self.last = (call, command, outcome)
        self.note(outcome)
        return outcome

    def note(self, outcome: Done) -> None:
        if outcome.state.content_hash:
            self.hashes.append(outcome.state.content_hash)
        if outcome.state.status in TERMINAL:
            self.ended_at = outcome.state.version

    def hash(self, *, newest: bool) -> ContentHash:
        return self.hashes[-1] if newest else self.hashes[0]

    @precondition(lambda self: self.state() in WRITTEN or self.number % 8 == 0)
    @rule(records=st.integers(1, 3))
    def save(self, records: int) -> None:
        body = a_body(*self.house.desk.load(self.request).summary.records, records=records)  # type: ignore[union-attr]  # every request has a summary
        self.give(ROSA, lambda call: self.house.desk.save(call, self.request, body), CommandName.SAVE)

    @precondition(lambda self: self.state() in WRITTEN or self.number % 8 == 0)
    @rule()
    def submit(self) -> None:
        self.give(ROSA, lambda call: self.house.desk.submit(call, self.request), CommandName.SUBMIT)

    @precondition(lambda self: self.state() is State.SUBMITTED)
    @rule(eligible=st.sampled_from((2, 2, 2, 0)))
    def check(self, eligible: int) -> None:
        before = self.house.desk.load(self.request)
        outcome = self.house.desk.record_checks(self.request, self.hashes[-1], world.checks(eligible), "trace")
        assert isinstance(outcome, Done)
        assert outcome.state.version == before.version + 1
        self.note(outcome)

    @precondition(lambda self: self.state() is State.IN_REVIEW)
    @rule(
        who=CONTROLLERS | PEOPLE,
        domain=DOMAINS,
        newest=HASHES,
        organisation=st.sampled_from((None, world.NHSE)),
        rows=ROWS,
        conditions=CONDITIONS,
    )
    def approve(
        self,
        *,
        who: Person,
        domain: DomainId,
        newest: bool,
        organisation: world.OrganisationCode | None = None,
        rows: frozenset[int] | None = None,
        conditions: tuple[Condition, ...] = (),
    ) -> None:
        named = self.hash(newest=newest)
        records = None if rows is None else RecordChoice(frozenset(f"{domain}/{row}" for row in rows), keep=True)
        outcome = self.give(
            who,
            lambda call: self.house.desk.approve(
                call,
                self.request,
                domain,
                named,
                organisation=organisation,
                records=records,
                conditions=conditions,
            ),
            CommandName.APPROVE,
        )
        if outcome:
            assert who.id not in self.aside
            self.agreed.add((domain, who.id, named))
            self.asked[domain, who.id] = conditions
            if records:
                self.chosen[domain, who.id] = records.row_ids
            for approved in outcome.state.approved_domains():
                self.quorum_holds(approved, named)

    @precondition(lambda self: self.state() is State.IN_REVIEW and bool(self.agreed))
    @rule(who=CONTROLLERS, domain=DOMAINS, newest=HASHES)
    def withdraw_vote(self, who: Person, domain: DomainId, newest: bool) -> None:
        named = self.hash(newest=newest)
        outcome = self.give(
            who,
            lambda call: self.house.desk.withdraw_vote(call, self.request, domain, named),
            CommandName.WITHDRAW_VOTE,
        )
        if outcome:
            self.agreed.remove((domain, who.id, named))
            self.chosen.pop((domain, who.id), None)
            del self.asked[domain, who.id]

    @precondition(lambda self: self.state() is State.IN_REVIEW)
    @rule(who=CONTROLLERS | PEOPLE, domain=DOMAINS, newest=HASHES, seldom=st.integers(0, 2))
    def ask_back(self, who: Person, domain: DomainId, newest: bool, seldom: int) -> None:
        """Every vote is void, of everybody and for every domain."""
        if seldom:
            return
        named, questions = self.hash(newest=newest), [(QuestionTopic.OTHER, "What is this needed for?")]
        outcome = self.give(
            who,
            lambda call: self.house.desk.return_to_author(call, self.request, domain, named, questions),
            CommandName.RETURN,
        )
        if outcome:
            self.agreed.clear()
            self.chosen.clear()
            self.asked.clear()
            assert not any(decision.ballots for decision in outcome.state.domains.values())

    @precondition(lambda self: self.state() is State.RETURNED)
    @rule(again=st.booleans())
    def answer(self, again: bool) -> None:
        """Often enough that what was returned is decided again."""
        if again:
            self.save(2)
        self.submit()
        self.check(2)
        self.house.clear(self.request, NADIA, TARA, TOM)

    @precondition(lambda self: self.state() is State.IN_REVIEW)
    @rule(who=st.sampled_from((ROSA, ROSA, ROSA, COLLEAGUE, NADIA)), seldom=st.integers(0, 1))
    def use_bounds(self, who: Person, seldom: int) -> None:
        """Only what nobody has decided on, within what was agreed beforehand, by those who agreed."""
        if seldom:
            return
        before = self.house.desk.load(self.request)
        outcome = self.give(
            who,
            lambda call: self.house.desk.use_standing(call, self.request, BOUNDS),
            CommandName.USE_STANDING_APPROVAL,
        )
        if outcome:
            assert who is ROSA
            assert self.bounds_end is False
            assert not self.agreed
            assert before.summary
            assert sum(before.summary.records.values()) <= world.bounds().most_records_a_week
            self.count_bounds(before.domains)

    def count_bounds(self, domains: Iterable[DomainId]) -> None:
        self.under_bounds = True
        for domain in domains:
            for person in (NADIA, TARA) if domain == GP else (TARA, TOM):
                assert person.id not in self.aside
                self.agreed.add((domain, person.id, self.hashes[-1]))
                self.asked[domain, person.id] = ()
            self.quorum_holds(domain, self.hashes[-1])

    @precondition(lambda self: self.bounds_end is False)
    @rule(who=st.sampled_from((NADIA, TARA, ROSA, COLLEAGUE)), seldom=st.integers(0, 3))
    def end_bounds(self, who: Person, seldom: int) -> None:
        """One controller of any domain stops everything under them."""
        if seldom and not self.under_bounds:
            return
        call = RegistryCall(who.id, f"end-{self.number}")
        ended = self.standings.end(call, BOUNDS, StandingEndReason.OTHER, self.clock.now())
        if isinstance(ended, Entry):
            assert who is not ROSA
            self.bounds_end = True
            if self.under_bounds:
                # What was approved by them before is stopped too.
                self.release(ROSA, newest=True)

    @precondition(lambda self: self.state() in (State.IN_REVIEW, State.APPROVED, State.RELEASED))
    @rule(
        who=CONTROLLERS,
        domain=DOMAINS,
        first=st.sampled_from(("approve", "approve", "release", "bounds")),
        second=st.sampled_from(("approve", "return", "take back", "withdraw", "reject", "revoke", "aside", "end")),
        other=CONTROLLERS,
        elsewhere=DOMAINS,
    )
    def at_once(
        self, *, who: Person, domain: DomainId, first: str, second: str, other: Person, elsewhere: DomainId
    ) -> None:
        """Two people at the same time: the first is decided on what the second has left, or not at all."""
        named = self.hashes[-1]
        between: list[RequestState] = []

        def meanwhile() -> None:
            self.meanwhile(second, other, elsewhere)
            between.append(self.house.desk.load(self.request))

        desk = self.house.another_desk(Between(self.house.log, meanwhile))  # type: ignore[arg-type]  # stands in for it
        if first == "approve":
            name, outcome = CommandName.APPROVE, desk.approve(self.call(who), self.request, domain, named)
        elif first == "release":
            name = CommandName.RELEASE
            outcome = desk.authorise_release(self.call(ROSA), self.request, named, Delivery.INLINE)
        else:
            name = CommandName.USE_STANDING_APPROVAL
            outcome = desk.use_standing(self.call(ROSA), self.request, BOUNDS)
        if isinstance(outcome, Refusal):
            return
        (found,) = between
        rows = [row for row in TRANSITIONS if row.command is name and row.sources and found.status in row.sources]
        assert len(rows) == 1
        assert outcome.state.version == found.version + len(outcome.events)
        self.note(outcome)
        if first == "approve":
            assert who.id not in self.aside
            self.agreed.add((domain, who.id, named))
            self.asked[domain, who.id] = ()
            for approved in outcome.state.approved_domains():
                self.quorum_holds(approved, named)
        elif first == "bounds":
            assert self.bounds_end is False or second == "end"
            self.count_bounds(found.domains)
        else:
            self.released_by_right(outcome, named)

    def meanwhile(self, what: str, who: Person, domain: DomainId) -> None:
        """One whole command of somebody else's."""
        desk = self.house.desk
        if what == "approve":
            self.approve(who=who, domain=domain, newest=True)
        elif what == "return":
            self.ask_back(who, domain, newest=True, seldom=0)
        elif what == "take back":
            self.withdraw_vote(who, domain, newest=True)
        elif what == "withdraw":
            self.give(ROSA, lambda call: desk.withdraw(call, self.request), CommandName.WITHDRAW)
        elif what == "reject":
            self.reject(who, domain, seldom=0)
        elif what == "revoke":
            self.give(who, lambda call: desk.revoke(call, self.request, RevokeReason.OTHER), CommandName.REVOKE)
        elif what == "aside":
            self.look_after(who, 3, domain)
        elif self.bounds_end is False:
            self.end_bounds(who, seldom=0)

    @precondition(lambda self: self.state() is State.CONDITIONS_OFFERED)
    @rule(who=st.sampled_from((ROSA, ROSA, ROSA, COLLEAGUE, NADIA)), exact=HASHES)
    def accept(self, who: Person, exact: bool) -> None:
        offered = self.house.desk.load(self.request).conditions
        assert offered
        named = offered.hash if exact else ContentHash("0" * 64)
        outcome = self.give(
            who,
            lambda call: self.house.desk.accept_conditions(call, self.request, named),
            CommandName.ACCEPT_CONDITIONS,
        )
        if outcome:
            assert who is ROSA
            assert exact
            self.undertaken = named
            self.release(ROSA, newest=True)

    @precondition(lambda self: self.state() is State.IN_REVIEW or self.number % 8 == 0)
    @rule(who=CONTROLLERS | PEOPLE, domain=DOMAINS, seldom=st.integers(0, 4))
    def reject(self, who: Person, domain: DomainId, seldom: int) -> None:
        if seldom:
            return
        named = self.hashes[-1]
        self.give(
            who,
            lambda call: self.house.desk.reject(call, self.request, domain, named, RejectReason.OTHER),
            CommandName.REJECT,
        )

    @precondition(lambda self: self.state() in (State.SUBMITTED, State.IN_REVIEW, State.APPROVED))
    @rule(who=CONTROLLERS | PEOPLE, which=st.sampled_from((0, 0, 0, 0, 1, 1, 2, 3)), domain=DOMAINS)
    def look_after(self, who: Person, which: int, domain: DomainId) -> None:
        """Declare, claim, hand back, or step aside: and then their vote is not counted on any more."""
        desk = self.house.desk
        if which == 0:
            self.give(who, lambda call: desk.declare_no_conflict(call, self.request), CommandName.DECLARE_NO_CONFLICT)
        elif which == 1:
            self.give(who, lambda call: desk.claim(call, self.request, domain), CommandName.CLAIM)
        elif which == 2:
            self.give(who, lambda call: desk.hand_back(call, self.request, domain), CommandName.HAND_BACK)
        elif self.give(who, lambda call: desk.recuse(call, self.request, RecuseReason.OTHER), CommandName.RECUSE):
            self.agreed = {vote for vote in self.agreed if vote[1] != who.id}
            self.chosen = {vote: rows for vote, rows in self.chosen.items() if vote[1] != who.id}
            self.asked = {vote: conditions for vote, conditions in self.asked.items() if vote[1] != who.id}
            self.aside.add(who.id)

    @precondition(lambda self: self.state() in (State.IN_REVIEW, State.APPROVED, State.RELEASED))
    @rule(who=PEOPLE, which=st.integers(0, 5), adviser=PEOPLE)
    def talk(self, who: Person, which: int, adviser: Person) -> None:
        """Whatever is said changes nothing but the conversation, and the asking side hears nothing internal."""
        desk, before = self.house.desk, self.house.desk.load(self.request)
        if which in (0, 1):
            audience = (Audience.INTERNAL, Audience.REQUESTER)[which]
            self.give(who, lambda call: desk.comment(call, self.request, audience, "Words."), CommandName.COMMENT)
        elif which == 2:
            self.give(ROSA, lambda call: desk.reply(call, self.request, "More words."), CommandName.REPLY)
        elif which == 3:
            self.give(ROSA, lambda call: desk.nudge(call, self.request), CommandName.NUDGE)
        elif which == 4:
            self.give(
                who, lambda call: desk.ask_advice(call, self.request, adviser.id, "Well?"), CommandName.ASK_ADVICE
            )
        else:
            asked = open_question(before.messages, who.id)
            named = (asked and asked.text_sha256) or "0" * 64
            self.give(who, lambda call: desk.advise(call, self.request, named, Advice.CONCERNS), CommandName.ADVISE)
        after = desk.load(self.request)
        assert (after.status, after.domains, after.releases) == (before.status, before.domains, before.releases)
        for asking in (ROSA, COLLEAGUE):
            heard = desk.conversation(world.signed_in(asking), self.request)
            assert isinstance(heard, Conversation)
            assert all(said.message.audience is Audience.REQUESTER for said in heard.said)

    @rule(who=PEOPLE, which=st.integers(0, 14))
    def stop(self, who: Person, which: int) -> None:
        desk = self.house.desk
        if which == 0:
            self.give(who, lambda call: desk.withdraw(call, self.request), CommandName.WITHDRAW)
        elif which == 1:
            self.give(who, lambda call: desk.revoke(call, self.request, RevokeReason.OTHER), CommandName.REVOKE)
        elif which == 2:
            self.give(who, lambda call: desk.discard(call, self.request), CommandName.DISCARD)

    @rule(days=st.sampled_from((0, 0, 0, 0, 0, 1, 5, 12, 31)))
    def time_passes(self, days: int) -> None:
        """Whoever has to act is reminded once of each moment, and in the end it expires: silence never approves."""
        self.clock.wait(timedelta(days=days, minutes=1))
        desk, before = self.house.desk, self.house.desk.load(self.request)
        due = before.due_at is not None and before.due_at <= self.clock.now()
        happened = desk.keep_time(self.request, "trace")
        after = desk.load(self.request)
        if before.status is State.RELEASED:
            due = False
        assert [type(event) for event in happened if isinstance(event, RequestExpired)] == [RequestExpired] * due
        assert (after.status is State.EXPIRED) == (due or before.status is State.EXPIRED)
        assert due or (after.status, after.domains) == (before.status, before.domains)
        assert not desk.keep_time(self.request, "trace"), "a second sweep finds nothing to do"
        for event in happened:
            if isinstance(event, Reminded):
                assert (event.due_at, event.days) not in self.reminded
                self.reminded.add((event.due_at, event.days))
        if after.status in TERMINAL and self.ended_at is None:
            self.ended_at = after.version

    @precondition(lambda self: self.state() in (State.APPROVED, State.RELEASED))
    @rule(who=st.sampled_from((ROSA, ROSA, ROSA, ROSA, ROSA, COLLEAGUE)), newest=HASHES)
    def release(self, who: Person, newest: bool) -> None:
        named = self.hash(newest=newest)
        outcome = self.give(
            who,
            lambda call: self.house.desk.authorise_release(call, self.request, named, Delivery.INLINE),
            CommandName.RELEASE,
        )
        if outcome:
            assert who is ROSA
            assert not (self.under_bounds and self.bounds_end)
            self.released_by_right(outcome, named)

    def released_by_right(self, outcome: Done, named: ContentHash) -> None:
        (authorised,) = outcome.events
        assert isinstance(authorised, ReleaseAuthorised)
        assert named == self.hashes[-1]
        for domain in authorised.granted:
            self.quorum_holds(domain, named)
            self.only_what_all_cover(domain, authorised)
        asked = [one for (domain, _), some in self.asked.items() if domain in authorised.granted for one in some]
        if asked:
            assert self.undertaken == conditions_hash(self.request, named, merged(asked))
        self.running.append(authorised.release)

    def only_what_all_cover(self, domain: DomainId, authorised: ReleaseAuthorised) -> None:
        """By the model's own account of who chose which rows."""
        choices = [rows for (where, _), rows in self.chosen.items() if where == domain]
        state = self.house.desk.load(self.request)
        assert state.summary
        every = frozenset(f"{domain}/{row}" for row in range(state.summary.records[domain]))
        left = every.intersection(*choices)
        assert left
        assert authorised.records.get(domain, len(every)) == len(left)
        assert (self.house.desk.approved_rows(state, domain) or every) == left

    def quorum_holds(self, domain: DomainId, named: ContentHash) -> None:
        """By the model's own account: distinct people, off the project, every organisation, that content."""
        people = [person for person in CAST if (domain, person.id, named) in self.agreed]
        assert len(people) >= 2
        assert not {ROSA.id, COLLEAGUE.id} & {person.id for person in people}
        needed = set(self.house.domains[domain].controllers)
        assert needed <= {code for person in people for code in person.organisations(Role.CONTROLLER)}

    @precondition(lambda self: bool(self.running))
    @rule(which=st.integers(0, 3), fails=st.booleans())
    def hand_out(self, which: int, fails: bool) -> None:
        name = self.running[which % len(self.running)]
        desk, before = self.house.desk, self.house.desk.load(self.request)
        outcome = desk.record_chunk(
            self.request, ItemsReleased(name, 1, 1, 1, "2026-11", {"released": ("A" * 22,)}, {}), "trace"
        )
        if isinstance(outcome, Done):
            assert before.status in (State.APPROVED, State.RELEASED)
            assert before.until
            assert before.retrievals_used() <= before.retrievals <= 3
            self.note(outcome)
        if fails:
            desk.fail_release(self.request, name, "LEDGER_UNAVAILABLE", "trace")
        else:
            desk.finish_release(self.request, name, {"released": 1}, None, "trace")

    @precondition(lambda self: self.state() is State.RELEASED)
    @rule(who=st.sampled_from((ROSA, COLLEAGUE, NADIA, NADIA)), used=st.integers(0, 3), seldom=st.integers(0, 2))
    def report(self, who: Person, used: int, seldom: int) -> None:
        """It closes the request, unless a release is running or more is said than can be true."""
        if seldom:
            return
        finding = Finding.OTHER if used else Finding.NOT_USED
        said = ask.ReportOutcome(used, finding, Destruction.DESTROYED, self.clock.now().date())
        outcome = self.give(
            who,
            lambda call: self.house.desk.report_outcome(call, self.request, said, "Words."),
            CommandName.REPORT_OUTCOME,
        )
        if outcome:
            assert who in (ROSA, COLLEAGUE)
            assert used <= sum(outcome.state.records_approved().values())
            assert outcome.state.status is State.CLOSED

    @precondition(lambda self: self.last is not None)
    @rule()
    def replay(self) -> None:
        assert self.last
        call, command, first = self.last
        length = self.house.desk.load(self.request).version
        again = command(call)
        assert isinstance(again, Done)
        assert again.replayed
        assert again.state == first.state
        assert self.house.desk.load(self.request).version == length

    @precondition(lambda self: self.state() is State.APPROVED and bool(self.agreed))
    @rule(seldom=st.integers(0, 5))
    def an_approver_joins_the_project(self, seldom: int) -> None:
        """For one release only: they leave again, and still may not decide."""
        if seldom:
            return
        project = world.a_project()
        people = {person for _, person, _ in self.agreed}
        joined = replace(project, members=(*project.members, *sorted(people)))
        operator = RegistryCall(OPERATOR.id, "trace")
        self.house.registry.change_project(operator, joined)
        assert isinstance(
            self.house.desk.authorise_release(self.call(ROSA), self.request, self.hashes[-1], Delivery.INLINE), Refusal
        )
        self.house.registry.change_project(operator, project)
        assert isinstance(
            self.house.desk.authorise_release(self.call(ROSA), self.request, self.hashes[-1], Delivery.INLINE), Refusal
        )

    def state(self) -> State | None:
        return self.house.desk.load(self.request).status if self.request else None

    @invariant()
    def fold_is_the_head(self) -> None:
        if not self.request:
            return
        stream = StreamId(f"request/{self.request}")
        events = self.house.log.read(stream)
        state = fold(self.request, events)
        assert state.version == len(events) == self.memory.steps.newest_event[stream]
        assert self.memory.steps.heads[stream] == request_head(state)

    @invariant()
    def the_end_is_the_end(self) -> None:
        if self.ended_at is None:
            return
        state = self.house.desk.load(self.request)
        assert state.version == self.ended_at
        for who in CAST:
            actor = world.signed_in(who, self.clock.now())
            said = allowed_commands(state, actor, world.some_facts(), self.clock.now())
            assert not [command for command in said if command.allowed]


TestLifeCycle = LifeCycle.TestCase
TestLifeCycle.settings = settings(
    max_examples=80, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
