"""The rules file and the code list: read strictly, and a contradiction is refused."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from infra.routes import ROOT
from keyholder.client.collection_file import collection_rules
from keyholder.client.spreadsheets import SheetError
from keyholder.collection.codes import BarredCode, CodeList, LegalBar, ListStatus
from keyholder.collection.rules import GP_DATA_COLLECTION, CollectionRules, RulesError
from keyholder.policy.vocabulary import CodeSystem
from keyholder.vocabulary import IdentifierType

EXAMPLES = ROOT / "docs" / "examples"
RULES = json.loads((EXAMPLES / "collection-rules.json").read_text())
CODES = json.loads((EXAMPLES / "barred-codes.json").read_text())


def written(folder: Path, rules: object, codes: object = CODES) -> Path:
    (folder / "barred-codes.json").write_text(codes if isinstance(codes, str) else json.dumps(codes))
    path = folder / "rules.json"
    path.write_text(rules if isinstance(rules, str) else json.dumps(rules))
    return path


def without(document: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in names}


def test_the_published_example_is_read_and_marked_as_one() -> None:
    rules = collection_rules(EXAMPLES / "collection-rules.json")
    assert rules.only_example_codes
    assert rules.all_clear_columns() == ("postcode_sector", "lsoa", "sex", "code", "recorded_on", "code_system")
    assert (rules.began_on, rules.longest_age_years, rules.domain) == (date(2021, 7, 1), 10, None)


def test_without_items_the_file_says_what_the_default_says(tmp_path: Path) -> None:
    rules = collection_rules(written(tmp_path, without(RULES, "items", "code_list")))
    assert rules == GP_DATA_COLLECTION
    assert rules.rules_hash == GP_DATA_COLLECTION.rules_hash


CHANGES: dict[str, object] = {
    "began_on": "2021-07-02",
    "identifiers": ["nhs_number"],
    "clear_columns": ["lsoa"],
    "items": {"code": "code", "recorded_on": "recorded_on"},
    "longest_age_years": 5,
    "domain": "gp-2026",
}


@pytest.mark.parametrize("name", CHANGES)
def test_every_rule_is_part_of_the_hash(tmp_path: Path, name: str) -> None:
    before = collection_rules(written(tmp_path, RULES)).rules_hash
    assert collection_rules(written(tmp_path, {**RULES, name: CHANGES[name]})).rules_hash != before
    fewer = {**CODES, "codes": CODES["codes"][1:]}
    assert collection_rules(written(tmp_path, RULES, fewer)).rules_hash != before


WRONG: list[tuple[object, object]] = [
    ("{", CODES),
    ("[]", CODES),
    (json.dumps(RULES).replace("{", '{"began_on": "1990-01-01", ', 1), CODES),
    ({**RULES, "longest_age_yeers": 5}, CODES),
    *((without(RULES, name), CODES) for name in ("began_on", "identifiers", "clear_columns", "code_list")),
    ({**RULES, "began_on": "01/07/2021"}, CODES),
    ({**RULES, "began_on": "2021-02-30"}, CODES),
    ({**RULES, "identifiers": []}, CODES),
    ({**RULES, "identifiers": ["postcode"]}, CODES),
    ({**RULES, "identifiers": ["nhs_number", "surname"]}, CODES),
    ({**RULES, "identifiers": ["nhs_number", "nhs_number"]}, CODES),
    ({**RULES, "clear_columns": ["lsoa", "surname"]}, CODES),
    ({**RULES, "clear_columns": ["nhs_number"]}, CODES),
    ({**RULES, "clear_columns": ["code"]}, CODES),
    ({**RULES, "clear_columns": "lsoa"}, CODES),
    ({**RULES, "clear_columns": ["lsoa", "lsoa"]}, CODES),
    ({**RULES, "items": {"code": "code"}}, CODES),
    ({**RULES, "items": {"code": "code", "recorded_on": "code"}}, CODES),
    ({**RULES, "items": {"code": "free_text", "recorded_on": "recorded_on"}}, CODES),
    ({**RULES, "items": {"code": "code", "recorded_on": "recorded_on", "value": "value"}}, CODES),
    ({**RULES, "longest_age_years": 0}, CODES),
    ({**RULES, "longest_age_years": "10"}, CODES),
    ({**RULES, "domain": "GP 2026"}, CODES),
    ({**RULES, "code_list": "../barred-codes.json"}, CODES),
    (RULES, "not json"),
    (RULES, {**CODES, "codes": []}),
    (RULES, {**CODES, "status": "final"}),
    (RULES, without(CODES, "source")),
    (RULES, {**CODES, "codes": [{"system": "readv2", "code": "EX1..", "bar": "other"}]}),
    (RULES, {**CODES, "codes": [{"system": "icd10", "code": "EX1..", "bar": "fertility_treatment"}]}),
    (RULES, {**CODES, "codes": [{"system": "readv2", "code": "EX%", "bar": "fertility_treatment"}]}),
    (RULES, {**CODES, "codes": [{"system": "readv2", "code": "EX1..", "bar": "fertility_treatment", "note": "x"}]}),
]


@pytest.mark.parametrize(("rules", "codes"), WRONG)
def test_rules_that_are_not_as_they_have_to_be_are_refused(tmp_path: Path, rules: object, codes: object) -> None:
    with pytest.raises(SheetError):
        collection_rules(written(tmp_path, rules, codes))


def test_a_code_list_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        collection_rules(written(tmp_path, {**RULES, "code_list": "elsewhere.json"}))


def test_rules_made_in_code_are_held_to_the_same() -> None:
    with pytest.raises(RulesError):
        CollectionRules(date(2021, 7, 1), (IdentifierType.NHS_NUMBER,), ("lsoa", "Address"))
    with pytest.raises(RulesError):
        CollectionRules(date(2021, 7, 1), (IdentifierType.POSTCODE,), ())


LIST = CodeList(
    "a test",
    ListStatus.IN_FORCE,
    (
        BarredCode(CodeSystem.READV2, "EX1..", LegalBar.FERTILITY_TREATMENT),
        BarredCode(CodeSystem.READV2, "EX3..00", LegalBar.FERTILITY_TREATMENT),
        BarredCode(CodeSystem.SNOMED, "1234567", LegalBar.GENDER_REASSIGNMENT),
    ),
)


@pytest.mark.parametrize(
    ("code", "system", "barred"),
    [
        ("EX1..", CodeSystem.READV2, True),
        ("EX1..00", CodeSystem.READV2, True),
        ("EX1..11", None, True),
        ("EX1..", None, True),
        ("EX1..", CodeSystem.CTV3, False),
        ("ex1..", CodeSystem.READV2, False),
        ("EX2..", None, False),
        ("EX3..", CodeSystem.READV2, True),
        ("EX3..11", CodeSystem.READV2, True),
        ("1234567", CodeSystem.SNOMED, True),
        ("1234567", None, True),
        ("12345678", CodeSystem.SNOMED, False),
        ("12345", CodeSystem.SNOMED, False),
    ],
)
def test_a_code_is_barred_in_its_system_with_and_without_its_term(
    code: str, system: CodeSystem | None, barred: bool
) -> None:
    assert LIST.bars(code, system) is barred
