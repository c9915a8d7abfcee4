"""What the registers hold about the people of one request, looked up under keys that live as long as the request."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from keyholder.limits.counting import NOBODY, PATIENT_BYTES
from keyholder.policy.by_kind import ByKind
from keyholder.policy.choices import Choices, ChoiceStore
from keyholder.policy.digests import Digester
from keyholder.policy.facts import PersonChoices
from keyholder.policy.vocabulary import PdsSecurity
from keyholder.pseudonyms.key_ring import SecretKey
from keyholder.pseudonyms.row_links import LinkKey, RowLinks
from keyholder.release.subject_tags import subject_tag
from keyholder.vocabulary import DomainId, IdentifierType, ProjectId


class Secrets(Protocol):
    """The keys that are not a domain's. Each call is one call of the key service.

    Both raise `KeyUnavailableError` or `KeyServiceError`.
    """

    def digest(self) -> SecretKey: ...

    def tag(self, epoch: int) -> SecretKey: ...


@dataclass(frozen=True, slots=True)
class RegisteredPeople:
    """Implements `release.examination.People` for one request at one moment."""

    project: ProjectId
    now: datetime
    held: Choices
    store: ChoiceStore
    digester: Digester
    link_key: LinkKey
    tag_key: SecretKey
    _links: dict[DomainId, RowLinks] = field(default_factory=dict, repr=False)

    def choices(self, nhs_numbers: Sequence[str]) -> ByKind[PersonChoices]:
        """What each of them chose, as far as it bears on the project."""
        return self.held.of_all(self.digester.digests(nhs_numbers), self.project, self.now)

    def pds_security(self, nhs_number: str) -> PdsSecurity | None:  # noqa: ARG002 - the port's shape
        """Nobody looks records up in PDS yet, so the policy treats each as restricted."""
        return None

    def linked(self, domain: DomainId, nhs_number: str, identifier_type: IdentifierType, value: str) -> bool:
        """Did an extract hold the two in one row? The domain's links are read when first asked for."""
        if domain not in self._links:
            self._links[domain] = RowLinks.parse(self.store.links(domain))
        return self._links[domain].holds(self.link_key, domain, nhs_number, identifier_type, value)

    def tag(self, domain: DomainId, nhs_number: str) -> str:
        """The person's tag of this epoch."""
        return subject_tag(self.tag_key.material, domain, nhs_number)

    def counted(self, names: Sequence[str]) -> Sequence[bytes]:
        """The registers' digests of NHS numbers. A code that opens to nobody is no person's."""
        numbers = [name for name in names if not name.startswith(NOBODY)]
        known = dict(zip(numbers, self.digester.digests(numbers), strict=True))
        return [bytes(known[name]) if name in known else _code_digest(name) for name in names]


def _code_digest(code: str) -> bytes:
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).digest()[:PATIENT_BYTES]


@contextmanager
def registered_people(
    secrets: Secrets, store: ChoiceStore, project: ProjectId, now: datetime
) -> Iterator[RegisteredPeople]:
    """The people of a request while the block lasts; its keys are wiped at the end.

    Raises `KeyUnavailableError`, `KeyServiceError`, `ChoicesUnavailableError`, `RegisterDamagedError`.
    """
    with secrets.digest() as digest_key, secrets.tag(now.year) as tag_key, LinkKey.derive(digest_key) as link_key:
        digester = Digester(digest_key.material)
        yield RegisteredPeople(project, now, store.load(now), store, digester, link_key, tag_key)
