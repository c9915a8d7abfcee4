"""What people say to each other about a request: handed in, and read by whoever it is for."""

from __future__ import annotations

from dataclasses import dataclass

from keyholder.refusals import Refusal
from keyholder.requests import commands as ask
from keyholder.requests.actors import PersonActor
from keyholder.requests.codes import Advice, Audience
from keyholder.requests.content import FreeText
from keyholder.requests.conversation import Message, visible
from keyholder.requests.desk.core import Call, Desk, Done
from keyholder.requests.reasons import UNKNOWN_REQUEST
from keyholder.requests.sight import hears_internal, reads_texts, side
from keyholder.requests.texts import keeping
from keyholder.vocabulary import PersonId, RequestId


@dataclass(frozen=True, slots=True)
class Said:
    """A message with its words: None where they were erased, are not open to the reader, or there were none."""

    message: Message
    text: str | None


@dataclass(frozen=True, slots=True)
class Conversation:
    """What a person may know of it. `opened`: the words are open to them. `after` continues, None at the end."""

    opened: bool
    said: tuple[Said, ...]
    after: int | None


class Conversing(Desk):
    """Comments, replies, questions and advice."""

    def comment(
        self, call: Call, request: RequestId, audience: Audience, text: str, about: str | None = None
    ) -> Done | Refusal:
        """Words of somebody who decides, to the others or to the requester."""
        kept = FreeText(self._ids.salt(), text)
        return self.carry_out(
            call, request, ask.Comment(audience, kept.sha256(), about), keeping(self._contents, kept, "/text")
        )

    def reply(self, call: Call, request: RequestId, text: str, about: str | None = None) -> Done | Refusal:
        """Words of the requester to those who decide."""
        kept = FreeText(self._ids.salt(), text)
        return self.carry_out(call, request, ask.Reply(kept.sha256(), about), keeping(self._contents, kept, "/text"))

    def nudge(self, call: Call, request: RequestId) -> Done | Refusal:
        return self.carry_out(call, request, ask.Nudge())

    def ask_advice(self, call: Call, request: RequestId, adviser: PersonId, question: str) -> Done | Refusal:
        """A question to a named person."""
        kept = FreeText(self._ids.salt(), question)
        return self.carry_out(
            call, request, ask.AskAdvice(adviser, kept.sha256()), keeping(self._contents, kept, "/question")
        )

    def advise(
        self, call: Call, request: RequestId, question_sha256: str, advice: Advice, text: str | None = None
    ) -> Done | Refusal:
        """Their answer; the code alone, or with words."""
        kept = None if text is None else FreeText(self._ids.salt(), text)
        command = ask.Advise(question_sha256, advice, kept.sha256() if kept else None)
        return self.carry_out(call, request, command, keeping(self._contents, kept, "/text"))

    def conversation(
        self, actor: PersonActor, request: RequestId, after: int = 0, limit: int = 50
    ) -> Conversation | Refusal:
        """What was said and this person may know of, in order, after the first `after` messages of it."""
        actor = self._with_lent(actor, self._clock.now())
        state = self.load(request)
        project = self._project(state)
        if side(state, actor.person, project) is None:
            return UNKNOWN_REQUEST
        opened = reads_texts(state, actor.person, project)
        known = visible(state.messages, internal=hears_internal(state, actor.person, project))
        messages = known[after : after + limit]
        names = [message.text_sha256 for message in messages if message.text_sha256] if opened else []
        found = dict(zip(names, self._contents.read(request, *names), strict=True)) if names else {}
        said = tuple(Said(message, _words(found, message)) for message in messages)
        return Conversation(opened, said, after + limit if after + limit < len(known) else None)


def _words(found: dict[str, bytes | None], message: Message) -> str | None:
    stored = found.get(message.text_sha256) if message.text_sha256 else None
    return FreeText.read(stored).text if stored else None
