"""Delegations, decided again: who lent which role to whom, who confirmed it, and under which somebody could decide."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import product

from keyholder.audit.records import MEANWHILE, Records, moments
from keyholder.audit.replaying import Outcome, RuleError, follows, only
from keyholder.ledger.event import Event
from keyholder.registry import decide_delegations as decide
from keyholder.registry import delegation_events as happened
from keyholder.registry.decide_delegations import Around
from keyholder.registry.delegations import DELEGATION, Delegation, Under, read_wish
from keyholder.registry.fields import Fields
from keyholder.registry.people import Person
from keyholder.registry.terms import Document, InForce, read_accepted_terms
from keyholder.vocabulary import PersonId, StreamId


class DelegationRules:
    """Every delegation as far as the ledger has been read; `records.delegations` is what they make of it."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def step(self, stream: StreamId, events: Sequence[Event]) -> None:
        """Raises `RuleError`, `FieldError` or `UnknownEventError` unless this could happen now."""
        event, name = only(events), stream.removeprefix(f"{happened.KIND}/")
        if not DELEGATION.fullmatch(name):
            raise RuleError("no delegation has such an id")
        known = self._records.delegations.newest(name)
        if known is not None and event.at < known.named_at - MEANWHILE:
            raise RuleError("an event is dated before the one it follows")
        rule = _RULES.get(event.type)
        if rule is None:
            raise RuleError("no command makes this event")
        follows(
            events,
            (
                rule(acting, known, here, event)
                for now in moments(event.at)
                for acting in self._records.acting(event)
                for here in self._around(acting, known, event, now)
            ),
        )
        delegation = happened.evolve_delegation(known, event)
        self._records.delegations.put(name, delegation, event.at)
        for person in (delegation.delegator, delegation.wish.delegate):
            self._records.delegations_of.setdefault(person, set()).add(name)

    def _around(self, acting: Person | None, known: Delegation | None, event: Event, now: datetime) -> Iterator[Around]:
        """The two people as they may have been known then, the likeliest first, and what else was lent."""
        wish = known.wish if known is not None else read_wish(Fields(event.data))
        terms = self._accepted(event)
        others = tuple(
            one
            for name in sorted(self._records.delegations_of.get(PersonId(event.actor), ()))
            if (one := self._records.delegations.newest(name)) is not None and one.delegator == PersonId(event.actor)
        )
        delegates = tuple(self._records.people.around(wish.delegate, event.at)) or (None,)
        delegators = (acting,) if known is None else tuple(self._records.people.around(known.delegator, event.at))
        for delegator, delegate in product(delegators or (None,), delegates):
            yield Around(now, delegator, delegate, others, terms)

    def _accepted(self, event: Event) -> InForce:
        if event.type != happened.NAMED:
            return {}
        accepted = read_accepted_terms(Fields(event.data))
        self._records.terms.asked(Document.APPROVER, accepted, event.at)
        return {} if accepted is None else {Document.APPROVER: accepted}


def could_act_under(records: Records, name: str, delegate: Person, at: datetime, now: datetime) -> Under | None:
    """What somebody decided under who named this delegation, as it and its holder may have been known then."""
    for delegation in records.delegations.around(name, at):
        if not delegation.lasts(now):
            continue
        for delegator in records.people.around(delegation.delegator, at):
            if delegation.fit(delegator, delegate):
                return Under(name, delegator, delegation.wish.membership)
    return None


def lent_to(records: Records, delegate: Person, at: datetime, now: datetime) -> tuple[Under, ...]:
    """Everything somebody could act under then."""
    names = sorted(records.delegations_of.get(delegate.id, ()))
    found = (could_act_under(records, name, delegate, at, now) for name in names)
    return tuple(under for under in found if under is not None)


def stand_ins(records: Records, person: PersonId, at: datetime, now: datetime) -> Iterator[frozenset[PersonId]]:
    """Who decided in somebody's place then, or they in theirs: as it is known now, and as it was a moment before."""
    names = sorted(records.delegations_of.get(person, ()))
    for place in (0, -1) if names else ():
        found: set[PersonId] = set()
        for name in names:
            delegation = list(records.delegations.around(name, at))[place]
            both = delegation.delegator, delegation.wish.delegate
            people = [list(records.people.around(one, at))[place:][:1] for one in both]
            if delegation.lasts(now) and all(people) and delegation.fit(people[0][0], people[1][0]):
                found |= set(both)
        yield frozenset(found) - {person}
    if not names:
        yield frozenset()


def _name(acting: Person | None, known: Delegation | None, here: Around, event: Event) -> Outcome:
    return decide.name(acting, read_wish(Fields(event.data)), known, here)


def _confirm(acting: Person | None, known: Delegation | None, here: Around, _event: Event) -> Outcome:
    return decide.confirm(acting, known, here)


def _withdraw(acting: Person | None, known: Delegation | None, here: Around, _event: Event) -> Outcome:
    return decide.withdraw(acting, known, here.now)


Rule = Callable[[Person | None, Delegation | None, Around, Event], Outcome]
_RULES: Mapping[str, Rule] = {
    happened.NAMED: _name,
    happened.CONFIRMED: _confirm,
    happened.WITHDRAWN: _withdraw,
}
