"""The files of a domain's collection rules, as a provider keeps them: the rules, and beside them the code list."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from keyholder.canonical import JsonValue
from keyholder.client.spreadsheets import SheetError
from keyholder.collection.rules import CollectionRules, RulesError, read_rules
from keyholder.registry.fields import FieldError


def collection_rules(path: Path) -> CollectionRules:
    """The rules of a file. Raises `SheetError`, which names the field and what is wrong with it, and `OSError`."""
    try:
        return read_rules(_json(path), lambda name: _json(path.parent / name))
    except FieldError as error:
        raise SheetError(f"the collection rules are not as they have to be: {error}") from None
    except RulesError as error:
        raise SheetError(str(error)) from None


def _json(path: Path) -> JsonValue:
    try:
        read: JsonValue = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_once)
    except ValueError:
        raise SheetError(f"{path.name} is not JSON, or has a field twice") from None
    return read


def _once(pairs: Sequence[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    """An object whose names are all different: of two rules of one name, one would be silently dropped."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found
