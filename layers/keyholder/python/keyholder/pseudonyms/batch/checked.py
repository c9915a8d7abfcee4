"""A batch form of a cipher is believed only as far as the form that others wrote and review agrees with it.

A random sample of every batch is done again one by one. The sample is drawn anew each time from the operating system's
random source, so that nobody can arrange a batch whose errors are missed.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable

SAMPLE = 64
"""Rows of each batch that are done again: a fault in one row of a hundred is missed once in two batches, one in every
tenth row once in 800. It guards against a lane that is wrong, not against a wrong row."""


class BatchDisagreesError(Exception):
    """The batch form and the one-by-one form gave different answers: a fault, and nothing of the batch may be used."""

    def __init__(self) -> None:
        super().__init__("the batch form of a cipher disagrees with its one-by-one form")


def sample(rows: int) -> Iterable[int]:
    """Which of `rows` rows to do again: all of a few, `SAMPLE` of many."""
    return range(rows) if rows <= SAMPLE else secrets.SystemRandom().sample(range(rows), SAMPLE)
