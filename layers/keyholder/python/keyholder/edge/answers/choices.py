"""What callers are answered about opt-outs and consents; as in `answers`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from keyholder.edge.answers.form import Answer, Count, Hash, Success, Ulid
from keyholder.opt_outs.check_events import EndReason
from keyholder.opt_outs.checks import Stage
from keyholder.opt_outs.overview import Source
from keyholder.policy.consent_list import ConsentState
from keyholder.policy.opt_outs import ReplyState
from keyholder.policy.register_form import RegisterKind
from keyholder.policy.type1 import Type1State
from keyholder.policy.vocabulary import CheckMode, CheckState, CodeSystem, ConsentGiver


class RegisterLoaded(Answer):
    """A list of choices in use, as the ledger names it."""

    register_id: Annotated[Ulid, Field(alias="register")]
    made_at: AwareDatetime
    performed_on: dt.date
    sha256: Hash


class OptOutsLoaded(RegisterLoaded):
    """A reply of the opt-out service, judged."""

    kind: Literal[RegisterKind.OPT_OUTS]
    state: ReplyState
    mode: CheckMode
    asked: Count
    clear: Count
    opted_out: Count


class OptOutCheck(Answer):
    """One check of national data opt-outs: asked for over MESH, or loaded by an operator."""

    id: Ulid
    source: Source
    state: Stage
    people: Count
    """Whom it was asked about: how many."""
    performed_on: dt.date
    usable_until: dt.date | None
    """The last day its answer can be used; null where there is none."""
    at: AwareDatetime
    overdue: bool
    """The service should have answered by now."""
    removed: bool
    """Past the cap of 20 days, and deleted."""
    why: EndReason | None
    """Why there will be no answer."""


class OptOutChecks(Answer):
    """The checks of the last three weeks, newest first, at most 500."""

    items: Annotated[list[OptOutCheck], Field(max_length=500)]


class Type1Loaded(RegisterLoaded):
    """Type 1 events, and how many people's records were read."""

    kind: Literal[RegisterKind.TYPE1]
    people: Count
    events: Count


class ConsentsLoaded(RegisterLoaded):
    """Consents, and how many people gave or refused them."""

    kind: Literal[RegisterKind.CONSENTS]
    people: Count
    consents: Count
    withdrawn: Count
    """How many of them say that the consent is withdrawn. They act on the next release; what was released stays so."""


class ConsentView(Answer):
    """One consent."""

    covers_reidentification: bool
    given_on: dt.date
    given_by: ConsentGiver
    withdrawn_on: dt.date | None
    ends_on: dt.date | None


class ListedConsent(ConsentView):
    """One person's deciding consent for a project, without whose it is."""

    state: ConsentState


class ConsentList(Answer):
    """The consents held for a project as they stand today."""

    project: str
    people: Count
    states: dict[ConsentState, Count]
    consents: list[ListedConsent]


class ProjectConsent(ConsentView):
    """One consent and the project it is for."""

    project: str


class OptOutView(Answer):
    """The newest answer of the opt-out service about a person."""

    state: CheckState
    performed_on: dt.date | None
    mode: CheckMode | None


class CodedEventView(Answer):
    """One coded event of a GP record."""

    system: CodeSystem
    code: str
    recorded_on: dt.date


class Type1View(Answer):
    """Whether a Type 1 opt-out is active today, and the events that say so."""

    state: Type1State
    events: list[CodedEventView]


class PersonChoicesView(Answer):
    """What Keyholder knows of one person's choices: for the controller's data protection officer."""

    domain: str
    national_data_opt_out: OptOutView | None
    """Null where nobody asked, or so long ago that the answer was deleted."""
    type_1: Type1View
    consents: list[ProjectConsent]


SUCCESSES: Mapping[str, Success] = {
    "GET /v1/choices/national-data-opt-outs": Success(OptOutChecks),
    "POST /v1/choices/national-data-opt-outs": Success(OptOutsLoaded),
    "POST /v1/choices/type-1-events": Success(Type1Loaded),
    "POST /v1/choices/consents": Success(ConsentsLoaded),
    "POST /v1/choices/consents/withdrawals": Success(ConsentsLoaded),
    "GET /v1/choices/consents/{project_id}": Success(ConsentList),
    "POST /v1/people/choices": Success(PersonChoicesView),
}
"""By route."""
