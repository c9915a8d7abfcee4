"""Wrapped keys against the ledger: only ever shut, never made, never opened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import pytest

from keyholder.pseudonyms.key_ring import KeyVersionState
from keyholder.rebuilding.expected import Expected
from keyholder.rebuilding.key_entries import DomainKey, Kept
from keyholder.rebuilding.keys import KeyFault, key_findings, shut
from keyholder.registry.domains import CareOrigin, Domain, KeyState, SourceDataset
from keyholder.vocabulary import DomainId, IdentifierType, OrganisationCode

NAME = DomainKey(DomainId("gp-2026"), (IdentifierType.NHS_NUMBER, 1))
ACTIVE, RETIRED, DESTROYED = (Kept(state, state is not KeyVersionState.DESTROYED) for state in KeyVersionState)
EMPTY = Kept(KeyVersionState.ACTIVE, False)


@dataclass
class MemoryKeys:
    """`KeyTable` in memory."""

    kept: dict[DomainKey, Kept] = field(default_factory=dict)
    digest: bool = True
    years: tuple[int, ...] = ()
    shut: list[tuple[str, DomainKey]] = field(default_factory=list)

    def domain_keys(self) -> Iterator[tuple[DomainKey, Kept]]:
        yield from self.kept.items()

    def digest_key(self) -> bool:
        return self.digest

    def tag_keys(self) -> tuple[int, ...]:
        return self.years

    def retire(self, name: DomainKey) -> None:
        self.shut.append(("retire", name))

    def destroy(self, name: DomainKey) -> None:
        self.shut.append(("destroy", name))


class Ledger(Expected):
    """With these domains."""

    def __init__(self, *domains: Domain) -> None:
        super().__init__()
        self._known = domains

    def domains(self) -> tuple[Domain, ...]:
        return self._known


def ledger(state: KeyState, *, behind: bool = False) -> Ledger:
    keys: Mapping[IdentifierType, Mapping[int, KeyState]] = {IdentifierType.NHS_NUMBER: {1: state}}
    known = Domain(
        NAME.domain,
        (OrganisationCode("RX1"),),
        (IdentifierType.NHS_NUMBER,),
        SourceDataset.GP,
        CareOrigin.ENGLAND_PUBLIC,
        keys=keys,
        keys_behind=behind,
    )
    return Ledger(known)


@pytest.mark.parametrize(
    ("state", "kept", "fault"),
    [
        (KeyState.ACTIVE, ACTIVE, None),
        (KeyState.ACTIVE, RETIRED, KeyFault.SHUT),
        (KeyState.ACTIVE, DESTROYED, KeyFault.LOST),
        (KeyState.ACTIVE, EMPTY, KeyFault.LOST),
        (KeyState.ACTIVE, None, KeyFault.LOST),
        (KeyState.REVERSIBLE, ACTIVE, None),
        (KeyState.REVERSIBLE, None, KeyFault.LOST),
        (KeyState.RETIRED, ACTIVE, KeyFault.TO_RETIRE),
        (KeyState.RETIRED, RETIRED, None),
        (KeyState.RETIRED, DESTROYED, None),
        (KeyState.RETIRED, None, KeyFault.TO_RETIRE),
        (KeyState.DESTROYED, ACTIVE, KeyFault.TO_DESTROY),
        (KeyState.DESTROYED, RETIRED, KeyFault.TO_DESTROY),
        (KeyState.DESTROYED, replace(DESTROYED, wrapped=True), KeyFault.TO_DESTROY),
        (KeyState.DESTROYED, DESTROYED, None),
        (KeyState.DESTROYED, None, KeyFault.TO_DESTROY),
    ],
)
def test_the_table_is_shut_where_the_ledger_says_so_and_nothing_else_is_done(
    state: KeyState, kept: Kept | None, fault: KeyFault | None
) -> None:
    table = MemoryKeys({} if kept is None else {NAME: kept})
    found = key_findings(ledger(state), table)
    assert found.domain_keys == (() if fault is None else ((fault, NAME),))
    word = {KeyFault.TO_RETIRE: "retire", KeyFault.TO_DESTROY: "destroy"}.get(fault) if fault else None
    assert shut(found, table) == (word is not None)
    assert table.shut == ([(word, NAME)] if word else [])


def test_a_key_that_the_sweeper_is_about_to_make_is_not_lost() -> None:
    (found,) = key_findings(ledger(KeyState.ACTIVE, behind=True), MemoryKeys()).domain_keys
    assert found == (KeyFault.AWAITED, NAME)


def test_a_key_the_ledger_never_heard_of_is_named_and_left() -> None:
    table = MemoryKeys({NAME: ACTIVE})
    found = key_findings(Ledger(), table)
    assert found.domain_keys == ((KeyFault.UNKNOWN, NAME),)
    assert shut(found, table) == 0


def test_lost_keys_of_purposes_are_named() -> None:
    known = ledger(KeyState.ACTIVE)
    known.epochs = {2025, 2026}
    found = key_findings(known, MemoryKeys({NAME: ACTIVE}, digest=False, years=(2026,)))
    assert (found.digest_lost, found.lost_tag_years) == (True, (2025,))
    assert found.json() == {"lost_tag_years": [2025], "digest_lost": True}
