"""Who may register what, over the real ledger in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pytest

from keyholder.ledger.event import Event, NewEvent
from keyholder.ledger.log import EventLog, IdempotencyKey, LedgerUnavailableError, Recorded
from keyholder.ledger.ports import Claim, Head, StepKey
from keyholder.refusals import Refusal
from keyholder.registry.attempts import UNNAMED, record_failure, safe_subject
from keyholder.registry.domains import KeyState
from keyholder.registry.people import Membership, Person, PersonKind
from keyholder.registry.service import BOOTSTRAP, Call, Entry, Registry
from keyholder.vocabulary import ActorId, IdentifierType, PersonId, Role, StreamId
from tests.fakes.ledger import memory_ledger
from tests.people import some_nhs_numbers
from tests.unit.requests import world
from tests.unit.requests.world import GP, NADIA, OPERATOR, OTHER, PROJECT, ROSA, CountedIds

CANARY = some_nhs_numbers(1)[0]
SECOND = world.person("second operator", (Role.OPERATOR, OTHER))
KEY = IdempotencyKey("k" * 64, "b" * 64)


class FailsOnce:
    """A log whose ledger can't be written to when told so, and lets somebody else in first when told so."""

    def __init__(self, log: EventLog) -> None:
        self.log = log
        self.down: str | None = None
        self.first: list[object] = []

    def read(self, stream: StreamId) -> tuple[Event, ...]:
        return self.log.read(stream)

    def record(
        self,
        stream: StreamId,
        after: int,
        events: Sequence[NewEvent],
        *,
        actor: ActorId,
        trace: str,
        head: Head | None = None,
        idempotency: IdempotencyKey | None = None,
        at: datetime | None = None,
    ) -> Recorded:
        if self.down and stream.startswith(self.down):
            raise LedgerUnavailableError
        while self.first:
            action = self.first.pop()
            assert callable(action)
            action()
        return self.log.record(
            stream, after, events, actor=actor, trace=trace, head=head, idempotency=idempotency, at=at
        )

    def claim(self, key: str) -> Claim | None:
        return self.log.claim(key)

    def settle(self, step: StepKey) -> Recorded:
        return self.log.settle(step)

    def listed(self, listing: str, after: StreamId | None, limit: int) -> Sequence[StreamId]:
        return self.log.listed(listing, after, limit)


@pytest.fixture
def log() -> FailsOnce:
    return FailsOnce(memory_ledger())


@pytest.fixture
def registry(log: FailsOnce) -> Registry:
    return Registry(log, CountedIds(), OPERATOR.id)


def call(who: PersonId = OPERATOR.id, **changes: object) -> Call:
    return replace(Call(who, "trace"), **changes)  # type: ignore[arg-type]  # a test names the fields it changes


def entered(outcome: object) -> Entry[object]:
    assert isinstance(outcome, Entry), outcome
    return outcome


def refused(outcome: object) -> str:
    assert isinstance(outcome, Refusal), outcome
    return outcome.code


def begun(registry: Registry) -> Registry:
    entered(registry.register_person(call(), OPERATOR))
    return registry


def test_the_bootstrap_names_one_operator_and_nobody_else(registry: Registry) -> None:
    assert refused(registry.register_person(call(SECOND.id), SECOND)) == "NOT_AN_OPERATOR"
    assert refused(registry.register_person(call(), ROSA)) == "BOOTSTRAP_NAMES_OPERATOR"
    entered(registry.register_person(call(), SECOND))
    third = world.person("third operator", (Role.OPERATOR, OTHER))
    assert refused(registry.register_person(call(), third)) == "BOOTSTRAP_SPENT"
    assert refused(registry.register_person(call(), OPERATOR)) == "BOOTSTRAP_SPENT"
    assert refused(registry.register_person(call(), SECOND)) == "BOOTSTRAP_SPENT"
    entered(registry.register_person(call(SECOND.id), OPERATOR))
    entered(registry.register_person(call(), third))


def test_a_bootstrap_cut_short_is_finished_for_the_same_person_only(registry: Registry, log: FailsOnce) -> None:
    log.down = "person/"
    with pytest.raises(LedgerUnavailableError):
        registry.register_person(call(idempotency=KEY), OPERATOR)
    assert len(log.read(BOOTSTRAP)) == 1
    assert registry.person(OPERATOR.id) is None
    log.down = None
    assert refused(registry.register_person(call(), SECOND)) == "BOOTSTRAP_SPENT"
    entered(registry.register_person(call(idempotency=KEY), OPERATOR))
    assert entered(registry.register_person(call(idempotency=KEY), OPERATOR)).value == OPERATOR
    assert len(log.read(BOOTSTRAP)) == 1


def test_of_two_bootstraps_at_once_one_wins(registry: Registry, log: FailsOnce) -> None:
    other = Registry(log.log, CountedIds(), OPERATOR.id)
    log.first.append(lambda: entered(other.register_person(call(), SECOND)))
    assert refused(registry.register_person(call(), OPERATOR)) == "BOOTSTRAP_SPENT"
    assert registry.person(OPERATOR.id) is None
    assert registry.person(SECOND.id) == SECOND


def test_without_a_bootstrap_nobody_begins(log: FailsOnce) -> None:
    registry = Registry(log, CountedIds())
    assert refused(registry.register_person(call(), OPERATOR)) == "NOT_AN_OPERATOR"


def test_a_suspended_first_operator_does_not_come_back_by_the_bootstrap(registry: Registry) -> None:
    begun(registry)
    entered(registry.register_person(call(), SECOND))
    entered(registry.change_person(call(SECOND.id), replace(OPERATOR, disabled=True)))
    third = world.person("third operator", (Role.OPERATOR, OTHER))
    assert refused(registry.register_person(call(), third)) == "NOT_AN_OPERATOR"


@pytest.mark.parametrize(
    ("person", "code"),
    [
        (replace(SECOND, roles=(*SECOND.roles, *NADIA.roles)), "ROLE_STANDS_ALONE"),
        (replace(SECOND, roles=(Membership(Role.AUDITOR, OTHER), *ROSA.roles)), "ROLE_STANDS_ALONE"),
        (replace(NADIA, kind=PersonKind.MACHINE), "MACHINE_ROLE"),
        (replace(SECOND, kind=PersonKind.MACHINE), "MACHINE_ROLE"),
    ],
)
def test_who_sets_the_rules_does_nothing_else_and_machines_decide_nothing(
    registry: Registry, person: Person, code: str
) -> None:
    begun(registry)
    assert refused(registry.register_person(call(), person)) == code
    entered(registry.register_person(call(), replace(person, roles=ROSA.roles)))
    assert refused(registry.change_person(call(), person)) == code


def test_only_operators_register_and_nobody_changes_themselves(registry: Registry) -> None:
    begun(registry)
    entered(registry.register_person(call(), ROSA))
    assert refused(registry.register_person(call(ROSA.id), NADIA)) == "NOT_AN_OPERATOR"
    assert refused(registry.register_domain(call(ROSA.id), world.a_domain())) == "NOT_AN_OPERATOR"
    assert refused(registry.register_project(call(ROSA.id), world.a_project())) == "NOT_AN_OPERATOR"
    assert refused(registry.change_person(call(), replace(OPERATOR, disabled=True))) == "OWN_RECORD"
    assert refused(registry.register_person(call(), ROSA)) == "ALREADY_REGISTERED"
    assert refused(registry.change_person(call(), NADIA)) == "NOT_REGISTERED"


def test_a_project_is_made_of_what_is_registered_and_remembers_who_left(registry: Registry) -> None:
    begun(registry)
    project = world.a_project()
    assert refused(registry.register_project(call(), project)) == "MEMBER_UNKNOWN"
    for person in (ROSA, world.COLLEAGUE):
        entered(registry.register_person(call(), person))
    assert refused(registry.register_project(call(), project)) == "DOMAIN_UNKNOWN"
    for domain in project.domains:
        entered(registry.register_domain(call(), world.a_domain(domain)))
    entered(registry.register_project(call(), project))
    assert refused(registry.change_project(call(), replace(project, id=world.ProjectId("PRJ-2")))) == "NOT_REGISTERED"
    entered(registry.change_project(call(), replace(project, members=(ROSA.id,))))
    known = registry.project(PROJECT)
    assert known
    assert known.former_members == {world.COLLEAGUE.id}
    assert known.ever_on(world.COLLEAGUE.id)
    entered(registry.change_project(call(), project))
    assert registry.project(PROJECT) == project


def test_one_operator_makes_the_first_keys_and_no_others(registry: Registry) -> None:
    begun(registry)
    nhs, postcode = IdentifierType.NHS_NUMBER, IdentifierType.POSTCODE
    assert refused(registry.make_keys(call(), GP, ((nhs, 1),))) == "NOT_REGISTERED"
    entered(registry.register_domain(call(), world.a_domain()))
    assert refused(registry.make_keys(call(ROSA.id), GP, ((nhs, 1),))) == "NOT_AN_OPERATOR"
    assert refused(registry.make_keys(call(), GP, ())) == "KEY_TYPE_NOT_IN_DOMAIN"
    assert refused(registry.make_keys(call(), GP, ((IdentifierType.DATE_OF_BIRTH, 1),))) == "KEY_TYPE_NOT_IN_DOMAIN"
    assert refused(registry.make_keys(call(), GP, ((nhs, 2),))) == "KEY_VERSION_ORDER"
    entered(registry.make_keys(call(), GP, ((nhs, 1),)))
    entered(registry.make_keys(call(), GP, ((postcode, 1),)))
    for version in (1, 2):
        assert refused(registry.make_keys(call(), GP, ((nhs, version),))) == "KEY_VERSION_ORDER"
    known = registry.domain(GP)
    assert known
    assert known.keys == {nhs: {1: KeyState.ACTIVE}, postcode: {1: KeyState.ACTIVE}}
    assert known.newest_version(nhs) == 1
    entry = registry.domain_entry(GP)
    assert entry
    assert entry.version == 3


def test_a_domain_brings_only_a_kms_key_that_the_deployment_names(log: FailsOnce) -> None:
    arn = "arn:aws:kms:eu-west-2:111122223333:key/0a1b2c3d-0000-4000-8000-0123456789ab"
    domain = replace(world.a_domain(), kms_key_arn=arn)
    assert refused(begun(Registry(log, CountedIds(), OPERATOR.id)).register_domain(call(), domain)) == (
        "KMS_KEY_NOT_CONFIGURED"
    )
    entered(Registry(log, CountedIds(), OPERATOR.id, frozenset({arn})).register_domain(call(), domain))
    assert Registry(log, CountedIds()).domain(GP) == domain


def test_a_replay_adds_nothing_and_another_body_is_refused(registry: Registry) -> None:
    begun(registry)
    first = entered(registry.register_domain(call(idempotency=KEY), world.a_domain()))
    entered(registry.make_keys(call(), GP, ((IdentifierType.NHS_NUMBER, 1),)))
    assert entered(registry.register_domain(call(idempotency=KEY), world.a_domain())) == first
    other = call(idempotency=replace(KEY, body="c" * 64))
    assert refused(registry.register_domain(other, world.a_domain())) == "KEY_REUSED"


def test_who_named_a_version_is_told_when_it_has_moved_on(registry: Registry, log: FailsOnce) -> None:
    begun(registry)
    entered(registry.register_person(call(), ROSA))
    change = replace(ROSA, disabled=True)
    other = Registry(log.log, CountedIds())
    log.first.append(lambda: entered(other.change_person(call(), replace(ROSA, capacities=()))))
    assert refused(registry.change_person(call(expected=1), change)) == "STALE"
    assert entered(registry.change_person(call(expected=2), change)).version == 3


def test_refusals_are_in_the_ledger_and_quote_nobody(registry: Registry, log: FailsOnce) -> None:
    begun(registry)
    registry.register_domain(call(ROSA.id), world.a_domain(world.DomainId(f"x{CANARY}")))
    (stream,) = log.listed(f"attempts/{ROSA.id}", None, 10)
    (event,) = log.read(stream)
    assert event.type == "attempt.refused"
    assert event.data == {"command": "register_domain", "code": "NOT_AN_OPERATOR", "subject": UNNAMED}


@pytest.mark.parametrize(
    ("subject", "kept"),
    [
        ("request/REQ-" + "0" * 26, True),
        ("domain/gp-2026", True),
        ("project/PRJ-0001", True),
        (ROSA.id, True),
        (f"request/{CANARY}", False),
        (f"project/P{CANARY}", False),
        ("domain/g-999-000-0018", False),
        ("domain/SN018HN39EHMFCQP4HJ8B37SKK8V5EJGXH1BPY", False),
        ("project/sn018hn39ehmfcqp4hj8b37skk8v5ejgxh1bpy", False),
        ("domain/a-pseudonym-space-of-the-north-west-2026", True),
        ("request/REQ-" + "0" * 26 + "\n", False),
        ("anything else", False),
    ],
)
def test_a_caller_s_text_never_becomes_a_subject(subject: str, kept: bool) -> None:
    assert safe_subject(StreamId(subject)) == (subject if kept else UNNAMED)


def test_failures_are_recorded_too(log: FailsOnce) -> None:
    ids = CountedIds()
    recorded = record_failure(
        log, ids, actor=ActorId(NADIA.id), command="approve", subject=StreamId(NADIA.id), code="FAULT", trace="t"
    )
    assert recorded.events[0].type == "attempt.failed"
    with pytest.raises(ValueError, match="constant"):
        record_failure(
            log, ids, actor=ActorId(NADIA.id), command=f"no {CANARY}", subject=UNNAMED, code="FAULT", trace="t"
        )
