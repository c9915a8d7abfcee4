"""No key is asked for that the ledger does not allow, whatever would be found."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from keyholder.pseudonyms.key_ring import DataKey, KeyGone
from keyholder.pseudonyms.ledger_keys import LedgerKeyRing
from keyholder.registry.domains import Domain, KeyState
from keyholder.vocabulary import DomainId, IdentifierType
from tests.unit.requests.world import GP, a_domain

NHS, POSTCODE = IdentifierType.NHS_NUMBER, IdentifierType.POSTCODE
OWN = "arn:aws:kms:eu-west-2:111122223333:key/0a1b2c3d-0000-4000-8000-0123456789ab"


@dataclass
class World:
    """A domain in the ledger, and a table that has every key anybody asks for."""

    known: Domain | None
    asked: list[tuple[int, str | None]] = field(default_factory=list)

    def domain(self, domain: DomainId) -> Domain | None:
        return self.known if self.known is not None and domain == self.known.id else None

    def open(
        self,
        domain: DomainId,
        identifier_type: IdentifierType,
        version: int,
        own_key: str | None = None,
    ) -> DataKey | KeyGone:
        self.asked.append((version, own_key))
        return DataKey(bytes(64), version)

    @property
    def ring(self) -> LedgerKeyRing:
        return LedgerKeyRing(self, self)


@pytest.mark.parametrize(
    ("state", "gone"),
    [
        (None, KeyGone.UNKNOWN),
        (KeyState.RETIRED, KeyGone.RETIRED),
        (KeyState.DESTROYED, KeyGone.DESTROYED),
    ],
)
def test_the_table_is_not_asked_about_a_version_that_may_not_open(state: KeyState | None, gone: KeyGone) -> None:
    versions = {1: state, 2: KeyState.ACTIVE} if state is not None else {2: KeyState.ACTIVE}
    world = World(replace(a_domain(), keys={NHS: versions}))
    assert world.ring.open(GP, NHS, 1) is gone
    assert not world.asked


@pytest.mark.parametrize("state", [KeyState.ACTIVE, KeyState.REVERSIBLE])
@pytest.mark.parametrize("own", [None, OWN])
def test_a_version_that_may_open_is_opened_with_the_domains_own_kms_key(state: KeyState, own: str | None) -> None:
    world = World(replace(a_domain(), kms_key_arn=own, keys={NHS: {1: state}}))
    assert isinstance(world.ring.open(GP, NHS, 1), DataKey)
    assert world.asked == [(1, own)]


def test_what_the_ledger_does_not_know_is_unknown() -> None:
    world = World(replace(a_domain(), keys={NHS: {1: KeyState.ACTIVE}}))
    assert world.ring.open(GP, POSTCODE, 1) is KeyGone.UNKNOWN
    assert world.ring.open(DomainId("other"), NHS, 1) is KeyGone.UNKNOWN
    assert World(None).ring.open(GP, NHS, 1) is KeyGone.UNKNOWN
    assert not world.asked
