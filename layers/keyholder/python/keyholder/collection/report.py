"""What a provider's client dropped before it sent anything, in codes and counts: part of a job, and of its event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Self

from keyholder.canonical import JsonObject
from keyholder.collection.vocabulary import ColumnReason, DropRule
from keyholder.registry.fields import SHA256, Fields
from keyholder.vocabulary import ContentHash


@dataclass(frozen=True, slots=True)
class CollectionReport:
    """Under which rules, the rows dropped since the job before, and the columns of the file that were left out.

    `began_on`: the day the collection started, which the server asks of every row again.
    """

    rules_hash: ContentHash
    began_on: date
    dropped: Mapping[DropRule, int] = field(default_factory=dict)
    columns_refused: Mapping[ColumnReason, int] = field(default_factory=dict)

    def json(self) -> JsonObject:
        """The form of bodies and events. A rule that dropped nothing is not named."""
        return {
            "rules": self.rules_hash,
            "began_on": self.began_on.isoformat(),
            "dropped": {rule.value: self.dropped[rule] for rule in DropRule if self.dropped.get(rule)},
            "columns_refused": {
                reason.value: self.columns_refused[reason]
                for reason in ColumnReason
                if self.columns_refused.get(reason)
            },
        }

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """What `json` wrote. Raises `FieldError`."""
        report = cls(
            ContentHash(fields.text("rules", SHA256)),
            fields.day("began_on"),
            fields.tally("dropped", DropRule),
            fields.tally("columns_refused", ColumnReason),
        )
        fields.end()
        return report
