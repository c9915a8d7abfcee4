"""What a request asks for: read strictly, hashed, and free of what must not be in it."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.canonical import JsonObject, JsonValue
from keyholder.refusals import Refusal
from keyholder.registry.fields import FieldError
from keyholder.requests.content import MOST_RECORDS, Draft, FreeText, parse_draft, read_content
from keyholder.requests.recipient import is_public_key
from tests.people import some_nhs_numbers
from tests.unit.requests.world import GP, HOSPITAL, SALT, TOKEN, VOCABULARY, a_body, a_draft

CANARY = some_nhs_numbers(1)[0]
AGE = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
SSH = "ssh-ed25519 " + base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes(range(32))).decode() + " rosa"


def refusal(body: JsonObject) -> Refusal:
    outcome = parse_draft(body, SALT, VOCABULARY)
    assert isinstance(outcome, Refusal), outcome
    return outcome


def record(row_id: str, **pseudonyms: JsonValue) -> JsonObject:
    return {"row_id": row_id, "pseudonyms": pseudonyms}


def one_domain(*records: JsonObject) -> dict[str, JsonValue]:
    return a_body(domains=[{"domain": GP, "records": list(records)}])


MISTYPED: JsonObject = {"organisation": "ZZ9", "public_key": AGE[:-1] + "q"}
SURNAME: JsonObject = {"identifier_type": "surname", "need": "linkage"}
TWICE = record("1", nhs_number=TOKEN)


def test_stored_content_reads_back_to_the_same_hash() -> None:
    content = a_draft(GP, HOSPITAL).content
    again = read_content(json.loads(content.canonical()))
    assert again == content
    assert again.hash() == content.hash() == content.summary().content_hash


@given(st.data())
def test_any_change_of_any_leaf_is_another_hash(data: st.DataObject) -> None:
    stored = json.loads(a_draft(GP, HOSPITAL).content.canonical())
    place: JsonValue = stored
    while True:
        assert isinstance(place, dict | list)
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else list(range(len(place)))))
        if not isinstance(place[key], dict | list) or not place[key]:
            break
        place = place[key]
    before = place[key]
    place[key] = f"{before}x"
    try:
        again = read_content(stored)
    except FieldError:
        return
    assert again.hash() != a_draft(GP, HOSPITAL).content.hash()


def test_the_justification_is_apart_and_its_hash_can_not_be_guessed() -> None:
    draft = a_draft()
    assert draft.justification.encode() not in draft.content.canonical()
    other = a_draft(salt="00" * 16)
    assert draft.content.justification_sha256 != other.content.justification_sha256
    text = FreeText(SALT, draft.justification)
    assert text.sha256() == draft.content.justification_sha256
    assert FreeText.read(text.stored()) == text


def test_what_may_be_shown_holds_no_record_and_no_salt() -> None:
    shown = json.dumps(a_draft().content.described())
    assert TOKEN not in shown
    assert SALT not in shown
    assert "row_id" not in shown


def test_no_repr_shows_a_pseudonym_or_a_text() -> None:
    draft = a_draft()
    shown = repr(draft) + repr(draft.content.domains[0].records[0]) + repr(FreeText(SALT, "secret"))
    assert not [secret for secret in (TOKEN, SALT, "secret", draft.justification) if secret in shown]


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        (a_body(purpose="world_peace"), "PURPOSE_UNKNOWN", "/purpose"),
        (a_body(legal_basis="because"), "BASIS_UNKNOWN", "/legal_basis"),
        (a_body(justification=" "), "FIELD_RANGE", "/justification"),
        (a_body(justification=f"about {CANARY}"), "IDENTIFIER_IN_TEXT", "/justification#char=6,16"),
        (a_body(references={"cag": f"25 {CANARY}"}), "IDENTIFIER_IN_TEXT", "/references/cag#char=3,13"),
        (a_body(references={CANARY: "x"}), "FIELD_UNKNOWN", "/references"),
        (a_body(delivery="file"), "RECIPIENT_KEY_MISSING", "/recipient/public_key"),
        (a_body(recipient=MISTYPED), "FIELD_FORMAT", "/recipient/public_key"),
        (a_body(domains=[]), "RECORDS_MISSING", "/domains"),
        (a_body(records=0), "RECORDS_MISSING", "/domains"),
        (a_body(records=501), "INLINE_TOO_MANY", "/delivery"),
        (a_body(GP, HOSPITAL, records=5_001), "RECORDS_TOO_MANY", "/domains"),
        (a_body(records=MOST_RECORDS + 1), "FIELD_RANGE", "/domains/0/records"),
        (one_domain(TWICE, TWICE), "ROW_ID_REPEATED", "/domains/0/records/1/row_id"),
        (one_domain(record(CANARY, nhs_number=TOKEN)), "IDENTIFIER_IN_TEXT", "/domains/0/records/0/row_id#char=0,10"),
        (one_domain(record("1")), "PSEUDONYMS_MISSING", "/domains/0/records/0/pseudonyms"),
        (one_domain(record("1", **{CANARY: TOKEN})), "FIELD_UNKNOWN", "/domains/0/records/0/pseudonyms"),
        (one_domain(record("1", postcode=TOKEN, nhs_number=TOKEN)), "NOT_WANTED", "/domains"),
        (one_domain(record("1", postcode=TOKEN)), "WANTED_ABSENT", "/wanted"),
        (a_body(wanted=[]), "WANTED_ONCE", "/wanted"),
        (a_body(wanted=[{"identifier_type": "nhs_number", "need": "linkage"}] * 2), "WANTED_ONCE", "/wanted"),
        (a_body(wanted=[SURNAME]), "FIELD_FORMAT", "/wanted/0/identifier_type"),
        (a_body(window_days=0), "FIELD_RANGE", "/window_days"),
        (a_body(window_days=True), "FIELD_TYPE", "/window_days"),
        (a_body(destroy_by="soon"), "FIELD_FORMAT", "/destroy_by"),
        (a_body(salt=SALT), "FIELD_UNKNOWN", ""),
        (a_body(justification_sha256="0" * 64), "FIELD_UNKNOWN", ""),
        (a_body(project=f"P-{CANARY}/x"), "FIELD_FORMAT", "/project"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_field_that_is_wrong_is_named_and_its_value_is_not(body: JsonObject, code: str, field: str) -> None:
    found = refusal(body)
    assert (found.code, found.field) == (code, field)
    assert CANARY not in repr(found)


def test_malformed_pseudonyms_are_no_fault_of_the_request() -> None:
    odd = ["", "not a token", CANARY, "x" * 300]
    body = one_domain(*(record(str(row), nhs_number=text) for row, text in enumerate(odd)))
    assert isinstance(parse_draft(body, SALT, VOCABULARY), Draft)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(CANARY),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*a_body(), CANARY]), inner),
    max_leaves=12,
)


@given(ANY_JSON, st.sampled_from([*a_body()]))
def test_nothing_sent_is_ever_in_a_refusal(value: JsonValue, place: str) -> None:
    outcome = parse_draft(a_body(**{place: value}), SALT, VOCABULARY)
    assert CANARY not in repr(outcome)


def test_public_keys_are_checked_for_typing_errors() -> None:
    assert is_public_key(AGE)
    assert is_public_key(SSH)
    for place in range(4, len(AGE)):
        wrong = "q" if AGE[place] != "q" else "p"
        assert not is_public_key(AGE[:place] + wrong + AGE[place + 1 :])
    assert not is_public_key("ssh-rsa AAAA")
    assert not is_public_key(SSH.replace("AAAAC3", "AAAAC4"))
