"""The decision: one command, one request, one moment, and everything known. Pure.

Every way to change a request comes through `decide`; authorisation is its first step, so nobody who may not ask learns
how a request stands from how they are refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from keyholder.policy.days import london_day
from keyholder.refusals import Refusal
from keyholder.registry.delegations import Under, with_lent
from keyholder.registry.factors import Factor, Needs, Standing, standings
from keyholder.registry.people import Membership, Person, PersonKind
from keyholder.requests import reasons
from keyholder.requests.actors import Actor, PersonActor, System
from keyholder.requests.case import Case, Facts
from keyholder.requests.codec import RequestEvent
from keyholder.requests.codes import (
    Advice,
    Audience,
    Destruction,
    Finding,
    QuestionTopic,
    RecuseReason,
    RejectReason,
    RevokeReason,
)
from keyholder.requests.commands import (
    AcceptConditions,
    Advise,
    Approve,
    AskAdvice,
    AuthoriseRelease,
    Claim,
    Collect,
    Command,
    CommandName,
    Comment,
    DeclareNoConflict,
    Discard,
    HandBack,
    HandInFile,
    LetThrough,
    Nudge,
    Recuse,
    Reject,
    Reply,
    ReportOutcome,
    Return,
    Revoke,
    Save,
    Submit,
    TakeOver,
    UseStanding,
    Withdraw,
    WithdrawVote,
)
from keyholder.requests.conversation import advisers, open_question
from keyholder.requests.guards import POLICY_ALLOWS, ForADomain, fresh_sign_in
from keyholder.requests.questions import ReviewQuestion
from keyholder.requests.state import DomainDecision, RequestState
from keyholder.requests.transitions import TRANSITIONS, WHO, Transition, Who
from keyholder.vocabulary import ContentHash, DomainId, PersonId, Role

_NO_TEXT = "0" * 64
_ANYBODY = PersonId(f"person/{'0' * 32}")
"""Stand in for a text and a person where only who may is asked."""
_NO_RELEASE = ""
_SYSTEMS = {Who.RELEASE_FUNCTION: System.RELEASE, Who.READER: System.READER, Who.SWEEPER: System.SWEEPER}


@dataclass(frozen=True, slots=True)
class AllowedCommand:
    """Whether a person may do this now; if not, why. `domain` or `release` where it is about one of them.

    `delegation`: in whose place, by the id to be named with the command; None for oneself.
    """

    command: CommandName
    refusal: Refusal | None
    domain: DomainId | None = None
    release: str | None = None
    delegation: str | None = None

    @property
    def allowed(self) -> bool:
        return self.refusal is None


def decide(
    state: RequestState, command: Command, actor: Actor, facts: Facts, now: datetime
) -> tuple[RequestEvent, ...] | Refusal:
    """What happens, or why it may not. Authorised first; then the table's row for this state, then its guards."""
    case = Case(state, command, actor, facts, now)
    refusal = authorise(case)
    if refusal:
        return refusal
    row = _row(state, command.NAME)
    if row is None:
        return reasons.WRONG_STATE
    if row.fresh_sign_in:
        refusal = fresh_sign_in(case)
    refusal = refusal or next((no for guard in row.guards if (no := guard.check(case))), None)
    return refusal or row.outcome(case)


def authorise(case: Case) -> Refusal | None:
    """Whether this actor may ask for this at all, whatever state the request is in."""
    who = WHO[case.command.NAME]
    if case.state.status is None and who is not Who.RESEARCHER:
        return reasons.UNKNOWN_REQUEST
    if not isinstance(case.actor, PersonActor):
        wanted = _SYSTEMS.get(who)
        return None if wanted is case.actor.system else reasons.NOT_FOR_THIS_FUNCTION
    if case.person.disabled:
        return reasons.PERSON_DISABLED
    if who in _SYSTEMS:
        return reasons.NOT_FOR_PEOPLE
    if who is Who.ADVISER:
        return _authorise_adviser(case)
    return _authorise_controller(case) if who is Who.CONTROLLER else _authorise_researcher(case, who)


def _authorise_researcher(case: Case, who: Who) -> Refusal | None:
    if who is Who.REQUESTER and case.person.id != case.state.requester:
        return reasons.NOT_THE_REQUESTER
    if who is Who.PROJECT and not _of_the_project(case):
        return reasons.NOT_ON_THE_PROJECT
    # Still a researcher today: a role taken away ends what was begun with it.
    return None if case.person.has(Role.RESEARCHER) else reasons.NOT_A_RESEARCHER


def _of_the_project(case: Case) -> bool:
    """Whoever asked may have left: the others answer for what the project received, and after its end too."""
    project = case.facts.project
    members = project.members if project is not None and project.id == case.summary.project else ()
    return case.person.id == case.state.requester or case.person.id in members


def _authorise_controller(case: Case) -> Refusal | None:
    if case.person.kind is not PersonKind.HUMAN:
        return reasons.NOT_HUMAN
    if any(case.stands_for(domain) for domain in case.state.domains):
        return None
    promised = replace(case.person, awaiting=frozenset())
    known = (domain for name, domain in case.facts.domains.items() if name in case.state.domains)
    waits = any(standings(promised, domain.controllers) for domain in known)
    return reasons.ROLE_NOT_CONFIRMED if waits else reasons.NOT_A_CONTROLLER


def _authorise_adviser(case: Case) -> Refusal | None:
    if case.person.kind is not PersonKind.HUMAN:
        return reasons.NOT_HUMAN
    return None if case.person.id in advisers(case.state.messages) else reasons.NOT_AN_ADVISER


def asks_policy(command: CommandName) -> bool:
    """Whether a rule of this command looks at the policy's assessment."""
    return any(POLICY_ALLOWS in row.guards for row in TRANSITIONS if row.command is command)


def _row(state: RequestState, command: CommandName) -> Transition | None:
    for row in TRANSITIONS:
        if row.command is command and (state.status is None if row.sources is None else state.status in row.sources):
            return row
    return None


def allowed_commands(
    state: RequestState, actor: PersonActor, facts: Facts, now: datetime
) -> tuple[AllowedCommand, ...]:
    """Every command a person could ever give on this request, and whether this one may now.

    Each is asked of `decide` with arguments that are not at fault, so that the answer is about the person, the request
    and the moment.
    """
    return tuple(_asked(probe, state, actor, facts, now) for probe in _probes(state, actor.person, now))


def with_delegations(
    state: RequestState, actor: PersonActor, lent: Sequence[Under], facts: Facts, now: datetime
) -> tuple[AllowedCommand, ...]:
    """The same of somebody who was lent roles: what they see and say they do with these beside their own, and for each
    of them they are told which decisions they could make in somebody's place."""
    own = allowed_commands(state, actor, facts, now)
    if not lent:
        return own
    together = replace(actor, person=with_lent(actor.person, tuple(lent)))
    said = [
        mine if mine.command in DECIDED_IN_PLACE else ours
        for mine, ours in zip(own, allowed_commands(state, together, facts, now), strict=True)
    ]
    for under in lent:
        acting = in_place(actor, under)
        said += [
            one
            for one in allowed_commands(state, acting, facts, now)
            if one.command in DECIDED_IN_PLACE and one.refusal is not reasons.NOT_A_CONTROLLER
        ]
    return tuple(said)


def in_place(actor: PersonActor, under: Under) -> PersonActor:
    """Somebody as they act in somebody's place."""
    return replace(actor, person=under.lent_to(actor.person), under=under)


DECIDED_IN_PLACE = frozenset(
    {CommandName.APPROVE, CommandName.REJECT, CommandName.RETURN, CommandName.REVOKE, CommandName.LET_THROUGH}
)
"""Decisions, of which the ledger says in whose place they were made: whoever makes one so names the delegation."""


def _asked(probe: Command, state: RequestState, actor: PersonActor, facts: Facts, now: datetime) -> AllowedCommand:
    if isinstance(probe, AskAdvice):
        facts = replace(facts, adviser=_adviser(facts))
    if isinstance(probe, UseStanding) and facts.standing is not None:
        probe = UseStanding(facts.standing.id)
    outcome = decide(state, probe, actor, facts, now)
    refusal = outcome if isinstance(outcome, Refusal) else None
    domain = probe.domain if isinstance(probe, ForADomain | Claim | HandBack) else None
    release = (probe.release or None) if isinstance(probe, Collect) else None
    return AllowedCommand(probe.NAME, refusal, domain, release, actor.under.delegation if actor.under else None)


_SOMETHING = ReviewQuestion(QuestionTopic.OTHER, "0" * 64)


def _records_left(decision: DomainDecision) -> int | None:
    """What an approval of all records may say is left."""
    narrowed = [choice.count for choice in decision.narrowed()]
    return decision.records_left or (min(narrowed) if narrowed else None)


def _plausible_report(state: RequestState, now: datetime) -> ReportOutcome:
    """One that says nothing impossible, so that the answer is about who asks and when."""
    if state.left_keyholder():
        return ReportOutcome(0, Finding.NOT_USED, Destruction.DESTROYED, london_day(now))
    return ReportOutcome(0, Finding.NOT_USED, Destruction.NEVER_RECEIVED)


def _probes(state: RequestState, person: Person, now: datetime) -> Iterator[Command]:
    summary = state.summary
    if summary is None:
        return
    yield Save(summary)
    yield HandInFile(summary.content_hash)
    yield Discard()
    yield Submit(summary.content_hash)
    yield TakeOver()
    for domain in state.domains or summary.records:
        decision = state.domains.get(domain)
        factor, organisation = _likeliest(person, decision.needs) if decision else (None, None)
        left = _records_left(decision) if decision else None
        yield Approve(domain, summary.content_hash, organisation, factor=factor, records_left=left)
        yield Reject(domain, summary.content_hash, RejectReason.OTHER, organisation=organisation, factor=factor)
        yield Return(domain, summary.content_hash, (_SOMETHING,), organisation, factor)
        yield WithdrawVote(domain, summary.content_hash)
        yield Claim(domain)
        yield HandBack(domain)
    yield DeclareNoConflict()
    yield Recuse(RecuseReason.OTHER)
    yield AcceptConditions(state.conditions.hash if state.conditions else ContentHash(_NO_TEXT))
    yield UseStanding("")
    yield Comment(Audience.INTERNAL, _NO_TEXT)
    yield Reply(_NO_TEXT)
    yield Nudge()
    yield AskAdvice(_ANYBODY, _NO_TEXT)
    asked = open_question(state.messages, person.id)
    yield Advise(asked.text_sha256 if asked and asked.text_sha256 else _NO_TEXT, Advice.NO_VIEW)
    yield Withdraw()
    yield Revoke(RevokeReason.OTHER)
    yield AuthoriseRelease("", summary.content_hash, summary.delivery)
    yield LetThrough(summary.content_hash)
    for release in [one.id for one in state.releases] or [_NO_RELEASE]:
        yield Collect(release)
    yield _plausible_report(state, now)


def _adviser(facts: Facts) -> Person:
    """Somebody who could be asked, so that the answer is about who asks."""
    organisations = sorted({code for domain in facts.domains.values() for code in domain.controllers})
    return Person(_ANYBODY, tuple(Membership(Role.DATA_PROTECTION_OFFICER, code) for code in organisations))


def _likeliest(person: Person, needs: Needs) -> Standing | tuple[None, None]:
    """The first part this person could take, of a factor that is asked for if they have one."""
    order = tuple(Factor)
    parts = sorted(
        standings(person, needs.controllers), key=lambda part: (not needs.count(part[0]), order.index(part[0]), part[1])
    )
    return parts[0] if parts else (None, None)
