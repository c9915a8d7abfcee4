"""What is to be told to whom about one event: the table applied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time

from keyholder.notices.audience import Scene, listeners
from keyholder.notices.table import TELLINGS, Telling
from keyholder.notices.vocabulary import Due, Template
from keyholder.notices.wording import LONDON
from keyholder.vocabulary import PersonId


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to one person: which words, about what (an id of ours), and by when they must act."""

    person: PersonId
    template: Template
    subject: str
    due: datetime | None = None


def notices_of(scene: Scene) -> tuple[Notice, ...]:
    """Everybody who is to be told, each once: by the first row that means them. In order of the rows, then of ids."""
    told: dict[PersonId, Notice] = {}
    for row in TELLINGS.get(scene.happened.event.TYPE, ()):
        for notice in _of(row, scene):
            told.setdefault(notice.person, notice)
    return tuple(told.values())


def _of(row: Telling, scene: Scene) -> Iterator[Notice]:
    if row.only is not None and not row.only(scene.happened.event):
        return
    if row.while_in is not None and scene.now.status not in row.while_in:
        return
    due = _due(row.due, scene)
    for person in sorted(listeners(row.to, scene)):
        yield Notice(person, row.template, scene.after.id, due)


def _due(due: Due | None, scene: Scene) -> datetime | None:
    if due is Due.REQUEST:
        return scene.now.due_at
    if due is Due.DESTRUCTION and scene.now.destruction_required_by is not None:
        # To the end of that day, in London.
        return datetime.combine(scene.now.destruction_required_by, time(23, 59), LONDON)
    return None
