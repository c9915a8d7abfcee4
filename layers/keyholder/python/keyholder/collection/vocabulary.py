"""The words of collection: why a column is left out, and which rule drops a row. Codes are for the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class ColumnReason(StrEnum):
    """Why a column is left out: the code the ledger holds. The column's own name stays with the provider."""

    NAME = "name"
    ADDRESS = "address"
    CONTACT = "contact"
    FREE_TEXT = "free_text"
    IMAGE = "image"
    NOT_IN_RULES = "not_in_rules"
    """The domain's rules do not name it."""


COLUMN_WORDS: Mapping[ColumnReason, str] = {
    ColumnReason.NAME: "names are not collected",
    ColumnReason.ADDRESS: "addresses are not collected",
    ColumnReason.CONTACT: "telephone numbers and e-mail addresses are not collected",
    ColumnReason.FREE_TEXT: "free text is not collected: anybody may be named in it",
    ColumnReason.IMAGE: "images, recordings and documents are not collected",
    ColumnReason.NOT_IN_RULES: "the domain's collection rules do not name it",
}


class DropRule(StrEnum):
    """The rule that dropped a row, in the order they are asked. What nobody can tell does not come either."""

    NHS_NUMBER_UNREADABLE = "nhs_number_unreadable"
    TYPE_1_OPT_OUT = "type_1_opt_out"
    TYPE_1_UNKNOWN = "type_1_unknown"
    DIED_BEFORE_START = "died_before_start"
    DATE_OF_DEATH_UNREADABLE = "date_of_death_unreadable"
    CODE_NOT_SHARED = "code_not_shared"
    CODE_UNREADABLE = "code_unreadable"
    ITEM_TOO_OLD = "item_too_old"
    ITEM_DATE_UNREADABLE = "item_date_unreadable"


DROP_WORDS: Mapping[DropRule, str] = {
    DropRule.NHS_NUMBER_UNREADABLE: "no readable NHS number, so nobody can tell whether they opted out",
    DropRule.TYPE_1_OPT_OUT: "an active Type 1 opt-out",
    DropRule.TYPE_1_UNKNOWN: "not in the Type 1 file, so nobody can tell whether they opted out",
    DropRule.DIED_BEFORE_START: "died before the collection started",
    DropRule.DATE_OF_DEATH_UNREADABLE: "no readable date of death where there is one",
    DropRule.CODE_NOT_SHARED: "a code that may not be shared by law",
    DropRule.CODE_UNREADABLE: "no readable code, so nobody can tell whether it may be shared",
    DropRule.ITEM_TOO_OLD: "an event older than the collection takes",
    DropRule.ITEM_DATE_UNREADABLE: "no readable day of an event, so nobody can tell how old it is",
}
