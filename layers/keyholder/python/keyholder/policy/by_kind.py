"""Long sequences of few different values: what is decided about one of a kind is decided about all of it."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Self, TypeVar

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class ByKind(Generic[T]):
    """A sequence, each different value kept once: at place `i` stands `kinds[of[i]]`.

    `of` is an array of unsigned numbers (`I`), so that a million places take four megabytes.
    """

    kinds: tuple[T, ...]
    of: array[int]

    @classmethod
    def group(cls, values: Iterable[T]) -> Self:
        """Any sequence of hashable values."""
        numbers: dict[T, int] = {}
        of = array("I", (numbers.setdefault(value, len(numbers)) for value in values))
        return cls(tuple(numbers), of)

    def map(self, change: Callable[[T], U]) -> ByKind[U]:
        """`change` of every value, asked once for each kind. Kinds that become equal stay apart."""
        return ByKind(tuple(change(kind) for kind in self.kinds), self.of)

    def counts(self) -> Sequence[int]:
        """How often each kind stands there, in the order of `kinds`."""
        found = [0] * len(self.kinds)
        for kind in self.of:
            found[kind] += 1
        return found

    def __len__(self) -> int:
        return len(self.of)

    def __getitem__(self, place: int) -> T:
        return self.kinds[self.of[place]]

    def __iter__(self) -> Iterator[T]:
        return map(self.kinds.__getitem__, self.of)
