"""Codes that may not be shared by law: certain ones on IVF and on gender re-assignment.

The law names matters, not codes, and the national lists of codes are not ours to keep. So a deployment brings its own
list as a file, with where it is from, and nothing with codes is collected without one. A list that is marked as an
example is only good for trying.

Source of the rule: Human Fertilisation and Embryology Act 1990 as amended; Gender Recognition Act 2004, section 22.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from keyholder.canonical import JsonObject, JsonValue
from keyholder.policy.vocabulary import CodeSystem
from keyholder.registry.fields import FieldError, FieldFault, Fields

CODE = re.compile(r"[A-Za-z0-9.]{1,18}")
"""A code of any of the systems: 5 or 7 characters of Read and CTV3, 6 to 18 digits of SNOMED CT. Never `8.3E+14`."""

_READ_WITH_TERM = re.compile(r"[A-Za-z0-9.]{7}")
"""A Read code as some systems write it: five characters, then two that choose among the names of the code."""

MOST_CODES = 100_000


class LegalBar(StrEnum):
    """What the law bars. Counted together, so that no count says how many people have which."""

    FERTILITY_TREATMENT = "fertility_treatment"
    """Human Fertilisation and Embryology Act 1990 as amended."""
    GENDER_REASSIGNMENT = "gender_reassignment"
    """Gender Recognition Act 2004, section 22."""


class ListStatus(StrEnum):
    """Whether a list may be relied on."""

    EXAMPLE = "example"
    """Shows the form. Its codes are nobody's."""
    IN_FORCE = "in_force"


@dataclass(frozen=True, slots=True)
class BarredCode:
    """One code and the law that bars it."""

    system: CodeSystem
    code: str
    bar: LegalBar


@dataclass(frozen=True, slots=True)
class CodeList:
    """The codes that may not be shared, and who says so."""

    source: str
    status: ListStatus
    codes: tuple[BarredCode, ...]
    _by_code: Mapping[str, frozenset[CodeSystem]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        systems: dict[str, frozenset[CodeSystem]] = {}
        for barred in self.codes:
            code = barred.code if barred.system is CodeSystem.SNOMED else barred.code[:5]
            systems[code] = systems.get(code, frozenset()) | {barred.system}
        object.__setattr__(self, "_by_code", systems)

    def bars(self, code: str, system: CodeSystem | None) -> bool:
        """Whether a code may not be shared; with no system known, whether it is barred in any.

        Read codes are case-sensitive, and are compared with and without the two characters that choose a name.
        """
        forms = {code, code[:5]} if _READ_WITH_TERM.fullmatch(code) else {code}
        found = frozenset[CodeSystem]().union(*(self._by_code.get(form, frozenset()) for form in forms))
        return bool(found) and (system is None or system in found)

    def json(self) -> JsonObject:
        """The form of the file: what the rules' hash is taken over."""
        codes: list[JsonValue] = [
            {"system": barred.system.value, "code": barred.code, "bar": barred.bar.value} for barred in self.codes
        ]
        return {"source": self.source, "status": self.status.value, "codes": codes}


def read_codes(raw: JsonValue) -> CodeList:
    """A code list file, as `CodeList.json` writes it. Raises `FieldError`; a list without codes is one."""
    fields = Fields(raw)
    codes = tuple(_codes(fields.inners("codes", MOST_CODES)))
    if not codes:
        raise FieldError(fields.at("codes"), FieldFault.RANGE)
    made = CodeList(fields.prose("source", 500), fields.choice("status", ListStatus), codes)
    fields.end()
    return made


def _codes(items: Iterable[Fields]) -> Iterable[BarredCode]:
    for item in items:
        yield BarredCode(item.choice("system", CodeSystem), item.text("code", CODE), item.choice("bar", LegalBar))
        item.end()
