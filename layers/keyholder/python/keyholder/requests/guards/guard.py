"""What a rule is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from keyholder.refusals import Refusal
from keyholder.requests.case import Case


@dataclass(frozen=True, slots=True)
class Guard:
    """A rule with the sentence that stands for it on the permissions page."""

    sentence: str
    check: Callable[[Case], Refusal | None]
