"""What callers are answered about people, their roles and the terms of use; as in `answers`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated

from pydantic import AwareDatetime, Field

from keyholder.edge.answers.delegations import DelegationView
from keyholder.edge.answers.form import Answer, Hash, PersonReference, Success, Text
from keyholder.registry.people import Capacity, PersonKind
from keyholder.registry.terms import Document
from keyholder.requests.commands import CommandName
from keyholder.vocabulary import Role


class Membership(Answer):
    """A role held for an organisation (ODS code)."""

    role: Role
    organisation: str


class AwaitingRole(Membership):
    """A role that does not count before a second person has confirmed it."""

    given_by: Annotated[list[PersonReference], Field(min_length=1)]
    """Who has registered it, and so can't confirm it."""
    expires_at: AwareDatetime
    """From this moment on nobody can confirm it."""


class AcceptedTerms(Answer):
    """A text of the terms of use that somebody accepted."""

    document: Document
    version: Annotated[int, Field(ge=1)]
    sha256: Hash
    at: AwareDatetime


class PersonRecord(Answer):
    """A person or machine as Keyholder knows them: a hash for a name."""

    person_id: PersonReference
    id: PersonReference
    roles: list[Membership]
    kind: PersonKind
    accredited_until: dt.date | None
    capacities: list[Capacity]
    disabled: bool
    awaiting: list[AwaitingRole]


class PersonView(PersonRecord):
    """A person, and the terms of use they accepted last."""

    terms: list[AcceptedTerms]


class TermsState(Answer):
    """A text of the terms of use in force, and whether the caller has accepted it."""

    document: Document
    version: Annotated[int, Field(ge=1)]
    sha256: Hash
    """Of the text's UTF-8 bytes."""
    accepted_version: int | None
    accepted_at: AwareDatetime | None
    current: bool
    """The text in force is accepted."""


class TermsText(TermsState):
    """The same, with the text."""

    text: Text
    """Markdown."""


class TermsList(Answer):
    """The texts in force. Who asks accepts `requester`, who decides `approver`."""

    items: list[TermsText]


class SignInState(Answer):
    """How the caller signed in, and what it is good for."""

    acr: str | None
    """Null for one that Keyholder does not know."""
    at: AwareDatetime | None
    strong: bool
    """Strong and recent enough for a step that matters."""
    strong_enough_to_release: bool
    good_until: AwareDatetime | None


class MissingPart(Answer):
    """What keeps the caller from a command, whatever the request."""

    command: CommandName
    code: str
    advice: Text


class Me(PersonRecord):
    """Who the caller is to Keyholder, and what they lack for the steps that matter."""

    organisations: list[str]
    """Those they hold a role for that counts."""
    accredited: bool
    terms: list[TermsState]
    sign_in: SignInState
    missing: list[MissingPart]
    delegations: list[DelegationView]
    """In whose place they decide, and who decides in theirs, the oldest first."""
    may: list[CommandName]
    """The steps that matter which nothing in the person keeps them from now; each request has rules of its own."""


SUCCESSES: Mapping[str, Success] = {
    "GET /v1/me": Success(Me),
    "GET /v1/terms": Success(TermsList),
    "POST /v1/terms/accept": Success(TermsState),
    "POST /v1/people": Success(PersonView, versioned=True),
    "GET /v1/people/{person_id}": Success(PersonView, versioned=True),
    "POST /v1/people/{person_id}/confirm": Success(PersonView, versioned=True),
}
"""By route."""
