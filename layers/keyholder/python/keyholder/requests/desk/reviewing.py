"""What those who decide hand in short of deciding."""

from __future__ import annotations

from collections.abc import Sequence

from keyholder.refusals import Refusal
from keyholder.registry.factors import Factor
from keyholder.requests import commands as ask
from keyholder.requests.codes import QuestionTopic
from keyholder.requests.content import FreeText
from keyholder.requests.desk.core import Call, Desk, Done
from keyholder.requests.questions import ReviewQuestion
from keyholder.requests.texts import text_fault
from keyholder.vocabulary import ContentHash, DomainId, OrganisationCode, RequestId


class Reviewing(Desk):
    """The author is asked back; a vote is taken back."""

    def return_to_author(
        self,
        call: Call,
        request: RequestId,
        domain: DomainId,
        content_hash: ContentHash,
        questions: Sequence[tuple[QuestionTopic, str]],
        *,
        organisation: OrganisationCode | None = None,
        factor: Factor | None = None,
    ) -> Done | Refusal:
        """Back to its author with questions; the texts go to the erasable store. Every vote is void."""
        texts = [FreeText(self._ids.salt(), text) for _, text in questions]
        asked = tuple(ReviewQuestion(about, text.sha256()) for (about, _), text in zip(questions, texts, strict=True))

        def keep_questions(known: RequestId) -> Refusal | None:
            for place, text in enumerate(texts):
                refusal = text_fault(text, f"/questions/{place}/text")
                if refusal:
                    return refusal
            self._contents.keep(known, {text.sha256(): text.stored() for text in texts})
            return None

        return self.carry_out(
            call, request, ask.Return(domain, content_hash, asked, organisation, factor), keep_questions
        )

    def withdraw_vote(
        self, call: Call, request: RequestId, domain: DomainId, content_hash: ContentHash
    ) -> Done | Refusal:
        """An approval is taken back before the domain has decided; its author may decide again."""
        return self.carry_out(call, request, ask.WithdrawVote(domain, content_hash))
