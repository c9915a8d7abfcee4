"""What is registered of a domain, as `keyholder request domain` saves it for checking pseudonyms without a call."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from keyholder.client.spreadsheets import SheetError
from keyholder.pseudonyms.token import Scheme
from keyholder.registry.domains import KeyState
from keyholder.registry.fields import FieldError, Fields
from keyholder.registry.projects import DOMAIN
from keyholder.vocabulary import IdentifierType


@dataclass(frozen=True, slots=True)
class SavedDomain:
    """A domain's id, how each type's pseudonyms are made, and the state of each key version when it was saved."""

    id: str
    schemes: Mapping[IdentifierType, Scheme]
    keys: Mapping[IdentifierType, Mapping[int, KeyState]]

    def scheme(self, identifier_type: IdentifierType) -> Scheme | None:
        """None for a type the domain does not have."""
        return self.schemes.get(identifier_type)

    @classmethod
    def read(cls, path: Path) -> SavedDomain:
        """Raises `SheetError` for a file that is no saved domain, and `OSError`."""
        try:
            fields = Fields(json.loads(path.read_text(encoding="utf-8")))
            schemes, keys = fields.inner("schemes"), fields.inner("keys")
            return cls(
                fields.text("domain_id", DOMAIN),
                {kind: schemes.choice(kind, Scheme) for kind in IdentifierType if schemes.has(kind)},
                {kind: _versions(keys.inner(kind)) for kind in IdentifierType if keys.has(kind)},
            )
        except (ValueError, FieldError):
            raise SheetError(f"{path.name} is no domain as 'keyholder request domain' saves it") from None


def _versions(fields: Fields) -> Mapping[int, KeyState]:
    return {int(name): fields.choice(name, KeyState) for name in fields.names()}
