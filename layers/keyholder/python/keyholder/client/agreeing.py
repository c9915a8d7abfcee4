"""What is agreed beforehand or looked at afterwards: standing approvals, linkage, emergencies. A method a route."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from keyholder.canonical import JsonObject
from keyholder.client.answers import Reader, ReplacedRow, RequestView
from keyholder.client.calls import Calls, Row, quoted, token_rows


class Agreements(Calls):
    """What is agreed beforehand or looked at afterwards: standing approvals, linkage, emergency access."""

    def ask_standing_approval(self, terms: JsonObject) -> JsonObject:
        """Puts bounds for many requests of a project before the controllers of every domain."""
        return Reader.of(self._post("/v1/standing-approvals", terms)).raw

    def standing_approval(self, standing_id: str) -> JsonObject:
        """A standing approval as it is now."""
        return Reader.of(self._get(_standing(standing_id))).raw

    def standing_approvals(self, *, domain: str | None = None, project: str | None = None) -> Iterator[JsonObject]:
        """Those of a domain, or of a project, that the caller may read."""
        named = {"domain": domain, "project": project}
        wanted = {name: value for name, value in named.items() if value is not None}
        yield from self._pages("/v1/standing-approvals", wanted)

    def approve_standing_approval(
        self,
        standing_id: str,
        domain: str,
        terms_hash: str,
        if_match: str,
        *,
        factor: str | None = None,
        organisation: str | None = None,
    ) -> JsonObject:
        """Approves exactly these bounds for one domain, and declares no conflict of interest."""
        body = _yes(domain, terms_hash, factor, organisation)
        return Reader.of(self._post(f"{_standing(standing_id)}/approve", body, if_match)).raw

    def end_standing_approval(self, standing_id: str, reason: str, if_match: str) -> JsonObject:
        """Refuses or revokes it."""
        return Reader.of(self._post(f"{_standing(standing_id)}/end", {"reason": reason}, if_match)).raw

    def use_standing_approval(self, request_id: str, standing_id: str, if_match: str) -> RequestView:
        """Has a request approved, as it stands, by a standing approval that covers it."""
        return self._command(request_id, "use-standing-approval", {"standing_approval_id": standing_id}, if_match)

    def propose_linkage(self, terms: JsonObject) -> JsonObject:
        """Puts the terms of a linkage agreement before the controllers of both domains."""
        return Reader.of(self._post("/v1/linkage-agreements", terms)).raw

    def linkage_agreement(self, agreement_id: str) -> JsonObject:
        """An agreement as it is now."""
        return Reader.of(self._get(_agreement(agreement_id))).raw

    def linkage_agreements(self, domain: str) -> Iterator[JsonObject]:
        """The agreements from a domain and to it that the caller may read."""
        yield from self._pages(f"/v1/domains/{quoted(domain)}/linkage-agreements", {})

    def approve_linkage(
        self,
        agreement_id: str,
        domain: str,
        terms_hash: str,
        if_match: str,
        *,
        factor: str | None = None,
        organisation: str | None = None,
    ) -> JsonObject:
        """Approves exactly these terms for one of the two domains, and declares no conflict of interest."""
        body = _yes(domain, terms_hash, factor, organisation)
        return Reader.of(self._post(f"{_agreement(agreement_id)}/approve", body, if_match)).raw

    def end_linkage(self, agreement_id: str, reason: str, if_match: str) -> JsonObject:
        """Refuses or ends an agreement."""
        return Reader.of(self._post(f"{_agreement(agreement_id)}/end", {"reason": reason}, if_match)).raw

    def translate(self, agreement_id: str, rows: Sequence[Row]) -> tuple[ReplacedRow, ...]:
        """Up to 5,000 rows of pseudonyms, translated for the agreement's target domain."""
        return ReplacedRow.parse(self._post(f"{_agreement(agreement_id)}/translations", token_rows(rows)))

    def open_emergency_access(self, body: JsonObject) -> JsonObject:
        """Opens a few records at once for somebody's care: items, or an age file in base64 where a key is given."""
        return Reader.of(self._post("/v1/emergency-accesses", body)).raw

    def emergency_accesses(self, domain: str | None = None) -> JsonObject:
        """One's own, or those to a domain for whoever decides there."""
        return Reader.of(self._get("/v1/emergency-accesses", {} if domain is None else {"domain": domain})).raw

    def emergency_access(self, access_id: str) -> JsonObject:
        """One emergency access and how far its review is."""
        return Reader.of(self._get(f"/v1/emergency-accesses/{quoted(access_id)}")).raw

    def review_emergency_access(self, access_id: str, finding: str) -> JsonObject:
        """Whether it was `justified` or `not_justified`, by somebody who decides for its domain."""
        return Reader.of(self._post(f"/v1/emergency-accesses/{quoted(access_id)}/review", {"finding": finding})).raw


def _agreement(agreement_id: str) -> str:
    return f"/v1/linkage-agreements/{quoted(agreement_id)}"


def _standing(standing_id: str) -> str:
    return f"/v1/standing-approvals/{quoted(standing_id)}"


def _yes(domain: str, terms_hash: str, factor: str | None, organisation: str | None) -> JsonObject:
    """To exactly these terms, for one domain, without a conflict of interest; which place it fills where it matters."""
    place = {"factor": factor, "organisation": organisation}
    body: JsonObject = {"domain": domain, "terms_hash": terms_hash, "no_conflict_of_interest": True}
    return {**body, **{name: value for name, value in place.items() if value is not None}}
