"""Delegations in the ledger: named, confirmed, withdrawn, and asked for while somebody decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Protocol

from keyholder.ledger.event import Event
from keyholder.ledger.log import EventLog
from keyholder.ledger.ports import Head
from keyholder.refusals import Refusal
from keyholder.registry import decide_delegations as decide
from keyholder.registry.attempts import UNNAMED, AttemptIds
from keyholder.registry.carrying_out import Call, CarryingOut, Decided, Entry, Task
from keyholder.registry.decide_delegations import DELEGATION_NOT_IN_FORCE, DELEGATION_UNKNOWN, Around
from keyholder.registry.delegation_events import KIND, delegation_stream, fold_delegation
from keyholder.registry.delegations import DELEGATION, Delegation, Under, Wish
from keyholder.registry.people import Person
from keyholder.registry.people_events import fold_person
from keyholder.registry.sign_in import SignIn, SignInRules
from keyholder.registry.terms import InForce
from keyholder.vocabulary import OrganisationCode, PersonId, StreamId

AT_ONCE = 100
Outcome = Entry[Delegation] | Refusal
Rule = Callable[[Person | None, Delegation | None], Sequence[Decided] | Refusal]


class Reader(Protocol):
    """Events that are in the ledger. Raises what the ledger or its storage raises."""

    def read(self, stream: StreamId) -> tuple[Event, ...]: ...

    def listed(self, listing: str, after: StreamId | None, limit: int) -> Sequence[StreamId]: ...


class Lending:
    """Who decides in whose place, for whoever only reads. Every method raises what its reader raises."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def entry(self, delegation_id: str) -> Entry[Delegation] | None:
        """One as it is now, and its version."""
        if not DELEGATION.fullmatch(delegation_id):
            return None
        events = self._reader.read(delegation_stream(delegation_id))
        found = fold_delegation(events)
        return Entry(found, len(events)) if found is not None else None

    def of_person(self, person: PersonId) -> tuple[Entry[Delegation], ...]:
        """Those that somebody made or was named in, the oldest first."""
        return tuple(self._listed(listing_of(person)))

    def of_organisation(self, organisation: OrganisationCode) -> tuple[Entry[Delegation], ...]:
        """Those of an organisation's roles, the oldest first."""
        return tuple(self._listed(listing_for(organisation)))

    def in_force(self, delegation: Delegation, now: datetime) -> bool:
        """Whether somebody may decide under it now."""
        return self._under(delegation, now) is not None

    def lent_to(self, person: PersonId, now: datetime) -> tuple[Under, ...]:
        """Everything somebody may decide under now."""
        found = (entry.value for entry in self.of_person(person) if entry.value.wish.delegate == person)
        return tuple(under for one in found if (under := self._under(one, now)) is not None)

    def stand_ins(self, person: PersonId, now: datetime) -> frozenset[PersonId]:
        """Whoever decides in somebody's place now, and those in whose place they decide."""
        live = [entry.value for entry in self.of_person(person) if self.in_force(entry.value, now)]
        return frozenset(who for one in live for who in (one.delegator, one.wish.delegate)) - {person}

    def standing_in(self, organisation: OrganisationCode, now: datetime) -> tuple[tuple[PersonId, Under], ...]:
        """Whoever decides now in the place of somebody of an organisation."""
        found = (entry.value for entry in self.of_organisation(organisation))
        return tuple((one.wish.delegate, under) for one in found if (under := self._under(one, now)) is not None)

    def under(self, person: PersonId, delegation_id: str, now: datetime) -> Under | Refusal:
        """What somebody who names a delegation decides under."""
        entry = self.entry(delegation_id)
        if entry is None or entry.value.wish.delegate != person:
            return DELEGATION_UNKNOWN
        return self._under(entry.value, now) or DELEGATION_NOT_IN_FORCE

    def _under(self, delegation: Delegation, now: datetime) -> Under | None:
        if not delegation.lasts(now):
            return None
        delegator, delegate = self._person(delegation.delegator), self._person(delegation.wish.delegate)
        if delegator is None or not delegation.fit(delegator, delegate):
            return None
        return Under(delegation.id, delegator, delegation.wish.membership)

    def _person(self, person: PersonId) -> Person | None:
        return fold_person(self._reader.read(StreamId(person)))

    def _listed(self, listing: str) -> Iterator[Entry[Delegation]]:
        after: StreamId | None = None
        while streams := self._reader.listed(listing, after, AT_ONCE):
            found = (self.entry(stream.removeprefix(f"{KIND}/")) for stream in streams)
            yield from (entry for entry in found if entry is not None)
            after = streams[-1]


class Delegations(Lending):
    """Delegations. Every method may raise `LedgerUnavailableError`."""

    def __init__(
        self, log: EventLog, ids: AttemptIds, sign_in: SignInRules | None = None, terms: InForce | None = None
    ) -> None:
        super().__init__(log)
        self._sign_in = sign_in or SignInRules()
        self._terms = terms or {}
        self._commands = CarryingOut(log, ids, self._person)

    def name(self, call: Call, sign_in: SignIn, delegation_id: str, wish: Wish, now: datetime) -> Outcome:
        """Somebody is named to decide in the caller's place."""

        def rule(acting: Person | None, known: Delegation | None) -> Sequence[Decided] | Refusal:
            others = tuple(entry.value for entry in self.of_person(call.actor) if entry.value.delegator == call.actor)
            here = Around(now, acting, self._person(wish.delegate), others, self._terms)
            return self._sign_in.refused(sign_in, now) or decide.name(acting, wish, known, here)

        return self._carry_out(call, "name_delegate", delegation_id, rule)

    def confirm(self, call: Call, sign_in: SignIn, delegation_id: str, now: datetime) -> Outcome:
        """By a second person."""

        def rule(acting: Person | None, known: Delegation | None) -> Sequence[Decided] | Refusal:
            delegator, delegate = (self._person(who) for who in _people(known)) if known else (None, None)
            here = Around(now, delegator, delegate)
            return self._sign_in.refused(sign_in, now) or decide.confirm(acting, known, here)

        return self._carry_out(call, "confirm_delegation", delegation_id, rule)

    def withdraw(self, call: Call, delegation_id: str, now: datetime) -> Outcome:
        """End it: one person suffices."""
        return self._carry_out(
            call, "withdraw_delegation", delegation_id, lambda acting, known: decide.withdraw(acting, known, now)
        )

    def _carry_out(self, call: Call, command: str, delegation_id: str, rule: Rule) -> Outcome:
        if not DELEGATION.fullmatch(delegation_id):
            return self._commands.refused(
                call, Task(command, UNNAMED, fold_delegation, rule, delegation_head), DELEGATION_UNKNOWN
            )
        stream = delegation_stream(delegation_id)
        return self._commands.carry_out(call, Task(command, stream, fold_delegation, rule, delegation_head))


def listing_of(person: PersonId) -> str:
    """The listing of what somebody made or was named in."""
    return f"delegations-of/{person}"


def listing_for(organisation: OrganisationCode) -> str:
    """The listing of an organisation's."""
    return f"delegations-for/{organisation}"


def delegation_head(delegation: Delegation) -> Head:
    """Where a delegation is listed: with both its people, and its organisation."""
    both = tuple(listing_of(person) for person in _people(delegation))
    return Head(listings=(*both, listing_for(delegation.wish.membership.organisation)))


def _people(delegation: Delegation) -> tuple[PersonId, PersonId]:
    return delegation.delegator, delegation.wish.delegate
