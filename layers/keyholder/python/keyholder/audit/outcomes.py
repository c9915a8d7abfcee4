"""Did identifiers leave? What the deciding reason of a record in a release says."""

from __future__ import annotations

from keyholder.policy.tables import EFFECT
from keyholder.policy.vocabulary import Decision, Reason
from keyholder.release.items import RECORD_NOT_APPROVED, ROW_NOT_LINKED, ItemStatus

_DISCLOSING = frozenset(reason.value for reason, row in EFFECT.items() if row.decision is Decision.RELEASE)
"""A release's first reason says why it is lawful; one that only narrows comes first where nothing was left to give."""


_WITHHOLDING = frozenset(reason.value for reason in Reason) - _DISCLOSING | {
    ROW_NOT_LINKED,
    RECORD_NOT_APPROVED,
    *(status.value.upper() for status in (ItemStatus.MALFORMED, ItemStatus.KEY_RETIRED, ItemStatus.KEY_DESTROYED)),
}


def disclosing(reason: str) -> bool:
    """Whether identifiers left for this reason. One nobody knows counts as disclosed: rather too much is told."""
    return reason not in _WITHHOLDING
