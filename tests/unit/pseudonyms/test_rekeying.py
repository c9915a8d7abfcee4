"""Re-keying: what a new token opens to, what becomes of the others, who may, and that no identifier gets out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.ledger.log import IdempotencyKey, LedgerUnavailableError
from keyholder.pseudonyms.batch import siv_column
from keyholder.pseudonyms.key_ring import KeyGone, OpenedKeys
from keyholder.pseudonyms.opening import TokenCell, open_tokens
from keyholder.pseudonyms.rekeying import (
    GIVEN,
    RekeyedCell,
    RekeyedRow,
    Rekeying,
    RekeyStatus,
    TokenRow,
    rekey,
    rekey_tokens,
)
from keyholder.pseudonyms.sealing import seal_rows
from keyholder.pseudonyms.token import Scheme, Token
from keyholder.refusals import Refusal
from keyholder.registry.domains import CareOrigin, Domain, KeyState, SourceDataset
from keyholder.registry.people import Membership, Person, PersonKind
from keyholder.vocabulary import DomainId, IdentifierType, OrganisationCode, PersonId, Pseudonym, Role, StreamId
from tests.fakes.key_ring import KeyRingInMemory
from tests.fakes.ledger import ManualClock, memory_ledger
from tests.people import TODAY, canonical_identifiers, some_nhs_numbers

NUMBER, POSTCODE, BORN = IdentifierType.NHS_NUMBER, IdentifierType.POSTCODE, IdentifierType.DATE_OF_BIRTH
GP, OTHER = DomainId("gp-2026"), DomainId("gp-2025")
RX1 = OrganisationCode("RX1")
NEWEST, RETIRED, DESTROYED = 5, 2, 3
STATES = {
    1: KeyState.REVERSIBLE,
    RETIRED: KeyState.RETIRED,
    DESTROYED: KeyState.DESTROYED,
    4: KeyState.REVERSIBLE,
    NEWEST: KeyState.ACTIVE,
}
DOMAIN = Domain(
    GP,
    (RX1, OrganisationCode("X26")),
    tuple(IdentifierType),
    SourceDataset.GP,
    CareOrigin.ENGLAND_PUBLIC,
    keys=dict.fromkeys(IdentifierType, STATES),
)
PROVIDER = Person(PersonId("person/" + "a" * 32), (Membership(Role.PROVIDER, RX1),), PersonKind.MACHINE)


def ring() -> KeyRingInMemory:
    gone = {(GP, kind, RETIRED): KeyGone.RETIRED for kind in IdentifierType}
    gone |= {(GP, kind, DESTROYED): KeyGone.DESTROYED for kind in IdentifierType}
    return KeyRingInMemory(newest=NEWEST, gone=gone)


def token(kind: IdentifierType, value: str, version: int = 1, domain: DomainId = GP) -> Pseudonym:
    with OpenedKeys(KeyRingInMemory(newest=NEWEST + 1)) as keys:
        [row] = seal_rows([{kind: value}], domain, {kind: version}, keys, TODAY)
    sealed = row[kind].pseudonym
    assert sealed is not None
    return sealed


def rekeyed(cells: Sequence[TokenCell], at: KeyRingInMemory | None = None) -> list[RekeyedCell]:
    with OpenedKeys(at or ring()) as keys:
        return rekey_tokens(cells, DOMAIN, keys, TODAY)


@st.composite
def cells(draw: st.DrawFn) -> tuple[TokenCell, RekeyStatus, str]:
    """A token, what must become of it, and the identifier it stands for."""
    kind = draw(st.sampled_from(list(IdentifierType)))
    value = draw(canonical_identifiers(kind))
    status = draw(st.sampled_from(RekeyStatus))
    match status:
        case RekeyStatus.REKEYED:
            text = str(token(kind, value, draw(st.sampled_from([1, 4]))))
        case RekeyStatus.CURRENT:
            text = str(token(kind, value, NEWEST))
        case RekeyStatus.MALFORMED:
            whole = token(kind, value)
            text = draw(st.sampled_from([whole[:-1], whole + "0", whole[::-1], "", "?", value]))
        case RekeyStatus.NOT_OPENED:
            other = draw(st.sampled_from([one for one in IdentifierType if one is not kind]))
            foreign = token(other, draw(canonical_identifiers(other)))
            text = draw(st.sampled_from([str(token(kind, value, 1, OTHER)), str(foreign)]))
        case RekeyStatus.KEY_RETIRED:
            text = str(token(kind, value, RETIRED))
        case RekeyStatus.KEY_DESTROYED:
            text = str(token(kind, value, DESTROYED))
        case RekeyStatus.KEY_UNKNOWN:
            text = str(token(kind, value, NEWEST + 1))
    return TokenCell(kind, draw(st.sampled_from([text, text.lower()])) if text != value else text), status, value


@given(st.lists(cells(), max_size=20))
def test_a_new_token_opens_to_what_the_old_one_did_and_everything_else_says_why_not(
    drawn: list[tuple[TokenCell, RekeyStatus, str]],
) -> None:
    found = rekeyed([cell for cell, _, _ in drawn])
    assert [one.status for one in found] == [status for _, status, _ in drawn]
    for (cell, status, value), one in zip(drawn, found, strict=True):
        assert (one.pseudonym is not None) == (status in GIVEN)
        if one.pseudonym is not None:
            parsed = Token.parse(one.pseudonym)
            assert isinstance(parsed, Token)
            assert (parsed.key_version, parsed.identifier_type) == (NEWEST, cell.identifier_type)
            with OpenedKeys(ring()) as keys:
                [opened] = open_tokens([TokenCell(cell.identifier_type, one.pseudonym)], GP, keys)
            assert opened.value == value
            assert one.pseudonym == token(cell.identifier_type, value, NEWEST), "it is the one anybody else gets"


def test_a_token_of_the_newest_version_is_known_however_it_is_written() -> None:
    newest = token(NUMBER, "9990000018", NEWEST)
    typed = newest.lower().replace("0", "o").replace("1", "l")
    [one] = rekeyed([TokenCell(NUMBER, typed)])
    assert (one.status, one.pseudonym) == (RekeyStatus.CURRENT, newest)


def test_without_a_version_that_makes_tokens_no_old_one_is_opened() -> None:
    at = ring()
    at.gone[GP, NUMBER, NEWEST] = KeyGone.UNKNOWN
    found = rekeyed(
        [TokenCell(NUMBER, token(NUMBER, "9990000018")), TokenCell(POSTCODE, token(POSTCODE, "LS1 4AP"))], at
    )
    assert [one.status for one in found] == [RekeyStatus.KEY_UNKNOWN, RekeyStatus.REKEYED]
    assert (GP, NUMBER, 1) not in at.openings


def test_each_key_is_opened_once_and_wiped_whatever_the_number_of_rows() -> None:
    at, numbers = ring(), some_nhs_numbers(300)
    column = [
        TokenCell(NUMBER, token(NUMBER, number, (1, 4, NEWEST)[place % 3])) for place, number in enumerate(numbers)
    ]
    column += [TokenCell(BORN, token(BORN, f"19{place:02}-01-01")) for place in range(40)]
    found = rekeyed(column, at)
    assert {one.status for one in found} == set(GIVEN)
    assert sorted(at.openings) == sorted(
        {*((GP, NUMBER, version) for version in (1, 4, NEWEST)), *((GP, BORN, version) for version in (1, NEWEST))}
    )
    for key in at.handed_out:
        with pytest.raises(ValueError, match="wiped"):
            _ = key.material


def test_a_large_column_is_done_as_a_batch() -> None:
    numbers = some_nhs_numbers(siv_column.FEW + 1)
    column = [TokenCell(NUMBER, token(NUMBER, number)) for number in numbers]
    lanes: list[int] = []
    lane_for = siv_column._lane_for
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(siv_column, "_lane_for", lambda rows: lanes.append(rows) or lane_for(rows))
        found = rekeyed(column)
    assert lanes == [len(numbers)] * 2, "one batch opens, one seals"
    assert all(one.status is RekeyStatus.REKEYED for one in found)


# -- the job ----------------------------------------------------------------------------------------------------------


def job(*rows: TokenRow, key: str = "k", body: str = "b", id_: str = "JOB1") -> Rekeying:
    return Rekeying(id_, GP, rows, TODAY, "trace", IdempotencyKey(key * 64, body * 64))


def row(row_id: str, number: str = "9990000018", version: int = 1) -> TokenRow:
    return TokenRow(row_id, {NUMBER: token(NUMBER, number, version), POSTCODE: token(POSTCODE, "LS1 4AP", version)})


def rows_of(outcome: object) -> list[RekeyedRow]:
    assert isinstance(outcome, list), outcome
    return outcome


def test_rows_come_back_in_order_and_the_ledger_has_the_job_in_counts_and_codes() -> None:
    log = memory_ledger(ManualClock())
    sent = [row("3"), row("1", version=NEWEST), row("2", version=RETIRED)]
    found = rows_of(rekey(log, ring(), job(*sent), PROVIDER, DOMAIN))
    assert [one.row_id for one in found] == ["3", "1", "2"]
    (event,) = log.read(StreamId("rekeying/JOB1"))
    assert (event.type, event.actor) == ("pseudonyms.rekeyed", PROVIDER.id)
    assert event.data == {
        "domain": "gp-2026",
        "rows": 3,
        "tokens": {kind: {"current": 1, "key_retired": 1, "rekeyed": 1} for kind in ("nhs_number", "postcode")},
        "key_versions": {"nhs_number": NEWEST, "postcode": NEWEST},
    }
    text = event.line().decode() + repr(found)
    for value in (
        "9990000018",
        "LS1",
        *(str(cell.pseudonym) for one in found for cell in one.cells.values() if cell.pseudonym),
    ):
        assert value not in text


def test_invariant_2_without_the_ledger_nobody_gets_a_token() -> None:
    class Unwritable:
        def record(self, *_: object, **__: object) -> None:
            raise LedgerUnavailableError

    with pytest.raises(LedgerUnavailableError):
        rekey(Unwritable(), ring(), job(row("1")), PROVIDER, DOMAIN)  # type: ignore[arg-type]  # no more is asked of it


def test_a_repeated_job_is_answered_again_and_logged_once() -> None:
    log = memory_ledger(ManualClock())
    first = rekey(log, ring(), job(row("1")), PROVIDER, DOMAIN)
    assert rekey(log, ring(), job(row("1"), id_="JOB2"), PROVIDER, DOMAIN) == first
    assert not log.read(StreamId("rekeying/JOB2"))
    other = rekey(log, ring(), job(row("2"), body="c", id_="JOB3"), PROVIDER, DOMAIN)
    assert isinstance(other, Refusal)
    assert other.code == "KEY_REUSED"


@pytest.mark.parametrize(
    ("person", "domain", "code"),
    [
        (None, DOMAIN, "NOT_A_PROVIDER"),
        (replace(PROVIDER, disabled=True), DOMAIN, "NOT_A_PROVIDER"),
        (replace(PROVIDER, roles=(Membership(Role.CONTROLLER, RX1),)), DOMAIN, "NOT_A_PROVIDER"),
        (replace(PROVIDER, roles=(Membership(Role.PROVIDER, OrganisationCode("ABC")),)), DOMAIN, "NOT_A_PROVIDER"),
        (PROVIDER, None, "DOMAIN_UNKNOWN"),
        (PROVIDER, replace(DOMAIN, identifier_types=(NUMBER,)), "TYPE_NOT_IN_DOMAIN"),
        (PROVIDER, replace(DOMAIN, schemes={NUMBER: Scheme.FF1}), "SCHEME_WITHOUT_VERSIONS"),
    ],
)
def test_only_a_provider_of_the_domains_controllers_rekeys(
    person: Person | None, domain: Domain | None, code: str
) -> None:
    at, log = ring(), memory_ledger(ManualClock())
    outcome = rekey(log, at, job(row("1")), person, domain)
    assert isinstance(outcome, Refusal)
    assert outcome.code == code
    assert not at.openings
    assert not log.read(StreamId("rekeying/JOB1"))


def test_row_ids_are_unique_within_a_job() -> None:
    outcome = rekey(memory_ledger(ManualClock()), ring(), job(row("1"), row("1")), PROVIDER, DOMAIN)
    assert isinstance(outcome, Refusal)
    assert outcome.code == "ROW_IDS_NOT_UNIQUE"
