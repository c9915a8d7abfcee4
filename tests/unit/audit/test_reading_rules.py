"""Readings in the ledger are held against who was an auditor then."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from keyholder.audit.auditor import TYPES, reads
from keyholder.audit.reading_rules import HOME, ReadingRules
from keyholder.audit.records import Records
from keyholder.audit.replaying import RuleError
from keyholder.audit.rules import Rules
from keyholder.ledger.event import Event
from keyholder.ledger.journal import Batch, journal_key
from keyholder.ledger.merkle import EMPTY
from keyholder.ledger.verification import BrokenLedgerError
from keyholder.registry.people import Person, PersonKind
from keyholder.vocabulary import ActorId, OrganisationCode, Role, StreamId
from tests.unit.audit.world import MORNING
from tests.unit.requests.world import person

AUDITOR = person("auditor", (Role.AUDITOR, OrganisationCode("X26")))
RESEARCHER = person("researcher", (Role.RESEARCHER, OrganisationCode("X26")))
MACHINE = replace(person("machine", (Role.AUDITOR, OrganisationCode("X26"))), kind=PersonKind.MACHINE)
SUSPENDED = replace(AUDITOR, disabled=True)


def read_by(who: Person, *kinds: str, number: int = 1, stream: str = "audit/1") -> list[Event]:
    data = {"command": "read_requests", "subject": "unknown/unnamed", "count": 1}
    return [
        Event(StreamId(stream), place, kind, MORNING, ActorId(who.id), "trace", data)
        for place, kind in enumerate(kinds or ("audit.record_read",), number)
    ]


def rules(*people: Person) -> ReadingRules:
    records = Records()
    for one in people:
        records.people.put(one.id, one, MORNING - timedelta(days=1))
    return ReadingRules(records)


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_an_auditor_reads(kind: str) -> None:
    rules(AUDITOR).step(read_by(AUDITOR, kind))
    assert reads(AUDITOR)


def test_a_search_for_a_person_takes_several_events() -> None:
    rules(AUDITOR).step(read_by(AUDITOR, "audit.subject_searched", "audit.subject_searched"))


@pytest.mark.parametrize("who", [RESEARCHER, MACHINE, SUSPENDED])
def test_nobody_else_does(who: Person) -> None:
    assert not reads(who)
    with pytest.raises(RuleError, match="no auditor"):
        rules(who).step(read_by(who))
    with pytest.raises(RuleError, match="no auditor"):
        rules().step(read_by(who))


@pytest.mark.parametrize(
    "events", [read_by(AUDITOR, "audit.record_read", "audit.event_read"), read_by(AUDITOR, number=2)]
)
def test_a_reading_is_one_step_of_its_own(events: list[Event]) -> None:
    with pytest.raises(RuleError, match="together"):
        rules(AUDITOR).step(events)


@pytest.mark.parametrize("stream", ["audit/1", "attempt/1"])
def test_the_verifier_asks_these_rules(stream: str) -> None:
    events = read_by(RESEARCHER, stream=stream)
    batch = Batch(1, EMPTY, tuple(event.line() for event in events), "00", MORNING)
    with pytest.raises(BrokenLedgerError, match=r"no auditor|of another kind"):
        Rules().saw(journal_key(1), batch, events)
    assert set(HOME) == TYPES
