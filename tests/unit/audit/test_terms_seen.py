"""Which terms of use were in force, as far as a ledger tells."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from keyholder.audit.replaying import RuleError
from keyholder.audit.terms_seen import TermsSeen
from keyholder.registry.terms import Document, Terms

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
OLD, NEW = (Terms(Document.APPROVER, version, f"{version:02x}" * 32) for version in (1, 2))
LATER = NOW + timedelta(days=2)


def test_a_kind_that_once_said_nothing_does_not_go_back_to_that() -> None:
    seen = TermsSeen()
    seen.accepted(OLD, NOW)
    seen.noted("linkage", Document.APPROVER, None, LATER)
    seen.noted("standing", Document.APPROVER, OLD, LATER)
    seen.noted("linkage", Document.APPROVER, None, LATER)
    with pytest.raises(RuleError):
        seen.noted("standing", Document.APPROVER, None, LATER)


def test_what_is_said_is_the_newest_a_day_after_somebody_accepted_that() -> None:
    seen = TermsSeen()
    seen.accepted(NEW, NOW)
    seen.noted("linkage", Document.APPROVER, OLD, NOW + timedelta(days=1))
    with pytest.raises(RuleError):
        seen.noted("linkage", Document.APPROVER, OLD, LATER)
    seen.noted("linkage", Document.APPROVER, NEW, LATER)
