"""Lists of people's choices, taken in: judged, turned into keyed digests at once, logged, and only then put to use.

Nothing is half imported: a list with one bad line is refused whole, and the refusal names the line, not what is on it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from keyholder.canonical import JsonObject
from keyholder.identifiers import nhs_number
from keyholder.identifiers.not_an_identifier import NotAnIdentifierError
from keyholder.ledger.event import NewEvent, parse_rfc3339, rfc3339
from keyholder.ledger.log import ClaimedError, EventLog, IdempotencyKey
from keyholder.ledger.ports import Head
from keyholder.policy.choices import ChoiceStore, Stored
from keyholder.policy.consents import STUDY_PATH, ConsentFault, ConsentRecord, deciding_consent, read_consents
from keyholder.policy.days import london_day
from keyholder.policy.digests import Digester
from keyholder.policy.opt_outs import ReplyFault, ReplyState, read_reply, read_request_list
from keyholder.policy.register_form import Header, RegisterKind
from keyholder.policy.registers import ConsentRegister, OptOutRegister, Register, Type1Register
from keyholder.policy.settings import CACHE_CAP_DAYS, CACHE_REFRESH_CAP_DAYS, DIRECT_CAP_DAYS
from keyholder.policy.type1 import FileFault, read_rows
from keyholder.policy.vocabulary import CheckMode
from keyholder.refusals import Refusal, RefusalKind
from keyholder.registry.decide import NOT_AN_OPERATOR, operates
from keyholder.registry.people import Person
from keyholder.registry.replays import KEY_REUSED, replay
from keyholder.vocabulary import ActorId, ProjectId, StreamId

CHOICES_LOADED = "choices.loaded"

IN_THE_FUTURE = Refusal(
    "CHECK_IN_THE_FUTURE",
    RefusalKind.INVALID,
    "Say when the list was made; it can't be later than now.",
    "/performed_at",
)
TOO_OLD = Refusal(
    "CHECK_TOO_OLD",
    RefusalKind.INVALID,
    "Ask the service again: its answer is used for at most 20 days, one from a cache for 13.",
    "/performed_at",
)
CACHE_DATE_MISSING = Refusal(
    "CACHE_DATE_MISSING",
    RefusalKind.INVALID,
    "Say when the cache was refreshed; an answer that came straight from the service has the mode direct.",
    "/cache_refreshed_at",
)
CACHE_DATE_WITHOUT_CACHE = Refusal(
    "CACHE_DATE_WITHOUT_CACHE",
    RefusalKind.INVALID,
    "Leave this date out, or say that the answer came from a cache (mode cache).",
    "/cache_refreshed_at",
)
CACHE_REFRESHED_LATER = Refusal(
    "CACHE_REFRESHED_LATER",
    RefusalKind.INVALID,
    "Say when the cache was refreshed before it was asked; this date is later than performed_at.",
    "/cache_refreshed_at",
)
CACHE_TOO_OLD = Refusal(
    "CACHE_TOO_OLD",
    RefusalKind.INVALID,
    "Refresh the cache at least every 7 days, and ask it again.",
    "/cache_refreshed_at",
)
NUMBERS_REFUSED = Refusal(
    "REPLY_FAILED",
    RefusalKind.INVALID,
    "The service found an invalid NHS number in the list and cleaned nothing. Correct the list, then ask it again.",
    "/requested",
)
CONSENT_NOT_HELD = Refusal(
    "CONSENT_NOT_HELD",
    RefusalKind.INVALID,
    "No consent of this person for this project is held; check the project, and the number with the person.",
    "/project",
)
WITHDRAWN_OUT_OF_RANGE = Refusal(
    "WITHDRAWN_OUT_OF_RANGE",
    RefusalKind.INVALID,
    "Name the day of the withdrawal: from the day the consent was given until today.",
    "/withdrawn_on",
)
NOT_AN_NHS_NUMBER = Refusal(
    "NOT_AN_NHS_NUMBER", RefusalKind.INVALID, "Send the ten digits of an NHS number.", "/nhs_number"
)
REFUSALS = (
    IN_THE_FUTURE,
    TOO_OLD,
    CACHE_DATE_MISSING,
    CACHE_DATE_WITHOUT_CACHE,
    CACHE_REFRESHED_LATER,
    CACHE_TOO_OLD,
    NUMBERS_REFUSED,
    CONSENT_NOT_HELD,
    WITHDRAWN_OUT_OF_RANGE,
    NOT_AN_NHS_NUMBER,
)


Make = Callable[[Digester, datetime], Register]
"""A register from its digester and the moment it was made."""


class RegisterChangedError(Exception):
    """A register is not the one the ledger names. Never expected; it is not put to use."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A register in use, and what may be said of it."""

    register_id: str
    summary: JsonObject


@dataclass(frozen=True, slots=True)
class Intake:
    """Takes lists in for one operator's call."""

    log: EventLog
    store: ChoiceStore
    digester: Callable[[], Digester]
    new_id: Callable[[], str]
    person: Person | None
    trace: str
    idempotency: IdempotencyKey | None
    now: datetime
    registered: Callable[[ProjectId], bool]
    """Whether there is such a project: a consent to anything else could never be used."""
    join: Callable[[RegisterKind], object]
    """Joins registers of a kind, where many stand side by side, before one more is written (`policy.joining`)."""

    def opt_outs(
        self,
        requested: bytes,
        reply: bytes,
        *,
        source: str,
        asked_at: datetime,
        mode: CheckMode,
        refreshed: datetime | None,
    ) -> Loaded | Refusal:
        """A request list and the opt-out service's reply to it. Raises as `_load`."""
        asked = read_request_list(requested)
        if isinstance(asked, int):
            return _bad_line("REQUEST_LIST_INVALID", "/requested", asked)
        judged = read_reply(reply, asked)
        if judged.fault is ReplyFault.ERROR_LINE:
            return NUMBERS_REFUSED
        if judged.state in {ReplyState.FAILED, ReplyState.CORRUPT} and judged.line is not None:
            return _bad_line(f"REPLY_{judged.state.value.upper()}", "/reply", judged.line)
        refusal = _date_fault(asked_at, mode, refreshed, self.now)
        if refusal is not None:
            return refusal
        performed_on = london_day(asked_at)
        refreshed_on = london_day(refreshed) if refreshed else None
        counts = {
            "state": judged.state.value,
            "mode": mode.value,
            "asked": len(asked),
            "clear": len(judged.clear),
            "opted_out": len(judged.opted_out),
        }
        return self._load(
            RegisterKind.OPT_OUTS,
            performed_on,
            counts,
            lambda digester, made_at: OptOutRegister.of_reply(
                Header(made_at, performed_on, source, mode, refreshed_on), judged, asked, digester
            ),
        )

    def type_1(self, rows: bytes, source: str, as_at: datetime) -> Loaded | Refusal:
        """Type 1 events as CSV; everybody named counts as read. Raises as `_load`."""
        read = read_rows(rows)
        if isinstance(read, FileFault):
            return _bad_line("TYPE_1_FILE_INVALID", "/rows", read.line, read.why)
        if as_at > self.now:
            return IN_THE_FUTURE
        performed_on = london_day(as_at)
        people = {row.nhs_number for row in read}
        counts = {"people": len(people), "events": sum(row.event is not None for row in read)}
        return self._load(
            RegisterKind.TYPE1,
            performed_on,
            counts,
            lambda digester, made_at: Type1Register.of_rows(Header(made_at, performed_on, source), read, digester),
        )

    def consents(self, resources: bytes, source: str) -> Loaded | Refusal:
        """FHIR Consent resources, one a line, for registered projects. Raises as `_load`."""
        if self.person is None or not operates(self.person):
            return NOT_AN_OPERATOR
        read = read_consents(resources)
        if not isinstance(read, ConsentFault):
            read = self._foreign(read) or read
        if isinstance(read, ConsentFault):
            return _bad_line("CONSENT_FILE_INVALID", "/resources", read.line, f"{read.path} {read.why}")
        performed_on = london_day(self.now)
        counts = {
            "people": len({record.nhs_number for record in read}),
            "consents": len(read),
            "withdrawn": sum(record.consent.withdrawn_on is not None for record in read),
        }
        return self._load(
            RegisterKind.CONSENTS,
            performed_on,
            counts,
            lambda digester, made_at: ConsentRegister.of_records(Header(made_at, performed_on, source), read, digester),
        )

    def _foreign(self, records: Sequence[ConsentRecord]) -> ConsentFault | None:
        """The first consent to a project that is not registered."""
        named = {record.consent.project_id for record in records}
        known = {name for name in named if self.registered(ProjectId(name))}
        for line, record in enumerate(records, start=1):
            if record.consent.project_id not in known:
                return ConsentFault(line, STUDY_PATH, "names a project that is not registered here")
        return None

    def withdraw_consent(self, person: str, project: str, withdrawn_on: date, source: str) -> Loaded | Refusal:
        """A person's consent for a project is withdrawn from that day on. What was released before stays released.

        `person` is their NHS number. Raises as `_load`.
        """
        if self.person is None or not operates(self.person):
            return NOT_AN_OPERATOR
        number = _nhs_number(person)
        if number is None:
            return NOT_AN_NHS_NUMBER
        today, digester = london_day(self.now), self.digester()
        held = [
            consent
            for register in self.store.load(self.now).consents
            for consent in register.consents_of(digester.digest(number))
            if consent.project_id == project
        ]
        consent = deciding_consent(held, project, today)
        if consent is None:
            return CONSENT_NOT_HELD
        if not consent.given_on <= withdrawn_on <= today:
            return WITHDRAWN_OUT_OF_RANGE
        record = ConsentRecord(number, replace(consent, withdrawn_on=withdrawn_on))
        return self._load(
            RegisterKind.CONSENTS,
            today,
            {"people": 1, "consents": 1, "withdrawn": 1},
            lambda _, made_at: ConsentRegister.of_records(Header(made_at, today, source), [record], digester),
            digester,
        )

    def _load(
        self, kind: RegisterKind, performed_on: date, counts: JsonObject, make: Make, opened: Digester | None = None
    ) -> Loaded | Refusal:
        """Logs the register by its hash, then stores it. A repeated call finishes what the first one left undone.

        Raises `LedgerUnavailableError`, `ChoicesUnavailableError`, `KeyUnavailableError`, `KeyServiceError`, and
        `RegisterChangedError` where what is stored, or about to be, is not what the ledger names.
        """
        if self.person is None or not operates(self.person):
            return NOT_AN_OPERATOR
        self.join(kind)
        digester = opened or self.digester()
        register = make(digester, self.now)
        summary = {
            "kind": kind.value,
            "made_at": rfc3339(self.now),
            "performed_on": performed_on.isoformat(),
            "sha256": _sha256(register),
            **counts,
        }
        logged = self._logged(self.person, summary)
        if isinstance(logged, Refusal):
            return logged
        if logged.summary["made_at"] != summary["made_at"]:
            register = make(digester, parse_rfc3339(str(logged.summary["made_at"])))
        stored = self.store.keep(logged.register_id, register)
        if stored is not Stored.STORED or _sha256(register) != logged.summary["sha256"]:
            raise RegisterChangedError
        return logged

    def _logged(self, person: Person, summary: JsonObject) -> Loaded | Refusal:
        """The event that names the register; for a repeated call the event of the first."""
        register_id = self.new_id()
        try:
            self.log.record(
                StreamId(f"register/{register_id}"),
                0,
                [NewEvent(CHOICES_LOADED, summary)],
                actor=ActorId(person.id),
                trace=self.trace,
                head=choices_head(summary),
                idempotency=self.idempotency,
            )
        except ClaimedError:
            found = replay(self.log, self.idempotency)
            if found is None or isinstance(found, Refusal):
                return found or KEY_REUSED
            return Loaded(found.stream.removeprefix("register/"), found.history[0].data)
        return Loaded(register_id, summary)


def _date_fault(asked_at: datetime, mode: CheckMode, refreshed: datetime | None, now: datetime) -> Refusal | None:
    """Which date keeps an answer from ever being used. Ages are counted in London's days, as the checks count them."""
    if asked_at > now:
        return IN_THE_FUTURE
    cap = DIRECT_CAP_DAYS if mode is CheckMode.DIRECT else CACHE_CAP_DAYS
    if (london_day(now) - london_day(asked_at)).days > cap:
        return TOO_OLD
    if mode is CheckMode.DIRECT:
        return None if refreshed is None else CACHE_DATE_WITHOUT_CACHE
    if refreshed is None:
        return CACHE_DATE_MISSING
    if refreshed > asked_at:
        return CACHE_REFRESHED_LATER
    return CACHE_TOO_OLD if (london_day(asked_at) - london_day(refreshed)).days > CACHE_REFRESH_CAP_DAYS else None


def choices_head(data: JsonObject) -> Head:
    """Where a register is listed."""
    return Head(listings=(f"choices/{data['kind']}",))


def _nhs_number(text: str) -> str | None:
    try:
        return nhs_number.parse(text)
    except NotAnIdentifierError:
        return None


def _sha256(register: Register) -> str:
    return hashlib.sha256(register.to_bytes()).hexdigest()


def _bad_line(code: str, field: str, line: int, what: str = "") -> Refusal:
    """Which line is at fault, and which field of it where that is known: of constant words, so that nothing of the line
    itself is repeated."""
    named = f" ({what})" if what else ""
    return Refusal(
        code,
        RefusalKind.INVALID,
        f"Nothing was taken in. Mend line {line} of the list{named}, then send the whole list again.",
        field,
    )
