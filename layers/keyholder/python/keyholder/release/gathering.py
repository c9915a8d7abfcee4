"""What a release comes to, put together part by part: of a million records no more is kept than what leaves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from keyholder.release.chunks import Packing
from keyholder.release.items import RECORD_NOT_APPROVED, Item, ItemStatus, Outcome, result_header, result_rows
from keyholder.requests.content import Delivery, DomainSelection, RequestContent


@dataclass(slots=True)
class Gathered:
    """Add every selection of the request, in its order; then it has the chunks, the counts, and the items or lines.

    `examined` and `shown` count statuses: of the records that were examined, and of all that were asked for.
    """

    content: RequestContent
    packing: Packing
    patients: set[bytes] = field(default_factory=set, repr=False)
    examined: Counter[str] = field(default_factory=Counter)
    shown: Counter[str] = field(default_factory=Counter)
    items: list[Item] = field(default_factory=list, repr=False)
    _lines: list[bytes] = field(default_factory=list, repr=False)

    def add(self, selection: DomainSelection, outcomes: Sequence[Outcome] | None) -> None:
        """The records of a selection; without outcomes, one whose domain is not approved."""
        if outcomes is None:
            items = [Item(record.row_id, selection.domain, ItemStatus.NOT_APPROVED) for record in selection.records]
        else:
            items = [outcome.item for outcome in outcomes]
            self.packing.add(outcomes)
            self.patients.update(outcome.patient for outcome in outcomes)
            self.examined.update(item.status.value for item in items)
        self.shown.update(item.status.value for item in items)
        if self.content.delivery is Delivery.INLINE:
            self.items += items
        else:
            self._lines.append(result_rows(items, self.content.identifier_types))

    def take_file(self) -> bytes:
        """The result before it is encrypted. It is not kept here any more."""
        lines, self._lines = self._lines, []
        return result_header(self.content.identifier_types) + b"".join(lines)


def in_place(selection: DomainSelection, examined: Sequence[Outcome]) -> Iterator[Outcome]:
    """An outcome for each record, in order; who approved left some of them out."""
    known = {outcome.item.row_id: outcome for outcome in examined}
    for record in selection.records:
        left_out = Item(record.row_id, selection.domain, ItemStatus.NOT_AVAILABLE)
        yield known.get(record.row_id) or Outcome(left_out, RECORD_NOT_APPROVED)
