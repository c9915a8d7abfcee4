"""National data opt-outs as the Check for National Data Opt-outs service answers them over MESH.

A request is one NHS number a line, each followed by a comma, LF endings, no header. The service answers first with a
job-created message (JSON, `"status": "pending"`), then with the cleaned list: the same form, only the people with no
opt-out. With one bad number in the request it answers a single error line and cleans nothing.

Nothing here is all-clear by default: a person is clear only where a valid cleaned list of a request that asked for
them names them. Sources: NHS DPS core code; UK Renal Registry notes; the service's MESH guide.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass, field
from enum import StrEnum

from keyholder.identifiers import nhs_number
from keyholder.identifiers.not_an_identifier import NotAnIdentifierError

ERROR_LINE = b"The file contains one or more invalid NHS Numbers."
_LINE = re.compile(rb"([0-9]{10}),")


class ReplyState(StrEnum):
    """What a reply is."""

    CLEANED = "cleaned"
    PENDING = "pending"
    FAILED = "failed"
    CORRUPT = "corrupt"
    """It names somebody nobody asked about: an answer to another question, used for nothing."""


class ReplyFault(StrEnum):
    """Why a reply is failed or corrupt."""

    ERROR_LINE = "error_line"
    BAD_LINE = "bad_line"
    TRUNCATED = "truncated"
    REPEATED_NUMBER = "repeated_number"
    FOREIGN_NUMBER = "foreign_number"
    EMPTY = "empty"
    BAD_MESSAGE = "bad_message"
    OTHER_JOB = "other_job"


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply, judged. `clear` and `opted_out` are empty unless it is `CLEANED`; then they are everybody asked for,
    by the names they were asked for under.

    `line` is the line at fault, from 1, where there is one.
    """

    state: ReplyState
    fault: ReplyFault | None = None
    line: int | None = None
    clear: frozenset[str] = field(default=frozenset(), repr=False)
    opted_out: frozenset[str] = field(default=frozenset(), repr=False)


def request_list(numbers: Iterable[str]) -> bytes:
    """The body of a request, each number once, in order. Raises `ValueError` for none, or for a number the service
    would refuse the whole file for."""
    listed = tuple(dict.fromkeys(numbers))
    if not listed:
        raise ValueError("a request list names at least one person")
    for place, number in enumerate(listed, start=1):
        if not _is_number(number):
            raise ValueError(f"entry {place} of the request list is not an NHS number of ten digits")
    return "".join(f"{number},\n" for number in listed).encode()


def read_request_list(body: bytes) -> frozenset[str] | int:
    """The numbers of a request list, or the first line (from 1) that is not one. LF and CRLF are read alike."""
    numbers: set[str] = set()
    lines = _lines(body)
    for place, line in enumerate(lines, start=1):
        number = _number(line)
        if number is None or not _is_number(number):
            return place
        numbers.add(number)
    return frozenset(numbers) if numbers else 1


def cleaned_list(asked: Iterable[str], opted_out: Set[str]) -> bytes:
    """The reply the service gives: `asked` without `opted_out`. For demonstrations and tests."""
    return "".join(f"{number},\n" for number in dict.fromkeys(asked) if number not in opted_out).encode()


def job_created(local_id: str) -> bytes:
    """The job-created message the service gives first. For demonstrations and tests."""
    message = {
        "status": "pending",
        "dataset_id": "mesh_to_pos",
        "metadata": {"request": {"extra": {"local_id": local_id}}},
    }
    return json.dumps(message).encode()


def _the_number_itself(number: str) -> str:
    return number


def read_reply(
    body: bytes,
    asked: Set[str],
    *,
    name: Callable[[str], str] = _the_number_itself,
    local_id: str | None = None,
    delivered_whole: bool = False,
) -> Reply:
    """Judges a reply to a request for `asked`.

    `name` gives an NHS number the name that stands for it in `asked`, where the numbers themselves are not kept.
    `local_id`: the request's; a job-created message for another job is corrupt. `delivered_whole`: the transport has
    proven that no byte is missing. Only then can an empty list mean that everybody opted out; otherwise it is failed.
    A last line without its comma is a truncated list. Raises `ValueError` if nobody was asked for.
    """
    if not asked:
        raise ValueError("a reply is judged against the people asked for")
    if body.lstrip()[:1] == b"{":
        return _message(body, local_id)
    if body.rstrip(b"\r\n") == ERROR_LINE:
        return Reply(ReplyState.FAILED, ReplyFault.ERROR_LINE, 1)
    if not body:
        if not delivered_whole:
            return Reply(ReplyState.FAILED, ReplyFault.EMPTY)
        return Reply(ReplyState.CLEANED, opted_out=frozenset(asked))
    return _list(body, asked, name)


def _list(body: bytes, asked: Set[str], name: Callable[[str], str]) -> Reply:
    clear: set[str] = set()
    lines = _lines(body)
    whole = body.endswith(b"\n")
    for place, line in enumerate(lines, start=1):
        number = _number(line)
        if number is None:
            cut = place == len(lines) and not whole
            return Reply(ReplyState.FAILED, ReplyFault.TRUNCATED if cut else ReplyFault.BAD_LINE, place)
        known_as = name(number)
        if known_as not in asked:
            return Reply(ReplyState.CORRUPT, ReplyFault.FOREIGN_NUMBER, place)
        if known_as in clear:
            return Reply(ReplyState.FAILED, ReplyFault.REPEATED_NUMBER, place)
        clear.add(known_as)
    return Reply(ReplyState.CLEANED, clear=frozenset(clear), opted_out=frozenset(asked) - clear)


def _message(body: bytes, local_id: str | None) -> Reply:
    try:
        message = json.loads(body)
        pending = message["status"] == "pending" and message["dataset_id"] == "mesh_to_pos"
        stated = message["metadata"]["request"]["extra"]["local_id"] if local_id is not None else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return Reply(ReplyState.FAILED, ReplyFault.BAD_MESSAGE)
    if not pending:
        return Reply(ReplyState.FAILED, ReplyFault.BAD_MESSAGE)
    if stated != local_id:
        return Reply(ReplyState.CORRUPT, ReplyFault.OTHER_JOB)
    return Reply(ReplyState.PENDING)


def _lines(body: bytes) -> list[bytes]:
    lines = body.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    return lines


def _number(line: bytes) -> str | None:
    found = _LINE.fullmatch(line.removesuffix(b"\r"))
    return None if found is None else found[1].decode()


def _is_number(text: str) -> bool:
    try:
        return nhs_number.parse(text) == text
    except NotAnIdentifierError:
        return False
