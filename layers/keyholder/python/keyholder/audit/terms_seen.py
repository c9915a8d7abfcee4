"""Which terms of use were in force, as far as a ledger tells: what people accepted, and when first.

A document that somebody has accepted stays in force, and its newest version never goes back; a day passes until every
function of a deployment has it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from keyholder.audit.replaying import RuleError
from keyholder.registry.terms import Document, Terms

ROLLED_OUT_WITHIN = timedelta(days=1)


class TermsSeen:
    """The texts accepted so far."""

    def __init__(self) -> None:
        self._first: dict[Document, dict[int, datetime]] = {}
        self._telling: set[str] = set()
        """Kinds of events of which one has said by now which text was accepted."""

    def accepted(self, terms: Terms, at: datetime) -> None:
        """Somebody accepted a text. Raises `RuleError` where a newer one had been in force for more than a day."""
        self.asked(terms.document, terms, at)
        self._first.setdefault(terms.document, {}).setdefault(terms.version, at)

    def asked(self, document: Document, terms: Terms | None, at: datetime) -> None:
        """Somebody was let through who had accepted `terms`, None if nothing was asked. Raises `RuleError` likewise."""
        least = 0 if terms is None else terms.version
        for version, first in self._first.get(document, {}).items():
            if version > least and at - first > ROLLED_OUT_WITHIN:
                raise RuleError("newer terms of use were in force")

    def noted(self, kind: str, document: Document, terms: Terms | None, at: datetime) -> None:
        """`asked`, of a kind of event that did not say so when ledgers began.

        Without a word it is good until the first of its kind that says one; after that one, no writer goes back.
        """
        if terms is None and kind not in self._telling:
            return
        self._telling.add(kind)
        self.asked(document, terms, at)
