"""Wrapped keys as far as the ledger speaks of them.

A wrapped key is in no event: it exists in the keys table alone, and in its backups. From the ledger follows which
versions there are, and which of them may open nothing any more. So a rebuild shuts what a backup brought back, and
tells what is lost. It makes no key, for a new one under an old name would open nothing and hide the loss; and it opens
none that somebody shut.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from keyholder.canonical import JsonObject
from keyholder.pseudonyms.key_ring import KeyVersionState
from keyholder.rebuilding.expected import Expected
from keyholder.rebuilding.key_entries import DomainKey, Kept, KeyTable
from keyholder.registry.domains import Domain, KeyState


class KeyFault(StrEnum):
    """What is wrong with a version in the table."""

    TO_RETIRE = "to_retire"
    """The ledger has retired it; a rebuild does so again."""
    TO_DESTROY = "to_destroy"
    """The ledger has destroyed it; a rebuild does so again."""
    LOST = "lost"
    """The ledger says that it opens, and there is no wrapped key: only a backup of the keys table has it."""
    SHUT = "shut"
    """The ledger says that it opens, and the table says otherwise: somebody shut it by hand, and has to say why."""
    AWAITED = "awaited"
    """A rotation was confirmed, and the sweeper is about to make it."""
    UNKNOWN = "unknown"
    """The ledger knows nothing of it: a registration that was cut short. It opens nothing."""


@dataclass(frozen=True, slots=True)
class KeyFindings:
    """Every version that is not as the ledger says, and the purposes' keys that are lost."""

    domain_keys: tuple[tuple[KeyFault, DomainKey], ...] = ()
    lost_tag_years: tuple[int, ...] = ()
    digest_lost: bool = False

    @property
    def to_shut(self) -> tuple[tuple[KeyFault, DomainKey], ...]:
        """What a rebuild changes."""
        return tuple(one for one in self.domain_keys if one[0] in (KeyFault.TO_RETIRE, KeyFault.TO_DESTROY))

    def json(self) -> JsonObject:
        """Names by what is wrong with them."""
        named: dict[str, list[str]] = {}
        for fault, name in self.domain_keys:
            named.setdefault(fault.value, []).append(str(name))
        return {**named, "lost_tag_years": list(self.lost_tag_years), "digest_lost": self.digest_lost}


def key_findings(expected: Expected, table: KeyTable) -> KeyFindings:
    """Compare the table with the ledger. Raises `KeyServiceError`."""
    kept = dict(table.domain_keys())
    found = sorted(_found(expected.domains(), kept), key=lambda one: (one[0], str(one[1])))
    opened = frozenset(table.tag_keys())
    digest_lost = bool(expected.domains()) and not table.digest_key()
    return KeyFindings(tuple(found), tuple(sorted(expected.epochs - opened)), digest_lost)


def shut(findings: KeyFindings, table: KeyTable) -> int:
    """Retire and destroy again what the ledger has retired and destroyed; how many versions. Repeatable."""
    for fault, name in findings.to_shut:
        (table.destroy if fault is KeyFault.TO_DESTROY else table.retire)(name)
    return len(findings.to_shut)


def _found(domains: Sequence[Domain], kept: dict[DomainKey, Kept]) -> Iterator[tuple[KeyFault, DomainKey]]:
    known = set()
    for domain in domains:
        for kind, versions in domain.keys.items():
            for version, state in versions.items():
                name = DomainKey(domain.id, (kind, version))
                known.add(name)
                fault = _fault(state, kept.get(name))
                if fault is KeyFault.LOST and domain.keys_behind and name not in kept:
                    fault = KeyFault.AWAITED
                if fault is not None:
                    yield fault, name
    yield from ((KeyFault.UNKNOWN, name) for name in kept.keys() - known)


def _fault(state: KeyState, kept: Kept | None) -> KeyFault | None:
    match state:
        case KeyState.DESTROYED:
            gone = kept is not None and kept.state is KeyVersionState.DESTROYED and not kept.wrapped
            return None if gone else KeyFault.TO_DESTROY
        case KeyState.RETIRED:
            is_shut = kept is not None and kept.state is not KeyVersionState.ACTIVE
            return None if is_shut else KeyFault.TO_RETIRE
        case KeyState.ACTIVE | KeyState.REVERSIBLE:
            if kept is None or not kept.wrapped:
                return KeyFault.LOST
            return None if kept.state is KeyVersionState.ACTIVE else KeyFault.SHUT
