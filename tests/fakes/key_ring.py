"""A key ring in memory for tests: keys made from their names, states set by the test, every opening counted."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from keyholder.pseudonyms.key_ring import DataKey, KeyGone
from keyholder.vocabulary import DomainId, IdentifierType


@dataclass
class KeyRingInMemory:
    """`keyholder.pseudonyms.key_ring.KeyRing`. Versions 1 to `newest` are active but for those in `gone`."""

    newest: int = 3
    gone: dict[tuple[DomainId, IdentifierType, int], KeyGone] = field(default_factory=dict)
    openings: list[tuple[DomainId, IdentifierType, int]] = field(default_factory=list)
    handed_out: list[DataKey] = field(default_factory=list)

    def open(self, domain: DomainId, identifier_type: IdentifierType, version: int) -> DataKey | KeyGone:
        name = (domain, identifier_type, version)
        self.openings.append(name)
        if version > self.newest:
            return KeyGone.UNKNOWN
        if name in self.gone:
            return self.gone[name]
        key = DataKey(hashlib.sha512(repr((str(domain), identifier_type.value, version)).encode()).digest(), version)
        self.handed_out.append(key)
        return key
