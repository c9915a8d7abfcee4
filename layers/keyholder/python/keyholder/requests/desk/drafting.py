"""What its author hands in."""

from __future__ import annotations

from dataclasses import replace

from keyholder.canonical import JsonObject
from keyholder.refusals import Refusal
from keyholder.requests import commands as ask
from keyholder.requests.content import (
    FreeText,
    parse_draft,
)
from keyholder.requests.desk.core import Call, Desk, Done
from keyholder.requests.given import given
from keyholder.vocabulary import (
    ContentHash,
    RequestId,
)


class Drafting(Desk):
    """A request is written, submitted, taken back."""

    def create(self, call: Call, body: JsonObject) -> Done | Refusal:
        """A new draft from what its author sent (`content.parse_draft`)."""
        return self._write_draft(call, self._ids.request(), body, ask.CommandName.CREATE)

    def save(self, call: Call, request: RequestId, body: JsonObject) -> Done | Refusal:
        """Other content for a draft."""
        return self._write_draft(call, request, body, ask.CommandName.SAVE)

    def discard(self, call: Call, request: RequestId) -> Done | Refusal:
        return self.carry_out(call, request, ask.Discard())

    def submit(self, call: Call, request: RequestId, content_hash: ContentHash | None = None) -> Done | Refusal:
        """Freeze the draft as a revision and hand it in."""
        return self.carry_out(call, request, ask.Submit(content_hash))

    def accept_conditions(self, call: Call, request: RequestId, conditions_hash: ContentHash) -> Done | Refusal:
        """The requester undertakes exactly the conditions that are offered; only then is the request approved."""
        return self.carry_out(call, request, ask.AcceptConditions(conditions_hash))

    def take_over(self, call: Call, request: RequestId) -> Done | Refusal:
        """Somebody else on the project goes on with it, for its author has left."""
        return self.carry_out(call, request, ask.TakeOver())

    def withdraw(self, call: Call, request: RequestId) -> Done | Refusal:
        return self.carry_out(call, request, ask.Withdraw())

    def _write_draft(self, call: Call, request: RequestId, body: JsonObject, name: ask.CommandName) -> Done | Refusal:
        draft = parse_draft(body, self._ids.salt(), self._vocabulary)
        if isinstance(draft, Refusal):
            return self._refused(call, request, name, draft)
        content = draft.content
        text = FreeText(content.salt, draft.justification)
        summary = content.summary()

        def keep_content(known: RequestId) -> None:
            pieces = {summary.content_hash: content.canonical(), text.sha256(): text.stored()}
            self._contents.keep(known, {str(piece): body for piece, body in pieces.items()})

        command = ask.Create(summary) if name is ask.CommandName.CREATE else ask.Save(summary)
        done = self.carry_out(call, request, command, keep_content)
        return done if isinstance(done, Refusal) else replace(done, given=given(content))
