"""Case files: the policy as examples that anyone can write, run and send to somebody else.

The form is that of the published `policy-cases.json`: `cases`, each with `as_of`, `request`, `subject` and `expected`,
and optionally `title` and, beside them, `batch_case`. Other names are notes for people and are not read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import TypeVar

from keyholder.canonical import JsonValue, canonical_json
from keyholder.policy.assess import Assessment, assess_person
from keyholder.policy.case_fields import read_person, read_request
from keyholder.policy.facts import Person, PolicyRequest
from keyholder.policy.reading import FieldError, Node, read_json
from keyholder.policy.settings import STATED, PolicyFacts
from keyholder.policy.tables import EFFECT, OUTWARD
from keyholder.policy.vocabulary import Decision, OutwardCode, PolicyIdentifier, PolicyWarning, Reason, Scope

T = TypeVar("T")

_GRAVITY = (Decision.REFUSE, Decision.PENDING, Decision.WITHHOLD, Decision.HOLD, Decision.RELEASE_PARTIAL)


class CaseFileError(ValueError):
    """The file can't be used. The text names the case and the field, in one line."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a case says the answer is, field by field."""

    decision: Decision
    scope: Scope
    reasons: tuple[Reason, ...]
    warnings: tuple[PolicyWarning, ...]
    ndoo_applied: bool | None
    type1_applied: bool | None
    identifiers_released: tuple[PolicyIdentifier, ...]
    outward_code: OutwardCode


@dataclass(frozen=True, slots=True)
class Case:
    """One example: a request about one person at one moment, and the answer it must get."""

    case_id: str
    title: str
    as_of: datetime
    request: PolicyRequest
    person: Person
    expected: Expected


@dataclass(frozen=True, slots=True)
class BatchItem:
    """One pseudonym of the batch case: the reasons inside, and what the requester must see."""

    pseudonym: str
    internal: tuple[Reason, ...]
    outward_code: OutwardCode


@dataclass(frozen=True, slots=True)
class BatchCase:
    """Several pseudonyms of one request whose outward answers must not tell the reasons apart."""

    case_id: str
    items: tuple[BatchItem, ...]


@dataclass(frozen=True, slots=True)
class CaseFile:
    """All examples of one file."""

    cases: tuple[Case, ...]
    batch_case: BatchCase | None


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of one case that came out otherwise than expected."""

    case_id: str
    field: str
    expected: JsonValue
    got: JsonValue

    def __str__(self) -> str:
        expected, got = (canonical_json(value).decode() for value in (self.expected, self.got))
        return f"{self.case_id} {self.field}: expected {expected}, got {got}"


def published_cases() -> bytes:
    """The published case file that comes with Keyholder."""
    return resources.files("keyholder.policy").joinpath("published_cases.json").read_bytes()


def read_cases(body: bytes) -> CaseFile:
    """Every case of a file. Raises `CaseFileError` for the first fault; nothing is evaluated then."""
    try:
        document = read_json(body)
        nodes = document.get("cases").items()
    except FieldError as fault:
        raise CaseFileError(str(fault)) from None
    cases: list[Case] = []
    seen: set[str] = set()
    for node in nodes:
        case = _located(node, _case)
        if case.case_id in seen:
            raise CaseFileError(f"{case.case_id}: the file gives this id twice")
        seen.add(case.case_id)
        cases.append(case)
    if not cases:
        raise CaseFileError("cases: the file holds no case")
    batch = document.find("batch_case")
    return CaseFile(tuple(cases), None if batch is None else _located(batch, _batch_case))


def evaluate(case: Case, facts: PolicyFacts = STATED) -> Assessment:
    """The policy's answer to one case."""
    return assess_person(case.request, case.person, facts, case.as_of)


def differences(file: CaseFile, facts: PolicyFacts = STATED) -> Iterator[Difference]:
    """Every difference, in the order of the file, the batch case last."""
    for case in file.cases:
        yield from _compare(case, evaluate(case, facts))
    if file.batch_case is not None:
        yield from _compare_batch(file.batch_case)


def outward_body(outward_code: OutwardCode) -> bytes:
    """What the requester gets for one pseudonym besides the pseudonym and released values: a function of the code
    alone, so that equal codes can't differ in a byte."""
    return canonical_json({"status": outward_code})


def _compare(case: Case, got: Assessment) -> Iterator[Difference]:
    want = case.expected
    for name, expected, found in (
        ("decision", want.decision, got.decision),
        ("scope", want.scope, got.scope),
        ("reasons", want.reasons, got.reasons),
        ("warnings", want.warnings, got.warnings),
        ("ndoo_applied", want.ndoo_applied, got.ndoo_applied),
        ("type1_applied", want.type1_applied, got.type1_applied),
        ("identifiers_released", want.identifiers_released, got.identifiers_released),
        ("outward_code", want.outward_code, got.outward_code),
    ):
        if expected != found:
            yield Difference(case.case_id, name, expected, found)


def _compare_batch(batch: BatchCase) -> Iterator[Difference]:
    withheld: set[bytes] = set()
    for index, item in enumerate(batch.items):
        got = outward_code_of(item.internal)
        if got != item.outward_code:
            yield Difference(batch.case_id, f"items[{index}].outward_code", item.outward_code, got)
        if got == OutwardCode.NOT_AVAILABLE:
            withheld.add(outward_body(got))
    if len(withheld) > 1:
        yield Difference(batch.case_id, "bodies of the withheld items", 1, len(withheld))


def outward_code_of(reasons: Iterable[Reason]) -> OutwardCode:
    """What the requester sees for these reasons: the gravest decision among them."""
    decisions = {EFFECT[reason].decision for reason in reasons}
    return OUTWARD[next((decision for decision in _GRAVITY if decision in decisions), Decision.RELEASE)]


def _located(node: Node, read: Callable[[Node], T]) -> T:
    """Reads one case; a fault names the case by its id, or by its place where it has none."""
    try:
        case_id = node.get("id").text()
    except FieldError as fault:
        raise CaseFileError(str(fault)) from None
    try:
        return read(Node(node.value))
    except FieldError as fault:
        raise CaseFileError(f"{case_id}: {fault}") from None


def _case(node: Node) -> Case:
    expected = node.get("expected")
    request = node.get("request")
    return Case(
        case_id=node.get("id").text(),
        title="" if node.find("title") is None else node.get("title").text(),
        as_of=node.get("as_of").moment(),
        request=read_request(request),
        person=read_person(node.get("subject"), request.get("requester")),
        expected=_expected(expected),
    )


def _expected(node: Node) -> Expected:
    node.only(
        "decision",
        "scope",
        "reasons",
        "warnings",
        "ndoo_applied",
        "type1_applied",
        "identifiers_released",
        "outward_code",
    )
    return Expected(
        decision=node.get("decision").choice(Decision),
        scope=node.get("scope").choice(Scope),
        reasons=tuple(item.choice(Reason) for item in node.get("reasons").items()),
        warnings=tuple(item.choice(PolicyWarning) for item in node.get("warnings").items()),
        ndoo_applied=node.get("ndoo_applied").optional(Node.flag),
        type1_applied=node.get("type1_applied").optional(Node.flag),
        identifiers_released=tuple(item.choice(PolicyIdentifier) for item in node.get("identifiers_released").items()),
        outward_code=node.get("outward_code").choice(OutwardCode),
    )


def _batch_case(node: Node) -> BatchCase:
    items = tuple(
        BatchItem(
            pseudonym=item.get("pseudonym").text(),
            internal=tuple(reason.choice(Reason) for reason in item.get("internal").items()),
            outward_code=item.get("outward_code").choice(OutwardCode),
        )
        for item in node.get("items").items()
    )
    return BatchCase(node.get("id").text(), items)
