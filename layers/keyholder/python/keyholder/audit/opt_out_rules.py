"""Opt-out checks decided again: whose people were looked at, what was asked, what came of it, what was deleted when."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from keyholder.audit.records import History, Records
from keyholder.audit.replaying import RuleError
from keyholder.ledger.event import Event
from keyholder.opt_outs import check_events, list_events
from keyholder.opt_outs.check_events import Asked
from keyholder.opt_outs.checks import ASKS, Check, CheckEventError, past_cap
from keyholder.opt_outs.checks import evolve as evolve_check
from keyholder.opt_outs.collecting import MESSAGE_LEFT
from keyholder.opt_outs.list_events import ListDropped, PeopleListed, number_of, request_of
from keyholder.opt_outs.lists import LISTS, Lists
from keyholder.opt_outs.lists import evolve as evolve_lists
from keyholder.opt_outs.removal import CHOICES_REMOVED
from keyholder.opt_outs.requests import open_for_release
from keyholder.policy.intake import CHOICES_LOADED
from keyholder.policy.joining import CHOICES_JOINED, JOINABLE, JOINS, SUFFIX
from keyholder.policy.register_form import RegisterKind
from keyholder.policy.settings import DIRECT_CAP_DAYS
from keyholder.registry.decide import operates
from keyholder.registry.fields import Fields
from keyholder.requests.state import RequestState
from keyholder.vocabulary import ActorId, PersonId, RequestId, StreamId

CHECK, LISTED, MESSAGE, REGISTER = "opt-out-check", "opt-outs", "opt-out-message", "register"
KINDS = frozenset({CHECK, LISTED, MESSAGE, REGISTER})
"""The kinds of streams these rules are for."""

_REGISTER_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,127}")

HOME = {
    **dict.fromkeys(check_events.EVENTS, CHECK),
    **dict.fromkeys(list_events.EVENTS, LISTED),
    MESSAGE_LEFT: MESSAGE,
}


@dataclass(frozen=True, slots=True)
class _Window:
    """When something could be released on a request."""

    state: RequestState | None

    def open(self, at: datetime) -> bool:
        return self.state is not None and open_for_release(self.state, at)


class OptOutRules:
    """Everything about national opt-outs as far as the ledger has been read."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._windows: History[RequestId, _Window] = History()
        self._checks: dict[str, Check] = {}
        self._lists: dict[RequestId, Lists] = {}
        self._people: dict[str, int] = {}
        """How many people each list names."""
        self._begun: set[str] = set()
        """The lists somebody was asked about."""
        self._loaded: dict[StreamId, date] = {}
        """Answers that were loaded by hand, and the day of each check."""
        self._standing: dict[RegisterKind, set[StreamId]] = {}
        """The registers of each kind that were not joined yet."""

    def saw_request(self, request: RequestId, state: RequestState | None, at: datetime) -> None:
        """A request after a step; None for one that is over."""
        if state is None or state.until is not None:
            self._windows.put(request, _Window(state), at)

    def step(self, stream: StreamId, events: Sequence[Event]) -> None:
        """Raises `RuleError`, `FieldError` or `UnknownEventError` unless this could happen now."""
        for event in events:
            try:
                self._one(stream, event)
            except CheckEventError as cause:
                raise RuleError(str(cause)) from cause

    def _one(self, stream: StreamId, event: Event) -> None:
        kind, _, name = stream.partition("/")
        if kind == CHECK:
            self._check(name, event)
        elif kind == LISTED:
            self._list(RequestId(name), event)
        elif kind == MESSAGE:
            _by(event, ASKS)
            if event.number != 1:
                raise RuleError("a message is left once")
        else:
            self._register(stream, event)

    def _check(self, name: str, event: Event) -> None:
        _by(event, ASKS)
        happened = check_events.from_event(event)
        if isinstance(happened, Asked):
            self._asked(happened)
        self._checks[name] = evolve_check(name, self._checks.get(name), happened, event.at)

    def _asked(self, event: Asked) -> None:
        """Only people that `release` listed are asked about, and each list is asked about once."""
        for listed in event.lists:
            lists = self._lists.get(request_of(listed))
            named = lists is not None and number_of(listed) in lists.named and listed not in lists.dropped
            if not named or listed in self._begun:
                raise RuleError("a check is about a list that is not there to be asked about")
            self._begun.add(listed)
        if event.people > sum(self._people[listed] for listed in event.lists):
            raise RuleError("a check is about more people than were listed")

    def _list(self, request: RequestId, event: Event) -> None:
        happened = list_events.from_event(event)
        _by(event, ASKS if isinstance(happened, ListDropped) else LISTS)
        if event.data["subject"] != f"request/{request}":
            raise RuleError("a list is of another request")
        known = tuple(self._windows.around(request, event.at))
        if not isinstance(happened, ListDropped) and not any(window.open(event.at) for window in known):
            raise RuleError("people are looked at of a request that nothing can be released on")
        lists = evolve_lists(self._lists.get(request, Lists(request)), happened, event.at)
        self._lists[request] = lists
        if isinstance(happened, PeopleListed) and lists.newest is not None and happened.people:
            self._people[lists.newest] = happened.people

    def _register(self, stream: StreamId, event: Event) -> None:
        """The lists that operators load: those of national opt-outs are deleted in time, the others joined."""
        fields = Fields(event.data)
        kind = fields.choice("kind", RegisterKind)
        if event.type == CHOICES_LOADED and event.number == 1:
            known = tuple(self._records.people.around(PersonId(event.actor), event.at))
            if not any(operates(person) for person in known):
                raise RuleError("could not happen: NOT_AN_OPERATOR")
            self._loaded[stream] = fields.day("performed_on")
            self._standing.setdefault(kind, set()).add(stream)
        elif event.type == CHOICES_JOINED and event.number == 1 and kind in JOINABLE:
            _by(event, JOINS)
            self._joined(stream, kind, fields.texts("parts", _REGISTER_ID))
        elif event.type == CHOICES_REMOVED and kind is RegisterKind.OPT_OUTS:
            _by(event, ASKS)
            performed_on = self._loaded.pop(stream, None)
            if performed_on is None or fields.number("cap_days") != DIRECT_CAP_DAYS:
                raise RuleError("an answer is deleted that is not there")
            if not past_cap(performed_on, event.at):
                raise RuleError("an answer is deleted that is not past the cap")
        else:
            raise RuleError("no command makes this event")

    def _joined(self, stream: StreamId, kind: RegisterKind, parts: Sequence[str]) -> None:
        """Each part stands there, and goes into one joined register only."""
        standing = self._standing.setdefault(kind, set())
        streams = {StreamId(f"{REGISTER}/{part}") for part in parts}
        if len(parts) < 2 or not streams <= standing:
            raise RuleError("registers are joined that do not stand there")
        if stream != f"{REGISTER}/{max(parts)}{SUFFIX}":
            raise RuleError("a joined register is not called after its newest part")
        standing -= streams
        standing.add(stream)


def _by(event: Event, actor: ActorId) -> None:
    if event.actor != actor:
        raise RuleError("somebody else did what only Keyholder does")
