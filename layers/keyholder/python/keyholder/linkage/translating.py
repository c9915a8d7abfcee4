"""Rows of one domain's pseudonyms to another's: opened, looked up, and sealed again, without an identifier leaving.

A row is about the person behind its NHS number pseudonym, as in a release: without one that opens, and a person whom
nothing speaks against, none of its other pseudonyms is translated. Whatever lies in the person or in what is held of
them looks the same from outside: `not_available`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from keyholder.linkage.people import People
from keyholder.linkage.terms import Covers, Terms
from keyholder.policy.days import london_day
from keyholder.policy.facts import Person, PolicyRequest
from keyholder.policy.linking import against_person
from keyholder.policy.settings import PolicyFacts
from keyholder.policy.vocabulary import Reason
from keyholder.pseudonyms.key_ring import KeyGone, OpenedKeys
from keyholder.pseudonyms.opening import Opened, OpenStatus, TokenCell, open_tokens
from keyholder.pseudonyms.rekeying import TokenRow
from keyholder.pseudonyms.row_links import LinkedCell
from keyholder.pseudonyms.sealing import SealedRow, seal_rows
from keyholder.pseudonyms.token import Scheme
from keyholder.registry.domains import Domain
from keyholder.release.items import ROW_NOT_LINKED
from keyholder.vocabulary import IdentifierType, Pseudonym

NHS_NUMBER = IdentifierType.NHS_NUMBER

NOT_IN_TARGET = "NOT_IN_TARGET_DOMAIN"
"""No extract of the target domain holds the person, and the agreement is about people of both."""


class TranslateStatus(StrEnum):
    """What became of one pseudonym."""

    TRANSLATED = "translated"
    NOT_AVAILABLE = "not_available"
    """Everything that lies in the pseudonym's person or origin."""
    MALFORMED = "malformed"
    KEY_RETIRED = "key_retired"
    KEY_DESTROYED = "key_destroyed"
    KEY_UNKNOWN = "key_unknown"
    """The source domain never had its key version, or the target domain has none that makes pseudonyms."""


@dataclass(frozen=True, slots=True)
class TranslatedCell:
    """What became of one pseudonym; the target domain's where the status says so, else None."""

    status: TranslateStatus
    pseudonym: Pseudonym | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class TranslatedRow:
    """One row of the answer: what became of each pseudonym that the agreement is about."""

    row_id: str
    cells: Mapping[IdentifierType, TranslatedCell]


@dataclass(frozen=True, slots=True)
class Translation:
    """All rows of one call. `withheld` counts the rows by the reason that decided; `identifiers` never leaves."""

    rows: tuple[TranslatedRow, ...]
    withheld: Mapping[str, int]
    key_versions: Mapping[IdentifierType, int]
    identifiers: tuple[Mapping[IdentifierType, str], ...] = field(repr=False)
    """Of each row of which something was translated, with its NHS number: what links are kept of."""

    def counts(self) -> Mapping[IdentifierType, Mapping[str, int]]:
        """How many pseudonyms of each type became what."""
        found: dict[IdentifierType, Counter[str]] = {}
        for row in self.rows:
            for kind, cell in row.cells.items():
                found.setdefault(kind, Counter())[cell.status.value] += 1
        return found


@dataclass(frozen=True, slots=True)
class Translator:
    """Translates under one agreement, at one moment. `asked` is what is put to the policy, once for each domain."""

    terms: Terms
    source: Domain
    target: Domain
    asked: Sequence[PolicyRequest]
    facts: PolicyFacts
    people: People
    now: datetime

    def translate(self, rows: Sequence[TokenRow], keys: OpenedKeys) -> Translation:
        """Every row, in order; one bad row costs the others nothing. The same rows give the same pseudonyms.

        Each key of either domain is opened once at most. Raises what `KeyRing.open` and the registers raise, and
        `BatchDisagreesError`.
        """
        kinds = [kind for kind in self.terms.identifier_types if any(kind in row.pseudonyms for row in rows)]
        makes = self._makes(kinds, keys)
        opened = self._opened(rows, makes, keys)
        reasons = self._reasons(opened)
        given = [
            {kind: cell.value for kind, cell in row.items() if kind in makes and cell.value is not None}
            if reason is None
            else {}
            for row, reason in zip(opened, reasons, strict=True)
        ]
        sealed = seal_rows(given, self.target.id, makes, keys, london_day(self.now), schemes=self.target.schemes)
        answers = tuple(
            TranslatedRow(row.row_id, self._cells(row, makes, opened[place], sealed[place]))
            for place, row in enumerate(rows)
        )
        numbers = [_number(row) for row in opened]
        kept = tuple(
            {NHS_NUMBER: number, **values}
            for number, values in zip(numbers, given, strict=True)
            if values and number is not None
        )
        withheld = Counter(reason for reason in reasons if reason is not None)
        return Translation(answers, withheld, makes, kept)

    def _makes(self, kinds: Sequence[IdentifierType], keys: OpenedKeys) -> Mapping[IdentifierType, int]:
        """The target's key version for each type; a type is missing where the target can't make pseudonyms of it."""
        active = self.target.active_versions()
        return {
            kind: active[kind]
            for kind in kinds
            if kind in active and not isinstance(keys.open(self.target.id, kind, active[kind]), KeyGone)
        }

    def _opened(
        self, rows: Sequence[TokenRow], makes: Mapping[IdentifierType, int], keys: OpenedKeys
    ) -> list[dict[IdentifierType, Opened]]:
        """The cells that are needed: each row's NHS number, and what can be sealed again."""
        places = [
            (place, kind)
            for place, row in enumerate(rows)
            for kind in row.pseudonyms
            if makes and (kind is NHS_NUMBER or kind in makes)
        ]
        cells = [TokenCell(kind, rows[place].pseudonyms[kind]) for place, kind in places]
        versions = self.source.newest_versions()
        answers = open_tokens(cells, self.source.id, keys, schemes=self.source.schemes, versions=versions)
        found: list[dict[IdentifierType, Opened]] = [{} for _ in rows]
        for (place, kind), answer in zip(places, answers, strict=True):
            found[place][kind] = answer
        return found

    def _reasons(self, rows: Sequence[Mapping[IdentifierType, Opened]]) -> list[str | None]:
        """Why nothing of each row is translated; None where it is."""
        numbers = [_number(row) for row in rows]
        certain = dict.fromkeys(number for number in numbers if number is not None)
        known = self.people.known(tuple(certain))
        against = dict(zip(certain, known.map(self._against), strict=True))
        unmade = self._not_held(certain, self.source) if self._unauthenticated else frozenset[str]()
        alone = self.terms.covers is Covers.PEOPLE_OF_BOTH
        elsewhere = self._not_held(certain, self.target) if alone else frozenset[str]()
        unlinked = self._unlinked(rows)
        reasons: list[str | None] = []
        for place, (row, number) in enumerate(zip(rows, numbers, strict=True)):
            if number is None:
                reasons.append(_without_number(row))
            elif number in unmade:
                reasons.append(Reason.PSEUDONYM_UNKNOWN.value)
            elif against[number] is not None:
                reasons.append(against[number])
            elif number in elsewhere:
                reasons.append(NOT_IN_TARGET)
            else:
                reasons.append(ROW_NOT_LINKED if place in unlinked else None)
        return reasons

    def _against(self, person: Person) -> str | None:
        """What a person's choices say against it, asked for both domains' data."""
        reasons = (against_person(asked, person, self.facts, self.now) for asked in self.asked)
        return next((reason.value for reason in reasons if reason is not None), None)

    @property
    def _unauthenticated(self) -> bool:
        """Whether any ten digits open in the source, so that what came out proves nothing."""
        return self.source.scheme(NHS_NUMBER) is Scheme.FF1

    def _not_held(self, numbers: Mapping[str, object], domain: Domain) -> frozenset[str]:
        """The people whom no extract of the domain holds."""
        cells: list[LinkedCell] = [(number, NHS_NUMBER, number) for number in numbers]
        held = self.people.linked(domain.id, cells)
        return frozenset(number for number, is_held in zip(numbers, held, strict=True) if not is_held)

    def _unlinked(self, rows: Sequence[Mapping[IdentifierType, Opened]]) -> frozenset[int]:
        """The rows whose identifiers never stood together in an extract of the source."""
        asked = [
            (place, (number, kind, cell.value))
            for place, row in enumerate(rows)
            if (number := _number(row)) is not None
            for kind, cell in row.items()
            if kind is not NHS_NUMBER and cell.value is not None
        ]
        linked = self.people.linked(self.source.id, [cell for _, cell in asked])
        return frozenset(place for (place, _), held in zip(asked, linked, strict=True) if not held)

    def _cells(
        self,
        row: TokenRow,
        makes: Mapping[IdentifierType, int],
        opened: Mapping[IdentifierType, Opened],
        sealed: SealedRow,
    ) -> Mapping[IdentifierType, TranslatedCell]:
        return {
            kind: _cell(opened[kind] if kind in makes else None, sealed[kind].pseudonym if kind in sealed else None)
            for kind in row.pseudonyms
            if kind in self.terms.identifier_types
        }


def _number(row: Mapping[IdentifierType, Opened]) -> str | None:
    return row[NHS_NUMBER].value if NHS_NUMBER in row else None


def _without_number(row: Mapping[IdentifierType, Opened]) -> str:
    """Why a row is about nobody."""
    cell = row.get(NHS_NUMBER)
    if cell is None:
        return Reason.NHS_NUMBER_UNAVAILABLE.value
    return Reason.PSEUDONYM_UNKNOWN.value if cell.status is OpenStatus.NOT_OPENED else cell.status.value.upper()


def _cell(opened: Opened | None, pseudonym: Pseudonym | None) -> TranslatedCell:
    if pseudonym is not None:
        return TranslatedCell(TranslateStatus.TRANSLATED, pseudonym)
    if opened is None:
        return TranslatedCell(TranslateStatus.KEY_UNKNOWN)
    if opened.status in {OpenStatus.OPENED, OpenStatus.NOT_OPENED}:
        return TranslatedCell(TranslateStatus.NOT_AVAILABLE)
    return TranslatedCell(TranslateStatus(opened.status.value))
