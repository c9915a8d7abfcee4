"""Asking the author back, taking a vote back, approving fewer records: what each leaves standing."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.requests import commands as ask
from keyholder.requests.codes import Audience, DecisionState, ExpiryReason, RejectReason, RevokeReason, State
from keyholder.requests.content import parse_draft
from keyholder.requests.records import KeptRecords, Narrowed, RecordChoice, counts_add_up, covered
from keyholder.requests.sight import Side, as_submitted
from keyholder.vocabulary import ContentHash
from tests.unit.requests import world
from tests.unit.requests.world import BOTH, GP, HOSPITAL, NADIA, NILS, RELEASE, ROSA, SWEEPER, TARA

OTHER_SALT = "6b" * 16


def named(course: world.Course) -> ContentHash:
    assert course.state.content_hash
    return course.state.content_hash


def answered(course: world.Course, records: int = 3) -> world.Course:
    """The next revision, with its checks made."""
    draft = parse_draft(world.a_body(*course.state.domains, records=records), OTHER_SALT, world.VOCABULARY)
    assert not isinstance(draft, world.Refusal)
    course.do(ask.Save(draft.content.summary()), ROSA).do(ask.Submit(), ROSA)
    return course.do(ask.RecordChecks(named(course), world.checks()), RELEASE).clear_everybody()


def test_a_return_makes_every_vote_void_and_keeps_what_was() -> None:
    course = world.in_review(GP, HOSPITAL).approve(NADIA)
    course.do(ask.Reject(HOSPITAL, named(course), RejectReason.OTHER), TARA)
    first = named(course)
    course.do(ask.Return(GP, first, (world.QUESTION,)), NILS)
    assert course.state.status is State.RETURNED
    assert {decision.state for decision in course.state.domains.values()} == {DecisionState.VOID}
    assert not any(decision.ballots for decision in course.state.domains.values())
    (revision,) = course.state.revisions
    assert revision.returned
    assert revision.returned.questions == (world.QUESTION,)
    assert [ballot.person for ballot in revision.returned.ballots[GP]] == [NADIA.id]
    assert [ballot.person for ballot in revision.returned.ballots[HOSPITAL]] == [TARA.id]


def test_the_next_revision_is_decided_afresh_and_on_its_own_hash() -> None:
    course = world.returned()
    first = named(course)
    answered(course)
    assert [revision.number for revision in course.state.revisions] == [1, 2]
    assert course.state.revision == 2
    assert named(course) != first
    assert course.refused(ask.Approve(GP, first), NADIA) == "OTHER_CONTENT"
    course.approve(TARA)
    assert course.state.status is State.IN_REVIEW
    course.approve(NADIA)
    assert course.state.status is State.APPROVED


def test_what_was_agreed_before_counts_for_nothing_even_unchanged() -> None:
    """The very same content again: one approval of the first revision and one of the second make no quorum."""
    course = world.returned()
    same = named(course)
    course.do(ask.Submit(), ROSA).do(ask.RecordChecks(same, world.checks()), RELEASE)
    assert named(course) == same
    course.approve(TARA)
    assert course.state.domains[GP].state is DecisionState.OPEN


def test_whoever_approved_may_still_ask_back() -> None:
    course = world.in_review(GP, HOSPITAL).approve(NADIA).approve(TARA)
    course.do(ask.Return(GP, named(course), (world.QUESTION,)), NADIA)
    assert course.state.status is State.RETURNED


def test_a_draft_on_its_way_back_is_nobody_s_to_decide() -> None:
    course = world.returned()
    for command, who in (
        (ask.Approve(GP, named(course)), NILS),
        (ask.Reject(GP, named(course), RejectReason.OTHER), NILS),
        (ask.Revoke(RevokeReason.OTHER), NILS),
        (ask.Discard(), ROSA),
        (world.release_of(course), ROSA),
    ):
        assert course.refused(command, who) == "WRONG_STATE"
    assert course.do(ask.Withdraw(), ROSA).state.status is State.WITHDRAWN


def test_who_decides_still_talks_while_the_author_writes_and_after_it_was_withdrawn_sees_what_was_submitted() -> None:
    course = world.returned()
    submitted = course.state.submitted
    draft = parse_draft(world.a_body(GP, records=3), OTHER_SALT, world.VOCABULARY)
    assert not isinstance(draft, world.Refusal)
    course.do(ask.Save(draft.content.summary()), ROSA)
    course.do(ask.Comment(Audience.REQUESTER, "e" * 64), NADIA)
    course.do(ask.Withdraw(), ROSA)
    assert as_submitted(course.state, Side.DECIDING).summary == submitted
    assert as_submitted(course.state, Side.ASKING).summary == draft.content.summary()


def test_what_is_not_sent_in_again_runs_out() -> None:
    course = world.returned()
    course.now += timedelta(days=30)
    course.do(ask.Expire(), SWEEPER)
    assert course.state.reasons == (ExpiryReason.NOT_ANSWERED,)


def test_a_vote_is_taken_back_and_given_again() -> None:
    course = world.in_review().approve(NADIA)
    course.do(ask.WithdrawVote(GP, named(course)), NADIA)
    assert course.state.domains[GP].ballots == ()
    course.approve(TARA)
    assert course.state.status is State.IN_REVIEW
    course.approve(NADIA)
    assert course.state.status is State.APPROVED


def test_after_the_quorum_a_vote_stays() -> None:
    course = world.in_review(GP, HOSPITAL).approve(NADIA).approve(TARA)
    assert course.refused(ask.WithdrawVote(GP, named(course)), NADIA) == "DOMAIN_DECIDED"
    assert course.refused(ask.WithdrawVote(HOSPITAL, named(course)), TARA) == "NO_VOTE_TO_WITHDRAW"


def test_a_rejection_is_not_taken_back() -> None:
    course = world.in_review(GP, HOSPITAL).do(
        ask.Reject(GP, named(world.in_review(GP, HOSPITAL)), RejectReason.OTHER), NADIA
    )
    assert course.refused(ask.WithdrawVote(GP, named(course)), NADIA) == "NO_VOTE_TO_WITHDRAW"


def test_a_revocation_after_a_release_orders_destruction() -> None:
    course = world.released()
    course.do(ask.Revoke(RevokeReason.OTHER), NADIA)
    assert course.state.destruction_required_by == (world.NOW + timedelta(days=7)).date()
    soon = world.released(destroy_by="2026-11-04")
    assert soon.do(ask.Revoke(RevokeReason.OTHER), NADIA).state.destruction_required_by == soon.state.destroy_by
    assert world.approved().do(ask.Revoke(RevokeReason.OTHER), TARA).state.destruction_required_by is None


@pytest.mark.parametrize(
    ("records", "left", "code"),
    [
        (None, 1, "RECORDS_NOT_LEFT"),
        (Narrowed("d" * 64, 2), 2, "RECORDS_NOT_LEFT"),
        (Narrowed("d" * 64, 1), None, "RECORDS_NOT_LEFT"),
        (Narrowed("d" * 64, 1), 2, "RECORDS_NOT_LEFT"),
        (Narrowed("d" * 64, 1), 0, "RECORDS_NOT_LEFT"),
    ],
)
def test_counts_of_records_have_to_be_possible(records: Narrowed | None, left: int | None, code: str) -> None:
    course = world.in_review()
    yes = ask.Approve(GP, named(course), records=records, records_left=left)
    assert course.refused(yes, NADIA) == code


def test_what_is_left_never_grows() -> None:
    course = world.in_review(records=9)
    four, five = Narrowed("d" * 64, 4), Narrowed("e" * 64, 5)
    course.do(ask.Approve(GP, named(course), records=four, records_left=4), NADIA)
    course.do(ask.Approve(GP, named(course), records=five, records_left=1), NILS)
    for left in (0, 2, None):
        assert course.refused(ask.Approve(GP, named(course), records_left=left), TARA) == "RECORDS_NOT_LEFT"
    course.do(ask.WithdrawVote(GP, named(course)), NILS)
    course.do(ask.Approve(GP, named(course), records_left=4), TARA)
    assert course.state.records_approved() == {GP: 4}
    command = world.release_of(course)
    course.do(command, ROSA)
    assert course.happened[-1].data()["records"] == {GP: 4}


SUBSETS = st.integers(2, 12).flatmap(
    lambda asked: st.tuples(
        st.just(asked),
        st.lists(st.sets(st.integers(0, asked - 1), min_size=1, max_size=asked - 1), min_size=1, max_size=4),
    )
)


@given(SUBSETS)
def test_counts_of_real_choices_add_up(drawn: tuple[int, list[set[int]]]) -> None:
    asked, choices = drawn
    rows = covered([[str(row) for row in choice] for choice in choices])
    assert counts_add_up(asked, [len(choice) for choice in choices], len(rows)) == bool(rows)


@given(SUBSETS, st.booleans())
def test_a_choice_keeps_or_leaves_out(drawn: tuple[int, list[set[int]]], keep: bool) -> None:
    asked, (first, *_) = drawn
    content = world.a_draft(records=asked).content
    choice = RecordChoice(frozenset(f"{GP}/{row}" for row in first), keep)
    kept = choice.of([record.row_id for record in content.domains[0].records])
    expected = [f"{GP}/{row}" for row in range(asked) if (row in first) == keep]
    assert list(kept) == expected  # type: ignore[call-overload]  # neither choice is empty, so neither is refused
    assert repr(choice).count(GP) == 0


@pytest.mark.parametrize(
    ("row_ids", "keep", "code"),
    [
        ({"nobody"}, True, "ROW_UNKNOWN"),
        (set(), True, "RECORDS_NOT_LEFT"),
        ({f"{GP}/0", f"{GP}/1"}, False, "RECORDS_NOT_LEFT"),
    ],
)
def test_a_choice_that_is_none(row_ids: set[str], keep: bool, code: str) -> None:
    asked = [record.row_id for record in world.a_draft().content.domains[0].records]
    refused = RecordChoice(frozenset(row_ids), keep).of(asked)
    assert isinstance(refused, world.Refusal)
    assert refused.code == code


def test_a_stored_choice_comes_back_and_its_hash_hides_it() -> None:
    kept = KeptRecords("5a" * 16, GP, ContentHash("a" * 64), ("one", "two"))
    again = KeptRecords.read(kept.stored())
    assert again == kept
    assert kept.narrowed().count == 2
    assert kept.narrowed() != KeptRecords("5b" * 16, GP, ContentHash("a" * 64), ("one", "two")).narrowed()
    assert "one" not in repr(kept)
    assert json.loads(kept.stored())["row_ids"] == ["one", "two"]


def test_one_person_of_two_organisations_names_one_to_return() -> None:
    course = world.in_review()
    assert course.refused(ask.Return(GP, named(course), (world.QUESTION,)), BOTH) == "ORGANISATION_UNCLEAR"
    course.do(ask.Return(GP, named(course), (world.QUESTION,), world.TRUST), BOTH)
    assert course.state.status is State.RETURNED
