"""What stands in the keys table, for whoever compares the whole of it with the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from keyholder.pseudonyms.key_ring import KeyVersionState
from keyholder.registry.key_changes import KeyName
from keyholder.vocabulary import DomainId


@dataclass(frozen=True, slots=True)
class DomainKey:
    """One version of one identifier type's key in a domain."""

    domain: DomainId
    key: KeyName

    def __str__(self) -> str:
        kind, version = self.key
        return f"{self.domain}/{kind.value}/{version}"


@dataclass(frozen=True, slots=True)
class Kept:
    """An item of the keys table: what it may be used for, and whether a wrapped key is in it."""

    state: KeyVersionState
    wrapped: bool


class KeyTable(Protocol):
    """The keys table as a whole. Every method may raise `KeyServiceError`."""

    def domain_keys(self) -> Iterable[tuple[DomainKey, Kept]]:
        """Every version that the table has."""
        ...

    def digest_key(self) -> bool:
        """Whether there is a digest key that can be opened."""
        ...

    def tag_keys(self) -> Iterable[int]:
        """The years whose tag keys can be opened."""
        ...

    def retire(self, name: DomainKey) -> None:
        """It opens nothing any more. Idempotent."""
        ...

    def destroy(self, name: DomainKey) -> None:
        """Take the wrapped key away. Idempotent."""
        ...
