"""What people read of a request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from keyholder.canonical import JsonObject
from keyholder.ledger.receipts import receipts_json
from keyholder.policy.vocabulary import LegalBasis
from keyholder.refusals import Refusal
from keyholder.requests import commands as ask
from keyholder.requests.actors import PersonActor
from keyholder.requests.codes import OPEN_TO_RELEASE, State
from keyholder.requests.contents import Narrative, stored_narrative
from keyholder.requests.decide import allowed_commands
from keyholder.requests.desk.core import Desk, Done
from keyholder.requests.listings import project_requests, request_stream
from keyholder.requests.quorum_view import OPEN, quorum_view
from keyholder.requests.reasons import UNKNOWN_REQUEST
from keyholder.requests.receipts import own_act
from keyholder.requests.sight import reads_texts, side
from keyholder.requests.state import RequestState
from keyholder.requests.view import request_view
from keyholder.vocabulary import (
    ProjectId,
    RequestId,
    Role,
    StreamId,
)

_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Page:
    """Requests of a listing that the person may see; `after` continues, None at the end."""

    requests: tuple[JsonObject, ...]
    after: StreamId | None


_ASKS_POLICY = frozenset({State.DRAFT, State.RETURNED, State.APPROVED, State.RELEASED})
"""States in which the requester's next step asks the policy."""


class Reading(Desk):
    """A request, for whoever may see it."""

    def view(self, actor: PersonActor, request: RequestId) -> JsonObject | Refusal:
        """The request as this person sees it now, with what they may do and why not."""
        state = self.load(request)
        return self._viewed(actor, state, with_commands=True) or UNKNOWN_REQUEST

    def view_done(self, actor: PersonActor, done: Done) -> JsonObject | Refusal:
        """The request as a command left it."""
        return self._viewed(actor, done.state, with_commands=True) or UNKNOWN_REQUEST

    def page(self, actor: PersonActor, listing: str, after: StreamId | None = None, limit: int = 50) -> Page:
        """The next requests of a listing (`own_requests` and the like), without those this person may not see."""
        streams = self._log.listed(listing, after, limit)
        states = (self.load(RequestId(stream.removeprefix("request/"))) for stream in streams)
        views = (self._viewed(actor, state, with_commands=False) for state in states)
        return Page(tuple(view for view in views if view), streams[-1] if len(streams) == limit else None)

    def relying_on_consent(self, project: ProjectId) -> Iterator[RequestId]:
        """The approved requests of a project that rest on each person's consent, all of them."""
        after: StreamId | None = None
        while streams := self._log.listed(project_requests(project), after, _AT_ONCE):
            for stream in streams:
                state = self.load(RequestId(stream.removeprefix("request/")))
                on_consent = state.summary is not None and state.summary.legal_basis == LegalBasis.EXPLICIT_CONSENT
                if on_consent and state.status in OPEN_TO_RELEASE:
                    yield state.id
            after = streams[-1]

    def receipts(
        self, actor: PersonActor, request: RequestId, after: int, limit: int
    ) -> tuple[JsonObject, ...] | Refusal:
        """Receipts of this person's own acts on a request, in order, after event number `after`.

        An auditor has those of every event; leaves of others' acts are read, and that is logged, by the audit API.
        """
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
        state = self.load(request)
        project = self._project(state)
        if state.summary is None or side(state, actor.person, project) is None:
            return UNKNOWN_REQUEST
        return stored_narrative(self._contents, state, texts=reads_texts(state, actor.person, project))

    def _viewed(self, actor: PersonActor, state: RequestState, *, with_commands: bool) -> JsonObject | None:
        stands = side(state, actor.person, self._project(state))
        if stands is None:
            return None
        if not with_commands or state.summary is None:
            return request_view(state, stands)
        now = self._clock.now()
        facts = self._facts(actor, state, ask.Withdraw())
        candidates = self._candidates(facts.domains) if state.status in OPEN else None
        facts = replace(facts, approvers=self._approvers(state), candidates=candidates)
        # Only the requester's next step asks the policy, so only they wait for the content to be read.
        if actor.person.id == state.requester and state.status in _ASKS_POLICY:
            facts = replace(facts, assessment=self._assessment(actor.person, state, facts, now))
        commands = allowed_commands(state, actor, facts, now)
        return request_view(state, stands, commands, quorum_view(state, facts))
