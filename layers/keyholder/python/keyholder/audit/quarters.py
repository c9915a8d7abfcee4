"""A quarter's report: what was asked for and decided, how long it took, and why records were withheld.

Days are London's. What the report needs of an event stands in the index as a term of the quarter, so that a quarter is
read without its events:

    report/<quarter>/submitted/<purpose>/<basis>
    report/<quarter>/decided/<purpose>/<basis>/<outcome>/<minutes since it was submitted>
    report/<quarter>/records/<reason>/<how many>
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from keyholder.audit.facets import Histories
from keyholder.audit.outcomes import disclosing
from keyholder.canonical import JsonObject
from keyholder.ledger.event import Event
from keyholder.ledger.verification import GIVING
from keyholder.policy.days import london_day
from keyholder.requests.codes import State
from keyholder.requests.events import (
    OutcomeReported,
    RequestApproved,
    RequestBlocked,
    RequestExpired,
    RequestRejected,
    RequestRevoked,
    RequestSubmitted,
    RequestWithdrawn,
)
from keyholder.requests.state import RequestState

QUARTER = re.compile(r"(20[0-9]{2})-Q([1-4])")
SMALL = 10
"""Counts of people below this are not shown: NHS England's rule for what leaves its Secure Data Environment."""
SHOWN_AS = "<10"
NOT_SHOWN = "suppressed"

OUTCOMES: Mapping[str, State] = {
    RequestApproved.TYPE: State.APPROVED,
    RequestRejected.TYPE: State.REJECTED,
    RequestBlocked.TYPE: State.BLOCKED,
    RequestWithdrawn.TYPE: State.WITHDRAWN,
    RequestExpired.TYPE: State.EXPIRED,
    RequestRevoked.TYPE: State.REVOKED,
    OutcomeReported.TYPE: State.CLOSED,
}
DECIDED_BY_PEOPLE = frozenset({State.APPROVED, State.REJECTED})
"""Outcomes whose time is counted: from submission until the last controller's decision."""


@dataclass(frozen=True, slots=True, order=True)
class Quarter:
    """A calendar quarter in London."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Quarter | None:
        """`2026-Q4`; None for anything else."""
        found = QUARTER.fullmatch(text)
        return cls(int(found[1]), int(found[2])) if found else None

    @classmethod
    def of(cls, moment: datetime) -> Quarter:
        """The quarter of the day it is in London at `moment`."""
        day = london_day(moment)
        return cls(day.year, (day.month + 2) // 3)

    @property
    def prefix(self) -> str:
        """What the terms of its report begin with."""
        return f"report/{self}/"

    def over(self, moment: datetime) -> bool:
        """Whether its last day has ended."""
        return Quarter.of(moment) > self

    def __str__(self) -> str:
        return f"{self.year}-Q{self.number}"


def report_terms(event: Event, histories: Histories) -> Iterator[str]:
    """What an event adds to its quarter's report."""
    state, start = histories.state(event), Quarter.of(event.at).prefix
    if event.type in GIVING:
        for reason, count in sorted(_records(event.data).items()):
            yield f"{start}records/{reason}/{count}"
    if state is None or state.summary is None:
        return
    asked = f"{state.summary.purpose}/{state.summary.legal_basis}"
    if event.type == RequestSubmitted.TYPE:
        yield f"{start}submitted/{asked}"
    if event.type in OUTCOMES:
        submitted = _submitted_at(histories.before(event))
        if submitted is None:
            return  # A draft that was left: nobody was asked to decide anything.
        minutes = int((event.at - submitted).total_seconds() // 60)
        yield f"{start}decided/{asked}/{OUTCOMES[event.type]}/{max(minutes, 0)}"


@dataclass(slots=True)
class Tally:
    """The terms of a quarter, counted."""

    submitted: Counter[tuple[str, str]] = field(default_factory=Counter)
    decided: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    minutes: list[int] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, terms: Iterable[str]) -> Tally:
        """Raises `ValueError` for a term that is none of a report."""
        tally = cls()
        for term in terms:
            tally._add(*term.split("/")[2:])
        return tally

    def _add(self, kind: str, *parts: str) -> None:
        match kind, *parts:
            case "submitted", purpose, basis:
                self.submitted[purpose, basis] += 1
            case "decided", purpose, basis, outcome, minutes:
                self.decided[purpose, basis, outcome] += 1
                if outcome in DECIDED_BY_PEOPLE:
                    self.minutes.append(int(minutes))
            case "records", reason, count:
                self.reasons[reason] += int(count)
            case _:
                raise ValueError("a term that is none of a report")


def report(quarter: Quarter, tally: Tally, size: int, now: datetime) -> JsonObject:
    """The report of a tree of `size` leaves. `complete`: the quarter is over, so it will not change any more."""
    released = {reason: count for reason, count in tally.reasons.items() if disclosing(reason)}
    withheld = {reason: count for reason, count in tally.reasons.items() if not disclosing(reason)}
    return {
        "quarter": str(quarter),
        "complete": quarter.over(now),
        "size": size,
        "submitted": {
            "total": tally.submitted.total(),
            "by_purpose": _by(tally.submitted.items(), 0),
            "by_legal_basis": _by(tally.submitted.items(), 1),
        },
        "decided": {
            "total": tally.decided.total(),
            "by_outcome": _by(tally.decided.items(), 2),
            "by_purpose": _by(tally.decided.items(), 0),
            "by_legal_basis": _by(tally.decided.items(), 1),
        },
        "time_to_decide": {
            "decisions": len(tally.minutes),
            "median_minutes": percentile(tally.minutes, 50),
            "p90_minutes": percentile(tally.minutes, 90),
        },
        "records_released": suppressed(released),
        "records_withheld": suppressed(withheld),
    }


def suppressed(counts: Mapping[str, int]) -> JsonObject:
    """Counts of people by reason, and their total, so that no count from 1 to 9 can be read or worked out.

    Primary suppression hides the small counts. Secondary suppression (ONS: a hidden cell must not follow from the rest
    of its table) hides the total as soon as anything is hidden: each hidden count can then be anything from 1 to 9.
    """
    known = {reason: count for reason, count in sorted(counts.items()) if count}
    hidden = any(count < SMALL for count in known.values())
    return {
        "by_reason": {reason: SHOWN_AS if count < SMALL else str(count) for reason, count in known.items()},
        "total": NOT_SHOWN if hidden else str(sum(known.values())),
    }


def percentile(values: Iterable[int], percent: int) -> int | None:
    """The nearest-rank percentile: the smallest value that at least so many per cent do not exceed."""
    known = sorted(values)
    return known[-(-percent * len(known) // 100) - 1] if known else None


def report_rows(document: JsonObject) -> list[tuple[str, str, str, object]]:
    """The report as a table: section, breakdown, value, count."""
    rows: list[tuple[str, str, str, object]] = [
        ("report", name, "", document[name]) for name in ("quarter", "complete", "size")
    ]
    for section in ("submitted", "decided", "time_to_decide", "records_released", "records_withheld"):
        part = document[section]
        for name, value in part.items() if isinstance(part, Mapping) else ():
            if isinstance(value, Mapping):
                rows.extend((section, name, key, count) for key, count in value.items())
            else:
                rows.append((section, name, "", value))
    return rows


REPORT_COLUMNS = ("section", "breakdown", "value", "count")


def _by(counts: Iterable[tuple[tuple[str, ...], int]], place: int) -> dict[str, int]:
    found: Counter[str] = Counter()
    for key, count in counts:
        found[key[place]] += count
    return dict(sorted(found.items()))


def _submitted_at(states: Iterable[RequestState]) -> datetime | None:
    """When the revision that was decided on was submitted."""
    moments = [state.changed_at for state in states if state.status is State.SUBMITTED]
    return moments[-1] if moments else None


def _records(data: JsonObject) -> dict[str, int]:
    """How many records of a release each reason stands for, those of nobody we know included."""
    subjects, unresolved = data.get("subjects"), data.get("unresolved")
    found: Counter[str] = Counter()
    for reason, tags in subjects.items() if isinstance(subjects, Mapping) else ():
        found[str(reason)] += len(tags) if isinstance(tags, list | tuple) else 0
    for reason, count in unresolved.items() if isinstance(unresolved, Mapping) else ():
        found[str(reason)] += count if isinstance(count, int) else 0
    return dict(found)
