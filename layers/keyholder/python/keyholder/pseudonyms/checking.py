"""What can be seen of a pseudonym without a key: a typing error, another type, nothing this domain can have made.

A pseudonym does not say its domain, and only a key could tell it. What can be seen without one is whether the domain
can have made it: it has pseudonyms of certain types, made under certain key versions, in one form for each type.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from keyholder.pseudonyms.batch.ff1_column import is_ten_digits
from keyholder.pseudonyms.token import Malformed, MalformedReason, Scheme, Token
from keyholder.registry.domains import KeyState
from keyholder.vocabulary import IdentifierType

OTHER_TYPE = "other_type"
"""Well-formed, but of another identifier type than the column's."""
OTHER_DOMAIN = "other_domain"
"""Well-formed, but nothing the domain can have made; or the row names another domain."""
TEN_DIGITS = "ten_digits"
"""A pseudonym of a domain that has ten digits, or none at all: nobody can tell without knowing the domain."""
_SHUT = {KeyState.RETIRED: "key_retired", KeyState.DESTROYED: "key_destroyed"}


class MakesPseudonyms(Protocol):
    """What is registered of a domain, as far as its pseudonyms show it."""

    @property
    def keys(self) -> Mapping[IdentifierType, Mapping[int, KeyState]]: ...

    def scheme(self, identifier_type: IdentifierType) -> Scheme | None: ...


def wrong(
    text: str, token: Token | Malformed, kind: IdentifierType | None, domain: MakesPseudonyms | None
) -> str | None:
    """What is wrong with a cell; None for a pseudonym that the domain, where one is named, can have made.

    `token` is `text` parsed, `kind` the type its column is of.
    """
    # A column whose name says nothing is taken for NHS numbers: no other type can have ten digits.
    taken_for = kind or IdentifierType.NHS_NUMBER
    if domain is not None and domain.scheme(taken_for) is Scheme.FF1:
        return _ten_digits(text, token, domain)
    if is_ten_digits(text):
        return TEN_DIGITS if domain is None else OTHER_DOMAIN
    return _token(token, kind, domain)


def _ten_digits(text: str, token: Token | Malformed, domain: MakesPseudonyms) -> str | None:
    """What is wrong with a cell of a column that has ten digits. Nobody can tell a typing error in one."""
    if not is_ten_digits(text):
        return MalformedReason.NOT_A_TOKEN.value if isinstance(token, Malformed) else OTHER_DOMAIN
    versions = domain.keys.get(IdentifierType.NHS_NUMBER, {})
    return _SHUT.get(versions[max(versions)]) if versions else OTHER_DOMAIN


def _token(token: Token | Malformed, kind: IdentifierType | None, domain: MakesPseudonyms | None) -> str | None:
    if isinstance(token, Malformed):
        return token.reason.value
    if kind is not None and token.identifier_type is not kind:
        return OTHER_TYPE
    if domain is None:
        return None
    if domain.scheme(token.identifier_type) is Scheme.FF1:
        return OTHER_DOMAIN
    state = domain.keys.get(token.identifier_type, {}).get(token.key_version)
    return OTHER_DOMAIN if state is None else _SHUT.get(state)
