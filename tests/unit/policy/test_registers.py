"""Registers hold digests only, are read back whole or not at all, and together never know more than they should."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from keyholder.policy.choices import Choices
from keyholder.policy.consents import ConsentRecord
from keyholder.policy.digests import Digester
from keyholder.policy.facts import PersonChoices
from keyholder.policy.lookup import PlainLookup
from keyholder.policy.opt_outs import Reply, ReplyState, cleaned_list, read_reply
from keyholder.policy.register_form import Header, RegisterDamagedError
from keyholder.policy.registers import ConsentRegister, OptOutRegister, Register, Type1Register
from keyholder.policy.type1 import Type1Row
from keyholder.policy.type1_opt_outs import Type1OptOuts
from keyholder.policy.vocabulary import CheckMode, CheckState
from tests.people import some_nhs_numbers
from tests.unit.policy.examples import CONSENT, DAY, NOW, TODAY, TYPE1_SET, TYPE1_WITHDRAWN, consent

NUMBERS = some_nhs_numbers(30)
A, B, C = NUMBERS[:3]
DIGESTER = Digester(bytes(range(32)))
HEADER = Header(datetime(2025, 6, 10, 8, tzinfo=UTC), TODAY, "X26HC036")
CROWD = st.sets(st.sampled_from(NUMBERS), min_size=1)


def opt_outs(asked: set[str], opted_out: set[str], header: Header = HEADER) -> OptOutRegister:
    """The register of an answer in which `opted_out` are missing."""
    reply = read_reply(cleaned_list(asked, opted_out), asked, delivered_whole=True)
    return OptOutRegister.of_reply(header, reply, asked, DIGESTER)


def type1(*rows: Type1Row) -> Type1Register:
    """The register of these rows."""
    return Type1Register.of_rows(HEADER, rows, DIGESTER)


def consents(*records: ConsentRecord) -> ConsentRegister:
    """The register of these records."""
    return ConsentRegister.of_records(HEADER, records, DIGESTER)


TYPE_1_ROWS = st.builds(Type1Row, st.sampled_from(NUMBERS[:4]), st.sampled_from([None, TYPE1_SET, TYPE1_WITHDRAWN]))

EVERY: tuple[Register, ...] = (
    opt_outs({A, B, C}, {B}),
    type1(Type1Row(A, TYPE1_SET), Type1Row(A, TYPE1_WITHDRAWN), Type1Row(B, None)),
    consents(ConsentRecord(A, CONSENT), ConsentRecord(B, consent(withdrawn_on=TODAY))),
)
KINDS = pytest.mark.parametrize("register", EVERY, ids=lambda register: type(register).__name__)


def test_a_digest_is_half_a_cmac_under_a_derived_key() -> None:
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"keyholder/person-digest/v1").derive(bytes(range(32)))
    mac = CMAC(AES(key))
    mac.update(A.encode())
    assert DIGESTER.digest(A) == mac.finalize()[:8]
    assert Digester(bytes(32)).digest(A) != DIGESTER.digest(A)
    assert list(DIGESTER.digests(NUMBERS)) == [DIGESTER.digest(number) for number in NUMBERS]
    assert repr(DIGESTER) == "Digester(hidden)"
    with pytest.raises(ValueError, match="32 bytes"):
        Digester(bytes(16))


@given(st.lists(st.lists(TYPE_1_ROWS, max_size=6), max_size=3))
def test_a_column_is_asked_as_each_of_its_people_is(registers: list[list[Type1Row]]) -> None:
    known = Type1OptOuts(Choices(type1=tuple(type1(*rows) for rows in registers)), DIGESTER, NOW)
    assert known.active_among(NUMBERS) == {number for number in NUMBERS if known.active(number)}


@given(CROWD, st.data())
def test_an_answer_is_kept_for_exactly_those_asked_about(asked: set[str], data: st.DataObject) -> None:
    opted_out = data.draw(st.sets(st.sampled_from(sorted(asked))))
    register = OptOutRegister.parse(opt_outs(asked, opted_out).to_bytes())
    assert len(register) == len(asked)
    for number in NUMBERS:
        check = register.check_of(DIGESTER.digest(number))
        if number not in asked:
            assert check is None
        else:
            assert check is not None
            assert check.performed_on == TODAY
            assert (check.state == CheckState.CLEAR) == (number not in opted_out)


@given(st.lists(st.tuples(st.sampled_from(NUMBERS), st.sampled_from([None, TYPE1_SET, TYPE1_WITHDRAWN])), max_size=9))
def test_type_1_events_are_kept_for_everybody_read(pairs: list[tuple[str, object]]) -> None:
    register = Type1Register.parse(type1(*(Type1Row(*pair) for pair in pairs)).to_bytes())
    for number in NUMBERS:
        events = register.events_of(DIGESTER.digest(number))
        held = {event for person, event in pairs if person == number}
        assert events == (tuple(sorted(held - {None})) if held else None)


@KINDS
def test_a_register_is_read_back_the_same(register: Register) -> None:
    assert type(register).parse(register.to_bytes()) == register
    assert type(register).parse(register.to_bytes()).to_bytes() == register.to_bytes()


@KINDS
@pytest.mark.parametrize("number", [A, B, C])
def test_nobody_is_in_a_register_or_its_print(register: Register, number: str) -> None:
    assert number.encode() not in register.to_bytes()
    assert number not in repr(register)
    assert DIGESTER.digest(number).hex() not in repr(register)


@KINDS
def test_any_changed_byte_is_found(register: Register) -> None:
    stored = register.to_bytes()
    for place in range(len(stored)):
        with pytest.raises(RegisterDamagedError):
            type(register).parse(stored[:place] + bytes([stored[place] ^ 1]) + stored[place + 1 :])
        with pytest.raises(RegisterDamagedError):
            type(register).parse(stored[:place])


def sealed(body: bytes) -> bytes:
    """`body` with a checksum that holds."""
    return body + hashlib.sha256(body).digest()


@KINDS
def test_a_register_of_another_kind_is_refused(register: Register) -> None:
    for other in EVERY:
        if type(other) is not type(register):
            with pytest.raises(RegisterDamagedError, match="kind"):
                type(other).parse(register.to_bytes())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("format", "keyholder-register/2"),
        ("made_at", "2025-06-10T08:00:00"),
        ("performed_on", "yesterday"),
        ("mode", "guess"),
        ("source", ""),
        ("state", "fine"),
        ("count", 2),
        ("count", 4),
        ("count", -1),
        ("more", 1),
    ],
)
def test_a_wrong_header_is_refused_though_the_checksum_holds(name: str, value: object) -> None:
    first, _, rest = EVERY[0].to_bytes()[:-32].partition(b"\n")
    header = {**json.loads(first), name: value}
    with pytest.raises(RegisterDamagedError):
        OptOutRegister.parse(sealed(json.dumps(header).encode() + b"\n" + rest))


def test_a_wrong_body_is_refused_though_the_checksum_holds() -> None:
    register = EVERY[0]
    first, second = register.digests[:8], register.digests[8:16]
    for digests in (second + first + register.digests[16:], first + first + register.digests[16:]):
        with pytest.raises(RegisterDamagedError, match="order"):
            OptOutRegister.parse(replace(register, digests=digests).to_bytes())
    for bits in (b"", b"\x40\x00", b"\x41"):
        with pytest.raises(RegisterDamagedError, match="bits"):
            OptOutRegister.parse(replace(register, bits=bits).to_bytes())
    events = EVERY[1]
    with pytest.raises(RegisterDamagedError, match="nobody"):
        Type1Register.parse(replace(events, events={DIGESTER.digest(C): (TYPE1_SET,)}).to_bytes())
    with pytest.raises(RegisterDamagedError, match="no consent"):
        ConsentRegister.parse(replace(EVERY[2], consents={}).to_bytes())


def test_a_person_has_one_line() -> None:
    register = EVERY[1]
    for again in (1, 2):
        body = register.to_bytes()[:-32]
        line = body[body.index(b"[") :]
        damaged = body + line * again
        with pytest.raises(RegisterDamagedError, match="out of order"):
            Type1Register.parse(sealed(damaged))


@pytest.mark.parametrize("state", [ReplyState.PENDING, ReplyState.FAILED, ReplyState.CORRUPT])
def test_an_unanswered_question_clears_nobody(state: ReplyState) -> None:
    register = OptOutRegister.of_reply(HEADER, Reply(state), {A, B}, DIGESTER)
    check = OptOutRegister.parse(register.to_bytes()).check_of(DIGESTER.digest(A))
    assert check is not None
    assert check.state == (CheckState.PENDING if state is ReplyState.PENDING else CheckState.FAILED)


def test_somebody_the_reply_does_not_speak_of_is_not_clear() -> None:
    reply = read_reply(cleaned_list([A], set()), {A})
    check = OptOutRegister.of_reply(HEADER, reply, {A, B}, DIGESTER).check_of(DIGESTER.digest(B))
    assert check is not None
    assert check.state == CheckState.OPTED_OUT


def of(choices: Choices, number: str) -> PersonChoices:
    """What the registers hold about one person for the example project."""
    return choices.of(DIGESTER.digest(number), "PRJ-0001", NOW)


def test_registers_that_know_nobody_say_nothing() -> None:
    assert of(Choices(), A) == PersonChoices()
    assert of(Choices((opt_outs({B}, set()),), (type1(Type1Row(B, None)),), (consents(),)), A) == PersonChoices()


def on(day: date, **more: object) -> Header:
    """The header of a check made on another day."""
    return replace(HEADER, performed_on=day, **more)


def test_the_newest_answer_counts() -> None:
    old, new = opt_outs({A, B}, {A}, on(TODAY - 3 * DAY)), opt_outs({A}, set(), on(TODAY))
    for registers in ((new, old), (old, new)):
        assert of(Choices(opt_outs=registers), A).ndoo_check.state == CheckState.CLEAR
        assert of(Choices(opt_outs=registers), B).ndoo_check.performed_on == TODAY - 3 * DAY
    same_day = (opt_outs({A}, set()), opt_outs({A}, {A}))
    for registers in (same_day, same_day[::-1]):
        assert of(Choices(opt_outs=registers), A).ndoo_check.state == CheckState.OPTED_OUT
    cached = opt_outs({A}, set(), on(TODAY, mode=CheckMode.CACHE, cache_refreshed_on=TODAY - DAY))
    check = of(Choices(opt_outs=(OptOutRegister.parse(cached.to_bytes()),)), A).ndoo_check
    assert (check.mode, check.cache_refreshed_on) == (CheckMode.CACHE, TODAY - DAY)


@pytest.mark.parametrize("refreshed", [TODAY - 7 * DAY, TODAY - 3 * DAY])
def test_an_answer_out_of_a_cache_is_as_old_as_the_cache(refreshed: date) -> None:
    """The cache did not know yet what the service said since."""
    cached = opt_outs({A}, set(), on(TODAY, mode=CheckMode.CACHE, cache_refreshed_on=refreshed))
    said = opt_outs({A}, {A}, on(TODAY - 3 * DAY))
    for registers in ((cached, said), (said, cached)):
        choices = Choices(opt_outs=registers)
        assert of(choices, A).ndoo_check.state == CheckState.OPTED_OUT
        (found,) = choices.of_all(DIGESTER.digests([A]), "PRJ-0001", NOW, PlainLookup)
        assert found == of(choices, A)
    since = opt_outs({A}, set(), on(TODAY, mode=CheckMode.CACHE, cache_refreshed_on=TODAY - 2 * DAY))
    assert of(Choices(opt_outs=(said, since)), A).ndoo_check.state == CheckState.CLEAR


def test_an_open_question_does_not_hide_an_answer() -> None:
    pending = OptOutRegister.of_reply(HEADER, Reply(ReplyState.PENDING), {A, B}, DIGESTER)
    failed = OptOutRegister.of_reply(on(TODAY - DAY), Reply(ReplyState.FAILED), {A, B}, DIGESTER)
    answered = opt_outs({A}, {A}, on(TODAY - 2 * DAY))
    choices = Choices(opt_outs=(pending, failed, answered))
    assert of(choices, A).ndoo_check.state == CheckState.OPTED_OUT
    assert of(choices, B).ndoo_check.state == CheckState.PENDING


def test_a_set_event_stays_until_it_is_withdrawn() -> None:
    was_set, nothing = type1(Type1Row(A, TYPE1_SET)), type1(Type1Row(A, None))
    withdrawn = type1(Type1Row(A, TYPE1_SET), Type1Row(A, TYPE1_WITHDRAWN))
    assert of(Choices(type1=(nothing, was_set)), A).type1_events == (TYPE1_SET,)
    assert of(Choices(type1=(withdrawn, was_set)), A).type1_events == (TYPE1_SET, TYPE1_WITHDRAWN)
    assert of(Choices(type1=(was_set, withdrawn)), A).type1_events == (TYPE1_SET,)
    assert of(Choices(type1=(nothing,)), A) == PersonChoices(type1_known=True)


def test_a_withdrawal_in_any_register_counts() -> None:
    given, withdrawn = consents(ConsentRecord(A, CONSENT)), consents(ConsentRecord(A, consent(withdrawn_on=TODAY)))
    for registers in ((given, withdrawn), (withdrawn, given)):
        assert of(Choices(consents=registers), A).consent == consent(withdrawn_on=TODAY)


def test_a_moment_without_a_zone_is_not_kept() -> None:
    header = replace(HEADER, made_at=datetime(2025, 6, 10))  # noqa: DTZ001 - the fault under test
    with pytest.raises(ValueError, match="zone"):
        opt_outs({A}, set(), header).to_bytes()
