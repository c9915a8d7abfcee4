"""Who may name somebody to decide in their place, who confirms that, and who ends it: pure decisions.

It takes as many people as a role does (`decide_people`): its holder lends it, and another operator, or somebody else
who decides for that organisation, confirms. Nobody lends what they were lent, for only what somebody is registered
for can be lent. One ends it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from keyholder.policy.days import london_day
from keyholder.refusals import Refusal, RefusalKind
from keyholder.registry.decide import operates
from keyholder.registry.delegation_events import DelegationConfirmed, DelegationNamed, DelegationWithdrawn
from keyholder.registry.delegations import (
    AHEAD,
    LONGEST,
    Delegation,
    DelegationState,
    Wish,
    held_since,
    lendable,
    stands_in,
)
from keyholder.registry.people import Person, PersonKind
from keyholder.registry.terms import Document, InForce, current
from keyholder.vocabulary import Role

NOT_THE_HOLDER = Refusal(
    "NOT_THE_HOLDER",
    RefusalKind.FORBIDDEN,
    "Only who is registered for a role that decides, and it counts, lends it; ask them to, or an operator to register "
    "somebody for it.",
    "/role",
)
OWN_DELEGATE = Refusal("OWN_DELEGATE", RefusalKind.INVALID, "Name somebody else to decide in your place.", "/delegate")
DELEGATE_UNFIT = Refusal(
    "DELEGATE_UNFIT",
    RefusalKind.INVALID,
    "Name an enabled human who is registered for the same organisation, does not hold this role already, and is "
    "neither an operator nor an auditor; an operator can register somebody.",
    "/delegate",
)
DELEGATE_TERMS = Refusal(
    "DELEGATE_TERMS",
    RefusalKind.CONFLICT,
    "Who is named has to accept the newest terms for those who decide first (/v1/terms); nobody can do that for them.",
    "/delegate",
)
OWN_TERMS = Refusal(
    "TERMS_NOT_ACCEPTED",
    RefusalKind.FORBIDDEN,
    "Read the newest terms of use at /v1/terms and accept them; nobody can do that for you. Then repeat it.",
)
DAYS_OUT_OF_RANGE = Refusal(
    "DAYS_OUT_OF_RANGE",
    RefusalKind.INVALID,
    "Name days from today on: the first at most 90 days ahead, and at most 30 days together.",
    "/until",
)
DELEGATION_OVERLAPS = Refusal(
    "DELEGATION_OVERLAPS",
    RefusalKind.CONFLICT,
    "You have lent this role for one of these days already: withdraw that delegation first, or name other days.",
    "/from",
)
ALREADY_NAMED = Refusal("ALREADY_NAMED", RefusalKind.CONFLICT, "There is a delegation of that id; send yours again.")
DELEGATION_UNKNOWN = Refusal(
    "DELEGATION_UNKNOWN",
    RefusalKind.NOT_FOUND,
    "Check the delegation's id; you may see your own, and those of your organisation where you decide for it.",
)
NOT_TO_LIST = Refusal(
    "NOT_TO_LIST",
    RefusalKind.FORBIDDEN,
    "Operators, auditors and whoever decides for an organisation see its delegations; without a name you see your own.",
)
NOT_TO_CONFIRM_IT = Refusal(
    "NOT_TO_CONFIRM",
    RefusalKind.FORBIDDEN,
    "Ask an operator, or somebody else who decides for that organisation; nobody else confirms a delegation.",
)
OWN_DELEGATION = Refusal(
    "OWN_DELEGATION",
    RefusalKind.FORBIDDEN,
    "Ask somebody else to confirm: neither who lends a role nor who is lent it does.",
)
DELEGATION_CLOSED = Refusal(
    "DELEGATION_CLOSED",
    RefusalKind.CONFLICT,
    "It waits for nobody any more: it is confirmed, withdrawn, over, or was not confirmed within seven days.",
)
DELEGATION_LAPSED = Refusal(
    "DELEGATION_LAPSED",
    RefusalKind.CONFLICT,
    "One of its two people was suspended or lost a role since; whoever holds the role can name somebody again.",
)
NOT_TO_WITHDRAW = Refusal(
    "NOT_TO_WITHDRAW",
    RefusalKind.FORBIDDEN,
    "Ask one of its two people, an operator, or somebody who decides for that organisation.",
)
DELEGATION_NOT_IN_FORCE = Refusal(
    "DELEGATION_NOT_IN_FORCE",
    RefusalKind.FORBIDDEN,
    "It is in force on its days, once a second person has confirmed it, while nobody withdraws it and both people keep "
    "their roles; read it to see what it lacks.",
)
REFUSALS = (
    NOT_THE_HOLDER,
    OWN_DELEGATE,
    DELEGATE_UNFIT,
    DELEGATE_TERMS,
    OWN_TERMS,
    DAYS_OUT_OF_RANGE,
    DELEGATION_OVERLAPS,
    ALREADY_NAMED,
    DELEGATION_UNKNOWN,
    NOT_TO_LIST,
    NOT_TO_CONFIRM_IT,
    OWN_DELEGATION,
    DELEGATION_CLOSED,
    DELEGATION_LAPSED,
    NOT_TO_WITHDRAW,
    DELEGATION_NOT_IN_FORCE,
)


@dataclass(frozen=True, slots=True)
class Around:
    """What is registered at the moment of a decision: the two people, and what the first has lent besides."""

    now: datetime
    delegator: Person | None = None
    delegate: Person | None = None
    others: tuple[Delegation, ...] = ()
    terms: InForce = field(default_factory=dict)


def name(
    acting: Person | None, wish: Wish, existing: Delegation | None, here: Around
) -> tuple[DelegationNamed, ...] | Refusal:
    """The holder of a role says who decides in their place. Nothing counts before a second person has confirmed it."""
    if acting is None or not lendable(wish.membership) or not held_since(acting, wish.membership, here.now):
        return NOT_THE_HOLDER
    refusal = (
        (None if current(acting.terms, Document.APPROVER, here.terms) else OWN_TERMS)
        or (ALREADY_NAMED if existing is not None else None)
        or (OWN_DELEGATE if wish.delegate == acting.id else None)
        or _delegate_refused(wish, here)
        or _days_refused(wish, here.now)
        or (DELEGATION_OVERLAPS if _lent_already(wish, here.others, here.now) else None)
    )
    return refusal or (DelegationNamed(acting.id, wish, here.terms.get(Document.APPROVER)),)


def confirm(
    acting: Person | None, delegation: Delegation | None, here: Around
) -> tuple[DelegationConfirmed, ...] | Refusal:
    """A second person agrees: another operator, or somebody else who decides for that organisation."""
    if acting is None or acting.disabled:
        return NOT_TO_CONFIRM_IT
    if delegation is None:
        return DELEGATION_UNKNOWN
    if not _has_a_say(acting, delegation):
        return NOT_TO_CONFIRM_IT
    if acting.id in {delegation.delegator, delegation.wish.delegate}:
        return OWN_DELEGATION
    refusal = None if delegation.state(here.now) is DelegationState.WAITING else DELEGATION_CLOSED
    refusal = refusal or (None if delegation.fit(here.delegator, here.delegate) else DELEGATION_LAPSED)
    return refusal or (DelegationConfirmed(delegation.delegator, delegation.wish.delegate),)


def withdraw(
    acting: Person | None, delegation: Delegation | None, now: datetime
) -> tuple[DelegationWithdrawn, ...] | Refusal:
    """Either of its two people, an operator, or whoever decides for that organisation ends it."""
    if acting is None or acting.disabled:
        return NOT_TO_WITHDRAW
    if delegation is None:
        return DELEGATION_UNKNOWN
    if not _concerned(acting, delegation):
        return NOT_TO_WITHDRAW
    if delegation.state(now) not in {DelegationState.WAITING, DelegationState.CONFIRMED}:
        return DELEGATION_CLOSED
    return (DelegationWithdrawn(delegation.delegator, delegation.wish.delegate),)


def may_read(person: Person, delegation: Delegation) -> bool:
    """Its two people, operators, whoever decides for that organisation, and every auditor."""
    return not person.disabled and (person.has(Role.AUDITOR) or _concerned(person, delegation))


def _concerned(person: Person, delegation: Delegation) -> bool:
    return person.id in {delegation.delegator, delegation.wish.delegate} or _has_a_say(person, delegation)


def _has_a_say(person: Person, delegation: Delegation) -> bool:
    human = person.kind is PersonKind.HUMAN and not person.disabled
    return human and (operates(person) or person.approves_for(delegation.wish.membership.organisation))


def _delegate_refused(wish: Wish, here: Around) -> Refusal | None:
    if here.delegate is None or not stands_in(here.delegate, wish.membership, here.now):
        return DELEGATE_UNFIT
    return None if current(here.delegate.terms, Document.APPROVER, here.terms) else DELEGATE_TERMS


def _days_refused(wish: Wish, now: datetime) -> Refusal | None:
    today = london_day(now)
    begins = today <= wish.first <= today + AHEAD
    return None if begins and wish.first <= wish.last < wish.first + LONGEST else DAYS_OUT_OF_RANGE


def _lent_already(wish: Wish, others: Iterable[Delegation], now: datetime) -> bool:
    live = {DelegationState.WAITING, DelegationState.CONFIRMED}
    return any(
        one.state(now) in live and one.wish.membership == wish.membership and one.overlaps(wish) for one in others
    )
