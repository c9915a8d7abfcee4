"""Which columns of an extract may come at all, and why another may not.

A column comes only if the domain's rules name it. Some cannot be named: names, addresses, free text and images are
refused by what a column is called, whatever the rules say. Source: the GP data collection's own description, "name and
address are not collected" (NHS Digital, General Practice Data for Planning and Research, 2021).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from keyholder.collection.vocabulary import ColumnReason
from keyholder.vocabulary import IdentifierType

_REFUSED_WORDS: tuple[tuple[ColumnReason, str], ...] = (
    (ColumnReason.CONTACT, r"e?mail|[a-z]*emails?(address)?|tel|[a-z]*(tele)?phones?(no|number)?|mobiles?|fax"),
    (ColumnReason.ADDRESS, r"[a-z]*addr(ess)?(es)?(line)?|streets?|house|flat|town|city|village|uprn|usrn"),
    (ColumnReason.ADDRESS, r"easting|northing|lat|latitude|lon|lng|longitude"),
    (ColumnReason.NAME, r"[a-z]*names?|alias(es)?|initials?|title|salutation|kin|nok"),
    (ColumnReason.FREE_TEXT, r"(free)?texts?|[a-z]*freetext|[a-z]*notes?|[a-z]*comments?|[a-z]*narratives?|remarks?"),
    (ColumnReason.FREE_TEXT, r"memos?|letters?|descriptions?|summary|summaries|correspondence|transcripts?|messages?"),
    (ColumnReason.IMAGE, r"[a-z]*images?|[a-z]*photo(s|graph|graphs)?|pictures?|scans?|xrays?|dicom|videos?|audio"),
    (ColumnReason.IMAGE, r"recordings?|attachments?|documents?|docs?|files?|blobs?|pdfs?|jpe?gs?|png|signatures?"),
)
"""The closed list: a column is refused if one word of its name is one of these, whole."""

_PATTERNS = tuple((reason, re.compile(words)) for reason, words in _REFUSED_WORDS)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")
_DIGITS = re.compile(r"[0-9]+")


def refused_by_name(column: str) -> ColumnReason | None:
    """Why no rules can let this column in; None for a name that says nothing of the kind.

    Read word by word: `PatientSurname1`, `patient_surname` and `patient surname` are one.
    """
    words = _words(column)
    for reason, pattern in _PATTERNS:
        if any(pattern.fullmatch(word) for word in words):
            return reason
    return None


def _words(column: str) -> list[str]:
    """The words of a name without its digits, and each two neighbours as one word (`x_ray`, `e-mail`)."""
    words = [word for found in _WORD.findall(column) if (word := _DIGITS.sub("", found).lower())]
    return [*words, *(first + second for first, second in pairwise(words))]


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """What becomes of each column of one file. `refused` has the reason by the column's name, in the file's order."""

    identifiers: tuple[IdentifierType, ...]
    clear: tuple[str, ...]
    refused: Mapping[str, ColumnReason] = field(repr=False)

    def refused_counts(self) -> Mapping[ColumnReason, int]:
        """How many columns were left out, by reason: what may be told without the columns' names."""
        reasons = list(self.refused.values())
        return {reason: reasons.count(reason) for reason in ColumnReason if reason in reasons}


def plan(header: Iterable[str], identifiers: Iterable[IdentifierType], clear: Iterable[str]) -> ColumnPlan:
    """The plan for a file with this header under rules that let these columns in."""
    names = tuple(header)
    allowed_kinds, allowed_clear = set(identifiers), set(clear)
    kinds = tuple(kind for kind in IdentifierType if kind.value in names and kind in allowed_kinds)
    # Asked again here, so that no rules, however they were made, let an identifier or a refused column through.
    kept = tuple(
        name for name in names if name in allowed_clear - set(IdentifierType) and refused_by_name(name) is None
    )
    coming = {*(kind.value for kind in kinds), *kept}
    refused = {name: refused_by_name(name) or ColumnReason.NOT_IN_RULES for name in names if name not in coming}
    return ColumnPlan(kinds, kept, refused)
