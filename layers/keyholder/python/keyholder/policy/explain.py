"""The path of one request and one person through the rules, in words: what was asked, and what it came to.

The checks are the policy's own, called one after the other; only the words are made here. So an explanation can't say
anything else than what was decided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from itertools import count

from keyholder.policy import checks, tables
from keyholder.policy.assess import Assessment, assess_person
from keyholder.policy.days import london_day
from keyholder.policy.facts import Person, PolicyRequest
from keyholder.policy.settings import PolicyFacts
from keyholder.policy.sources import SOURCES
from keyholder.policy.vocabulary import Decision, LegalBasis, OutputForm, PolicyWarning, Reason, SourceDataset


class Verdict(StrEnum):
    """What became of one check."""

    PASSES = "passes"
    STOPS = "stops here"
    WAITS = "waits"
    WITHHOLDS = "withholds"
    HOLDS = "holds"
    NARROWS = "narrows"
    NOT_ASKED = "not asked"


@dataclass(frozen=True, slots=True)
class Step:
    """One check on the path."""

    check: str
    verdict: Verdict
    why: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The whole path, and the answer at its end."""

    today: date
    of_request: tuple[Step, ...]
    of_person: tuple[Step, ...]
    assessment: Assessment

    def lines(self) -> Iterator[str]:
        """As text, for people."""
        yield f"On {self.today.day} {self.today:%B %Y} (London)."
        number = count(1)
        for heading, steps in (("The request", self.of_request), ("The person", self.of_person)):
            yield ""
            yield heading
            yield from (f"  {next(number)}. {step.check}: {step.verdict}. {step.why}" for step in steps)
        yield ""
        yield from _answer(self.assessment)


def explain(request: PolicyRequest, person: Person, facts: PolicyFacts, now: datetime) -> Explanation:
    """The path. Raises `ValueError` for a moment without a zone."""
    today = london_day(now)
    assessment = assess_person(request, person, facts, now)
    of_request = tuple(_request_steps(request, facts, today))
    passed = all(step.verdict is Verdict.PASSES for step in of_request)
    case = checks.PersonSituation(request, person, facts, now, today, checks.reach_of(request, person, facts, today))
    of_person = tuple(_person_steps(case, asked=passed))
    last = _identifiers(case, assessment, asked=passed and all(step.verdict is Verdict.PASSES for step in of_person))
    return Explanation(today, of_request, (*of_person, last), assessment)


def _request_steps(request: PolicyRequest, facts: PolicyFacts, today: date) -> Iterator[Step]:
    over = False
    for check in checks.REQUEST_CHECKS:
        name, words = _REQUEST_WORDS[check]
        reasons = () if over else check(request, facts, today)
        if over:
            yield Step(name, Verdict.NOT_ASKED, "An earlier check has answered for the whole request.")
        elif reasons:
            yield Step(name, _verdict(reasons[0]), _against(reasons))
        else:
            yield Step(name, Verdict.PASSES, words(request))
        over = over or bool(reasons)


def _person_steps(case: checks.PersonSituation, *, asked: bool) -> Iterator[Step]:
    over = not asked
    for check in checks.PERSON_CHECKS:
        name, words = _PERSON_WORDS[check]
        reasons = () if over else check(case)
        if over:
            why = "The request itself did not pass." if not asked else "Without a person there is nothing to ask."
            yield Step(name, Verdict.NOT_ASKED, why)
        elif reasons:
            yield Step(name, _verdict(reasons[0]), _against(reasons))
        else:
            yield Step(name, Verdict.PASSES, words(case))
        over = over or Reason.PSEUDONYM_UNKNOWN in reasons


def _identifiers(case: checks.PersonSituation, answer: Assessment, *, asked: bool) -> Step:
    """The last step: only what was asked for, approved, and may leave for a restricted record."""
    name, narrowed = "Only what is needed", tuple(reason for reason in answer.reasons if reason in _NARROWING)
    if not asked:
        return Step(name, Verdict.NOT_ASKED, "Nothing leaves.")
    if case.request.output_form is OutputForm.AGGREGATE:
        return Step(name, Verdict.PASSES, "Nothing that names a person leaves.")
    if not narrowed:
        return Step(name, Verdict.PASSES, "All that was asked for was approved and may leave.")
    verdict = Verdict.WITHHOLDS if answer.decision is Decision.WITHHOLD else Verdict.NARROWS
    return Step(name, verdict, _against(narrowed))


_NARROWING = frozenset({Reason.IDENTIFIER_NOT_APPROVED, Reason.PDS_RESTRICTED})
_VERDICTS = {
    Decision.REFUSE: Verdict.STOPS,
    Decision.PENDING: Verdict.WAITS,
    Decision.WITHHOLD: Verdict.WITHHOLDS,
    Decision.HOLD: Verdict.HOLDS,
}


def _verdict(reason: Reason) -> Verdict:
    return _VERDICTS[tables.EFFECT[reason].decision]


def _against(reasons: checks.Reasons) -> str:
    return " ".join(f"{_sentence(tables.EFFECT[reason].when)} ({reason})" for reason in reasons)


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _row(request: PolicyRequest) -> tables.BasisRow:
    return tables.BASES[request.legal_basis]


def _role(request: PolicyRequest) -> str:
    roles = _row(request).roles
    return "Anybody may claim it." if roles is None else f"The requester is one of: {', '.join(sorted(roles))}."


def _ethics(request: PolicyRequest) -> str:
    if request.purpose not in _row(request).ethics_for:
        return f"{request.legal_basis} for {request.purpose} needs no ethics opinion."
    return f"A favourable opinion is on file ({request.rec.ref if request.rec else ''})."


def _agreement(request: PolicyRequest) -> str:
    until = request.requester.accredited_until
    ends = request.agreement.ends_on if request.agreement else None
    return f"The requester is accredited until {until}, the agreement runs until {ends}, both days included."


def _controllers(request: PolicyRequest) -> str:
    return f"Everybody responsible approved: {', '.join(request.controllers_required)}."


_RequestWords = Callable[[PolicyRequest], str]

_REQUEST_WORDS: Mapping[checks.RequestCheck, tuple[str, _RequestWords]] = {
    checks.prohibited_purpose: ("Prohibited purpose", lambda request: f"{request.purpose} is not prohibited."),
    checks.basis_named: ("Basis named", lambda request: f"{request.legal_basis} ({_row(request).source})."),
    checks.role_may_claim_basis: ("Role", _role),
    checks.basis_fits_purpose: (
        "Basis fits purpose",
        lambda request: f"{request.legal_basis} fits {request.purpose}.",
    ),
    checks.basis_evidence: ("Evidence and its dates", lambda request: f"Holds: {_row(request).evidence}."),
    checks.ethics: ("Ethics", _ethics),
    checks.accreditation_and_agreement: ("Accreditation and agreement", _agreement),
    checks.controllers: ("Controllers", _controllers),
}


def _consent(case: checks.PersonSituation) -> str:
    consent = case.person.choices.consent
    if case.request.legal_basis is not LegalBasis.EXPLICIT_CONSENT or consent is None:
        return f"{case.request.legal_basis} does not ask for consent."
    return f"Given by the {consent.given_by} on {consent.given_on}, to this project, for being re-identified."


def _care(case: checks.PersonSituation) -> str:
    if case.request.legal_basis is not LegalBasis.IMPLIED_CONSENT_DIRECT_CARE:
        return f"{case.request.legal_basis} does not ask for a care relationship."
    return "The care relationship is in force at this moment."


def _programme(case: checks.PersonSituation) -> str:
    flow = case.reach.flow
    if flow is None or not flow.own_opt_out:
        return "No excluded flow with an opt-out of its own."
    return f"The person did not use the own opt-out of {flow.purpose}."


def _type1(case: checks.PersonSituation) -> str:
    request = case.request
    if case.reach.type1:
        return "In scope; the record was read and no Type 1 opt-out is set."
    if request.source_dataset is not SourceDataset.GP:
        return "Not in scope: the data is not from a GP practice."
    if request.output_form is OutputForm.AGGREGATE:
        return "Not in scope: nothing identifiable leaves."
    settable = _row(request).type1_settable and request.collection is not None
    return f"Not in scope under {request.legal_basis}{', as this collection is set' if settable else ''}."


def _ndoo(case: checks.PersonSituation) -> str:
    request, check = case.request, case.person.choices.ndoo_check
    if case.reach.ndoo:
        return f"In scope; the check of {check.performed_on if check else ''} is clear and not too old."
    if case.reach.flow is not None:
        source = SOURCES.get(case.reach.flow.source, case.reach.flow.source)
        return f"Not in scope: {request.purpose} is an excluded flow ({source})."
    if case.reach.exemption is not None:
        return f"Not in scope: {tables.EFFECT[case.reach.exemption].when} ({case.reach.exemption})."
    if not _row(request).ndoo:
        return f"Not in scope: it does not stand against {request.legal_basis}."
    if request.output_form is OutputForm.AGGREGATE:
        return "Not in scope: nothing identifiable leaves."
    return f"Not in scope: it does not reach care of the origin {request.care_origin}."


_PersonWords = Callable[[checks.PersonSituation], str]

_PERSON_WORDS: Mapping[checks.PersonCheck, tuple[str, _PersonWords]] = {
    checks.pseudonym_resolves: ("Pseudonym", lambda _: "It leads to somebody."),
    checks.consent: ("Consent", _consent),
    checks.care_relationship: ("Care relationship", _care),
    checks.programme_opt_out: ("Programme opt-out", _programme),
    checks.type1: ("Type 1 opt-out", _type1),
    checks.ndoo: ("National data opt-out", _ndoo),
}

_WARNINGS = {
    PolicyWarning.CAG_REVIEW_OVERDUE: "the support's review date has passed; the support still stands",
    PolicyWarning.TYPE2_CODE_AFTER_RETIREMENT: "a Type 2 code recorded after its retirement has no effect; the practice"
    " has to tell the patient",
}


def _answer(answer: Assessment) -> Iterator[str]:
    meaning = next(row.meaning for row in tables.DECISIONS if row.decision is answer.decision)
    yield f"Answer: {answer.decision} ({answer.scope}): {meaning}."
    for reason in answer.reasons:
        yield f"  because {tables.EFFECT[reason].when} ({reason})"
    for warning in answer.warnings:
        yield f"  note: {_WARNINGS[warning]} ({warning})"
    if answer.identifiers_released:
        yield f"  Leaves: {', '.join(answer.identifiers_released)}."
    yield f"  The requester sees: {answer.outward_code}."
