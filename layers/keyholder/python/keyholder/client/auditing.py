"""What the ledger says. A method a route."""

from __future__ import annotations

from collections.abc import Iterator

from keyholder.canonical import JsonObject
from keyholder.client.answers import Export, JournalObject, Reader, SubjectSearch
from keyholder.client.calls import Calls, quoted


class Audit(Calls):
    """What the ledger says."""

    def events(self, request: str | None = None, **conditions: str) -> Iterator[JsonObject]:
        """Events in the ledger's order, of one request or by `project`, `actor`, `domain`, `type`, `decision`, `since`,
        `until`, and all of them that are given. Complete up to the moment of the first page."""
        wanted = conditions if request is None else {"request": request, **conditions}
        yield from self._pages("/v1/audit/events", wanted)

    def event(self, index: str) -> JsonObject:
        """One event, its exact leaf and its proof."""
        return Reader.of(self._get(f"/v1/audit/events/{quoted(index)}")).raw

    def consistency(self, first: int, second: int | None = None) -> JsonObject:
        """A proof that the ledger of `first` events is the beginning of that of `second`, or of the newest published.

        Its `proof` is to be verified with the older checkpoint as it was kept (`keyholder audit consistency`).
        """
        sizes = {"first": str(first), **({} if second is None else {"second": str(second)})}
        return Reader.of(self._get("/v1/audit/consistency", sizes)).raw

    def subject_search(self, nhs_number: str, reason: str, *, proof: bool = False) -> SubjectSearch:
        """Who re-identified this person? The question itself is logged, without the number.

        With `proof`, the whole ledger is verified and searched, and not its index.
        """
        body: JsonObject = {"nhs_number": nhs_number, "reason": reason, **({"proof": True} if proof else {})}
        return SubjectSearch.parse(self._post("/v1/audit/subject-searches", body))

    def export(self, form: str = "ledger", **conditions: str) -> Export:
        """Fixes what is exported: the whole ledger, or events as `ndjson`, `csv` or `fhir` by the conditions of
        `events`."""
        body: JsonObject = {} if form == "ledger" else {"format": form, "filter": conditions}
        return Export.parse(self._post("/v1/audit/exports", body))

    def export_objects(self, export_id: str, first: str | None = None) -> Iterator[JournalObject]:
        """Every object of an export, in order; one of events begins with its `first` cursor."""
        path, cursor = f"/v1/audit/exports/{quoted(export_id)}/objects", first
        while True:
            items, cursor = JournalObject.parse(self._get(path, {} if cursor is None else {"cursor": cursor}))
            yield from items
            if cursor is None:
                return

    def report(self, quarter: str) -> JsonObject:
        """The report of a quarter, for example `2026-Q4`."""
        return Reader.of(self._get(f"/v1/audit/reports/{quoted(quarter)}")).raw

    def volume_report(self, month: str) -> JsonObject:
        """What went above volume limits in a month, for example `2026-11`."""
        return Reader.of(self._get(f"/v1/audit/volume-reports/{quoted(month)}")).raw
