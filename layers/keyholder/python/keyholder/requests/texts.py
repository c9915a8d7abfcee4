"""Free texts as people send them: what is refused before anything is kept."""

from __future__ import annotations

from collections.abc import Callable

from keyholder.refusals import Refusal, RefusalKind
from keyholder.requests.characters import CONTROL_IN_TEXT, control_faults
from keyholder.requests.content import FreeText, identifier_faults
from keyholder.requests.contents import ContentStore
from keyholder.requests.conversation import LONGEST_TEXT
from keyholder.vocabulary import RequestId


def text_fault(text: FreeText, pointer: str) -> Refusal | None:
    """The first thing that keeps a text from being kept."""
    if not text.text.strip():
        return Refusal(TEXT_EMPTY.code, TEXT_EMPTY.kind, TEXT_EMPTY.advice, pointer)
    if len(text.text) > LONGEST_TEXT:
        return Refusal(TEXT_TOO_LONG.code, TEXT_TOO_LONG.kind, TEXT_TOO_LONG.advice, pointer)
    return next(control_faults(text.text, pointer), None) or next(identifier_faults(text.text, pointer), None)


def keeping(contents: ContentStore, text: FreeText | None, pointer: str) -> Callable[[RequestId], Refusal | None]:
    """What precedes a step that names a text: it is stored, unless something is wrong with it."""

    def keep(request: RequestId) -> Refusal | None:
        refusal = text_fault(text, pointer) if text else None
        if text and not refusal:
            contents.keep(request, {text.sha256(): text.stored()})
        return refusal

    return keep


TEXT_EMPTY = Refusal("TEXT_EMPTY", RefusalKind.INVALID, "Say something, or leave the field out.")
TEXT_TOO_LONG = Refusal("TEXT_TOO_LONG", RefusalKind.INVALID, "Say it in at most 4,000 characters.")
REFUSALS = (CONTROL_IN_TEXT, TEXT_EMPTY, TEXT_TOO_LONG)
