"""Which scheme a column may have, and what has to be known of one that gives something up."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from keyholder.identifiers.forms import Form
from keyholder.pseudonyms.token import Scheme

SMALLEST_DOMAIN = 1_000_000
"""Fewer values than this can be found by trying (required by revision 1 of SP 800-38G, second public draft, 2025)."""


class Unsuited(StrEnum):
    """Why identifiers of a type can't have a scheme."""

    TOO_FEW_VALUES = "too_few_values"
    NOT_DIGITS = "not_digits"


class SchemeWarning(StrEnum):
    """What a scheme does not do that one would expect of a pseudonym."""

    NOT_AUTHENTICATED = "not_authenticated"
    """Any text of the right form opens to something, and nobody can tell whether it was ever made."""


WARNINGS: Mapping[Scheme, SchemeWarning] = MappingProxyType({Scheme.FF1: SchemeWarning.NOT_AUTHENTICATED})


def unsuited(scheme: Scheme, form: Form) -> Unsuited | None:
    """Why a scheme does not suit a type: FF1 needs a million values, and as many decimal digits for each of them."""
    if scheme is not Scheme.FF1:
        return None
    if form.values < SMALLEST_DOMAIN:
        return Unsuited.TOO_FEW_VALUES
    return Unsuited.NOT_DIGITS if form.digits is None else None
