"""An auditor finds an agreement and what was done under it by either domain, its project, and what was decided."""

from __future__ import annotations

from dataclasses import replace

from keyholder.audit.facets import Histories, facets
from keyholder.audit.vocabulary import Decision
from keyholder.linkage.events import TYPES
from keyholder.registry.service import Entry
from tests.unit.linkage.world import BETH, PROJECT, SOURCE, TARGET, TERMS, House


def test_every_event_answers_to_both_domains_and_the_project() -> None:
    house = House().agreed(replace(TERMS, project=PROJECT))
    assert isinstance(house.authorise(), Entry)
    assert isinstance(house.end(BETH), Entry)
    events = house.events()
    assert {event.type for event in events} == set(TYPES) - {"linkage.translated"}
    for event in events:
        found = facets(event, Histories(house.log.read))
        assert {f"domain/{SOURCE}", f"domain/{TARGET}", f"project/{PROJECT}", f"actor/{event.actor}"} <= found
    decisions = {
        event.type: one
        for event in events
        for one in Decision
        if f"decision/{one}" in facets(event, Histories(house.log.read))
    }
    assert decisions == {"linkage.approved": Decision.APPROVED, "linkage.ended": Decision.REVOKED}
