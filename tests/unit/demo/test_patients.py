"""The invented patients: the same for the same seed, never a real number, and everything a real extract has."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from infra.embedded.demo import data, selection
from infra.embedded.demo.patients import COLLECTION_BEGAN, EXTRACTED_ON, Practice, invent
from keyholder.client.spreadsheets import Sheet
from keyholder.client.type_1 import Type1File
from keyholder.identifiers import dates, gp_local_patient_number, nhs_number, postcode
from keyholder.policy.consents import read_consents
from keyholder.policy.opt_outs import ReplyState, read_reply, read_request_list
from keyholder.policy.type1 import Type1State
from keyholder.pseudonyms.token import Malformed, MalformedReason, Scheme, Token, ciphertext_length
from keyholder.vocabulary import IdentifierType

COUNT = 3_000


@pytest.fixture(scope="module")
def practice() -> Practice:
    return invent(COUNT, 7)


def test_the_same_seed_gives_the_same_people_and_another_seed_others(practice: Practice) -> None:
    assert invent(COUNT, 7) == practice
    assert invent(COUNT, 8).patients != practice.patients


def test_every_identifier_is_canonical_and_no_number_was_ever_issued(practice: Practice) -> None:
    for patient in practice.patients:
        assert nhs_number.parse(patient.nhs_number) == patient.nhs_number
        assert nhs_number.is_synthetic(patient.nhs_number)
        assert postcode.parse(patient.postcode) == patient.postcode
        assert gp_local_patient_number.parse(patient.gp_local_patient_number) == patient.gp_local_patient_number
        assert dates.parse(patient.date_of_birth, EXTRACTED_ON) == patient.date_of_birth
        assert 3 <= len(patient.postcode_sector) <= 6
        assert len(patient.lsoa) in {0, 9}
    assert len({patient.nhs_number for patient in practice.patients}) == COUNT
    assert len({patient.gp_local_patient_number for patient in practice.patients}) == COUNT


def test_there_are_children_and_the_old_the_dead_and_people_without_an_address(practice: Practice) -> None:
    ages = [(EXTRACTED_ON - date.fromisoformat(patient.date_of_birth)).days / 365.25 for patient in practice.patients]
    assert sum(age < 16 for age in ages) > COUNT / 20
    assert sum(age > 85 for age in ages) > COUNT / 50
    died = [patient for patient in practice.patients if patient.date_of_death]
    assert len(died) > COUNT / 100
    for patient in died:
        assert max(patient.date_of_birth, COLLECTION_BEGAN.isoformat()) <= patient.date_of_death
        assert patient.date_of_death <= EXTRACTED_ON.isoformat()
    assert any(patient.postcode.startswith("ZZ99") for patient in practice.patients)


def test_the_opt_outs_are_what_the_policy_reads_in_the_files(practice: Practice, tmp_path: Path) -> None:
    world, files = data.make(COUNT, 7), data.Files(tmp_path)
    data.write(world, files)
    at_collection = Type1File.parse(files.type_1_at_collection.read_bytes())
    now = Type1File.parse(files.type_1_now.read_bytes())
    today = date(2026, 7, 1)
    numbers = [patient.nhs_number for patient in practice.patients]
    active = {number for number in numbers if at_collection.state(number, today) is Type1State.ACTIVE}
    assert active == practice.opted_out_of_the_extract
    assert not active & practice.opted_out_since
    assert 0.015 < len(active) / COUNT < 0.05
    assert {n for n in numbers if now.state(n, today) is Type1State.ACTIVE} == active | practice.opted_out_since
    assert not any(at_collection.state(number, today) is Type1State.UNKNOWN for number in numbers)
    asked = read_request_list(files.asked_of_mesh.read_bytes())
    assert isinstance(asked, frozenset)
    assert asked == {patient.nhs_number for patient in world.in_extract}
    reply = read_reply(files.answered_by_mesh.read_bytes(), asked)
    assert reply.state is ReplyState.CLEANED
    assert reply.opted_out == practice.national_opt_outs & asked
    assert 0.03 < len(reply.opted_out) / len(asked) < 0.07
    consents = read_consents(files.consents.read_bytes())
    assert isinstance(consents, tuple)
    good = {
        record.nhs_number
        for record in consents
        if record.consent.project_id == data.PROJECT and record.consent.withdrawn_on is None
    }
    assert good == world.consented
    with files.extract.open(newline="") as file:
        assert list(Sheet.read(file).rows) == [patient.cells() for patient in practice.patients]
    assert files.extract.stat().st_mode & 0o777 == 0o600


def test_a_cell_that_looks_like_a_formula_is_guarded(practice: Practice, tmp_path: Path) -> None:
    assert any(patient.gp_local_patient_number.startswith("-") for patient in practice.patients)
    files = data.Files(tmp_path)
    data.write(data.make(COUNT, 7), files)
    cells = files.extract.read_text().replace("\n", ",").split(",")
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)


def test_the_bad_codes_are_bad_as_they_are_said_to_be() -> None:
    kind = IdentifierType.NHS_NUMBER
    for filler in range(64):
        token = str(Token(Scheme.AES_256_SIV_1, kind, 1, bytes([filler]) * ciphertext_length(kind)))
        assert Token.parse(selection.mistyped(token)) == Malformed(MalformedReason.MISTYPED)
