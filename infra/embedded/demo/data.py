"""The files of the demonstration: what a practice, the opt-out service and a study hold before Keyholder is asked."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from infra.embedded.demo.patients import COLUMNS, Patient, Practice, invent
from keyholder.client.spreadsheets import private_file, write_rows
from keyholder.policy.consents import ConsentRecord, write_consents
from keyholder.policy.facts import Consent
from keyholder.policy.opt_outs import cleaned_list, request_list
from keyholder.policy.type1 import write_rows as write_type_1
from keyholder.policy.vocabulary import ConsentGiver

PROJECT = "breath-2026"
OTHER_PROJECT = "other-study-2024"
CONSENTS = 2_000
CONSENTED_ON = date(2025, 3, 3)
WITHDRAWN_ON = date(2025, 9, 8)


@dataclass(frozen=True, slots=True)
class Files:
    """Where each file is, under one folder."""

    folder: Path

    @property
    def extract(self) -> Path:
        return self.folder / "extract.csv"

    @property
    def pseudonymised(self) -> Path:
        return self.folder / "pseudonymised.csv"

    @property
    def asked_of_mesh(self) -> Path:
        return self.folder / "opt-outs" / "requested.dat"

    @property
    def answered_by_mesh(self) -> Path:
        return self.folder / "opt-outs" / "reply.dat"

    @property
    def type_1_at_collection(self) -> Path:
        return self.folder / "opt-outs" / "type-1-at-collection.csv"

    @property
    def type_1_now(self) -> Path:
        return self.folder / "opt-outs" / "type-1-now.csv"

    @property
    def consents(self) -> Path:
        return self.folder / "consents" / "consents.ndjson"

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger"


@dataclass(frozen=True, slots=True)
class World:
    """The invented practice and who in its extract consented to the study (by NHS number)."""

    practice: Practice = field(repr=False)
    in_extract: tuple[Patient, ...] = field(repr=False)
    consented: frozenset[str] = field(repr=False)
    withdrew: frozenset[str] = field(repr=False)
    consented_elsewhere: frozenset[str] = field(repr=False)


def make(count: int, seed: int) -> World:
    """A practice of `count` patients, the same for the same seed."""
    practice = invent(count, seed)
    in_extract = practice.in_extract()
    # A stream of its own, so that the patients do not change with how many consent.
    chance = random.Random(f"consents of {seed}")  # noqa: S311 - invented data, not secrets
    asked = chance.sample([patient.nhs_number for patient in in_extract], min(CONSENTS, len(in_extract) // 2))
    withdrew, elsewhere = len(asked) // 25, len(asked) // 20
    return World(
        practice,
        in_extract,
        consented=frozenset(asked[withdrew + elsewhere :]),
        withdrew=frozenset(asked[:withdrew]),
        consented_elsewhere=frozenset(asked[withdrew : withdrew + elsewhere]),
    )


def write(world: World, files: Files) -> None:
    """Everything that is there before the first step. Files with identifiers are their owner's only (0600)."""
    for folder in (files.folder, files.asked_of_mesh.parent, files.consents.parent):
        folder.mkdir(parents=True, exist_ok=True)
    with private_file(files.extract) as file:
        write_rows(file, COLUMNS, (patient.cells() for patient in world.practice.patients))
    asked = [patient.nhs_number for patient in world.in_extract]
    contents: Mapping[Path, bytes] = {
        files.type_1_at_collection: write_type_1(world.practice.type_1_at_collection),
        files.type_1_now: write_type_1(world.practice.type_1_now),
        files.asked_of_mesh: request_list(asked),
        files.answered_by_mesh: cleaned_list(asked, world.practice.national_opt_outs),
        files.consents: write_consents(_consents(world)),
    }
    for path, content in contents.items():
        with private_file(path) as file:
            file.write(content.decode())


def _consents(world: World) -> Sequence[ConsentRecord]:
    people = world.consented | world.withdrew | world.consented_elsewhere
    return [
        ConsentRecord(
            person,
            Consent(
                project_id=OTHER_PROJECT if person in world.consented_elsewhere else PROJECT,
                covers_reidentification=True,
                given_on=CONSENTED_ON,
                withdrawn_on=WITHDRAWN_ON if person in world.withdrew else None,
                given_by=ConsentGiver.PATIENT,
            ),
        )
        for person in sorted(people)
    ]
