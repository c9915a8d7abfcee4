"""Which rows of an extract may leave: one rule drops a row, the first that applies, and each is counted by its code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

from keyholder.collection.codes import CODE
from keyholder.collection.days import day_of, death_rule, oldest_day
from keyholder.collection.rules import CollectionRules
from keyholder.collection.vocabulary import DropRule
from keyholder.identifiers import nhs_number
from keyholder.identifiers.not_an_identifier import NotAnIdentifierError
from keyholder.policy.type1 import Type1State
from keyholder.policy.vocabulary import CodeSystem
from keyholder.vocabulary import IdentifierType

Row = Mapping[str, str]
Type1Of = Callable[[str], Type1State]
"""The Type 1 state of a canonical NHS number on the day of the collection."""


@dataclass(frozen=True, slots=True)
class Screen:
    """The rules of one collection, on one day in London."""

    rules: CollectionRules
    today: date
    type_1: Type1Of = field(repr=False)

    def dropped_by(self, row: Row) -> DropRule | None:
        """The first rule that keeps a row from leaving; None for a row that may."""
        return (
            self._person(row)
            or death_rule(row.get(IdentifierType.DATE_OF_DEATH, ""), self.rules.began_on, self.today)
            or self._item(row)
        )

    def _person(self, row: Row) -> DropRule | None:
        number = _nhs_number(row.get(IdentifierType.NHS_NUMBER, ""))
        if number is None:
            return DropRule.NHS_NUMBER_UNREADABLE
        state = self.type_1(number)
        if state is Type1State.ACTIVE:
            return DropRule.TYPE_1_OPT_OUT
        return None if state is Type1State.INACTIVE else DropRule.TYPE_1_UNKNOWN

    def _item(self, row: Row) -> DropRule | None:
        columns = self.rules.items
        if columns is None or not any(row.get(name, "").strip() for name in columns.names()):
            return None
        code, recorded_on = row.get(columns.code, ""), row.get(columns.recorded_on, "")
        system = row.get(columns.system, "") if columns.system else ""
        return self._code(code.strip(), system.strip()) or self._age(recorded_on)

    def _code(self, code: str, system: str) -> DropRule | None:
        if CODE.fullmatch(code) is None or (system and system not in list(CodeSystem)):
            return DropRule.CODE_UNREADABLE
        barred = self.rules.code_list
        if barred is None or barred.bars(code, CodeSystem(system) if system else None):
            return DropRule.CODE_NOT_SHARED
        return None

    def _age(self, cell: str) -> DropRule | None:
        recorded = day_of(cell, self.today)
        if recorded is None:
            return DropRule.ITEM_DATE_UNREADABLE
        return DropRule.ITEM_TOO_OLD if recorded < oldest_day(self.today, self.rules.longest_age_years) else None


def _nhs_number(cell: str) -> str | None:
    try:
        return nhs_number.parse(cell)
    except NotAnIdentifierError:
        return None
