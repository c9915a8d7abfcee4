"""Lists of people to ask the opt-out service about: made here, because only here a pseudonym can be opened.

Nothing is handed to a person. The NHS numbers go, sealed, to the function that asks the service (`opt_outs.outbox`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from keyholder.identifiers import nhs_number
from keyholder.identifiers.not_an_identifier import NotAnIdentifierError
from keyholder.ledger.log import EventLog, StaleStreamError
from keyholder.ledger.ports import Clock
from keyholder.opt_outs.list_events import ListEvent, PeopleListed, PeopleOpened, list_id, lists_stream, to_new_event
from keyholder.opt_outs.lists import AGAIN_AFTER, LISTS, Lists, evolve, fold
from keyholder.opt_outs.outbox import Outbox
from keyholder.opt_outs.requests import open_for_release
from keyholder.policy.assess import assess_request
from keyholder.policy.by_kind import ByKind
from keyholder.policy.choices import ChoiceStore
from keyholder.policy.days import london_day
from keyholder.policy.facts import PolicyRequest
from keyholder.policy.look_ahead import Outlook, in_reach, next_look, outlook
from keyholder.policy.settings import PolicyFacts
from keyholder.pseudonyms.key_ring import ControllerKeyUnavailableError, KeyRing, OpenedKeys
from keyholder.pseudonyms.opening import TokenCell, open_tokens
from keyholder.pseudonyms.token import Scheme
from keyholder.registry.domains import Domain
from keyholder.registry.service import Registry
from keyholder.release.people import RegisteredPeople, Secrets, registered_people
from keyholder.requests.content import Record, RequestContent
from keyholder.requests.policy_view import policy_request
from keyholder.requests.service import RequestDesk
from keyholder.requests.state import RequestState
from keyholder.vocabulary import IdentifierType, RequestId

NHS_NUMBER = IdentifierType.NHS_NUMBER


class Listed(Enum):
    """What became of a list that was asked for."""

    DONE = "done"
    NOT_ASKED = "not asked"
    """Nothing of the request can be released, or the list was made a moment ago."""
    HELD = "held"
    """A controller has switched its own key off, so nothing can be released either."""


@dataclass(frozen=True, slots=True)
class _Part:
    """The records of one domain in whose reach the opt-out is; of a narrowed approval, those it covers."""

    records: Sequence[Record]
    domain: Domain
    asked: PolicyRequest


@dataclass(frozen=True, slots=True)
class OptOutLists:
    """Makes lists. Raises `LedgerUnavailableError`, what the stores raise, `KeyUnavailableError` of our own keys."""

    log: EventLog
    desk: RequestDesk
    registry: Registry
    ring: KeyRing
    secrets: Secrets
    choices: ChoiceStore
    outbox: Outbox
    facts: PolicyFacts
    clock: Clock

    def make(self, request: RequestId, trace: str) -> Listed:
        """List the people of an approved request whose check is missing, or will be too old tomorrow.

        The ledger holds that they are looked at before a pseudonym is opened, and how many they are before their
        numbers are handed on.
        """
        now = self.clock.now()
        state, lists = self.desk.load(request), fold(request, self.log.read(lists_stream(request)))
        if not open_for_release(state, now) or _made_just_now(lists, now):
            return Listed.NOT_ASKED
        content = self.desk.content(state)
        parts = tuple(self._parts(state, content, now))
        try:
            if parts and not lists.opening:
                lists = self._note(lists, PeopleOpened(), trace, now)
            numbers, outlooks = self._looked_at(parts, content, now) if parts else (frozenset(), ())
            lists = self._note(lists, PeopleListed(len(numbers), next_look(outlooks, london_day(now))), trace, now)
        except ControllerKeyUnavailableError:
            return Listed.HELD
        except StaleStreamError:
            # The same message was delivered twice, and the other one came first.
            return Listed.NOT_ASKED
        if numbers:
            self.outbox.put(list_id(request, lists.version), numbers)
        return Listed.DONE

    def _parts(self, state: RequestState, content: RequestContent, now: datetime) -> Iterator[_Part]:
        project = self.registry.project(content.project)
        requester = self.registry.person(state.requester) if state.requester else None
        if project is None or requester is None:
            raise LookupError("a request's project or requester is not registered")
        for name in state.approved_domains():
            domain = self.registry.domain(name)
            if domain is None:
                continue
            asked = policy_request(content, project, domain, requester, state.domains.get(domain.id))
            if assess_request(asked, self.facts, now).passes and in_reach(asked, self.facts, now):
                kept = self.desk.approved_rows(state, domain.id)
                for selection in self.desk.selections(state, content, {name}):
                    records = [record for record in selection.records if kept is None or record.row_id in kept]
                    yield _Part(records, domain, asked)

    def _looked_at(
        self, parts: Sequence[_Part], content: RequestContent, now: datetime
    ) -> tuple[frozenset[str], Sequence[Outlook]]:
        """Whom to ask about, and everybody's outlook. Each key is opened once and wiped at the end."""
        outlooks: list[Outlook] = []
        numbers: set[str] = set()
        with (
            registered_people(self.secrets, self.choices, content.project, now) as people,
            OpenedKeys(self.ring) as keys,
        ):
            for part in parts:
                opened = sorted(_opened(part, people, keys))
                held = people.choices(opened)
                found = ByKind(tuple(outlook(part.asked, one, self.facts, now) for one in held.kinds), held.of)
                outlooks.extend(found.kinds)
                numbers.update(number for number, one in zip(opened, found, strict=True) if one.ask)
        return frozenset(numbers), outlooks

    def _note(self, lists: Lists, event: ListEvent, trace: str, now: datetime) -> Lists:
        after = evolve(lists, event, now)
        new = to_new_event(event, lists.request)
        self.log.record(lists_stream(lists.request), lists.version, [new], actor=LISTS, trace=trace, at=now)
        return after


def _made_just_now(lists: Lists, now: datetime) -> bool:
    """Messages may come twice; and one that was delivered late finds what it asked for done."""
    return lists.listed_at is not None and not lists.opening and now - lists.listed_at < AGAIN_AFTER


def _opened(part: _Part, people: RegisteredPeople, keys: OpenedKeys) -> frozenset[str]:
    """The NHS numbers of one domain's records, each once; what opens to nobody is left out, as a release leaves it out.

    FF1 opens any ten digits. A number no extract held, or no NHS number at all, would have the service refuse the list.
    """
    cells = [
        TokenCell(NHS_NUMBER, record.pseudonyms[NHS_NUMBER])
        for record in part.records
        if NHS_NUMBER in record.pseudonyms
    ]
    domain = part.domain
    answers = open_tokens(cells, domain.id, keys, schemes=domain.schemes, versions=domain.newest_versions())
    values = {answer.value for answer in answers if answer.value is not None}
    if domain.schemes.get(NHS_NUMBER) is Scheme.FF1:
        values = {value for value in values if people.linked(domain.id, value, NHS_NUMBER, value)}
    return frozenset(value for value in values if _is_nhs_number(value))


def _is_nhs_number(value: str) -> bool:
    try:
        return nhs_number.parse(value) == value
    except NotAnIdentifierError:
        return False
