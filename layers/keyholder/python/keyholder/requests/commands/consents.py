"""What is found when consents are looked at again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from keyholder.requests.commands.names import CommandName
from keyholder.vocabulary import ContentHash


@dataclass(frozen=True, slots=True)
class RecordConsentFall:
    """Of the people of an approved request, so many have withdrawn their consent."""

    NAME: ClassVar[CommandName] = CommandName.RECORD_CONSENT_FALL
    content_hash: ContentHash
    people: int
