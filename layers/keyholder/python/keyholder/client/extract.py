"""A provider's extract: clear identifiers in, the NHS Data Dictionary's de-identified shape out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from keyholder.client.answers import PseudonymisedRow
from keyholder.client.spreadsheets import SheetError
from keyholder.collection.columns import ColumnPlan, plan
from keyholder.collection.report import CollectionReport
from keyholder.collection.rules import CollectionRules
from keyholder.collection.screen import Screen
from keyholder.collection.vocabulary import DropRule
from keyholder.identifiers import nhs_number
from keyholder.pseudonyms.deid_columns import COLUMN_OF
from keyholder.vocabulary import IdentifierType

BATCH_ROWS = 5_000
"""Rows in one call of the API."""

Clear = Mapping[str, str]
Send = Callable[[Sequence[tuple[str, Mapping[str, str]]], CollectionReport], Sequence[PseudonymisedRow]]
"""Pseudonymises one batch and tells what was dropped since the one before; rows come back by their ids."""


@dataclass(slots=True)
class Tally:
    """What happened to the rows. `faults` counts cells by identifier type and code, and refused rows by theirs.

    Every row read is dropped by one rule, written or refused.
    """

    read: int = 0
    dropped: Counter[DropRule] = field(default_factory=Counter)
    """Rows that never left, by the rule that dropped them."""
    sent: int = 0
    written: int = 0
    refused: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    synthetic: int = 0
    """Rows that may leave and have an NHS number nobody was ever given."""

    @property
    def dropped_type_1(self) -> int:
        """Rows of people with an active Type 1 opt-out."""
        return self.dropped[DropRule.TYPE_1_OPT_OUT]

    @property
    def dropped_unknown(self) -> int:
        """Rows of people of whom nobody can say: no readable NHS number, or not in the Type 1 file."""
        return self.dropped[DropRule.TYPE_1_UNKNOWN] + self.dropped[DropRule.NHS_NUMBER_UNREADABLE]


def columns_of(header: Collection[str], rules: CollectionRules, *, only_counting: bool = False) -> ColumnPlan:
    """What becomes of each column. Raises `SheetError` where a column is missing that a rule has to read.

    A living patient has an empty `date_of_death`; without that column nobody can tell who died before the collection.
    Codes under an example of a code list are for counting only.
    """
    items = rules.items
    needed = [IdentifierType.NHS_NUMBER.value, IdentifierType.DATE_OF_DEATH.value]
    if items is not None and any(name in header for name in items.names()):
        needed += items.names()
        if rules.only_example_codes and not only_counting:
            raise SheetError("the file has codes, and the rules' list of codes that may not be shared is an example")
    missing = [name for name in needed if name not in header]
    if missing:
        raise SheetError(f"the file has no column {', '.join(missing)}, which the collection rules read")
    return plan(header, rules.identifiers, rules.all_clear_columns())


def output_columns(columns: ColumnPlan) -> tuple[str, ...]:
    """The columns of the pseudonymised file: the de-identified ones in the standard's order, then the clear ones."""
    return (*(COLUMN_OF[kind] for kind in columns.identifiers), *columns.clear)


def pseudonymised(
    people: Iterable[Clear],
    columns: ColumnPlan,
    screen: Screen,
    send: Send,
    tally: Tally,
    *,
    batch_rows: int = BATCH_ROWS,
) -> Iterator[Mapping[str, str]]:
    """The rows the rules let through, pseudonymised in batches, in the order they came.

    A row that a rule drops, and a column that the plan leaves out, is never handed to `send`; a row is counted once, by
    the first rule that applies. Each batch tells the counts since the one before, and the last one everything left. A
    row that could not be pseudonymised is left out and counted; a cell that could not be is empty and counted. Raises
    `SheetError` for an answer that does not hold exactly the rows sent.
    """
    kept, told = kept_rows(people, screen, tally), Counter[DropRule]()
    report = CollectionReport(screen.rules.rules_hash, screen.rules.began_on, columns_refused=columns.refused_counts())
    ahead = list(islice(kept, batch_rows))
    while batch := ahead:
        # The next batch first: rows dropped after the last row that is sent are told with it.
        ahead = list(islice(kept, batch_rows))
        rows = [(str(number), _identifiers(person, columns)) for number, person in batch]
        answers = {row.row_id: row for row in send(rows, replace(report, dropped=tally.dropped - told))}
        told = tally.dropped.copy()
        if answers.keys() != {row_id for row_id, _ in rows}:
            raise SheetError("the answer does not hold the rows that were sent")
        tally.sent += len(rows)
        for number, person in batch:
            row = _row(person, columns, answers[str(number)], tally)
            if row is not None:
                yield row


def kept_rows(people: Iterable[Clear], screen: Screen, tally: Tally) -> Iterator[tuple[int, Clear]]:
    """The rows no rule drops, each with its number in the file from 1; the others are counted."""
    for number, person in enumerate(people, 1):
        tally.read += 1
        rule = screen.dropped_by(person)
        if rule is None:
            tally.synthetic += nhs_number.is_synthetic(nhs_number.parse(person[IdentifierType.NHS_NUMBER.value]))
            yield number, person
        else:
            tally.dropped[rule] += 1


def _identifiers(person: Clear, columns: ColumnPlan) -> Mapping[str, str]:
    return {kind.value: person[kind.value] for kind in columns.identifiers if person[kind.value] != ""}


def _row(person: Clear, columns: ColumnPlan, answer: PseudonymisedRow, tally: Tally) -> Mapping[str, str] | None:
    faults = [f"{kind} {code}" for kind, code in answer.errors.items()]
    if answer.reason is not None:
        faults.append(f"row {answer.reason}")
    for fault in faults:
        tally.faults[fault] = tally.faults.get(fault, 0) + 1
    if answer.status != "pseudonymised" and not answer.pseudonyms:
        tally.refused += 1
        return None
    tally.written += 1
    clear = {name: person[name] for name in columns.clear}
    return {COLUMN_OF[IdentifierType(kind)]: token for kind, token in answer.pseudonyms.items()} | clear
