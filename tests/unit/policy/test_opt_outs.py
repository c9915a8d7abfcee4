"""The opt-out service's replies: never all-clear by default."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.policy.opt_outs import (
    ERROR_LINE,
    Reply,
    ReplyFault,
    ReplyState,
    cleaned_list,
    job_created,
    read_reply,
    read_request_list,
    request_list,
)
from tests.people import some_nhs_numbers

NUMBERS = some_nhs_numbers(40)
A, B, C, FOREIGN = NUMBERS[0], NUMBERS[1], NUMBERS[2], NUMBERS[39]
ASKED = frozenset({A, B, C})
CROWD = st.sets(st.sampled_from(NUMBERS), min_size=1)


def test_a_request_is_one_number_a_line_with_a_comma() -> None:
    assert request_list([A, B, A]) == f"{A},\n{B},\n".encode()


@pytest.mark.parametrize("numbers", [[], [A, "9990000019"], [A, "999 000 0018"], [A, "1111111111"], [A, ""]])
def test_a_request_never_holds_what_sinks_the_whole_file(numbers: list[str]) -> None:
    with pytest.raises(ValueError, match="request list") as caught:
        request_list(numbers)
    assert "999" not in str(caught.value)


@given(CROWD, st.sampled_from(["\n", "\r\n"]))
def test_a_request_is_read_back(asked: set[str], ending: str) -> None:
    body = request_list(asked).replace(b"\n", ending.encode())
    assert read_request_list(body) == asked


@pytest.mark.parametrize(("body", "line"), [("", 1), (f"{A},\n{B}\n", 2), (f"{A},\n\n{B},\n", 2), ("9990000019,\n", 1)])
def test_a_request_with_a_bad_line_is_refused_by_its_line(body: str, line: int) -> None:
    assert read_request_list(body.encode()) == line


@given(CROWD, st.data(), st.sampled_from(["\n", "\r\n"]))
def test_who_is_absent_from_a_valid_list_is_opted_out(asked: set[str], data: st.DataObject, ending: str) -> None:
    opted_out = data.draw(st.sets(st.sampled_from(sorted(asked)), max_size=len(asked) - 1))
    body = cleaned_list(asked, opted_out).replace(b"\n", ending.encode())
    reply = read_reply(body, asked)
    assert (reply.state, reply.clear, reply.opted_out) == (ReplyState.CLEANED, asked - opted_out, opted_out)


@pytest.mark.parametrize(
    ("body", "state", "fault", "line"),
    [
        (ERROR_LINE, ReplyState.FAILED, ReplyFault.ERROR_LINE, 1),
        (ERROR_LINE + b"\r\n", ReplyState.FAILED, ReplyFault.ERROR_LINE, 1),
        (b"", ReplyState.FAILED, ReplyFault.EMPTY, None),
        (b"\n", ReplyState.FAILED, ReplyFault.BAD_LINE, 1),
        (f"{A},\n{B[:6]}".encode(), ReplyState.FAILED, ReplyFault.TRUNCATED, 2),
        (f"{A},\n{B}".encode(), ReplyState.FAILED, ReplyFault.TRUNCATED, 2),
        (f"{A},\n{B}\n".encode(), ReplyState.FAILED, ReplyFault.BAD_LINE, 2),
        (f"{A},\n{B},x\n".encode(), ReplyState.FAILED, ReplyFault.BAD_LINE, 2),
        (f"{A},\n\n{B},\n".encode(), ReplyState.FAILED, ReplyFault.BAD_LINE, 2),
        (f"{A},{B},\n".encode(), ReplyState.FAILED, ReplyFault.BAD_LINE, 1),
        (f" {A},\n".encode(), ReplyState.FAILED, ReplyFault.BAD_LINE, 1),
        (f"\ufeff{A},\n".encode(), ReplyState.FAILED, ReplyFault.BAD_LINE, 1),
        (f"nhs_number\n{A},\n".encode(), ReplyState.FAILED, ReplyFault.BAD_LINE, 1),
        (f"{A},\n{A},\n".encode(), ReplyState.FAILED, ReplyFault.REPEATED_NUMBER, 2),
        (f"{A},\n{FOREIGN},\n".encode(), ReplyState.CORRUPT, ReplyFault.FOREIGN_NUMBER, 2),
        (b"{", ReplyState.FAILED, ReplyFault.BAD_MESSAGE, None),
        (b'{"status": "done", "dataset_id": "mesh_to_pos"}', ReplyState.FAILED, ReplyFault.BAD_MESSAGE, None),
        (b'{"status": "pending", "dataset_id": "x"}', ReplyState.FAILED, ReplyFault.BAD_MESSAGE, None),
        (b'{"status": "pending"}', ReplyState.FAILED, ReplyFault.BAD_MESSAGE, None),
        (b'{"status": "pending", "dataset_id": "mesh_to_pos"}', ReplyState.PENDING, None, None),
    ],
)
def test_every_other_reply_clears_nobody(
    body: bytes, state: ReplyState, fault: ReplyFault | None, line: int | None
) -> None:
    assert read_reply(body, ASKED) == Reply(state, fault, line)


def test_a_job_created_message_belongs_to_its_request() -> None:
    assert read_reply(job_created("job-1"), ASKED, local_id="job-1").state is ReplyState.PENDING
    assert read_reply(job_created("job-2"), ASKED, local_id="job-1") == Reply(ReplyState.CORRUPT, ReplyFault.OTHER_JOB)
    bare = json.dumps({"status": "pending", "dataset_id": "mesh_to_pos"}).encode()
    assert read_reply(bare, ASKED, local_id="job-1").state is ReplyState.FAILED


def test_an_empty_list_means_everybody_only_where_no_byte_can_be_missing() -> None:
    assert read_reply(b"", ASKED, delivered_whole=True) == Reply(ReplyState.CLEANED, opted_out=ASKED)


def test_a_reply_needs_a_question() -> None:
    with pytest.raises(ValueError, match="asked"):
        read_reply(f"{A},\n".encode(), frozenset())


@given(CROWD, st.binary(max_size=60), st.booleans())
def test_any_bytes_clear_only_those_they_name(asked: set[str], body: bytes, whole: bool) -> None:
    reply = read_reply(body, asked, delivered_whole=whole)
    assert all(number.encode() + b"," in body for number in reply.clear)
    assert reply.clear | reply.opted_out == (asked if reply.state is ReplyState.CLEANED else frozenset())


@given(CROWD, st.data())
def test_a_list_cut_anywhere_never_clears_more(asked: set[str], data: st.DataObject) -> None:
    body = cleaned_list(asked, frozenset())
    cut = data.draw(st.integers(0, len(body)))
    assert read_reply(body[:cut], asked).clear <= asked


def test_a_reply_prints_nobody() -> None:
    assert "999" not in repr(read_reply(f"{A},\n".encode(), ASKED))
