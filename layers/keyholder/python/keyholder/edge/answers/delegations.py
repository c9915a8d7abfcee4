"""What callers are answered about deciding in somebody's place; as in `answers`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated

from pydantic import AwareDatetime, Field

from keyholder.edge.answers.form import Answer, PersonReference, Success
from keyholder.edge.answers.receipts import Receipt
from keyholder.edge.delegation_bodies import DelegationId
from keyholder.registry.delegations import DelegationReason, DelegationState
from keyholder.vocabulary import Role


class DelegationView(Answer):
    """One person decides in the place of another, in one role, for some days."""

    delegation_id: DelegationId
    version: Annotated[int, Field(ge=1)]
    """What the ETag says."""
    state: DelegationState
    in_force: bool
    """Whether the delegate may decide under it now: confirmed, one of its days, and both people as they were."""
    delegator: PersonReference
    delegate: PersonReference
    role: Role
    organisation: str
    from_: Annotated[dt.date, Field(alias="from")]
    until: dt.date
    """The last day."""
    reason: DelegationReason
    named_at: AwareDatetime
    confirm_before: AwareDatetime
    """From this moment on nobody can confirm it."""
    confirmed_by: PersonReference | None
    confirmed_at: AwareDatetime | None
    withdrawn_by: PersonReference | None
    withdrawn_at: AwareDatetime | None


class DelegationList(Answer):
    """The caller's own, or an organisation's, the oldest first."""

    items: list[DelegationView]


class CommandedDelegation(DelegationView):
    """The delegation as the command left it, and proof that the command is in the ledger."""

    receipts: list[Receipt]


class Delegated(Answer):
    """In whose place somebody decided, and under which delegation."""

    delegation_id: DelegationId
    in_place_of: PersonReference


SUCCESSES: Mapping[str, Success] = {
    "POST /v1/delegations": Success(CommandedDelegation, versioned=True),
    "GET /v1/delegations": Success(DelegationList),
    "GET /v1/delegations/{delegation_id}": Success(DelegationView, versioned=True),
    "POST /v1/delegations/{delegation_id}/confirm": Success(CommandedDelegation, versioned=True),
    "POST /v1/delegations/{delegation_id}/withdraw": Success(CommandedDelegation, versioned=True),
}
"""By route."""
