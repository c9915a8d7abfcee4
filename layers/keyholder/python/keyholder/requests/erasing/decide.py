"""Who may have a text of a request erased. Pure.

One operator suffices for what was only said. A text that a decision rests on is evidence of it too: a second person
confirms, another operator or somebody who decides for one of the request's domains. Nobody has their own words erased,
and nobody who asks has what was said to them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from keyholder.refusals import Refusal, RefusalKind
from keyholder.registry.decide import NOT_AN_OPERATOR, operates
from keyholder.registry.factors import standings
from keyholder.registry.people import Person, PersonKind
from keyholder.registry.sign_in import SignIn, SignInRules
from keyholder.requests.erasing.erasures import (
    Erasure,
    ErasureOrdered,
    ErasureProposed,
    ErasureReason,
    Erasures,
    ErasureState,
    ErasureWithdrawn,
)
from keyholder.requests.erasing.naming import NamedText
from keyholder.requests.state import RequestState
from keyholder.vocabulary import Role

TEXT_UNKNOWN = Refusal(
    "TEXT_UNKNOWN", RefusalKind.NOT_FOUND, "Name a text of this request by its hash, as the list of its texts has it."
)
OWN_TEXT = Refusal(
    "OWN_TEXT",
    RefusalKind.FORBIDDEN,
    "Nobody who wrote a text or who asks has a hand in erasing it; an operator who did neither can.",
)
OWN_ERASURE = Refusal(
    "OWN_ERASURE", RefusalKind.FORBIDDEN, "A second person has to confirm it: another operator, or one who decides."
)
NOT_AN_ERASER = Refusal(
    "NOT_AN_ERASER",
    RefusalKind.FORBIDDEN,
    "Only operators, and those who decide for one of the request's domains, confirm or stop an erasure.",
)
ERASURE_OPEN = Refusal(
    "ERASURE_OPEN",
    RefusalKind.CONFLICT,
    "Its erasure waits already: it is confirmed, withdrawn or expires first.",
)
ERASURE_ORDERED_ALREADY = Refusal(
    "ERASURE_ORDERED", RefusalKind.CONFLICT, "Its erasure is ordered, or done; nothing more can be done about it."
)
NO_ERASURE_OPEN = Refusal(
    "NO_ERASURE_OPEN",
    RefusalKind.CONFLICT,
    "No erasure of this text waits; an operator can propose it, again if need be.",
)
REFUSALS = (
    TEXT_UNKNOWN,
    OWN_TEXT,
    OWN_ERASURE,
    NOT_AN_ERASER,
    ERASURE_OPEN,
    ERASURE_ORDERED_ALREADY,
    NO_ERASURE_OPEN,
)


@dataclass(frozen=True, slots=True)
class Situation:
    """Who acts, on which request and which of its texts, and when."""

    acting: Person | None
    request: RequestState
    texts: Mapping[str, NamedText]
    erasures: Erasures
    now: datetime


def propose(
    here: Situation, text_sha256: str, reason: ErasureReason
) -> tuple[ErasureProposed | ErasureOrdered, ...] | Refusal:
    """By an operator. What was only said is erased at once."""
    acting, text = here.acting, here.texts.get(text_sha256)
    if acting is None or not operates(acting):
        return NOT_AN_OPERATOR
    if text is None:
        return TEXT_UNKNOWN
    if _has_a_part(here, acting, text):
        return OWN_TEXT
    erasure = here.erasures.by_text.get(text_sha256)
    state = erasure.state(here.now) if erasure else None
    if state in (ErasureState.ORDERED, ErasureState.ERASED):
        return ERASURE_ORDERED_ALREADY
    if state is ErasureState.PROPOSED:
        return ERASURE_OPEN
    proposed = ErasureProposed(here.request.id, text.sha256, text.kind, reason)
    return (proposed,) if text.decided_on else (proposed, ErasureOrdered(here.request.id, text.sha256))


def confirm(
    here: Situation, text_sha256: str, sign_in: SignIn, rules: SignInRules
) -> tuple[ErasureOrdered, ...] | Refusal:
    """By a second person, freshly signed in. From then on nothing brings the words back."""
    acting, text = here.acting, here.texts.get(text_sha256)
    if acting is None or not erases(here.request, acting):
        return NOT_AN_ERASER
    if text is None:
        return TEXT_UNKNOWN
    erasure = _open(here, text_sha256)
    if isinstance(erasure, Refusal):
        return erasure
    if acting.id == erasure.proposed_by:
        return OWN_ERASURE
    if _has_a_part(here, acting, text):
        return OWN_TEXT
    return rules.refused(sign_in, here.now) or (ErasureOrdered(here.request.id, text.sha256),)


def withdraw(here: Situation, text_sha256: str) -> tuple[ErasureWithdrawn, ...] | Refusal:
    """Take a proposal back, or stop it: one person is enough."""
    if here.acting is None or not erases(here.request, here.acting):
        return NOT_AN_ERASER
    if text_sha256 not in here.texts:
        return TEXT_UNKNOWN
    erasure = _open(here, text_sha256)
    return erasure if isinstance(erasure, Refusal) else (ErasureWithdrawn(here.request.id, text_sha256),)


def sees(request: RequestState, person: Person) -> bool:
    """Whether this person may know which texts a request has."""
    return person.has(Role.AUDITOR) or erases(request, person)


def _open(here: Situation, text_sha256: str) -> Erasure | Refusal:
    erasure = here.erasures.by_text.get(text_sha256)
    state = erasure.state(here.now) if erasure else None
    if state in (ErasureState.ORDERED, ErasureState.ERASED):
        return ERASURE_ORDERED_ALREADY
    return erasure if erasure is not None and state is ErasureState.PROPOSED else NO_ERASURE_OPEN


def erases(request: RequestState, person: Person) -> bool:
    """An operator, or a human who stands for a domain the request was submitted to."""
    if operates(person):
        return True
    if person.disabled or person.kind is not PersonKind.HUMAN:
        return False
    return any(standings(person, decision.needs.controllers) for decision in request.domains.values())


def _has_a_part(here: Situation, person: Person, text: NamedText) -> bool:
    return person.id in (text.author, here.request.requester)
