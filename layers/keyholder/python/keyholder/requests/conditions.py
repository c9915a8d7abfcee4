"""What an approver may ask in return: a closed list, each with the one parameter it takes and a plain sentence.

The conditions of all approvals make one set, the strictest of each kind; the requester accepts exactly that set, named
by its hash, or nothing is released. The ledger holds codes and parameters only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from keyholder.canonical import JsonObject, content_hash
from keyholder.refusals import Refusal
from keyholder.registry.fields import FieldError, FieldFault, Fields
from keyholder.requests import reasons
from keyholder.vocabulary import ContentHash, RequestId


class ConditionCode(StrEnum):
    """What the requester undertakes."""

    DESTROY_EARLIER = "destroy_earlier"
    NO_ONWARD_SHARING = "no_onward_sharing"
    PROJECT_PEOPLE_ONLY = "project_people_only"
    CONTACT_THROUGH_CLINICIAN = "contact_through_clinician"
    RESULTS_BEFORE_PUBLICATION = "results_before_publication"
    NO_OTHER_LINKAGE = "no_other_linkage"
    SECURE_ENVIRONMENT = "secure_environment"
    MOST_RETRIEVALS = "most_retrievals"


class Parameter(StrEnum):
    """What a condition is told, by the name it has in bodies, answers and the ledger."""

    BY = "by"
    """A day (ISO 8601)."""
    DAYS = "days"
    TIMES = "times"


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of the list: the sentence people read, `{}` where the parameter stands, and the parameter's bounds."""

    sentence: str
    parameter: Parameter | None = None
    least: int = 1
    most: int = 1


KINDS: Mapping[ConditionCode, Kind] = {
    ConditionCode.DESTROY_EARLIER: Kind(
        "The identifiers are destroyed by {}, earlier than was asked for.", Parameter.BY
    ),
    ConditionCode.NO_ONWARD_SHARING: Kind("The identifiers go to nobody outside the recipient's organisation."),
    ConditionCode.PROJECT_PEOPLE_ONLY: Kind("Only people registered on the project see the identifiers."),
    ConditionCode.CONTACT_THROUGH_CLINICIAN: Kind(
        "Nobody contacts a patient directly; it is done by, or through, a clinician who cares for them."
    ),
    ConditionCode.RESULTS_BEFORE_PUBLICATION: Kind(
        "The controllers have the results {} days before they are published.", Parameter.DAYS, 7, 180
    ),
    ConditionCode.NO_OTHER_LINKAGE: Kind("The records are linked with nothing that the request does not name."),
    ConditionCode.SECURE_ENVIRONMENT: Kind(
        "The identifiers are kept and used only in the secure environment that the data sharing agreement names."
    ),
    ConditionCode.MOST_RETRIEVALS: Kind("It is released {} times at most.", Parameter.TIMES, 1, 20),
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One undertaking, with the parameter its kind takes and no other."""

    code: ConditionCode
    by: date | None = None
    days: int | None = None
    times: int | None = None

    def json(self) -> JsonObject:
        """Its form in bodies, answers and the ledger."""
        told = {"by": self.by.isoformat() if self.by else None, "days": self.days, "times": self.times}
        return {"code": self.code.value, **{name: value for name, value in told.items() if value is not None}}

    def sentence(self) -> str:
        """The condition in words, for those who give and those who accept it."""
        kind = KINDS[self.code]
        return kind.sentence.format(self._parameter()) if kind.parameter else kind.sentence

    def _parameter(self) -> str:
        return f"{self.by.day} {self.by:%B %Y}" if self.by else str(self.days or self.times)

    def fault(self, *, today: date, destroy_by: date, retrievals: int) -> Refusal | None:
        """What is wrong with it for a request that asks to destroy by `destroy_by`, with `retrievals` to narrow."""
        kind = KINDS[self.code]
        told = {Parameter.BY: self.by, Parameter.DAYS: self.days, Parameter.TIMES: self.times}
        if {name for name, value in told.items() if value is not None} != {kind.parameter} - {None}:
            return reasons.CONDITION_PARAMETER
        if self.by is not None:
            return None if today < self.by < destroy_by else reasons.CONDITION_OUT_OF_RANGE
        number = self.days or self.times
        most = min(kind.most, retrievals) if self.code is ConditionCode.MOST_RETRIEVALS else kind.most
        fits = number is None or kind.least <= number <= most
        return None if fits else reasons.CONDITION_OUT_OF_RANGE

    @classmethod
    def read(cls, fields: Fields) -> Condition:
        """The condition `json` wrote. Raises `FieldError`."""
        code = fields.choice("code", ConditionCode)
        kind = KINDS[code]
        numbers = {
            name.value: fields.number(name.value, kind.least, kind.most) if kind.parameter is name else None
            for name in (Parameter.DAYS, Parameter.TIMES)
        }
        condition = cls(code, fields.day("by") if kind.parameter is Parameter.BY else None, **numbers)
        fields.end()
        return condition


def read_conditions(fields: Fields, name: str = "conditions") -> tuple[Condition, ...]:
    """A list of conditions, no two of one kind; an event from before there were any has none. Raises `FieldError`."""
    if not fields.has(name):
        return ()
    read = tuple(Condition.read(inner) for inner in fields.inners(name, len(ConditionCode)))
    if len({condition.code for condition in read}) != len(read):
        raise FieldError(fields.at(name), FieldFault.REPEATED)
    return read


def merged(conditions: Iterable[Condition]) -> tuple[Condition, ...]:
    """One of each kind, the strictest, in the order of the list: earliest day, most notice, fewest times."""
    by_code: dict[ConditionCode, Condition] = {}
    for one in conditions:
        known = by_code.setdefault(one.code, one)
        by_code[one.code] = _stricter(known, one)
    return tuple(by_code[code] for code in ConditionCode if code in by_code)


def _stricter(one: Condition, other: Condition) -> Condition:
    match one.code:
        case ConditionCode.DESTROY_EARLIER:
            return min(one, other, key=lambda condition: condition.by or date.max)
        case ConditionCode.RESULTS_BEFORE_PUBLICATION:
            return max(one, other, key=lambda condition: condition.days or 0)
        case ConditionCode.MOST_RETRIEVALS:
            return min(one, other, key=lambda condition: condition.times or 0)
        case _:
            return one


def conditions_hash(request: RequestId, content: ContentHash, conditions: Iterable[Condition]) -> ContentHash:
    """What an acceptance names: these conditions for this content of this request, and no others."""
    return content_hash(
        {"request": request, "content_hash": content, "conditions": [condition.json() for condition in conditions]}
    )
