"""The collection rules of a domain, as a small JSON file says them.

`began_on` is the day the collection started; `identifiers` and `clear_columns` are the only columns that come; `items`
names the columns of a coded event, which need a `code_list`; `longest_age_years` is how old an event may be. Unknown
fields are refused, so that a misspelt rule is never silently dropped.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from keyholder.canonical import JsonObject, JsonValue, content_hash
from keyholder.collection.codes import CodeList, ListStatus, read_codes
from keyholder.collection.columns import refused_by_name
from keyholder.registry.fields import FieldError, FieldFault, Fields
from keyholder.registry.projects import DOMAIN
from keyholder.vocabulary import ContentHash, DomainId, IdentifierType

COLUMN = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""A code list stands beside the rules that name it."""

GP_BEGAN_ON = date(2021, 7, 1)
"""The day the GP data collection was first announced to start (NHS Digital, May 2021). It was put off and never did."""
LONGEST_AGE_YEARS = 10
"""Items older than ten years are not collected, as the GP data collection describes itself."""
GP_CLEAR_COLUMNS = ("postcode_sector", "lsoa", "sex")


class RulesError(ValueError):
    """Rules that cannot be: a constant sentence."""


@dataclass(frozen=True, slots=True)
class ItemColumns:
    """The columns of a coded event. `system` may be missing: then a code counts as barred if any system bars it."""

    code: str
    recorded_on: str
    system: str | None = None

    def names(self) -> tuple[str, ...]:
        """All of them."""
        return (self.code, self.recorded_on) if self.system is None else (self.code, self.recorded_on, self.system)


@dataclass(frozen=True, slots=True)
class CollectionRules:
    """What may be collected for a domain. Raises `RulesError` for rules that contradict themselves.

    `domain`: the only domain they are for, None for any. `items` None: no coded events come.
    """

    began_on: date
    identifiers: tuple[IdentifierType, ...]
    clear_columns: tuple[str, ...]
    items: ItemColumns | None = None
    code_list: CodeList | None = None
    longest_age_years: int = LONGEST_AGE_YEARS
    domain: DomainId | None = None
    rules_hash: ContentHash = field(init=False)

    def __post_init__(self) -> None:
        named = (*self.clear_columns, *(self.items.names() if self.items else ()))
        if IdentifierType.NHS_NUMBER not in self.identifiers:
            raise RulesError("the rules leave out nhs_number, without which nobody's Type 1 opt-out can be looked up")
        if any(refused_by_name(column) for column in named):
            raise RulesError("the rules name a column of names, addresses, free text or images")
        if len({*named, *IdentifierType}) != len(named) + len(IdentifierType):
            raise RulesError("the rules name a column twice")
        if self.items is not None and self.code_list is None:
            raise RulesError("the rules let codes in without a list of the codes that may not be shared by law")
        if self.longest_age_years < 1:
            raise RulesError("an event may be a year old at least")
        object.__setattr__(self, "rules_hash", content_hash(self._json()))

    @property
    def only_example_codes(self) -> bool:
        """Whether codes come, and what bars them is an example."""
        return self.items is not None and (self.code_list is None or self.code_list.status is ListStatus.EXAMPLE)

    def all_clear_columns(self) -> tuple[str, ...]:
        """Every column that comes as it is, those of the coded event included."""
        return (*self.clear_columns, *(self.items.names() if self.items else ()))

    def _json(self) -> JsonObject:
        items = self.items
        return {
            "began_on": self.began_on.isoformat(),
            "identifiers": [kind.value for kind in self.identifiers],
            "clear_columns": list(self.clear_columns),
            "items": None
            if items is None
            else {"code": items.code, "recorded_on": items.recorded_on, "system": items.system},
            "code_list": None if self.code_list is None else self.code_list.json(),
            "longest_age_years": self.longest_age_years,
            "domain": self.domain,
        }


GP_DATA_COLLECTION = CollectionRules(GP_BEGAN_ON, tuple(IdentifierType), GP_CLEAR_COLUMNS)
"""The rules of a domain that names none. Coded events need rules that name a list of barred codes."""

ReadFile = Callable[[str], JsonValue]
"""The JSON of the file of this name beside the rules."""


def read_rules(raw: JsonValue, beside: ReadFile) -> CollectionRules:
    """A rules file. Raises `FieldError` and `RulesError`, and whatever `beside` raises."""
    fields = Fields(raw)
    identifiers = fields.choices("identifiers", IdentifierType)
    if not identifiers:
        raise FieldError(fields.at("identifiers"), FieldFault.RANGE)
    domain = fields.maybe_text("domain", DOMAIN)
    named_list = fields.maybe_text("code_list", FILE_NAME)
    made = CollectionRules(
        began_on=fields.day("began_on"),
        identifiers=identifiers,
        clear_columns=fields.texts("clear_columns", COLUMN, 500),
        items=_items(fields.maybe_inner("items")),
        code_list=None if named_list is None else read_codes(beside(named_list)),
        longest_age_years=fields.maybe_number("longest_age_years", 1, 200) or LONGEST_AGE_YEARS,
        domain=None if domain is None else DomainId(domain),
    )
    fields.end()
    return made


def _items(fields: Fields | None) -> ItemColumns | None:
    if fields is None:
        return None
    columns = ItemColumns(
        fields.text("code", COLUMN), fields.text("recorded_on", COLUMN), fields.maybe_text("system", COLUMN)
    )
    fields.end()
    return columns
