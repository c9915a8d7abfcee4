"""Erasures over the ledger: ordered here, carried out by the sweeper."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from keyholder.ledger.log import EventLog, StaleStreamError
from keyholder.refusals import Refusal
from keyholder.registry.attempts import AttemptIds
from keyholder.registry.carrying_out import Call, CarryingOut, Entry, Task
from keyholder.registry.people import Person
from keyholder.registry.service import Registry
from keyholder.registry.sign_in import SignIn, SignInRules
from keyholder.requests.actors import System
from keyholder.requests.codec import from_event
from keyholder.requests.erasing import decide
from keyholder.requests.erasing.decide import Situation
from keyholder.requests.erasing.erasures import (
    ErasureEvent,
    ErasureReason,
    Erasures,
    TextErased,
    erasures_head,
    fold_erasures,
    texts_stream,
)
from keyholder.requests.erasing.naming import NamedText, texts_of
from keyholder.requests.folding import fold
from keyholder.requests.ids import REQUEST
from keyholder.requests.listings import request_stream
from keyholder.vocabulary import ActorId, RequestId


class Erasable(Protocol):
    """The store of what may be erased."""

    def erase(self, request: RequestId, name: str) -> None:
        """Take a piece away for good. Again does no harm."""
        ...


class ErasureBook:
    """Every method may raise `LedgerUnavailableError`; nothing was ordered then, and nothing erased."""

    def __init__(self, log: EventLog, ids: AttemptIds, registry: Registry, sign_in: SignInRules | None = None) -> None:
        self._log = log
        self._sign_in = sign_in or SignInRules()
        self._commands = CarryingOut(log, ids, registry.person)

    def texts(self, request: RequestId) -> Mapping[str, NamedText]:
        """Every text of a request, by its hash, the oldest first; none of an unknown one."""
        if not REQUEST.fullmatch(request):
            return {}
        return texts_of(map(from_event, self._log.read(request_stream(request))))

    def open_to(self, person: Person, request: RequestId) -> bool:
        """Whether somebody may know which texts a request has: an auditor, or whoever could have one erased."""
        if not REQUEST.fullmatch(request):
            return False
        state = fold(request, self._log.read(request_stream(request)))
        return state.status is not None and not person.disabled and decide.sees(state, person)

    def entry(self, request: RequestId) -> Entry[Erasures]:
        """What becomes of them, and the version: 0 as long as nothing was proposed."""
        events = self._log.read(texts_stream(request)) if REQUEST.fullmatch(request) else ()
        return Entry(fold_erasures(events), len(events))

    def propose(
        self, call: Call, request: RequestId, text_sha256: str, reason: ErasureReason, now: datetime
    ) -> Entry[Erasures] | Refusal:
        return self._carry_out(
            call, "propose_text_erasure", request, now, lambda here: decide.propose(here, text_sha256, reason)
        )

    def confirm(
        self, call: Call, request: RequestId, text_sha256: str, sign_in: SignIn, now: datetime
    ) -> Entry[Erasures] | Refusal:
        return self._carry_out(
            call,
            "confirm_text_erasure",
            request,
            now,
            lambda here: decide.confirm(here, text_sha256, sign_in, self._sign_in),
        )

    def withdraw(self, call: Call, request: RequestId, text_sha256: str, now: datetime) -> Entry[Erasures] | Refusal:
        return self._carry_out(
            call, "withdraw_text_erasure", request, now, lambda here: decide.withdraw(here, text_sha256)
        )

    def carry_out(self, store: Erasable, request: RequestId, trace: str, now: datetime) -> int:
        """Erase what was ordered, and write down that it is gone; how many texts. Cut short, it is done again."""
        entry = self.entry(request)
        known, version, done = dict(entry.value.by_text), entry.version, 0
        for erasure in entry.value.to_carry_out():
            store.erase(request, erasure.text_sha256)
            known[erasure.text_sha256] = replace(erasure, erased_at=now)
            try:
                self._log.record(
                    texts_stream(request),
                    version + done,
                    [TextErased(request, erasure.text_sha256).new_event()],
                    actor=ActorId(System.SWEEPER.value),
                    trace=trace,
                    head=erasures_head(Erasures(known)),
                    at=now,
                )
            except StaleStreamError:
                # Somebody proposed something meanwhile: the next sweep goes on from there.
                break
            done += 1
        return done

    def _carry_out(
        self,
        call: Call,
        command: str,
        request: RequestId,
        now: datetime,
        rule: Callable[[Situation], Sequence[ErasureEvent] | Refusal],
    ) -> Entry[Erasures] | Refusal:
        def decided(acting: Person | None, erasures: Erasures | None) -> Sequence[ErasureEvent] | Refusal:
            events = self._log.read(request_stream(request)) if REQUEST.fullmatch(request) else ()
            state, texts = fold(request, events), texts_of(map(from_event, events))
            return rule(Situation(acting, state, texts, erasures or Erasures(), now))

        return self._commands.carry_out(
            call, Task(command, texts_stream(request), fold_erasures, decided, erasures_head)
        )
