"""What may be sent about deciding in somebody's place."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import Field

from keyholder.edge.bodies import Body, Delegation, Organisation, PersonReference
from keyholder.registry.delegations import DelegationReason
from keyholder.vocabulary import Role

DelegationId = Delegation


class DelegationBody(Body):
    """Who is to decide in the caller's place, in which of their roles, and on which days in London."""

    delegate: PersonReference
    role: Role
    organisation: Organisation
    from_: Annotated[dt.date, Field(alias="from")]
    """The first day, at most 90 days ahead."""
    until: dt.date
    """The last day; at most 30 days together."""
    reason: DelegationReason
    """A code that says nothing about anybody's health."""
