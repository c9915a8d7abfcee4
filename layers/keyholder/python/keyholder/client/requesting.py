"""Asking for a re-identification, and what the requester does with a request. A method a route."""

from __future__ import annotations

from collections.abc import Iterator

from keyholder.canonical import JsonObject
from keyholder.client.answers import Collected, Reader, Receipt, ReleaseResult, RequestView
from keyholder.client.calls import Calls, request_path


class Requests(Calls):
    """Asking for a re-identification, and what the requester does with a request."""

    def new_request(self, body: JsonObject) -> RequestView:
        """A draft of the request that `body` describes."""
        return RequestView.parse(self._post("/v1/requests", body))

    def requests(self, *, advice: bool = False) -> Iterator[RequestView]:
        """The requests this person may see, page by page; with `advice` those that their advice was asked on."""
        for item in self._pages("/v1/requests", {"advice": "true"} if advice else {}):
            yield RequestView.read(Reader(item))

    def request(self, request_id: str) -> RequestView:
        """The request as it is now."""
        return RequestView.parse(self._get(request_path(request_id)))

    def content(self, request_id: str) -> JsonObject:
        """What the request asks for, free text and pseudonyms included."""
        return Reader.of(self._get(f"{request_path(request_id)}/content")).raw

    def conversation(self, request_id: str) -> Iterator[JsonObject]:
        """What was said about the request, in order, as far as the caller may know of it."""
        yield from self._pages(f"{request_path(request_id)}/conversation", {})

    def reply(self, request_id: str, text: str, if_match: str, about: str | None = None) -> RequestView:
        """The requester's words to those who decide; `about` is the hash of the text they answer."""
        body: JsonObject = {"text": text, **({"about": about} if about else {})}
        return self._command(request_id, "reply", body, if_match)

    def nudge(self, request_id: str, if_match: str) -> RequestView:
        """Reminds those who decide that the requester waits."""
        return self._command(request_id, "nudge", {}, if_match)

    def report_outcome(self, request_id: str, report: JsonObject, if_match: str) -> RequestView:
        """What came of the releases, and that everything is destroyed; it closes the request. `report` is as the API
        takes it: `used`, `finding`, `destruction`, `destroyed_on` (a day), and perhaps `text`."""
        return self._command(request_id, "report-outcome", report, if_match)

    def receipts(self, request_id: str) -> Iterator[Receipt]:
        """Proof of the caller's own acts on a request, in order; for auditors of every event."""
        for item in self._pages(f"{request_path(request_id)}/receipts", {}):
            yield Receipt.read(Reader(item))

    def save(self, request_id: str, body: JsonObject, if_match: str) -> RequestView:
        """Replaces a draft's content."""
        return self._command(request_id, "save", body, if_match)

    def request_file(self, request_id: str) -> JsonObject:
        """How the file of a draft stands; while it is awaited, where to upload it (`client.request_file`)."""
        return Reader.of(self._get(f"{request_path(request_id)}/file")).raw

    def hand_in_file(self, request_id: str) -> RequestView:
        """Says that the declared file is uploaded, and has it read."""
        return RequestView.parse(self._post(f"{request_path(request_id)}/hand-in-file", {}))

    def submit(self, request_id: str, if_match: str) -> RequestView:
        """Freezes the draft as a revision and has it checked."""
        return self._command(request_id, "submit", {}, if_match)

    def take_over(self, request_id: str, if_match: str) -> RequestView:
        """Goes on with what somebody who left the project was writing."""
        return self._command(request_id, "take-over", {}, if_match)

    def accept_conditions(self, request_id: str, conditions_hash: str, if_match: str) -> RequestView:
        """Accepts exactly the conditions that are offered."""
        return self._command(request_id, "accept-conditions", {"conditions_hash": conditions_hash}, if_match)

    def revisions(self, request_id: str) -> tuple[JsonObject, ...]:
        """Everything that was submitted of a request."""
        return tuple(one.raw for one in Reader.of(self._get(f"{request_path(request_id)}/revisions")).objects("items"))

    def changes(self, request_id: str, before: int | None = None, after: int | None = None) -> JsonObject:
        """What changed between two revisions, the last two unless others are named."""
        named = {"before": before, "after": after}
        query = {name: str(number) for name, number in named.items() if number is not None}
        return Reader.of(self._get(f"{request_path(request_id)}/changes", query)).raw

    def records(self, request_id: str, domain: str) -> Iterator[JsonObject]:
        """The records asked for from a domain, in order: row ids and pseudonyms."""
        yield from self._pages(f"{request_path(request_id)}/records", {"domain": domain})

    def withdraw(self, request_id: str, if_match: str) -> RequestView:
        """Takes the request back."""
        return self._command(request_id, "withdraw", {}, if_match)

    def discard(self, request_id: str, if_match: str) -> RequestView:
        """Throws a draft away."""
        return self._command(request_id, "discard", {}, if_match)

    def me(self) -> JsonObject:
        """Who Keyholder takes the caller for: person id and memberships."""
        return Reader.of(self._get("/v1/me")).raw

    def terms(self) -> tuple[JsonObject, ...]:
        """The terms of use in force, each with its text, its hash, and whether the caller has accepted it."""
        return tuple(one.raw for one in Reader.of(self._get("/v1/terms")).objects("items"))

    def accept_terms(self, document: str, version: int, sha256: str) -> JsonObject:
        """Accepts a text for oneself: the version and hash that `terms` shows."""
        body: JsonObject = {"document": document, "version": version, "sha256": sha256}
        return Reader.of(self._post("/v1/terms/accept", body)).raw

    def release(
        self, request_id: str, content_hash: str, if_match: str, *, idempotency_key: str | None = None
    ) -> ReleaseResult:
        """Releases the approved content: items in the answer, a file to collect, or one that is being made."""
        path = f"{request_path(request_id)}/release"
        reply = self._post(path, {"content_hash": content_hash}, if_match, idempotency_key)
        return ReleaseResult.parse(reply)

    def collect(self, request_id: str, release_id: str) -> Collected:
        """Collects a release's file, once."""
        return Collected.parse(self._post(f"{request_path(request_id)}/collect", {"release_id": release_id}))
