"""`docs/policy.md` says what the tables say, and the tables say every word of the vocabulary once."""

from __future__ import annotations

from dataclasses import is_dataclass
from pathlib import Path

from keyholder.canonical import canonical_json
from keyholder.policy import settings, tables
from keyholder.policy.page import render
from keyholder.policy.sources import SOURCES
from keyholder.policy.vocabulary import CareOrigin, Decision, LegalBasis, OutwardCode, PolicyIdentifier, Purpose, Reason
from keyholder.vocabulary import IdentifierType

PAGE = Path(__file__).parents[3] / "docs" / "policy.md"

WITHHELD = (
    "PSEUDONYM_UNKNOWN CONSENT_ABSENT CONSENT_NOT_YET_GIVEN CONSENT_WITHDRAWN CONSENT_WRONG_PROJECT CONSENT_SCOPE "
    "NO_CARE_RELATIONSHIP PROGRAMME_OPT_OUT TYPE1_ACTIVE TYPE1_UNKNOWN NHS_NUMBER_UNAVAILABLE NDOO_OPTED_OUT"
)
REFUSED = (
    "PURPOSE_PROHIBITED BASIS_MISSING ROLE_NOT_PERMITTED BASIS_PURPOSE_MISMATCH BASIS_EVIDENCE_MISSING BASIS_EXPIRED "
    "BASIS_SCOPE REC_MISSING REQUESTER_NOT_ACCREDITED DSA_EXPIRED CONTROLLER_REFUSED"
)


def test_the_page_is_what_the_tables_give() -> None:
    assert PAGE.read_text() == render()


def test_dates_and_identifiers_stand_there_with_what_they_rest_on() -> None:
    page = render()
    for row in tables.COPI_NOTICES_END:
        assert f"| `{row.purpose}` | {row.last_day.isoformat()} | {row.source} |" in page
    for code in tables.OPT_OUT_CODES:
        assert f"| {code.system} | `{code.code}` | {code.source} |" in page
    assert tables.TYPE2_SOURCE in page
    assert tables.LOCATING_SOURCE in page


def test_every_row_of_every_table_carries_its_source() -> None:
    """Found by their shape, so that a table that is added is held to it too; all of it is in the policy's hash."""
    found = {
        name: table
        for module in (tables, settings)
        for name, table in vars(module).items()
        if isinstance(table, tuple) and table and all(is_dataclass(row) for row in table)
    }
    assert found.keys() >= {
        *("PROHIBITIONS", "MATRIX", "NDOO_REACH", "OPT_OUT_CODES", "COPI_NOTICES_END", "DECISIONS", "REASONS"),
        "STATED_EXEMPT_FLOWS",
    }
    hashed = canonical_json(settings._rules()).decode()
    page = render()
    for name, table in found.items():
        for row in table:
            source = SOURCES.get(row.source, row.source)
            assert source.strip(), (name, row)
            assert f"{source} |" in page, (name, row)
            assert name == "STATED_EXEMPT_FLOWS" or source in hashed, (name, row)


def test_every_word_has_one_row() -> None:
    assert [row.reason for row in tables.REASONS] == list(Reason)
    assert [row.decision for row in tables.DECISIONS] == list(Decision)
    assert [row.basis for row in tables.MATRIX] == [basis for basis in LegalBasis if basis != LegalBasis.NONE]
    assert [row.origin for row in tables.NDOO_REACH] == list(CareOrigin)
    assert {row.lawful for row in tables.MATRIX} <= {row.reason for row in tables.REASONS if row.decision == "release"}


def test_every_purpose_fits_something_or_is_prohibited() -> None:
    lawful = frozenset[Purpose]().union(*(row.purposes for row in tables.MATRIX))
    assert lawful | {row.purpose for row in tables.PROHIBITIONS} == set(Purpose)


def test_what_each_reason_decides() -> None:
    rows = {row.reason.value: (row.decision.value, row.scope.value) for row in tables.REASONS}
    assert {reason for reason, row in rows.items() if row == ("withhold", "subject")} == set(WITHHELD.split())
    assert {reason for reason, row in rows.items() if row == ("refuse", "request")} == set(REFUSED.split())
    assert rows["AWAITING_CONTROLLER"] == ("pending", "request")
    assert {row for reason, row in rows.items() if reason.startswith("NDOO_CHECK_")} == {("hold", "subject")}
    assert {tables.OUTWARD[tables.EFFECT[Reason(reason)].decision] for reason in WITHHELD.split()} == {
        OutwardCode.NOT_AVAILABLE
    }


def test_the_policy_knows_every_identifier_type_of_an_extract() -> None:
    assert [PolicyIdentifier.of(identifier).value for identifier in IdentifierType] == list(IdentifierType)
    assert set(PolicyIdentifier) - {PolicyIdentifier.of(one) for one in IdentifierType} == {
        PolicyIdentifier.LOCAL_PATIENT_ID
    }
