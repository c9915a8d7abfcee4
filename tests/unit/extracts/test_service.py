"""What a provider does with an extract, in any order, once or twice, and what is said to whom it is not for."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from keyholder.collection.report import CollectionReport
from keyholder.extracts.announcement import MOST_BYTES, MOST_ROWS
from keyholder.extracts.service import Shown, Told
from keyholder.extracts.state import UPLOAD_WITHIN, ExtractStatus
from keyholder.refusals import Refusal
from keyholder.registry.domains import Domain, KeyState
from keyholder.registry.people import Membership, Person
from keyholder.vocabulary import ContentHash, DomainId, ExtractId, OrganisationCode, PersonId, Role
from tests.people import some_nhs_numbers
from tests.unit.extracts.world import DOMAIN, NUMBER, OTHER, PROVIDER, World, refused, sheet, told

ROWS = [[f"{place}", number, "SW1A 1AA", "F"] for place, number in enumerate(some_nhs_numbers(3))]
BODY = sheet(ROWS)
TOLD = told(BODY, 3)
NOBODY = ExtractId("EXT-" + "0" * 26)


def shown(outcome: Shown | Refusal) -> Shown:
    assert isinstance(outcome, Shown), outcome
    return outcome


def attempts(at: World, command: str) -> list[str]:
    """The codes of the refusals of a command that are in the ledger."""
    events = [event for stream in sorted(at.memory.steps.newest_event) for event in at.log.read(stream)]
    data = [event.data for event in events if event.type == "attempt.refused"]
    return [str(one["code"]) for one in data if one["command"] == command]


def test_an_announcement_is_in_the_ledger_before_an_address_is_given() -> None:
    at = World()
    answer = shown(at.desk.announce(at.call(), DOMAIN.id, TOLD))
    assert answer.upload is not None
    assert answer.upload.headers == {"content-length": str(len(BODY))}
    (event,) = at.events(answer.extract.id)
    assert event.data == {
        "domain": "gp-2026",
        "announcement": answer.extract.announcement,
        "rows": 3,
        "bytes": len(BODY),
        "identifier_types": ["nhs_number", "postcode"],
        "clear_columns": 1,
        "collection": None,
    }
    assert TOLD.sha256 not in str(event.data)


def test_the_same_file_has_another_hash_in_the_ledger_each_time() -> None:
    at = World()
    hashes = {shown(at.desk.announce(at.call(), DOMAIN.id, TOLD)).extract.announcement for _ in range(3)}
    assert len(hashes) == 3


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"columns": ("nhs_number", "row_id")}, "COLUMNS_INCOMPLETE"),
        ({"columns": ("row_id", "nhs_number", "nhs_number")}, "COLUMNS_INCOMPLETE"),
        ({"columns": ("row_id", "nhs_number", "surname")}, "COLUMN_NOT_COLLECTED"),
        ({"columns": ("row_id", "nhs_number", "HomeAddress2")}, "COLUMN_NOT_COLLECTED"),
        ({"columns": ("row_id", "nhs_number", "clinical_notes")}, "COLUMN_NOT_COLLECTED"),
        ({"columns": ("row_id", "nhs_number", "photo")}, "COLUMN_NOT_COLLECTED"),
        ({"columns": ("row_id", "nhs_number", "faults")}, "COLUMN_RESERVED"),
        ({"columns": ("row_id", "nhs_number", "postcode_deid")}, "COLUMN_RESERVED"),
        ({"columns": ("row_id", "nhs_number", "date_of_birth")}, "TYPE_NOT_IN_DOMAIN"),
        ({"columns": ("row_id", "sex")}, "COLUMNS_INCOMPLETE"),
        ({"rows": MOST_ROWS + 1}, "TOO_MANY_ROWS"),
        ({"size": MOST_BYTES + 1}, "TOO_MANY_ROWS"),
        ({"collection": CollectionReport(ContentHash("ab" * 32), date(2021, 7, 1))}, "DEATHS_NEEDED"),
    ],
)
def test_what_may_not_be_announced(change: dict[str, object], code: str) -> None:
    at = World()
    assert refused(at.desk.announce(at.call(), DOMAIN.id, replace(TOLD, **change))) == code
    assert attempts(at, "announce_extract") == [code]
    assert not at.files.objects


@pytest.mark.parametrize(
    ("person", "domain", "code"),
    [
        (replace(PROVIDER, roles=(Membership(Role.CONTROLLER, OrganisationCode("RX1")),)), DOMAIN, "NOT_A_PROVIDER"),
        (replace(PROVIDER, roles=(Membership(Role.PROVIDER, OrganisationCode("ABC")),)), DOMAIN, "NOT_A_PROVIDER"),
        (replace(PROVIDER, disabled=True), DOMAIN, "NOT_A_PROVIDER"),
        (PROVIDER, replace(DOMAIN, id=DomainId("other-2026")), "DOMAIN_UNKNOWN"),
        (PROVIDER, replace(DOMAIN, keys={**DOMAIN.keys, NUMBER: {1: KeyState.RETIRED}}), "KEY_NOT_ACTIVE"),
        (PROVIDER, replace(DOMAIN, collection_began_on=date(2021, 7, 1)), "DEATHS_NEEDED"),
    ],
)
def test_who_may_not_announce_and_for_what(person: Person, domain: Domain, code: str) -> None:
    at = World()
    at.registered.people, at.registered.domains = {person.id: person}, {domain.id: domain}
    assert refused(at.desk.announce(at.call(), DOMAIN.id, TOLD)) == code
    assert attempts(at, "announce_extract") == [code]


def test_a_repeated_announcement_is_one_extract_with_an_address_again() -> None:
    at = World()
    first = shown(at.desk.announce(at.call("k"), DOMAIN.id, TOLD))
    again = shown(at.desk.announce(at.call("k"), DOMAIN.id, TOLD))
    assert again.extract.id == first.extract.id
    assert again.upload is not None
    assert refused(at.desk.announce(at.call("k", body="c"), DOMAIN.id, TOLD)) == "KEY_REUSED"
    assert len(at.types(first.extract.id)) == 1


def test_nothing_begins_without_an_upload() -> None:
    at = World()
    extract = at.announced(BODY, 3)
    assert refused(at.desk.start(at.call(), extract)) == "NOT_UPLOADED"
    assert not at.queue.asked
    at.files.upload(extract, BODY)
    assert shown(at.desk.start(at.call("s"), extract)).extract.status is ExtractStatus.QUEUED
    assert at.queue.asked == [extract]
    assert shown(at.desk.start(at.call("s"), extract)).extract.status is ExtractStatus.QUEUED
    assert at.queue.asked == [extract, extract], "a repeated command asks again: the first message may be lost"
    assert refused(at.desk.start(at.call(), extract)) == "NOT_AWAITED"


def test_an_upload_that_comes_too_late_is_not_taken() -> None:
    at = World()
    extract = at.announced(BODY, 3)
    at.files.upload(extract, BODY)
    at.clock.wait(UPLOAD_WITHIN)
    assert refused(at.desk.start(at.call(), extract)) == "NOT_AWAITED"


def test_progress_is_shown() -> None:
    at = World()
    at.block_rows = 1
    extract = at.queued(ROWS)
    at.work(extract, timedelta(0))
    now = shown(at.desk.show(at.call(), extract))
    assert (now.extract.status, now.rows_done, now.upload, now.parts) == (ExtractStatus.RUNNING, 1, None, ())
    at.work(extract)
    assert shown(at.desk.show(at.call(), extract)).rows_done == 3


def test_a_result_is_collected_again_and_again_and_each_time_logged() -> None:
    at = World()
    extract = at.queued(ROWS)
    assert refused(at.desk.collect(at.call(), extract)) == "NOT_READY"
    at.work(extract)
    first = shown(at.desk.collect(at.call("c"), extract))
    assert shown(at.desk.collect(at.call("c"), extract)).parts == first.parts
    assert shown(at.desk.collect(at.call("d"), extract)).parts == first.parts
    assert at.types(extract).count("collected") == 2


@pytest.mark.parametrize("until", ["announced", "queued", "made"])
def test_discarded_nothing_is_kept_and_the_ledger_says_so(until: str) -> None:
    at = World()
    extract = at.announced(BODY, 3) if until == "announced" else at.queued(ROWS)
    if until == "made":
        at.work(extract)
    done = shown(at.desk.discard(at.call("x"), extract))
    assert done.extract.status is ExtractStatus.DISCARDED
    assert not at.kept(extract)
    assert at.types(extract)[-2:] == ["discarded", "erased"]
    assert at.events(extract)[-1].actor == "system/pseudonymise"
    assert not at.files.upload(extract, BODY)
    assert shown(at.desk.discard(at.call("x"), extract)).extract.status is ExtractStatus.DISCARDED
    assert refused(at.desk.discard(at.call(), extract)) == "ALREADY_OVER"
    assert refused(at.desk.collect(at.call(), extract)) == "EXTRACT_GONE"


def test_what_could_not_be_erased_is_erased_by_who_looks_next() -> None:
    at = World()
    extract = at.queued(ROWS)

    def fail(name: str) -> None:
        if name == "erase":
            raise OSError

    at.files.before = fail
    with pytest.raises(OSError):  # noqa: PT011 - the test's own
        at.desk.discard(at.call(), extract)
    assert at.kept(extract)
    due = at.state(extract).due_at
    assert due is not None
    assert due <= at.clock.now()
    at.files.before = lambda _: None
    at.work(extract)
    assert not at.kept(extract)


@pytest.mark.parametrize("actor", [OTHER.id, PersonId("person/" + "c" * 32)], ids=["another provider", "nobody"])
def test_an_extract_is_its_providers_alone(actor: PersonId) -> None:
    at = World()
    extract = at.queued(ROWS)
    at.work(extract)
    call = at.call(actor=actor)
    assert refused(at.desk.show(call, extract)) == "EXTRACT_UNKNOWN"
    for command in (at.desk.start, at.desk.collect, at.desk.discard):
        assert refused(command(call, extract)) == "EXTRACT_UNKNOWN"
        assert refused(command(at.call(), NOBODY)) == "EXTRACT_UNKNOWN"
    assert at.kept(extract)
    assert len(attempts(at, "collect_extract")) == 2


def test_a_disabled_provider_collects_nothing() -> None:
    at = World()
    extract = at.queued(ROWS)
    at.work(extract)
    at.registered.people = {PROVIDER.id: replace(PROVIDER, disabled=True)}
    assert refused(at.desk.collect(at.call(), extract)) == "EXTRACT_UNKNOWN"


def test_nothing_that_was_announced_shows_in_a_representation() -> None:
    assert "https" not in repr(shown(World().desk.announce(World().call(), DOMAIN.id, TOLD)))
    assert isinstance(TOLD, Told)
