"""What stands in the index for each event: everything it can be filtered by, its time, and the people in a release.

The lines of a batch follow from the journal alone: from its own events, and from the earlier ones of their requests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from keyholder.audit.facets import Histories, facets
from keyholder.audit.index import line
from keyholder.audit.quarters import report_terms
from keyholder.ledger.event import Event, rfc3339
from keyholder.ledger.journal import Batch
from keyholder.ledger.verification import GIVING
from keyholder.vocabulary import StreamId


def batch_lines(read: Callable[[StreamId], Sequence[Event]]) -> Callable[[Batch], list[str]]:
    """The lines of a batch, for `IndexView`. `read` gives the events of a stream (`EventLog.read`)."""

    def lines(batch: Batch) -> list[str]:
        histories = Histories(read)
        return [
            line(term, index, batch.number)
            for index, leaf in enumerate(batch.lines, batch.start)
            for term in event_terms(Event.parse(leaf), histories)
        ]

    return lines


def event_terms(event: Event, histories: Histories) -> Iterator[str]:
    """Every term of one event, each once."""
    yield from facets(event, histories)
    yield time_term(event.at)
    yield from map(tag_term, sorted(tags_of(event)))
    yield from report_terms(event, histories)


def time_term(moment: datetime) -> str:
    """Sorts as the moments do."""
    return f"at/{rfc3339(moment)}"


def tag_term(tag: str) -> str:
    """A person in a release, by their keyed tag."""
    return f"tag/{tag}"


def tags_of(event: Event) -> frozenset[str]:
    """The keyed tags of the people in a release; none for any other event."""
    subjects = event.data.get("subjects") if event.type in GIVING else None
    if not isinstance(subjects, Mapping):
        return frozenset()
    return frozenset(str(tag) for tags in subjects.values() if isinstance(tags, list | tuple) for tag in tags)
