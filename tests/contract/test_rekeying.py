"""Re-keying through the product: before a version is retired, a column is brought to the one that makes tokens."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.api import Answer, Api, Fault
from tests.contract.settled import DOMAIN, OTHER_DOMAIN, Extract, approved, expect, request_body
from tests.contract.test_key_changes import changed, keys_of, wish
from tests.contract.test_ten_digits import TEN
from tests.contract.test_ten_digits import registered as ten_digits

ROUTE = f"/v1/domains/{DOMAIN}/rekeyings"
TYPES = ("nhs_number", "date_of_birth", "postcode", "gp_local_patient_number")


def rekeyed(api: Api, *rows: dict[str, Any], path: str = ROUTE) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = expect(api.post(path, {"rows": list(rows)}, "provider"), 200).json["rows"]
    return found


def sent(row: dict[str, Any]) -> dict[str, Any]:
    return {"row_id": row["row_id"], "pseudonyms": row["pseudonyms"]}


def released(answer: Answer) -> list[dict[str, str]]:
    return [one.get("identifiers", {}) for one in expect(answer, 200).json["items"]]


def test_what_was_rekeyed_outlives_the_old_version(api: Api, extract: Extract) -> None:
    changed(api, wish("rotate", types=TYPES))
    row = sent(extract.rows[0])
    (new,) = rekeyed(api, row)
    assert new["statuses"] == dict.fromkeys(row["pseudonyms"], "rekeyed")
    assert {token[2:4] for token in new["pseudonyms"].values()} == {"02"}
    (again,) = rekeyed(api, sent(new))
    assert set(again["statuses"].values()) == {"current"}
    assert again["pseudonyms"] == new["pseudonyms"]
    changed(api, wish("retire", 1, types=TYPES), wish("destroy", 1, types=TYPES))
    assert keys_of(api)["nhs_number"] == {"1": "destroyed", "2": "active"}
    kinds = ("nhs_number", "date_of_birth")
    record = {"row_id": "new", "pseudonyms": {kind: new["pseudonyms"][kind] for kind in kinds}}
    old, opened = released(approved(api, request_body(extract, 0, record)).release())
    assert old == {}
    assert opened == {kind: extract.identifiers[0][kind] for kind in kinds}
    (gone,) = rekeyed(api, row)
    assert gone["statuses"] == dict.fromkeys(row["pseudonyms"], "key_destroyed")
    assert gone["pseudonyms"] == {}


def test_one_opening_of_each_key_whatever_the_number_of_rows_and_the_ledger_before_the_answer(
    api: Api, extract: Extract
) -> None:
    changed(api, wish("rotate", types=TYPES))
    rows = [sent(row) | {"row_id": f"{copy}-{row['row_id']}"} for copy in range(20) for row in extract.rows]
    opened: list[dict[str, str]] = []
    watch = Fault("Decrypt", when=lambda params: bool(opened.append(params["EncryptionContext"])))  # type: ignore[func-returns-value]  # never true
    before = len(api.events())
    with api.failing(watch):
        found = rekeyed(api, *rows)
    assert [row["row_id"] for row in found] == [row["row_id"] for row in rows]
    keys = [(one["keyholder:identifier_type"], one["keyholder:version"]) for one in opened]
    assert sorted(keys) == sorted((kind, version) for kind in TYPES for version in ("1", "2"))
    (event,) = api.events()[before:]
    assert (event["type"], event["actor"]) == ("pseudonyms.rekeyed", extract.people["provider"])
    assert event["data"]["tokens"] == {kind: {"rekeyed": len(rows)} for kind in sorted(TYPES)}


def test_what_is_not_the_domains_own_stays_as_it_is(api: Api, extract: Extract) -> None:
    changed(api, wish("rotate", types=TYPES))
    own = extract.rows[0]["pseudonyms"]
    (found,) = rekeyed(
        api,
        {
            "row_id": "1",
            "pseudonyms": {
                "nhs_number": extract.foreign["nhs_number"],
                "date_of_birth": own["postcode"],
                "postcode": own["postcode"][:-1] + ("0" if own["postcode"][-1] != "0" else "1"),
                "gp_local_patient_number": own["gp_local_patient_number"],
            },
        },
    )
    assert found["statuses"] == {
        "nhs_number": "not_opened",
        "date_of_birth": "not_opened",
        "postcode": "malformed",
        "gp_local_patient_number": "rekeyed",
    }
    assert set(found["pseudonyms"]) == {"gp_local_patient_number"}


def test_who_may_and_what_may_not(api: Api, extract: Extract) -> None:
    body = {"rows": [sent(extract.rows[0])]}
    for who in ("operator", "researcher", "controller"):
        answer = expect(api.post(ROUTE, body, who, claims={"scope": "keyholder/provide"}), 403)
        assert answer.code == "NOT_A_PROVIDER"
    (_, _, refusal) = [event for event in api.events() if event["type"] == "attempt.refused"]
    assert refusal["data"] == {"command": "rekey", "code": "NOT_A_PROVIDER", "subject": f"domain/{DOMAIN}"}
    twice = {"rows": [sent(extract.rows[0])] * 2}
    assert expect(api.post(ROUTE, twice, "provider"), 422).code == "ROW_IDS_NOT_UNIQUE"


def test_ten_digits_have_one_version(api: Api, extract: Extract) -> None:
    (row, *_) = ten_digits(api, extract)
    path = f"/v1/domains/{TEN}/rekeyings"
    assert expect(api.post(path, {"rows": [sent(row)]}, "provider"), 422).code == "SCHEME_WITHOUT_VERSIONS"
    (found,) = rekeyed(api, {"row_id": "1", "pseudonyms": {"postcode": row["pseudonyms"]["postcode"]}}, path=path)
    assert found["statuses"] == {"postcode": "current"}


@pytest.mark.parametrize("domain", [DOMAIN, OTHER_DOMAIN])
def test_keys_switched_off_are_said_to_be_so(api: Api, extract: Extract, domain: str) -> None:
    with api.failing(Fault("Decrypt", "DisabledException", 400)):
        answer = api.post(f"/v1/domains/{domain}/rekeyings", {"rows": [extract.record(0)]}, "provider")
    assert expect(answer, 503).json["type"].endswith("/keys-unavailable")
    assert "pseudonyms.rekeyed" not in api.types()
