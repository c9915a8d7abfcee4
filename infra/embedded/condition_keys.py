"""The S3 condition keys of a conditional, locked write, which the engine leaves out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime

WRITES = ("s3:PutObject", "s3:PutObjectRetention")

SECONDS_A_DAY = 86_400


def lock_keys(headers: Mapping[str, str], now: datetime) -> dict[str, str]:
    """The keys of a write with these headers, by S3's service authorisation reference.

    They are `s3:if-none-match`, `s3:object-lock-mode` and `s3:object-lock-remaining-retention-days`. Without the first,
    a policy that asks for `If-None-Match` refuses every write. A date nobody can read counts as no day at all.
    PutObjectRetention has its date in the body and not in a header, so here no policy can look at that one.
    """
    lowered = {name.lower(): value for name, value in headers.items()}
    keys = {}
    if condition := lowered.get("if-none-match"):
        keys["s3:if-none-match"] = condition
    if mode := lowered.get("x-amz-object-lock-mode"):
        keys["s3:object-lock-mode"] = mode
    if until := lowered.get("x-amz-object-lock-retain-until-date"):
        keys["s3:object-lock-remaining-retention-days"] = str(_remaining_days(until, now))
    return keys


def _remaining_days(until: str, now: datetime) -> int:
    try:
        end = datetime.fromisoformat(until)
    except ValueError:
        return 0
    return math.floor((end.astimezone(UTC) - now).total_seconds() / SECONDS_A_DAY)
