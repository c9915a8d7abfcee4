"""Every record of a request against its person's choices, at this moment: what may leave, and why the rest may not.

Runs only inside the `release` function, which alone may open pseudonyms for people. The same examination serves the
checks at submission (its counts are all that leaves) and the release itself.

What is done for a record does not depend on why nothing of it leaves: a code that opens to nobody is looked up as a
stranger, and whether a row is linked is asked of everybody, so that time tells no more than the status does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from keyholder.limits.counting import NOBODY
from keyholder.policy.assess import Assessment, assess_people
from keyholder.policy.by_kind import ByKind
from keyholder.policy.facts import CareRelationship, Person, PersonChoices, PolicyRequest
from keyholder.policy.settings import PolicyFacts
from keyholder.policy.vocabulary import OutwardCode, PdsSecurity, PolicyIdentifier, Reason
from keyholder.pseudonyms.key_ring import OpenedKeys
from keyholder.pseudonyms.opening import Opened, OpenStatus, TokenCell, open_tokens
from keyholder.pseudonyms.token import Scheme
from keyholder.release.items import ROW_NOT_LINKED, Item, ItemStatus, Outcome
from keyholder.vocabulary import DomainId, IdentifierType, Pseudonym

NHS_NUMBER = IdentifierType.NHS_NUMBER


class People(Protocol):
    """What is held about persons, looked up by the NHS numbers that pseudonyms stood for."""

    def choices(self, nhs_numbers: Sequence[str]) -> ByKind[PersonChoices]:
        """What each of them chose, in order."""
        ...

    def pds_security(self, nhs_number: str) -> PdsSecurity | None:
        """None where nobody looked the record up."""
        ...

    def linked(self, domain: DomainId, nhs_number: str, identifier_type: IdentifierType, value: str) -> bool:
        """Did an extract hold the two in one row?"""
        ...

    def tag(self, domain: DomainId, nhs_number: str) -> str:
        """The person's keyed tag for the ledger."""
        ...

    def counted(self, names: Sequence[str]) -> Sequence[bytes]:
        """By what the volume limits know each of these NHS numbers, or codes that stand for nobody known."""
        ...


Row = Mapping[IdentifierType, Opened]


@dataclass(frozen=True, slots=True)
class Asked:
    """One record of the approved content: a row id and the row's pseudonyms."""

    row_id: str
    pseudonyms: Mapping[IdentifierType, Pseudonym] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Examination:
    """What the records of one domain are examined against: the request as the policy sees it, at one moment."""

    domain: DomainId
    request: PolicyRequest
    people: People
    facts: PolicyFacts
    now: datetime
    schemes: Mapping[IdentifierType, Scheme] = field(default_factory=dict)
    versions: Mapping[IdentifierType, int] = field(default_factory=dict)
    """The newest key version of each type: what pseudonyms that do not say theirs are opened with."""
    care: CareRelationship | None = None
    """The care relationship with each of these people, where somebody declared one (emergency access)."""

    def outcomes(self, records: Sequence[Asked], keys: OpenedKeys) -> list[Outcome]:
        """One outcome for each record, in order. One bad record costs the others nothing.

        Raises `KeyServiceError` or `KeyUnavailableError` where the domain's keys can't be reached at all.
        """
        places = [
            (place, kind)
            for place, record in enumerate(records)
            for kind in record.pseudonyms
            if kind is NHS_NUMBER or kind in self._wanted()
        ]
        cells = [TokenCell(kind, records[place].pseudonyms[kind]) for place, kind in places]
        rows: list[dict[IdentifierType, Opened]] = [{} for _ in records]
        opened = open_tokens(cells, self.domain, keys, schemes=self.schemes, versions=self.versions)
        for (place, kind), answer in zip(places, opened, strict=True):
            rows[place][kind] = answer if self._was_made(kind, answer) else Opened(OpenStatus.NOT_OPENED)
        people = self._people(rows)
        decisions = assess_people(self.request, people, self.facts, self.now)
        waiting = self._to_check_again(people, decisions)
        counted = self.people.counted([_counted_as(record, row) for record, row in zip(records, rows, strict=True)])
        return [
            replace(self._outcome(record.row_id, row, decision, to_check_again=again), patient=patient)
            for record, row, decision, again, patient in zip(records, rows, decisions, waiting, counted, strict=True)
        ]

    def _people(self, rows: Sequence[Row]) -> ByKind[Person]:
        """Whom each record is about, as the policy sees them. Everybody is looked up at once."""
        numbers = [_nhs_number(row) for row in rows]
        named = [number or _STRANGER for number in numbers]
        choices = self.people.choices(named)
        held = zip(choices.of, map(self.people.pds_security, named), strict=True)
        strangers = (_NOBODY if NHS_NUMBER in row else _NOT_NAMED for row in rows)
        found = ByKind.group(
            stranger if number is None else known
            for number, known, stranger in zip(numbers, held, strangers, strict=True)
        )
        return found.map(
            lambda kind: kind if isinstance(kind, Person) else _person(choices.kinds[kind[0]], kind[1], self.care)
        )

    def _was_made(self, kind: IdentifierType, answer: Opened) -> bool:
        """Whether an extract held what came out, which AES-SIV's tag shows and FF1 does not: any ten digits open."""
        if answer.value is None or self.schemes.get(kind) is not Scheme.FF1:
            return True
        return self.people.linked(self.domain, answer.value, kind, answer.value)

    def _wanted(self) -> list[IdentifierType]:
        return [kind for kind in IdentifierType if PolicyIdentifier(kind.value) in self.request.identifiers_requested]

    def _outcome(self, row_id: str, row: Row, decision: Assessment, *, to_check_again: bool) -> Outcome:
        cell = row.get(NHS_NUMBER)
        if cell is not None and cell.status in _KEYLESS:
            status = _KEYLESS[cell.status]
            return self._withheld(row_id, status, status.value.upper(), None)
        nhs_number = _nhs_number(row)
        tag: str | None = self.people.tag(self.domain, nhs_number or _STRANGER)
        linked = self._linked(row, nhs_number or _STRANGER)
        if nhs_number is None:
            tag = None
        if decision.passes and nhs_number is None:
            return self._withheld(row_id, ItemStatus.NOT_AVAILABLE, Reason.NHS_NUMBER_UNAVAILABLE.value, None)
        if not decision.passes or nhs_number is None:
            outward = ItemStatus.PENDING if to_check_again else ItemStatus.NOT_AVAILABLE
            return self._withheld(row_id, outward, decision.reasons[0].value, tag)
        return self._released(row_id, row, decision, linked, tag)

    def _linked(self, row: Row, nhs_number: str) -> Mapping[IdentifierType, bool]:
        """Whether an extract held each other identifier of the record in one row with the number."""
        others = [kind for kind in self._wanted() if kind is not NHS_NUMBER and kind in row]
        return {
            kind: self.people.linked(self.domain, nhs_number, kind, row[kind].value or _STRANGER) for kind in others
        }

    def _to_check_again(self, people: ByKind[Person], decisions: ByKind[Assessment]) -> ByKind[bool]:
        """Whether the national opt-out has to be looked up again before anything can be said of each of them.

        Asked apart from their Type 1 opt-out: while a list is stale, whoever has one would otherwise be the only ones
        for whom the answer is final, and the requester could read the choice off the status.
        """
        silent = people.map(
            lambda person: replace(person, choices=replace(person.choices, type1_known=True, type1_events=()))
        )
        apart = assess_people(self.request, silent, self.facts, self.now)
        pending = [
            OutwardCode.PENDING in {one.outward_code, other.outward_code}
            for one, other in zip(decisions.kinds, apart.kinds, strict=True)
        ]
        return ByKind(tuple(pending), people.of)

    def _released(
        self, row_id: str, row: Row, decision: Assessment, linked: Mapping[IdentifierType, bool], tag: str | None
    ) -> Outcome:
        values: dict[IdentifierType, str] = {}
        for kind in self._wanted():
            cell = row.get(kind)
            if cell is None or cell.value is None or PolicyIdentifier(kind.value) not in decision.identifiers_released:
                continue
            if not linked.get(kind, kind is NHS_NUMBER):
                return self._withheld(row_id, ItemStatus.NOT_AVAILABLE, ROW_NOT_LINKED, tag)
            values[kind] = cell.value
        if not values:
            return self._withheld(row_id, ItemStatus.NOT_AVAILABLE, Reason.PSEUDONYM_UNKNOWN.value, tag)
        whole = all(kind in values for kind in self._wanted() if kind in row)
        status = ItemStatus.RELEASED if whole else ItemStatus.RELEASED_PARTIAL
        return Outcome(Item(row_id, self.domain, status, values), decision.reasons[0].value, tag)

    def _withheld(self, row_id: str, status: ItemStatus, reason: str, tag: str | None) -> Outcome:
        return Outcome(Item(row_id, self.domain, status), reason, tag)


_STRANGER = "0000000000"
"""In the place of a number that is not known: nobody's, for a number of one digit is none."""
_NOBODY = Person(pseudonym_resolves=False)
_NOT_NAMED = Person(pseudonym_resolves=True, nhs_number_known=False)
"""A record without an NHS number's pseudonym."""


def _nhs_number(row: Row) -> str | None:
    cell = row.get(NHS_NUMBER)
    return None if cell is None else cell.value


def _counted_as(record: Asked, row: Row) -> str:
    """One patient is counted once, whatever code they come under. A code that opens to nobody counts as somebody."""
    code = record.pseudonyms.get(NHS_NUMBER) or next(iter(record.pseudonyms.values()), record.row_id)
    return _nhs_number(row) or f"{NOBODY}{code}"


def _person(choices: PersonChoices, security: PdsSecurity | None, care: CareRelationship | None) -> Person:
    return Person(
        pseudonym_resolves=True,
        nhs_number_known=True,
        choices=choices,
        care_relationship=care,
        pds_security=security,
    )


_KEYLESS = {
    OpenStatus.MALFORMED: ItemStatus.MALFORMED,
    OpenStatus.KEY_RETIRED: ItemStatus.KEY_RETIRED,
    OpenStatus.KEY_DESTROYED: ItemStatus.KEY_DESTROYED,
}
