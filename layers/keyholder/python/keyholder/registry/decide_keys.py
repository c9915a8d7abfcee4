"""Who may change a domain's keys: pure decisions. One operator proposes, another confirms, either may stop it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from keyholder.pseudonyms.token import HIGHEST_KEY_VERSION, Scheme
from keyholder.refusals import Refusal, RefusalKind
from keyholder.registry.decide import NOT_AN_OPERATOR, NOT_REGISTERED, operates
from keyholder.registry.domains import Domain, KeyState
from keyholder.registry.events import (
    KeyChangeConfirmed,
    KeyChanged,
    KeyChangeProposed,
    KeyChangeWithdrawn,
    KeysFollowed,
    KeysMade,
)
from keyholder.registry.key_changes import Change, ChangeState, KeyChange, KeyName, Wish, open_changes
from keyholder.registry.people import Person
from keyholder.vocabulary import ActorId, IdentifierType, PersonId

KEY_TYPE_NOT_IN_DOMAIN = Refusal(
    "KEY_TYPE_NOT_IN_DOMAIN", RefusalKind.INVALID, "Name identifier types of this domain only.", "/identifier_types"
)
ROTATION_NAMES_NO_VERSION = Refusal(
    "ROTATION_NAMES_NO_VERSION",
    RefusalKind.INVALID,
    "Leave the versions out: a rotation makes the next one.",
    "/versions",
)
VERSIONS_MISSING = Refusal(
    "VERSIONS_MISSING", RefusalKind.INVALID, "Name the versions to retire or to destroy.", "/versions"
)
KEY_VERSIONS_SPENT = Refusal(
    "KEY_VERSIONS_SPENT",
    RefusalKind.CONFLICT,
    "A token names versions up to 1023, and this type has had them all; make a new domain.",
)
KEY_STATE_ORDER = Refusal(
    "KEY_STATE_ORDER",
    RefusalKind.CONFLICT,
    "Rotate a type that has a key, retire a version that no longer makes tokens, and destroy only a retired one.",
)
SCHEME_WITHOUT_VERSIONS = Refusal(
    "SCHEME_WITHOUT_VERSIONS",
    RefusalKind.CONFLICT,
    "Make a new domain and pseudonymise the column again: ff1 pseudonyms do not say their key version, so a second one "
    "would make the first ones open wrongly.",
)
KEY_CHANGE_OPEN = Refusal(
    "KEY_CHANGE_OPEN",
    RefusalKind.CONFLICT,
    "A change of one of these versions is proposed already: another operator confirms or withdraws it.",
)
KEY_CHANGE_UNKNOWN = Refusal(
    "KEY_CHANGE_UNKNOWN", RefusalKind.NOT_FOUND, "Read the domain: it lists the changes that wait for a second person."
)
OWN_KEY_CHANGE = Refusal(
    "OWN_KEY_CHANGE", RefusalKind.FORBIDDEN, "Ask another operator to confirm; nobody confirms their own proposal."
)
PROPOSER_NO_OPERATOR = Refusal(
    "PROPOSER_NO_OPERATOR",
    RefusalKind.CONFLICT,
    "Propose it again: who proposed it is no operator any more, so it has one person behind it.",
)
KEY_CHANGE_CLOSED = Refusal(
    "KEY_CHANGE_CLOSED", RefusalKind.CONFLICT, "It was confirmed or withdrawn; propose it again if it is still needed."
)
KEY_CHANGE_EXPIRED = Refusal(
    "KEY_CHANGE_EXPIRED", RefusalKind.CONFLICT, "Nobody confirmed it within 24 hours; propose it again."
)
NOT_THE_SWEEPER = Refusal("NOT_THE_SWEEPER", RefusalKind.FORBIDDEN, "Leave this to Keyholder's sweeper.")
KEYS_NOT_BEHIND = Refusal(
    "KEYS_NOT_BEHIND", RefusalKind.CONFLICT, "Nothing is left to do: the keys table was seen to follow."
)
REFUSALS = (
    KEY_TYPE_NOT_IN_DOMAIN,
    ROTATION_NAMES_NO_VERSION,
    VERSIONS_MISSING,
    KEY_VERSIONS_SPENT,
    KEY_STATE_ORDER,
    SCHEME_WITHOUT_VERSIONS,
    KEY_CHANGE_OPEN,
    KEY_CHANGE_UNKNOWN,
    OWN_KEY_CHANGE,
    PROPOSER_NO_OPERATOR,
    KEY_CHANGE_CLOSED,
    KEY_CHANGE_EXPIRED,
    NOT_THE_SWEEPER,
    KEYS_NOT_BEHIND,
)

SWEEPER = ActorId("system/sweeper")
_INTO = {Change.RETIRE: KeyState.RETIRED, Change.DESTROY: KeyState.DESTROYED}

Confirmed = tuple[KeyChangeConfirmed | KeysMade | KeyChanged, ...]


def propose(
    acting: Person | None, domain: Domain | None, change_id: str, wish: Wish, now: datetime
) -> tuple[KeyChangeProposed, ...] | Refusal:
    """A change of some key versions, by an operator. Nothing happens to the keys before another confirms it."""
    if not operates(acting):
        return NOT_AN_OPERATOR
    if domain is None:
        return NOT_REGISTERED
    keys = _keys(domain, wish)
    if isinstance(keys, Refusal):
        return keys
    if _out_of_order(domain, wish.change, keys):
        return KEY_STATE_ORDER
    if any(set(keys) & set(other.keys) for other in open_changes(domain.key_changes, now)):
        return KEY_CHANGE_OPEN
    return (KeyChangeProposed(change_id, wish, keys),)


def confirm(
    acting: Person | None,
    domain: Domain | None,
    change_id: str,
    now: datetime,
    person: Callable[[PersonId], Person | None],
) -> Confirmed | Refusal:
    """Carry a proposal out, by an operator who did not make it. `person` looks the proposer up as they are now.

    An empty tuple says that it was confirmed before: there is nothing to decide, and the keys can be made to follow.
    """
    found = _found(acting, domain, change_id)
    if isinstance(found, Refusal):
        return found
    known, change, confirmer = found
    if confirmer.id == change.proposed_by:
        return OWN_KEY_CHANGE
    if change.closed is ChangeState.CONFIRMED:
        return ()
    return _not_confirmable(known, change, now, person) or _carried_out(change)


def _not_confirmable(
    domain: Domain, change: KeyChange, now: datetime, person: Callable[[PersonId], Person | None]
) -> Refusal | None:
    refused = _not_open(change, now)
    if refused is not None:
        return refused
    if not operates(person(change.proposed_by)):
        return PROPOSER_NO_OPERATOR
    return KEY_STATE_ORDER if _out_of_order(domain, change.change, change.keys) else None


def _carried_out(change: KeyChange) -> Confirmed:
    if change.change is Change.ROTATE:
        return KeyChangeConfirmed(change.id), KeysMade(change.keys)
    into = _INTO[change.change]
    return KeyChangeConfirmed(change.id), *(KeyChanged(kind, version, into) for kind, version in change.keys)


def note_followed(actor: ActorId, domain: Domain | None) -> tuple[KeysFollowed, ...] | Refusal:
    """That the keys table holds what the ledger says, by the sweeper, once for all changes confirmed since the last."""
    if actor != SWEEPER:
        return NOT_THE_SWEEPER
    if domain is None:
        return NOT_REGISTERED
    return (KeysFollowed(),) if domain.keys_behind else KEYS_NOT_BEHIND


def withdraw(
    acting: Person | None, domain: Domain | None, change_id: str, now: datetime
) -> tuple[KeyChangeWithdrawn, ...] | Refusal:
    """Take a proposal back, or refuse it: any operator may, the proposer included."""
    found = _found(acting, domain, change_id)
    if isinstance(found, Refusal):
        return found
    _, change, _ = found
    return _not_open(change, now) or (KeyChangeWithdrawn(change.id),)


def _found(acting: Person | None, domain: Domain | None, change_id: str) -> tuple[Domain, KeyChange, Person] | Refusal:
    if acting is None or not operates(acting):
        return NOT_AN_OPERATOR
    if domain is None:
        return NOT_REGISTERED
    change = domain.key_change(change_id)
    return KEY_CHANGE_UNKNOWN if change is None else (domain, change, acting)


def _not_open(change: KeyChange, now: datetime) -> Refusal | None:
    state = change.state(now)
    if state is ChangeState.EXPIRED:
        return KEY_CHANGE_EXPIRED
    return None if state is ChangeState.OPEN else KEY_CHANGE_CLOSED


def _keys(domain: Domain, wish: Wish) -> tuple[KeyName, ...] | Refusal:
    """The key versions that a wish is about."""
    if not wish.identifier_types or not set(wish.identifier_types) <= set(domain.identifier_types):
        return KEY_TYPE_NOT_IN_DOMAIN
    if wish.change is not Change.ROTATE:
        named = tuple((kind, version) for kind in wish.identifier_types for version in wish.versions)
        return named or VERSIONS_MISSING
    if wish.versions:
        return ROTATION_NAMES_NO_VERSION
    if any(domain.scheme(kind) is Scheme.FF1 for kind in wish.identifier_types):
        return SCHEME_WITHOUT_VERSIONS
    following = tuple((kind, domain.newest_version(kind) + 1) for kind in wish.identifier_types)
    return KEY_VERSIONS_SPENT if any(version > HIGHEST_KEY_VERSION for _, version in following) else following


def _out_of_order(domain: Domain, change: Change, keys: tuple[KeyName, ...]) -> bool:
    """Whether the domain's keys, as they are now, are not where the change begins."""
    if change is Change.ROTATE:
        return any(not 1 < version == domain.newest_version(kind) + 1 for kind, version in keys)
    return any(domain.key_state(key) is not _begins(domain, change, key[0]) for key in keys)


def _begins(domain: Domain, change: Change, kind: IdentifierType) -> KeyState:
    """The state a version is retired or destroyed from. FF1 has one version, which no newer one ever relieves."""
    if change is Change.DESTROY:
        return KeyState.RETIRED
    return KeyState.ACTIVE if domain.scheme(kind) is Scheme.FF1 else KeyState.REVERSIBLE
