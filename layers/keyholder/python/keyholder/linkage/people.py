"""What is held about the people of one translation, looked up under keys that live as long as it does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from keyholder.policy.by_kind import ByKind
from keyholder.policy.choices import Choices, ChoiceStore
from keyholder.policy.digests import Digester
from keyholder.policy.facts import Person
from keyholder.pseudonyms.key_ring import SecretKey
from keyholder.pseudonyms.row_links import LinkedCell, LinkKey, RowLinks, link_digests
from keyholder.pseudonyms.sealing import IdentifierRow
from keyholder.vocabulary import DomainId, ProjectId


class DigestKeys(Protocol):
    """Where the digest key comes from: one call of the key service. Raises `KeyUnavailableError`, `KeyServiceError`."""

    def digest(self) -> SecretKey: ...


class People(Protocol):
    """What is asked about persons, by the NHS numbers that pseudonyms stood for."""

    def known(self, nhs_numbers: Sequence[str]) -> ByKind[Person]:
        """Each person as the policy sees them, in order."""
        ...

    def linked(self, domain: DomainId, cells: Sequence[LinkedCell]) -> list[bool]:
        """Did an extract of the domain hold the two in one row? A number beside itself: did one hold the person?"""
        ...


@dataclass(frozen=True, slots=True)
class RegisteredPeople:
    """`People` over the registers and the row links, at one moment."""

    project: ProjectId | None
    now: datetime
    held: Choices = field(repr=False)
    store: ChoiceStore
    digester: Digester
    link_key: LinkKey
    _links: dict[DomainId, RowLinks] = field(default_factory=dict, repr=False)

    def known(self, nhs_numbers: Sequence[str]) -> ByKind[Person]:
        """As the port says."""
        found = self.held.of_all(self.digester.digests(nhs_numbers), self.project or "", self.now)
        return found.map(lambda choices: Person(pseudonym_resolves=True, nhs_number_known=True, choices=choices))

    def linked(self, domain: DomainId, cells: Sequence[LinkedCell]) -> list[bool]:
        """As the port says. A domain's links are read when they are first asked for."""
        if not cells:
            return []
        if domain not in self._links:
            self._links[domain] = RowLinks.parse(self.store.links(domain))
        return self._links[domain].holds_each(self.link_key, domain, cells)

    def keep(self, domain: DomainId, job: str, rows: Sequence[IdentifierRow], *, lone_numbers: bool) -> None:
        """Keep which identifiers stood together in these rows, as pseudonymising does."""
        links = link_digests(self.link_key, domain, rows, lone_numbers=lone_numbers)
        self.store.keep_links(domain, job, links)


@contextmanager
def registered_people(
    keys: DigestKeys, store: ChoiceStore, project: ProjectId | None, now: datetime
) -> Iterator[RegisteredPeople]:
    """The people of a translation while the block lasts; its keys are wiped at the end.

    Raises `KeyUnavailableError`, `KeyServiceError`, `ChoicesUnavailableError`, `RegisterDamagedError`.
    """
    with keys.digest() as digest_key, LinkKey.derive(digest_key) as link_key:
        digester = Digester(digest_key.material)
        yield RegisteredPeople(project, now, store.load(now), store, digester, link_key)
