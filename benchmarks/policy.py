"""`make bench`: a million people looked up among four million opt-out digests, and decided about.

From NHS numbers to answers: keyed digests, look-up, decision. CPU time of this process, the median of five rounds; the
one-by-one form, with the same answers, is measured on a part of the same people. Writes the figures to the file named,
prints a table, and fails if a goal is missed.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random

from benchmarks.figures import keep, print_table
from keyholder.policy.assess import Assessment, assess_people, assess_person
from keyholder.policy.by_kind import ByKind
from keyholder.policy.choices import Choices
from keyholder.policy.digests import DIGEST_LENGTH, Digester
from keyholder.policy.facts import (
    Agreement,
    CagSupport,
    EthicsOpinion,
    Person,
    PersonChoices,
    PolicyRequest,
    Requester,
)
from keyholder.policy.lookup import LookupMaker, PlainLookup
from keyholder.policy.register_form import AnswerState, Header
from keyholder.policy.registers import OptOutRegister
from keyholder.policy.settings import CHECK_AT_DISCLOSURE
from keyholder.policy.vocabulary import (
    CagStatus,
    CareOrigin,
    LegalBasis,
    OptOutCondition,
    OutputForm,
    PdsSecurity,
    PolicyIdentifier,
    Purpose,
    Reason,
    RequesterRole,
    SourceDataset,
)

ROUNDS = 5
PEOPLE = 1_000_000
HELD = 4_000_000
ONE_BY_ONE = 20_000
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
TODAY = date(2026, 7, 1)
LATER = date(2027, 1, 1)
GOAL_SECONDS = 0.5
GOAL_RATIO = 20

REQUEST = PolicyRequest(
    purpose=Purpose.RESEARCH,
    legal_basis=LegalBasis.S251_REG5,
    output_form=OutputForm.IDENTIFIABLE,
    source_dataset=SourceDataset.HOSPITAL,
    care_origin=CareOrigin.ENGLAND_PUBLIC,
    project_id="PRJ-0001",
    identifiers_requested=(PolicyIdentifier.NHS_NUMBER,),
    identifiers_approved=(PolicyIdentifier.NHS_NUMBER,),
    controllers_required=("X26",),
    controllers_approved=("X26",),
    controllers_refused=(),
    agreement=Agreement("DARS-NIC-123456-A1B2C", LATER),
    requester=Requester(RequesterRole.RESEARCHER, LATER),
    cag=CagSupport("25/CAG/0036", CagStatus.SUPPORTED, LATER, None, OptOutCondition.STANDARD, False, True),
    rec=EthicsOpinion("25/LO/0123", True),
)
DIGESTER = Digester(bytes(range(32)))


def main(target: Path) -> int:
    asked = [f"{number:010d}" for number in Random(1).sample(range(10**10), PEOPLE)]
    stored = _register(asked).to_bytes()
    reading = _seconds(lambda: OptOutRegister.parse(stored))
    held = Choices((OptOutRegister.parse(stored),))
    if list(_together(held, asked[:ONE_BY_ONE], PlainLookup)) != _one_by_one(held, asked[:ONE_BY_ONE]):
        raise SystemExit("many people at once get other answers: the figures would mean nothing")
    opted_out = sum(answer.reasons == (Reason.NDOO_OPTED_OUT,) for answer in _together(held, asked, None))
    together = _seconds(lambda: _together(held, asked, None))
    plain = _seconds(lambda: _together(held, asked, PlainLookup))
    single = _seconds(lambda: _one_by_one(held, asked[:ONE_BY_ONE])) * PEOPLE / ONE_BY_ONE
    figures = {
        "assess_people_cpu_seconds_per_million": together,
        "assess_people_nonumpy_cpu_seconds_per_million": plain,
        "assess_person_cpu_seconds_per_million": single,
        "assess_people_vs_one_by_one": single / together,
        "opt_out_register_read_cpu_seconds_per_4_million": reading,
    }
    keep(target, figures)
    met = together <= GOAL_SECONDS and single / together >= GOAL_RATIO
    print(f"\n{PEOPLE:,} people against {HELD:,} opt-out digests, {opted_out:,} of them opted out: CPU seconds\n")
    goals = {"assess_people_cpu_seconds_per_million": f"<= {GOAL_SECONDS}", "assess_people_vs_one_by_one": ">= 20"}
    print_table(
        ("", "measured", "goal"), ((name, f"{figure:,.2f}", goals.get(name, "-")) for name, figure in figures.items())
    )
    return 0 if met else 1


def _register(asked: Sequence[str]) -> OptOutRegister:
    """Everybody asked about and three times as many others, one in 32 opted out."""
    random = Random(2)
    digests = {*DIGESTER.digests(asked)}
    while len(digests) < HELD:
        digests.add(random.randbytes(DIGEST_LENGTH))
    bits = bytearray(HELD // 8)
    for place in range(0, HELD, 32):
        bits[place >> 3] |= 0x80 >> random.randrange(8)
    header = Header(NOW, TODAY, "X26HC036")
    return OptOutRegister(header, AnswerState.CLEANED, b"".join(sorted(digests)), bytes(bits))


def _together(held: Choices, asked: Sequence[str], lookup: LookupMaker | None) -> ByKind[Assessment]:
    choices = held.of_all(DIGESTER.digests(asked), REQUEST.project_id, NOW, lookup)
    return assess_people(REQUEST, choices.map(_person), CHECK_AT_DISCLOSURE, NOW)


def _one_by_one(held: Choices, asked: Sequence[str]) -> list[Assessment]:
    return [
        assess_person(
            REQUEST, _person(held.of(DIGESTER.digest(number), REQUEST.project_id, NOW)), CHECK_AT_DISCLOSURE, NOW
        )
        for number in asked
    ]


def _person(choices: PersonChoices) -> Person:
    return Person(
        pseudonym_resolves=True, nhs_number_known=True, choices=choices, pds_security=PdsSecurity.UNRESTRICTED
    )


def _seconds(run: Callable[[], object]) -> float:
    """CPU seconds, the median of the rounds. The first has to import numpy, where that is worth it."""
    taken = []
    for _ in range(ROUNDS):
        start = time.process_time()
        run()
        taken.append(time.process_time() - start)
    return statistics.median(taken)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
