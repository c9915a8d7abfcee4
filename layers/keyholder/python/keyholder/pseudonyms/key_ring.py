"""Keys as the domain sees them: secrets that hide and can be wiped, and the port they come through."""

from __future__ import annotations

from enum import StrEnum
from types import TracebackType
from typing import Protocol, Self

from keyholder.vocabulary import DomainId, IdentifierType

DATA_KEY_LENGTH = 64
"""Bytes: AES-256-SIV takes two AES-256 keys (RFC 5297 section 2.2)."""


class KeyServiceError(Exception):
    """The key service refused or failed, or the stored key is not what it should be: a fault, nobody's state.

    The text names the operation and the service's error code only.
    """


class KeyUnavailableError(Exception):
    """The key's holder has switched it off, or it was never made: nothing can be opened until it is there."""


class ControllerKeyUnavailableError(KeyUnavailableError):
    """A controller has switched off, withdrawn or deleted its own KMS key: its right, and no fault of Keyholder's."""


class KeyVersionState(StrEnum):
    """What may be done with one version of a domain key."""

    ACTIVE = "active"
    RETIRED = "retired"
    """Kept, but opens and seals nothing."""
    DESTROYED = "destroyed"
    """The wrapped key is gone; its pseudonyms can never be opened again."""


class KeyGone(StrEnum):
    """Why there is no key to open: an answer, not a fault."""

    RETIRED = "retired"
    DESTROYED = "destroyed"
    UNKNOWN = "unknown"
    """The domain never had this version of this type."""


class SecretKey:
    """A key in a buffer of its own. `repr` hides it; `wipe` (or leaving the `with` block) overwrites it.

    Copies the material, so the caller can drop theirs. Ciphers made from it hold their own copy until they are freed.
    """

    __slots__ = ("_material", "_wiped")

    def __init__(self, material: bytes | bytearray) -> None:
        self._material = bytearray(material)
        self._wiped = False

    @property
    def material(self) -> bytearray:
        """The key itself. Raises `ValueError` once it is wiped."""
        if self._wiped:
            raise ValueError("the key is wiped")
        return self._material

    def wipe(self) -> None:
        """Overwrite the key. Idempotent."""
        self._material[:] = bytes(len(self._material))
        self._wiped = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.wipe()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(hidden)"


class DataKey(SecretKey):
    """One version of one identifier type's key in one domain: 64 bytes. Raises `ValueError` for another length."""

    __slots__ = ("version",)

    def __init__(self, material: bytes | bytearray, version: int) -> None:
        if len(material) != DATA_KEY_LENGTH:
            raise ValueError("a data key has 64 bytes")
        super().__init__(material)
        self.version = version


class KeyRing(Protocol):
    """Where the domain keys come from: one call of the key service for each `open`."""

    def open(self, domain: DomainId, identifier_type: IdentifierType, version: int) -> DataKey | KeyGone:
        """The key, in the clear, or why there is none. Raises `KeyServiceError` or `KeyUnavailableError`."""
        ...


class OpenedKeys:
    """The keys one request has opened: each at most once, all wiped when its `with` block ends."""

    __slots__ = ("_closed", "_opened", "_ring")

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring
        self._opened: dict[tuple[DomainId, IdentifierType, int], DataKey | KeyGone] = {}
        self._closed = False

    def open(self, domain: DomainId, identifier_type: IdentifierType, version: int) -> DataKey | KeyGone:
        """As `KeyRing.open`; asks the ring the first time only. Raises `ValueError` after the `with` block."""
        if self._closed:
            raise ValueError("the keys of this request are wiped")
        name = (domain, identifier_type, version)
        if name not in self._opened:
            self._opened[name] = self._ring.open(domain, identifier_type, version)
        return self._opened[name]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        for key in self._opened.values():
            if isinstance(key, DataKey):
                key.wipe()
        self._opened.clear()

    def __repr__(self) -> str:
        return f"OpenedKeys({len(self._opened)} keys)"
