"""The ledger stands before the keys table: a version opens only if the domain's own events say that it may.

What is in the keys table follows the ledger, and may lag behind it or have been restored from an old copy. So the
table is never asked about a version that the ledger does not know, or says is retired or destroyed.
"""

from __future__ import annotations

from typing import Protocol

from keyholder.pseudonyms.key_ring import DataKey, KeyGone
from keyholder.registry.domains import Domain, KeyState
from keyholder.vocabulary import DomainId, IdentifierType


class Domains(Protocol):
    """Where domains are looked up in the ledger."""

    def domain(self, domain: DomainId) -> Domain | None: ...


class WrappedKeys(Protocol):
    """Where wrapped keys are kept and opened: one call of the key service for each `open`."""

    def open(
        self, domain: DomainId, identifier_type: IdentifierType, version: int, own_key: str | None = None
    ) -> DataKey | KeyGone:
        """As `KeyRing.open`. `own_key` is the KMS key that wraps this domain's keys, where it brings its own."""
        ...


class LedgerKeyRing:
    """`KeyRing` over the ledger and the wrapped keys: one reading of the domain's events for each `open`."""

    def __init__(self, domains: Domains, wrapped: WrappedKeys) -> None:
        self._domains = domains
        self._wrapped = wrapped

    def open(self, domain: DomainId, identifier_type: IdentifierType, version: int) -> DataKey | KeyGone:
        """As the port says. Raises `LedgerUnavailableError` besides."""
        known = self._domains.domain(domain)
        if known is None:
            return KeyGone.UNKNOWN
        match known.key_state((identifier_type, version)):
            case None:
                return KeyGone.UNKNOWN
            case KeyState.RETIRED:
                return KeyGone.RETIRED
            case KeyState.DESTROYED:
                return KeyGone.DESTROYED
            case KeyState.ACTIVE | KeyState.REVERSIBLE:
                return self._wrapped.open(domain, identifier_type, version, known.kms_key_arn)
