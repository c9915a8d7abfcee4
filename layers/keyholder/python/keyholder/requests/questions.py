"""What a controller asks the author in returning a request: a coded topic, and a text in the erasable store."""

from __future__ import annotations

from dataclasses import dataclass

from keyholder.canonical import JsonObject
from keyholder.registry.fields import SHA256, Fields
from keyholder.requests.codes import QuestionTopic

MOST_QUESTIONS = 20
LONGEST_QUESTION = 2_000


@dataclass(frozen=True, slots=True)
class ReviewQuestion:
    """One question: what it is about, and the hash its text has in the erasable store."""

    about: QuestionTopic
    sha256: str

    def json(self) -> JsonObject:
        return {"about": self.about.value, "sha256": self.sha256}

    @classmethod
    def read(cls, fields: Fields) -> ReviewQuestion:
        """What `json` wrote. Raises `FieldError`."""
        question = cls(fields.choice("about", QuestionTopic), fields.text("sha256", SHA256))
        fields.end()
        return question
