"""Lists of choices taken in: whole or not at all, logged before they count, the same again for the same key."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from keyholder.ledger.log import IdempotencyKey, LedgerUnavailableError
from keyholder.policy.choices import Choices, ChoicesUnavailableError, Stored
from keyholder.policy.consents import ConsentRecord, write_consents
from keyholder.policy.digests import Digester
from keyholder.policy.facts import Consent
from keyholder.policy.intake import Intake, Loaded
from keyholder.policy.opt_outs import ERROR_LINE, cleaned_list, job_created, request_list
from keyholder.policy.register_form import RegisterKind
from keyholder.policy.registers import OptOutRegister, Register, Type1Register
from keyholder.policy.vocabulary import CheckMode, CheckState, ConsentGiver
from keyholder.refusals import Refusal
from keyholder.registry.people import Membership, Person
from keyholder.vocabulary import DomainId, OrganisationCode, PersonId, Role, StreamId
from tests.fakes.ledger import ManualClock, memory_ledger
from tests.people import some_nhs_numbers

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
OPERATOR = Person(PersonId("person/" + "0" * 32), (Membership(Role.OPERATOR, OrganisationCode("X26")),))
PEOPLE = some_nhs_numbers(20)
DIGESTER = Digester(b"d" * 32)


@dataclass
class Store:
    """A `ChoiceStore` in memory that can be made to fail once."""

    kept: dict[str, Register] = field(default_factory=dict)
    fails: int = 0

    def keep(self, register_id: str, register: Register) -> Stored:
        if self.fails:
            self.fails -= 1
            raise ChoicesUnavailableError
        known = self.kept.setdefault(register_id, register)
        return Stored.STORED if known.to_bytes() == register.to_bytes() else Stored.EXISTS

    def listed(self, kind: RegisterKind, limit: int) -> list[str]:
        return sorted(self.kept, reverse=True)[:limit]

    def load(self, now: datetime) -> Choices:
        return Choices(opt_outs=tuple(one for one in self.kept.values() if isinstance(one, OptOutRegister)))

    def keep_links(self, domain: DomainId, job_id: str, links: bytes) -> Stored:
        return Stored.STORED

    def links(self, domain: DomainId) -> list[bytes]:
        return []


def intake(store: Store | None = None, **changes: object) -> Intake:
    counter = iter(range(1, 100))
    made = Intake(
        log=memory_ledger(ManualClock(NOW)),
        store=store or Store(),
        digester=lambda: DIGESTER,
        new_id=lambda: f"REGISTER{next(counter):02}",
        person=OPERATOR,
        trace="trace",
        idempotency=IdempotencyKey("k" * 64, "b" * 64),
        now=NOW,
        registered=lambda project: project == "P1",
        join=lambda _: 0,
    )
    return replace(made, **changes)


def opt_outs(at: Intake, reply: bytes, requested: bytes | None = None) -> Loaded | Refusal:
    return at.opt_outs(
        request_list(PEOPLE) if requested is None else requested,
        reply,
        source="mesh",
        asked_at=NOW - timedelta(hours=1),
        mode=CheckMode.DIRECT,
        refreshed=None,
    )


def test_a_cleaned_list_is_held_as_digests_and_says_who_opted_out() -> None:
    store = Store()
    loaded = opt_outs(intake(store), cleaned_list(PEOPLE, {PEOPLE[3]}))
    assert isinstance(loaded, Loaded)
    assert (loaded.summary["clear"], loaded.summary["opted_out"]) == (19, 1)
    choices = store.load(NOW)
    states = [choices.of(DIGESTER.digest(number), "P1", NOW).ndoo_check for number in PEOPLE]
    assert [check.state for check in states if check] == [
        CheckState.OPTED_OUT if place == 3 else CheckState.CLEAR for place in range(20)
    ]
    (register,) = store.kept.values()
    assert all(number.encode() not in register.to_bytes() for number in PEOPLE)


def test_the_ledger_names_the_register_before_it_counts_and_tells_nothing_of_anybody() -> None:
    at = intake(Store(fails=1))
    with pytest.raises(ChoicesUnavailableError):
        opt_outs(at, cleaned_list(PEOPLE, {PEOPLE[3]}))
    (event,) = at.log.read(StreamId("register/REGISTER01"))
    assert event.data["asked"] == 20
    assert all(number not in event.line().decode() for number in PEOPLE)


def test_a_repeated_call_stores_exactly_what_the_ledger_names() -> None:
    store = Store(fails=1)
    at = intake(store)
    with pytest.raises(ChoicesUnavailableError):
        opt_outs(at, cleaned_list(PEOPLE, set()))
    again = opt_outs(replace(at, now=NOW + timedelta(days=1)), cleaned_list(PEOPLE, set()))
    assert isinstance(again, Loaded)
    assert (again.register_id, list(store.kept)) == ("REGISTER01", ["REGISTER01"])
    once_more = opt_outs(replace(at, now=NOW + timedelta(days=2)), cleaned_list(PEOPLE, set()))
    assert once_more == again
    assert len(at.log.listed("choices/national-data-opt-outs", None, 10)) == 1


def test_a_reused_key_with_another_list_is_refused() -> None:
    at = intake()
    assert isinstance(opt_outs(at, cleaned_list(PEOPLE, set())), Loaded)
    other = opt_outs(replace(at, idempotency=IdempotencyKey("k" * 64, "c" * 64)), cleaned_list(PEOPLE, set()))
    assert isinstance(other, Refusal)
    assert other.code == "KEY_REUSED"


@pytest.mark.parametrize(
    ("requested", "reply", "code"),
    [
        (b"9990000018\n", b"", "REQUEST_LIST_INVALID"),
        (b"9990000019,\n", b"", "REQUEST_LIST_INVALID"),
        (None, f"{PEOPLE[0]},\nnonsense\n".encode(), "REPLY_FAILED"),
        (None, b"9990001111,\n", "REPLY_CORRUPT"),
        (None, f"{PEOPLE[0]},\n{PEOPLE[1]}".encode(), "REPLY_FAILED"),
        (None, ERROR_LINE, "REPLY_FAILED"),
    ],
)
def test_a_list_with_one_bad_line_is_not_taken_in(requested: bytes | None, reply: bytes, code: str) -> None:
    store = Store()
    at = intake(store)
    refusal = opt_outs(at, reply, requested)
    assert isinstance(refusal, Refusal)
    assert refusal.code == code
    assert ("line" in refusal.advice) == (reply is not ERROR_LINE)
    assert not store.kept
    assert not any(number in json.dumps(refusal.advice) for number in PEOPLE)


def test_a_job_that_is_only_created_clears_nobody() -> None:
    store = Store()
    assert isinstance(opt_outs(intake(store), job_created("local")), Loaded)
    check = store.load(NOW).of(DIGESTER.digest(PEOPLE[0]), "P1", NOW).ndoo_check
    assert check is not None
    assert check.state is CheckState.PENDING


def test_a_list_from_the_future_is_refused() -> None:
    outcome = intake().opt_outs(
        request_list(PEOPLE),
        cleaned_list(PEOPLE, set()),
        source="mesh",
        asked_at=NOW + timedelta(minutes=1),
        mode=CheckMode.DIRECT,
        refreshed=None,
    )
    assert isinstance(outcome, Refusal)
    assert outcome.code == "CHECK_IN_THE_FUTURE"


DIRECT, CACHE = CheckMode.DIRECT, CheckMode.CACHE


@pytest.mark.parametrize(
    ("mode", "age", "refreshed", "refused"),
    [
        (DIRECT, 20, None, None),
        (DIRECT, 21, None, ("CHECK_TOO_OLD", "/performed_at")),
        (DIRECT, 0, 1, ("CACHE_DATE_WITHOUT_CACHE", "/cache_refreshed_at")),
        (CACHE, 13, 20, None),
        (CACHE, 14, 14, ("CHECK_TOO_OLD", "/performed_at")),
        (CACHE, 0, 7, None),
        (CACHE, 0, 8, ("CACHE_TOO_OLD", "/cache_refreshed_at")),
        (CACHE, 1, 0, ("CACHE_REFRESHED_LATER", "/cache_refreshed_at")),
        (CACHE, 0, None, ("CACHE_DATE_MISSING", "/cache_refreshed_at")),
    ],
)
def test_an_answer_past_its_cap_is_refused_by_its_field(
    mode: CheckMode, age: int, refreshed: int | None, refused: tuple[str, str] | None
) -> None:
    """Ages are days before now, at the same time of day."""
    store = Store()
    outcome = intake(store).opt_outs(
        request_list(PEOPLE),
        cleaned_list(PEOPLE, set()),
        source="mesh",
        asked_at=NOW - timedelta(days=age),
        mode=mode,
        refreshed=None if refreshed is None else NOW - timedelta(days=refreshed),
    )
    assert bool(store.kept) == (refused is None)
    if refused is not None:
        assert isinstance(outcome, Refusal)
        assert (outcome.code, outcome.field) == refused


def test_type_1_events_and_consents_are_taken_in_whole_or_not_at_all() -> None:
    type_1, consents, refused = Store(), Store(), Store()
    rows = f"nhs_number,system,code,recorded_on\n{PEOPLE[0]},readv2,9Nu0.,2026-01-01\n{PEOPLE[1]},,,\n".encode()
    assert isinstance(intake(type_1).type_1(rows, "gp", NOW), Loaded)
    assert isinstance(type_1.kept["REGISTER01"], Type1Register)
    given = NOW.date()
    consent = Consent(
        "P1", covers_reidentification=True, given_on=given, withdrawn_on=None, given_by=ConsentGiver.PATIENT
    )
    good = write_consents([ConsentRecord(PEOPLE[0], consent)])
    assert isinstance(intake(consents).consents(good, "gp"), Loaded)
    for outcome, line in (
        (intake(refused).type_1(rows + b"bad\n", "gp", NOW), 4),
        (intake(refused).consents(good + b"{}\n", "gp"), 2),
    ):
        assert isinstance(outcome, Refusal)
        assert f"line {line} " in outcome.advice
    assert not refused.kept


def consent_for(project: str) -> bytes:
    given = Consent(
        project, covers_reidentification=True, given_on=NOW.date(), withdrawn_on=None, given_by=ConsentGiver.PATIENT
    )
    return write_consents([ConsentRecord(PEOPLE[1], given)])


def test_a_consent_for_a_project_nobody_registered_is_refused_with_its_line_and_field() -> None:
    store = Store()
    outcome = intake(store).consents(consent_for("P1") + consent_for("P2") + consent_for("P1"), "gp")
    assert isinstance(outcome, Refusal)
    assert (outcome.code, outcome.field) == ("CONSENT_FILE_INVALID", "/resources")
    assert "line 2 of the list (provision.data[0].reference.reference names a project" in outcome.advice
    assert "P2" not in outcome.advice
    assert not store.kept
    stranger = intake(store, person=None).consents(consent_for("P2"), "gp")
    assert isinstance(stranger, Refusal)
    assert stranger.code == "NOT_AN_OPERATOR", "who may not load is told of no project"


@pytest.mark.parametrize(
    ("place", "value", "named"),
    [
        (("dateTime",), "yesterday", "(dateTime is not a calendar day"),
        (("patient", "identifier", "value"), "9990000018x", "(patient.identifier.value is not an NHS number"),
        (("provision", "9990000018"), 1, "(provision holds a field that is not known here)"),
        (("performer",), [], "(performer does not name exactly one giver)"),
    ],
)
def test_a_bad_line_s_field_is_named_and_never_what_is_in_it(place: tuple[str, ...], value: object, named: str) -> None:
    resource = json.loads(consent_for("P1"))
    inner = resource
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    outcome = intake().consents(consent_for("P1") + json.dumps(resource).encode(), "gp")
    assert isinstance(outcome, Refusal)
    assert f"line 2 of the list {named}" in outcome.advice
    assert "999" not in outcome.advice
    row = f"nhs_number,system,code,recorded_on\n{PEOPLE[0]},readv2,9Nu0.,10/06/2025\n".encode()
    outcome = intake().type_1(row, "gp", NOW)
    assert isinstance(outcome, Refusal)
    assert "line 2 of the list (recorded_on is not a day)" in outcome.advice


@pytest.mark.parametrize("person", [None, replace(OPERATOR, disabled=True), replace(OPERATOR, roles=())])
def test_only_an_operator_loads_choices(person: Person | None) -> None:
    store = Store()
    outcome = opt_outs(intake(store, person=person), cleaned_list(PEOPLE, set()))
    assert isinstance(outcome, Refusal)
    assert outcome.code == "NOT_AN_OPERATOR"
    assert not store.kept


def test_invariant_2_without_the_ledger_nothing_is_put_to_use() -> None:
    class Unwritable:
        def record(self, *_: object, **__: object) -> None:
            raise LedgerUnavailableError

    store = Store()
    with pytest.raises(LedgerUnavailableError):
        opt_outs(intake(store, log=Unwritable()), cleaned_list(PEOPLE, set()))
    assert not store.kept
