"""What people read of a request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from keyholder.canonical import JsonObject
from keyholder.ledger.receipts import receipts_json
from keyholder.policy.vocabulary import LegalBasis
from keyholder.refusals import Refusal
from keyholder.registry.delegations import Under, with_lent
from keyholder.requests import commands as ask
from keyholder.requests.actors import PersonActor
from keyholder.requests.changes import changes, records_of
from keyholder.requests.codes import OPEN_TO_RELEASE, State
from keyholder.requests.content import Record
from keyholder.requests.contents import Narrative, stored_content, stored_narrative, stored_texts
from keyholder.requests.decide import with_delegations
from keyholder.requests.desk.core import Desk, Done
from keyholder.requests.listings import project_requests, request_stream
from keyholder.requests.quorum_view import OPEN, quorum_view
from keyholder.requests.reasons import (
    DOMAIN_NOT_ASKED,
    RECORDS_NOT_OPEN,
    REVISION_UNKNOWN,
    TEXTS_NOT_OPEN,
    UNKNOWN_REQUEST,
)
from keyholder.requests.receipts import own_act
from keyholder.requests.review_view import changes_view, revisions_view
from keyholder.requests.sight import Side, as_submitted, counted_domains, reads_records, reads_texts, side
from keyholder.requests.state import RequestState
from keyholder.requests.under_bounds import wanted
from keyholder.requests.view import request_view
from keyholder.standing.approval import StandingApproval
from keyholder.standing.decide import covers, not_in_force
from keyholder.standing.service import of_project
from keyholder.vocabulary import (
    DomainId,
    ProjectId,
    RequestId,
    Role,
    StreamId,
)


@dataclass(frozen=True, slots=True)
class Page:
    """Requests of a listing that the person may see; `after` continues, None at the end."""

    requests: tuple[JsonObject, ...]
    after: StreamId | None


_AT_ONCE = 100
_TO_SUBMIT = frozenset({State.DRAFT, State.RETURNED})
_ASKS_POLICY = frozenset({State.DRAFT, State.RETURNED, State.APPROVED, State.RELEASED})
"""States in which the requester's next step asks the policy."""


class Reading(Desk):
    """A request, for whoever may see it."""

    def view(self, actor: PersonActor, request: RequestId) -> JsonObject | Refusal:
        """The request as this person sees it now, with what they may do and why not."""
        return self._viewed(actor, self.load(request), self._lent(actor), with_commands=True) or UNKNOWN_REQUEST

    def view_done(self, actor: PersonActor, done: Done) -> JsonObject | Refusal:
        """The request as a command left it."""
        return self._viewed(actor, done.state, self._lent(actor), with_commands=True) or UNKNOWN_REQUEST

    def page(self, actor: PersonActor, listing: str, after: StreamId | None = None, limit: int = 50) -> Page:
        """The next requests of a listing (`own_requests` and the like), without those this person may not see."""
        streams = self._log.listed(listing, after, limit)
        states = (self.load(RequestId(stream.removeprefix("request/"))) for stream in streams)
        lent = self._lent(actor)
        views = (self._viewed(actor, state, lent, with_commands=False) for state in states)
        return Page(tuple(view for view in views if view), streams[-1] if len(streams) == limit else None)

    def relying_on_consent(self, project: ProjectId) -> Iterator[RequestId]:
        """The approved requests of a project that rest on each person's consent, all of them."""
        for stream in self._listed(project_requests(project)):
            state = self.load(RequestId(stream.removeprefix("request/")))
            on_consent = state.summary is not None and state.summary.legal_basis == LegalBasis.EXPLICIT_CONSENT
            if on_consent and state.status in OPEN_TO_RELEASE:
                yield state.id

    def receipts(
        self, actor: PersonActor, request: RequestId, after: int, limit: int
    ) -> tuple[JsonObject, ...] | Refusal:
        """Receipts of this person's own acts on a request, in order, after event number `after`.

        An auditor has those of every event; leaves of others' acts are read, and that is logged, by the audit API.
        """
        actor = self._with_lent(actor, self._clock.now())
        state = self.load(request)
        if side(state, actor.person, self._project(state)) is None:
            return UNKNOWN_REQUEST
        own, every = own_act(state, actor.person.id), actor.person.has(Role.AUDITOR)
        numbers = [event.number for event in self._events(request) if event.number > after and (every or own(event))][
            :limit
        ]
        return tuple(
            receipt
            for recorded in self._log.proven(request_stream(request), frozenset(numbers))
            for receipt in receipts_json(recorded, own)
            if receipt["number"] in numbers
        )

    def narrative(self, actor: PersonActor, request: RequestId) -> Narrative | Refusal:
        """What is asked for, with the texts where they are open to this person."""
        actor = self._with_lent(actor, self._clock.now())
        state = self.load(request)
        project = self._project(state)
        stands = side(state, actor.person, project)
        if state.summary is None or stands is None:
            return UNKNOWN_REQUEST
        shown = as_submitted(state, stands)
        return stored_narrative(self._contents, shown, texts=reads_texts(shown, actor.person, project))

    def revisions(self, actor: PersonActor, request: RequestId) -> list[JsonObject] | Refusal:
        """Everything that was submitted of a request, and what was asked back."""
        actor = self._with_lent(actor, self._clock.now())
        state = self.load(request)
        stands = side(state, actor.person, self._project(state))
        if stands is None:
            return UNKNOWN_REQUEST
        return revisions_view(state, counted_domains(state, actor.person, stands))

    def changes(
        self, actor: PersonActor, request: RequestId, before: int | None = None, after: int | None = None
    ) -> JsonObject | Refusal:
        """From one revision to a later one, the last two unless others are named. Raises `ContentLostError`."""
        actor = self._with_lent(actor, self._clock.now())
        state = self.load(request)
        project = self._project(state)
        stands = side(state, actor.person, project)
        if stands is None:
            return UNKNOWN_REQUEST
        if not reads_texts(as_submitted(state, stands), actor.person, project):
            return TEXTS_NOT_OPEN
        newest = after or len(state.revisions)
        pair = [one for one in state.revisions if one.number in (before or newest - 1, newest)]
        if len(pair) != 2:
            return REVISION_UNKNOWN
        old, new = pair
        contents = [stored_content(self._contents, replace(state, summary=one.summary)) for one in pair]
        texts = stored_texts(self._contents, state, *(one.summary.justification_sha256 for one in pair))
        counted = counted_domains(state, actor.person, stands)
        rows = [records_of(self.selections(state, content, counted)) for content in contents]
        return changes_view(old, new, changes(contents[0], contents[1], (rows[0], rows[1]), (texts[0], texts[1])))

    def records(
        self, actor: PersonActor, request: RequestId, domain: DomainId, after: int, limit: int
    ) -> tuple[Record, ...] | Refusal:
        """The records asked for from a domain, in order, after the first `after`: for its requester, and for whoever
        decides for that domain. Raises `ContentLostError`."""
        actor = self._with_lent(actor, self._clock.now())
        state = self.load(request)
        project = self._project(state)
        stands = side(state, actor.person, project)
        if stands is None or state.summary is None:
            return UNKNOWN_REQUEST
        shown = as_submitted(state, stands)
        if not reads_records(shown, actor.person, project, domain):
            return RECORDS_NOT_OPEN
        content = self.content(shown)
        if not content.record_counts().get(domain):
            return DOMAIN_NOT_ASKED
        found = (record for part in self.selections(shown, content, {domain}, after) for record in part.records)
        return tuple(islice(found, limit))

    def _covering(self, state: RequestState, now: datetime) -> StandingApproval | None:
        """A standing approval of the project that covers the request as it stands, or else the newest in force."""
        if state.summary is None:
            return None
        streams = self._log.listed(of_project(state.summary.project), None, _AT_ONCE)
        found = (self._standing(stream.partition("/")[2]) for stream in reversed(streams))
        known = [one for one in found if one is not None and not_in_force(one, now) is None]
        asked = wanted(state, state.summary)
        return next((one for one in known if covers(one, asked, now) is None), known[0] if known else None)

    def _lent(self, actor: PersonActor) -> tuple[Under, ...]:
        return () if actor.person.disabled else self._lending.lent_to(actor.person.id, self._clock.now())

    def _viewed(
        self, actor: PersonActor, state: RequestState, lent: tuple[Under, ...], *, with_commands: bool
    ) -> JsonObject | None:
        seeing = with_lent(actor.person, lent)
        stands = side(state, seeing, self._project(state))
        if stands is None:
            return None
        counted = counted_domains(state, seeing, stands)
        if not with_commands or state.summary is None:
            return request_view(as_submitted(state, stands), stands, counted)
        now = self._clock.now()
        facts = self._facts(actor, state, ask.Withdraw())
        candidates = self._candidates(facts.domains) if state.status in OPEN else None
        if actor.person.id == state.requester and state.status is State.IN_REVIEW:
            facts = replace(facts, standing=self._covering(state, now))
        facts = replace(facts, approvers=self._approvers(state, facts.standing), candidates=candidates)
        # Only the requester's next step asks the policy, so only they wait for the content to be read.
        if actor.person.id == state.requester and (state.status in _ASKS_POLICY or facts.standing is not None):
            facts = replace(facts, assessment=self._assessment(actor.person, state, facts, now))
        if actor.person.id == state.requester and state.status in _TO_SUBMIT:
            facts = replace(facts, reports_overdue=self._reports_overdue(actor.person, state.summary.project))
        if stands is Side.ASKING and actor.person.id != state.requester:
            facts = replace(facts, author=self._author(state))
        if lent or stands is Side.DECIDING:
            facts = replace(facts, stand_ins=self._stand_ins(actor.person))
        commands = with_delegations(state, actor, lent, facts, now)
        return request_view(as_submitted(state, stands), stands, counted, commands, quorum_view(state, facts))
