"""What a release hands in, step by step, and what Keyholder's own functions do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keyholder.ledger.log import Recorded
from keyholder.refusals import Refusal
from keyholder.requests import commands as ask
from keyholder.requests.actors import System, SystemActor
from keyholder.requests.codec import from_event
from keyholder.requests.content import (
    Delivery,
)
from keyholder.requests.desk.core import Call, Desk, Done
from keyholder.requests.events.releasing import ItemsReleased, ReleaseAuthorised
from keyholder.requests.listings import request_stream
from keyholder.requests.state import RequestState
from keyholder.vocabulary import (
    ContentHash,
    RequestId,
)


@dataclass(frozen=True, slots=True)
class Permission:
    """A release that was permitted, and the step that permitted it."""

    event: ReleaseAuthorised
    recorded: Recorded


class ReleaseSteps(Desk):
    """Checks, releases, and the running out of time."""

    def authorise_release(
        self, call: Call, request: RequestId, content_hash: ContentHash, delivery: Delivery
    ) -> Done | Refusal:
        """Permission to release now, written before any key is used. Its id is in the event."""
        return self.carry_out(call, request, ask.AuthoriseRelease(self._ids.release(), content_hash, delivery))

    def collect(self, call: Call, request: RequestId, release: str) -> Done | Refusal:
        """Hand over a release's file, once."""
        return self.carry_out(call, request, ask.Collect(release))

    def record_checks(
        self, request: RequestId, content_hash: ContentHash, checks: ask.Checks, trace: str
    ) -> Done | Refusal:
        """What the checks of a submitted request found."""
        return self._by_release_function(request, ask.RecordChecks(content_hash, checks), trace)

    def hold_checks(self, request: RequestId, content_hash: ContentHash, code: str, trace: str) -> Done | Refusal:
        """The checks of a submitted request can't be made for now; `code` is a constant."""
        return self._by_release_function(request, ask.HoldChecks(content_hash, code), trace)

    def record_chunk(self, request: RequestId, chunk: ItemsReleased, trace: str) -> Done | Refusal:
        """The next chunk of a running release, before it is handed out."""
        return self._by_release_function(request, ask.RecordChunk.of(chunk), trace)

    def record_chunks(self, known: RequestState, chunks: Sequence[ItemsReleased], trace: str) -> Done | Refusal:
        """The next chunks in one step. `known` is the request as the step before left it."""
        return self._by_release_function(known.id, ask.RecordChunk.of(*chunks), trace, known)

    def permission(self, request: RequestId, release: str) -> Permission | None:
        """What a release was permitted by, with the ledger's proof of it; None where nothing was."""
        for event in self._events(request):
            authorised = from_event(event).event if event.type == ReleaseAuthorised.TYPE else None
            if isinstance(authorised, ReleaseAuthorised) and authorised.release == release:
                (recorded,) = self._log.proven(request_stream(request), {event.number})
                return Permission(authorised, recorded)
        return None

    def finish_release(
        self, request: RequestId, release: str, counts: Mapping[str, int], result_sha256: str | None, trace: str
    ) -> Done | Refusal:
        return self._by_release_function(request, ask.FinishRelease(release, counts, result_sha256), trace)

    def fail_release(self, request: RequestId, release: str, code: str, trace: str) -> Done | Refusal:
        """A release was cut short; `code` is a constant."""
        return self._by_release_function(request, ask.FailRelease(release, code), trace)

    def record_volume(self, request: RequestId, volume: ask.RecordVolume, trace: str) -> Done | Refusal:
        """A running release goes above volume limits; written before anything is handed out."""
        return self._by_release_function(request, volume, trace)

    def record_consent_fall(
        self, request: RequestId, content_hash: ContentHash, people: int, trace: str
    ) -> Done | Refusal:
        """So many people of an approved request have withdrawn their consent by now."""
        return self._by_release_function(request, ask.RecordConsentFall(content_hash, people), trace)

    def let_through(self, call: Call, request: RequestId, content_hash: ContentHash) -> Done | Refusal:
        """One controller lets a held request go above the limits that held it, once."""
        return self.carry_out(call, request, ask.LetThrough(content_hash))

    def expire(self, request: RequestId, trace: str) -> Done | Refusal:
        """End a request whose time has run out."""
        return self.carry_out(Call(SystemActor(System.SWEEPER), trace), request, ask.Expire())
