"""Making pseudonyms, and files of them. A method a route."""

from __future__ import annotations

from collections.abc import Sequence

from keyholder.canonical import JsonObject
from keyholder.client.answers import PseudonymisedRow, ReplacedRow
from keyholder.client.calls import Calls, Row, quoted, token_rows
from keyholder.client.extract_answers import ExtractView, Measured
from keyholder.collection.report import CollectionReport


class Pseudonyms(Calls):
    """Making pseudonyms, and files of them."""

    def pseudonymise(
        self, domain: str, rows: Sequence[Row], collection: CollectionReport | None = None
    ) -> tuple[PseudonymisedRow, ...]:
        """Pseudonyms for up to 5,000 rows of clear identifiers; `collection` tells what was dropped before."""
        body: JsonObject = {"rows": [{"row_id": row_id, "identifiers": dict(cells)} for row_id, cells in rows]}
        if collection is not None:
            body = {**body, "collection": collection.json()}
        return PseudonymisedRow.parse(self._post(f"/v1/domains/{quoted(domain)}/pseudonyms", body))

    def rekey(self, domain: str, rows: Sequence[Row]) -> tuple[ReplacedRow, ...]:
        """Up to 5,000 rows of pseudonyms, each brought to the newest key version of its type."""
        return ReplacedRow.parse(self._post(f"/v1/domains/{quoted(domain)}/rekeyings", token_rows(rows)))

    def announce_extract(self, domain: str, file: Measured, collection: CollectionReport | None = None) -> ExtractView:
        """Announces a CSV of up to 5,000,000 rows; the answer says where to upload it."""
        body: JsonObject = {
            "rows": file.rows,
            "bytes": file.size,
            "sha256": file.sha256,
            "columns": list(file.columns),
        }
        if collection is not None:
            body = {**body, "collection": collection.json()}
        return ExtractView.parse(self._post(f"/v1/domains/{quoted(domain)}/extracts", body))

    def extract(self, extract_id: str) -> ExtractView:
        """How a large extract stands."""
        return ExtractView.parse(self._get(_extract(extract_id)))

    def start_extract(self, extract_id: str) -> ExtractView:
        """Says that it is uploaded."""
        return ExtractView.parse(self._post(f"{_extract(extract_id)}/start", {}))

    def collect_extract(self, extract_id: str) -> ExtractView:
        """Where the parts of the result can be downloaded for a quarter of an hour."""
        return ExtractView.parse(self._post(f"{_extract(extract_id)}/collect", {}))

    def discard_extract(self, extract_id: str) -> ExtractView:
        """Has everything of it erased."""
        return ExtractView.parse(self._post(f"{_extract(extract_id)}/discard", {}))


def _extract(extract_id: str) -> str:
    return f"/v1/extracts/{quoted(extract_id)}"
