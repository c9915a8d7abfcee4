"""What those who decide hand in."""

from __future__ import annotations

from datetime import datetime

from keyholder.refusals import Refusal
from keyholder.registry.factors import Factor
from keyholder.requests import commands as ask
from keyholder.requests.codes import RejectReason, RevokeReason
from keyholder.requests.conditions import Condition
from keyholder.requests.content import FreeText
from keyholder.requests.desk.choosing import Choosing
from keyholder.requests.desk.core import Call, Desk, Done
from keyholder.requests.records import RecordChoice
from keyholder.requests.texts import keeping
from keyholder.vocabulary import (
    ContentHash,
    DomainId,
    IdentifierType,
    OrganisationCode,
    RequestId,
)


class Deciding(Desk):
    """A request is approved, rejected, stopped."""

    def approve(
        self,
        call: Call,
        request: RequestId,
        domain: DomainId,
        content_hash: ContentHash,
        *,
        organisation: OrganisationCode | None = None,
        until: datetime | None = None,
        identifier_types: tuple[IdentifierType, ...] | None = None,
        factor: Factor | None = None,
        records: RecordChoice | None = None,
        conditions: tuple[Condition, ...] = (),
    ) -> Done | Refusal:
        """One person's yes for one domain, filling one factor: to all of it or less, under conditions or none.

        Which records they approve goes to the erasable store. Raises `ContentLostError`.
        """
        command = ask.Approve(
            domain, content_hash, organisation, until, identifier_types, factor, conditions=conditions
        )
        choosing = Choosing(self._contents, self._ids.salt(), records)
        return self.carry_out(call, request, command, choosing.keep, choosing.complete)

    def reject(
        self,
        call: Call,
        request: RequestId,
        domain: DomainId,
        content_hash: ContentHash,
        reason: RejectReason,
        *,
        comment: str | None = None,
        organisation: OrganisationCode | None = None,
        factor: Factor | None = None,
    ) -> Done | Refusal:
        """One person's no for one domain; the comment goes to the erasable store."""
        text = FreeText(self._ids.salt(), comment) if comment else None
        command = ask.Reject(domain, content_hash, reason, text.sha256() if text else None, organisation, factor)
        return self.carry_out(call, request, command, keeping(self._contents, text, "/comment"))

    def revoke(self, call: Call, request: RequestId, reason: RevokeReason) -> Done | Refusal:
        """One controller stops an approved request."""
        return self.carry_out(call, request, ask.Revoke(reason))
