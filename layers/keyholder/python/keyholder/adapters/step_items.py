"""The items of the steps table, each in its one form.

| pk | sk | holds |
|---|---|---|
| stream | `step#<12 digits>` | the step's lines; while uncommitted `pending`, `pending_at` (sparse index `pending`) |
| stream | `head` | `newest`, the number of its newest event; `due`, `due_at` (sparse index `due`) |
| `claim#<key>` | `claim` | the idempotency key's body hash and step, until `expires_at` (TTL) |
| `listing#<name>` | stream | nothing more |
| `ledger` | `lead` | the newest batch, a hint; `leader` and `until`, who commits for all, and how long at most |

Both indexes are KEYS_ONLY. A stream's name has a `/` after its kind, so no stream is a claim, a listing or the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from keyholder.ledger.event import parse_rfc3339, rfc3339
from keyholder.ledger.ports import Claim, Step, StepKey
from keyholder.vocabulary import StreamId

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    Item = Mapping[str, AttributeValueTypeDef]

STEP = "step#"
HEAD = "head"
CLAIM = "claim"
CLAIMS = "claim#"
LISTINGS = "listing#"
LEAD = ("ledger", "lead")


def place(pk: str, sk: str) -> dict[str, AttributeValueTypeDef]:
    """An item's key."""
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def step_place(key: StepKey) -> dict[str, AttributeValueTypeDef]:
    return place(key.stream, f"{STEP}{key.first:012d}")


def head_place(stream: StreamId) -> dict[str, AttributeValueTypeDef]:
    return place(stream, HEAD)


def claim_place(key: str) -> dict[str, AttributeValueTypeDef]:
    return place(f"{CLAIMS}{key}", CLAIM)


def listing_place(listing: str, stream: StreamId) -> dict[str, AttributeValueTypeDef]:
    return place(f"{LISTINGS}{listing}", stream)


def step_item(step: Step) -> dict[str, AttributeValueTypeDef]:
    """A step, pending or marked as committed."""
    at: AttributeValueTypeDef = {"S": rfc3339(step.at)}
    item = step_place(step.key) | {
        "lines": {"L": [{"B": line} for line in step.lines]},
        "writer": {"S": step.writer},
        "at": at,
    }
    if step.index is None:
        return item | {"pending": {"S": "pending"}, "pending_at": at}
    return item | {"leaf": {"N": str(step.index)}, "batch": {"N": str(step.batch)}}


def read_step(item: Item) -> Step:
    """The step of an item. Raises `KeyError` or `ValueError` for what is none."""
    return Step(
        key=read_key(item),
        lines=tuple(bytes(line["B"]) for line in item["lines"]["L"]),
        writer=item["writer"]["S"],
        at=parse_rfc3339(item["at"]["S"]),
        index=int(item["leaf"]["N"]) if "leaf" in item else None,
        batch=int(item["batch"]["N"]) if "batch" in item else None,
    )


def read_key(item: Item) -> StepKey:
    """The step an item is of, or is the index's entry of."""
    return StepKey(StreamId(item["pk"]["S"]), int(item["sk"]["S"].removeprefix(STEP)))


def head_item(stream: StreamId, newest: int, due_at: datetime | None) -> dict[str, AttributeValueTypeDef]:
    item = head_place(stream) | {"newest": {"N": str(newest)}}
    return item if due_at is None else item | due_attributes(due_at)


def due_attributes(due_at: datetime) -> dict[str, AttributeValueTypeDef]:
    """What puts a head into the index of what is due."""
    return {"due": {"S": "due"}, "due_at": {"S": rfc3339(due_at)}}


def claim_item(claim: Claim, until: datetime) -> dict[str, AttributeValueTypeDef]:
    """A claim; `until` is in whole seconds. One that was made again has no body."""
    item = claim_place(claim.key) | {
        "stream": {"S": claim.step.stream},
        "first": {"N": str(claim.step.first)},
        "expires_at": {"N": str(int(until.timestamp()))},
    }
    return item if claim.body is None else item | {"body": {"S": claim.body}}


def read_claim(item: Item) -> tuple[Claim, datetime]:
    """The claim of an item and until when it is known. Raises `KeyError` or `ValueError` for what is none."""
    step = StepKey(StreamId(item["stream"]["S"]), int(item["first"]["N"]))
    body = item["body"]["S"] if "body" in item else None
    until = datetime.fromtimestamp(int(item["expires_at"]["N"]), UTC)
    return Claim(item["pk"]["S"].removeprefix(CLAIMS), body, step), until


def listing_item(listing: str, stream: StreamId) -> dict[str, AttributeValueTypeDef]:
    return listing_place(listing, stream)
