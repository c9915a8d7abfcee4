"""Erasures of texts, decided again: by whom, of a text that is there, and by two where a decision rests on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from keyholder.audit.records import Records, moments
from keyholder.audit.replaying import Outcome, RuleError, follows
from keyholder.ledger.event import Event
from keyholder.registry.fields import SHA256, Fields
from keyholder.registry.sign_in import SignIn, SignInRules
from keyholder.requests.actors import System
from keyholder.requests.codec import from_event
from keyholder.requests.erasing import decide
from keyholder.requests.erasing.decide import Situation
from keyholder.requests.erasing.erasures import (
    ERASURE_ORDERED,
    ERASURE_PROPOSED,
    TEXT_ERASED,
    ErasureReason,
    Erasures,
    evolve_erasures,
    request_of,
)
from keyholder.requests.erasing.naming import NamedText, texts_of
from keyholder.requests.state import RequestState
from keyholder.vocabulary import PersonId, RequestId, StreamId

_STRONG = "AAL3"


class TextRules:
    """The texts of every request and their erasures, as far as the ledger has been read."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._texts: dict[RequestId, dict[str, NamedText]] = {}
        self._requests: dict[RequestId, RequestState] = {}
        self._erasures: dict[RequestId, Erasures] = {}

    def saw_request(self, request: RequestId, newest: RequestState | None, events: Sequence[Event]) -> None:
        """What a request's events name. `newest` is how they leave it, None once it is over: then who asked and who
        decides for which domain stays as it was."""
        named = self._texts.setdefault(request, {})
        for sha256, text in texts_of(map(from_event, events)).items():
            named.setdefault(sha256, text)
        if newest is not None:
            self._requests[request] = RequestState(
                request, status=newest.status, requester=newest.requester, domains=newest.domains
            )

    def step(self, stream: StreamId, events: Sequence[Event]) -> None:
        """Raises `RuleError`, `FieldError` or `UnknownEventError` unless this could happen now."""
        request, erasures = request_of(stream), self._erasures.get(request_of(stream), Erasures())
        if events[0].type != TEXT_ERASED:
            follows(events, self._tries(request, erasures, events[0]))
        for event in events:
            if event.type == TEXT_ERASED:
                _carried_out(erasures, event)
            erasures = evolve_erasures(erasures, event)
        self._erasures[request] = erasures

    def _tries(self, request: RequestId, before: Erasures, event: Event) -> Iterator[Outcome]:
        state = self._requests.get(request, RequestState(request))
        known = tuple(self._records.people.around(PersonId(event.actor), event.at)) or (None,)
        for now in moments(event.at):
            for acting in known:
                yield _decided(Situation(acting, state, self._texts.get(request, {}), before, now), event)


def _carried_out(erasures: Erasures, event: Event) -> None:
    """Several texts may be erased in one sweep."""
    if event.actor != System.SWEEPER.value:
        raise RuleError("somebody else did what only Keyholder does")
    if _text(event) not in {erasure.text_sha256 for erasure in erasures.to_carry_out()}:
        raise RuleError("a text is erased that nobody ordered to be")


def _decided(here: Situation, event: Event) -> Outcome:
    if event.type == ERASURE_PROPOSED:
        return decide.propose(here, _text(event), Fields(event.data).choice("reason", ErasureReason))
    if event.type == ERASURE_ORDERED:
        # How strongly the person had signed in is not in the ledger.
        return decide.confirm(here, _text(event), SignIn(_STRONG, here.now), SignInRules())
    return decide.withdraw(here, _text(event))


def _text(event: Event) -> str:
    return Fields(event.data).text("text_sha256", SHA256)
