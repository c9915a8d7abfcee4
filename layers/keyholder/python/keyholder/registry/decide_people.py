"""Who may confirm somebody's role, and who may accept terms of use: pure decisions.

A role that decides on requests takes two people: an operator registers it, and another operator confirms it, or
somebody who decides for that organisation already. Until then it counts for nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from keyholder.refusals import Refusal, RefusalKind
from keyholder.registry.decide import NOT_REGISTERED, OWN_RECORD, operates
from keyholder.registry.people import CONFIRM_WITHIN, Membership, Person, PersonKind
from keyholder.registry.people_events import RolesConfirmed, TermsAccepted
from keyholder.registry.terms import TERMS_OUTDATED, TERMS_UNKNOWN, InForce, Terms
from keyholder.vocabulary import PersonId

NOT_TO_CONFIRM = Refusal(
    "NOT_TO_CONFIRM",
    RefusalKind.FORBIDDEN,
    "Ask another operator, or somebody who decides for that organisation already; nobody else confirms a role.",
)
OWN_GRANT = Refusal(
    "OWN_GRANT", RefusalKind.FORBIDDEN, "Ask somebody else to confirm: whoever gives a role doesn't confirm it too."
)
ROLES_NOT_AWAITING = Refusal(
    "ROLES_NOT_AWAITING",
    RefusalKind.CONFLICT,
    "Read the person's record again, and name only roles that wait to be confirmed.",
    "/roles",
)
GRANT_EXPIRED = Refusal(
    "GRANT_EXPIRED",
    RefusalKind.CONFLICT,
    "Nobody confirmed it within seven days: ask an operator to register the role again.",
)
GIVER_NO_OPERATOR = Refusal(
    "GIVER_NO_OPERATOR",
    RefusalKind.CONFLICT,
    "Ask an operator to register the role again: who gave it is no operator any more, so it has one person behind it.",
)
NOT_A_PERSON_HERE = Refusal(
    "NOT_A_PERSON_HERE", RefusalKind.FORBIDDEN, "Only registered people accept terms; ask an operator to register you."
)
REFUSALS = (NOT_TO_CONFIRM, OWN_GRANT, ROLES_NOT_AWAITING, GRANT_EXPIRED, GIVER_NO_OPERATOR, NOT_A_PERSON_HERE)


@dataclass(frozen=True, slots=True)
class Moment:
    """When somebody agrees, people as they are then, and what is wrong with the sign-in of who agrees, if anything."""

    now: datetime
    person: Callable[[PersonId], Person | None]
    weak_sign_in: Refusal | None = None


def confirm(
    acting: Person | None, person: Person | None, roles: tuple[Membership, ...], moment: Moment
) -> tuple[RolesConfirmed, ...] | Refusal:
    """Somebody's roles count from now on, by a second person."""
    if acting is None or acting.disabled or acting.kind is not PersonKind.HUMAN:
        return NOT_TO_CONFIRM
    if not operates(acting) and not all(acting.approves_for(held.organisation) for held in roles):
        return NOT_TO_CONFIRM
    if person is None:
        return NOT_REGISTERED
    if acting.id == person.id:
        return OWN_RECORD
    return moment.weak_sign_in or _not_confirmable(acting, person, roles, moment) or (RolesConfirmed(roles),)


def _not_confirmable(acting: Person, person: Person, roles: tuple[Membership, ...], moment: Moment) -> Refusal | None:
    if not roles or person.disabled or not set(roles) <= person.awaiting or len(set(roles)) != len(roles):
        return ROLES_NOT_AWAITING
    grants = [person.grants[held] for held in roles]
    if any(acting.id in grant.given_by for grant in grants):
        return OWN_GRANT
    if any(moment.now >= grant.given_at + CONFIRM_WITHIN for grant in grants):
        return GRANT_EXPIRED
    if not all(any(operates(moment.person(giver)) for giver in grant.given_by) for grant in grants):
        return GIVER_NO_OPERATOR
    return None


def accept(
    acting: Person | None, terms: Terms, in_force: InForce, moment: Moment
) -> tuple[TermsAccepted, ...] | Refusal:
    """Somebody accepts a text for themself. An empty tuple says that they had accepted it."""
    if acting is None or acting.disabled:
        return NOT_A_PERSON_HERE
    wanted = in_force.get(terms.document)
    if wanted is None:
        return TERMS_UNKNOWN
    if terms != wanted:
        return TERMS_OUTDATED
    if moment.weak_sign_in is not None:
        return moment.weak_sign_in
    last = acting.terms.get(terms.document)
    return () if last is not None and last.terms == terms else (TermsAccepted(terms),)
