"""One release from permission to hand-over: logged and proven before a key is used, and before anything leaves."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol

from keyholder.ledger.log import LedgerUnavailableError, Recorded
from keyholder.ledger.ports import Clock
from keyholder.limits.counting import Reserved
from keyholder.limits.limiter import Limiter
from keyholder.limits.vocabulary import Action
from keyholder.policy.assess import assess_request, supposing_approved
from keyholder.policy.choices import ChoiceStore
from keyholder.policy.facts import PolicyRequest
from keyholder.policy.settings import PolicyFacts
from keyholder.policy.vocabulary import LegalBasis, Reason
from keyholder.pseudonyms.key_ring import ControllerKeyUnavailableError, KeyRing, KeyUnavailableError, OpenedKeys
from keyholder.refusals import Refusal, RefusalKind
from keyholder.registry.domains import Domain
from keyholder.registry.service import Registry
from keyholder.release.chunks import chunks
from keyholder.release.examination import Asked, Examination
from keyholder.release.items import RECORD_NOT_APPROVED, Item, ItemStatus, Outcome, result_csv, status_counts
from keyholder.release.people import Secrets, registered_people
from keyholder.release.sealing import seal
from keyholder.release.subject_tags import epoch_of
from keyholder.requests.codes import OPEN_TO_RELEASE, State
from keyholder.requests.commands import Checks, Found, RecordVolume
from keyholder.requests.content import Delivery, DomainSelection, RequestContent
from keyholder.requests.events.releasing import ReleaseAuthorised
from keyholder.requests.folding.volume import STOPPED
from keyholder.requests.policy_view import policy_request
from keyholder.requests.reasons import VOLUME_BLOCKED, VOLUME_HELD
from keyholder.requests.service import Call, Done, RequestDesk
from keyholder.requests.state import Release, RequestState
from keyholder.vocabulary import ContentHash, DomainId, RequestId

ALREADY_ANSWERED = Refusal(
    "RELEASE_ALREADY_ANSWERED",
    RefusalKind.CONFLICT,
    "It was answered, and the answer is not kept. Ask again with a fresh Idempotency-Key: that is another retrieval.",
)
FAILED = Refusal(
    "RELEASE_FAILED",
    RefusalKind.CONFLICT,
    "This release failed and nothing was handed out. Ask again with a fresh key.",
)
RUNNING = Refusal(
    "RELEASE_RUNNING",
    RefusalKind.CONFLICT,
    "This release is still running, or was cut short. Ask again with a fresh Idempotency-Key in two minutes.",
)
FILE_GONE = Refusal(
    "RESULT_GONE",
    RefusalKind.CONFLICT,
    "The file was kept for its time and is gone. Release again while the window is open.",
)
POLICY_CHANGED = Refusal(
    "POLICY_CHANGED",
    RefusalKind.CONFLICT,
    "The policy changed at this moment and nothing was handed out. Ask again with a fresh Idempotency-Key.",
)
REFUSALS = (ALREADY_ANSWERED, FAILED, RUNNING, FILE_GONE, POLICY_CHANGED)

KEYS_UNAVAILABLE = "KEYS_UNAVAILABLE"
FAULT = "FAULT"
_GIVEN = {ItemStatus.RELEASED, ItemStatus.RELEASED_PARTIAL}


_STOPPED = {STOPPED[Action.HOLD]: VOLUME_HELD, STOPPED[Action.BLOCK]: VOLUME_BLOCKED}


class Checked(Enum):
    """What became of the checks that were asked for."""

    DONE = "done"
    NOT_ASKED = "not asked"
    """The request does not wait for them, or not any more."""
    HELD = "held"
    """They wait for a controller's own key; the sweeper asks again."""


class NotProvenError(Exception):
    """Something was about to leave without the ledger's proof for it. Never expected; nothing leaves."""


class ResultStore(Protocol):
    """Where encrypted files wait to be collected."""

    def keep(self, release_id: str, sealed: bytes) -> None: ...

    def read(self, release_id: str) -> bytes | None: ...

    def remove(self, release_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Released:
    """What the requester gets: items where the delivery is inline, the file's size and hash where it is a file.

    `recorded` are the steps of the release, from permission to end, each proven. `state` is the request after them.
    """

    release_id: str
    counts: dict[str, int]
    state: RequestState
    recorded: tuple[Recorded, ...] = field(repr=False)
    items: tuple[Item, ...] | None = field(default=None, repr=False)
    file_bytes: int | None = None
    file_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Collected:
    """The encrypted file and the request right after it was handed over."""

    sealed: bytes = field(repr=False)
    done: Done


@dataclass(frozen=True, slots=True)
class Releasing:
    """The work of the `release` function. Methods may raise `LedgerUnavailableError` and what the stores raise."""

    desk: RequestDesk
    registry: Registry
    ring: KeyRing
    secrets: Secrets
    choices: ChoiceStore
    results: ResultStore
    limiter: Limiter
    policy: Callable[[], PolicyFacts]
    """The settings in force, read anew for each decision."""
    clock: Clock

    def check(self, request: RequestId, trace: str) -> Checked:
        """The checks of a submitted request.

        Where a controller has switched its own key off they wait for it, which the request says from then on. That is
        the controller's right and nobody's fault; any other key that is not to be had is one, and raises.
        """
        state = self.desk.load(request)
        if state.status in OPEN_TO_RELEASE and state.content_hash is not None:
            return self._look_for_withdrawals(state, state.content_hash, trace)
        if state.status is not State.SUBMITTED or state.content_hash is None:
            return Checked.NOT_ASKED
        content, facts = self.desk.content(state), self.policy()
        reasons = self._objections(state, content, facts)
        try:
            outcomes = [] if reasons else self._outcomes(state, content, facts, self.clock.now(), supposed=True)
        except ControllerKeyUnavailableError:
            if state.checks_held != KEYS_UNAVAILABLE:
                self.desk.hold_checks(request, state.content_hash, KEYS_UNAVAILABLE, trace)
            return Checked.HELD
        found = _found([one.item.status for one in outcomes])
        by_domain = {
            domain: _found([one.item.status for one in outcomes if one.item.domain == domain])
            for domain in (() if reasons else state.domains)
        }
        checks = Checks(facts.policy_hash, found.eligible, found.held, found.withheld, reasons, by_domain)
        done = self.desk.record_checks(request, state.content_hash, checks, trace)
        return Checked.DONE if isinstance(done, Done) else Checked.NOT_ASKED

    def _look_for_withdrawals(self, state: RequestState, content_hash: ContentHash, trace: str) -> Checked:
        """Whether more people of an approved request have withdrawn their consent than its approvers know of."""
        if state.summary is None or state.summary.legal_basis != LegalBasis.EXPLICIT_CONSENT:
            return Checked.NOT_ASKED
        outcomes = self._outcomes(state, self.desk.content(state), self.policy(), self.clock.now(), supposed=False)
        people = sum(outcome.reason == Reason.CONSENT_WITHDRAWN for outcome in outcomes)
        done = self.desk.record_consent_fall(state.id, content_hash, people, trace)
        return Checked.DONE if isinstance(done, Done) else Checked.NOT_ASKED

    def release(self, call: Call, request: RequestId, content_hash: ContentHash) -> Released | Refusal:
        """Hand out what is approved, now. Raises `KeyUnavailableError` where the domain's keys are withdrawn."""
        summary = self.desk.load(request).summary
        delivery = summary.delivery if summary else Delivery.INLINE
        done = self.desk.authorise_release(call, request, content_hash, delivery)
        if isinstance(done, Refusal):
            return done
        authorised = next(event for event in done.events if isinstance(event, ReleaseAuthorised))
        if done.replayed:
            known = self.desk.load(request).release(authorised.release)
            if known is None or not known.running or known.chunks_written:
                return self._repeated(done, known, authorised.release)
            # The first call ended between permission and its first chunk, so nothing has left: go on where it stopped.
            # Should it still be running, the ledger takes the first chunk of one of them, and the other gives nothing.
        try:
            return self._hand_out(done, authorised, call.trace)
        except LedgerUnavailableError:
            raise
        except KeyUnavailableError:
            self.desk.fail_release(request, authorised.release, KEYS_UNAVAILABLE, call.trace)
            raise
        except Exception:
            self.desk.fail_release(request, authorised.release, FAULT, call.trace)
            raise

    def collect(self, call: Call, request: RequestId, release_id: str) -> Collected | Refusal:
        """The file of a release, once: the hand-over is in the ledger before the file is given."""
        done = self.desk.collect(call, request, release_id)
        if isinstance(done, Refusal):
            return done
        proven(done.recorded)
        sealed = self.results.read(release_id)
        return FILE_GONE if sealed is None else Collected(sealed, done)

    def _hand_out(self, done: Done, authorised: ReleaseAuthorised, trace: str) -> Released | Refusal:
        request, release = done.state.id, authorised.release
        now, facts = self.clock.now(), self.policy()
        if facts.policy_hash != authorised.policy_hash:
            # The permission names the policy that gave it: under another one it has to be asked for again.
            self.desk.fail_release(request, release, POLICY_CHANGED.code, trace)
            return POLICY_CHANGED
        content = self.desk.content(done.state)
        recorded = [proven(done.recorded)]
        outcomes = self._outcomes(done.state, content, facts, now, supposed=False)
        exceeded = self._count(done.state, release, outcomes, trace)
        if isinstance(exceeded, Refusal):
            return exceeded
        recorded += exceeded
        for chunk in chunks(release, epoch_of(now), outcomes):
            written = self.desk.record_chunk(request, chunk, trace)
            if isinstance(written, Refusal):
                return written
            recorded.append(proven(written.recorded))
        items = _every_item(content, outcomes)
        counts = status_counts(items)
        sealed = self._sealed(content, items) if authorised.delivery is Delivery.FILE else None
        digest = hashlib.sha256(sealed).hexdigest() if sealed is not None else None
        if sealed is not None:
            self.results.keep(release, sealed)
        examined = status_counts(outcome.item for outcome in outcomes)
        finished = self.desk.finish_release(request, release, examined, digest, trace)
        if isinstance(finished, Refusal):
            return finished
        recorded.append(proven(finished.recorded))
        state = finished.state
        if sealed is None:
            return Released(release, counts, state, tuple(recorded), items)
        return Released(release, counts, state, tuple(recorded), file_bytes=len(sealed), file_sha256=digest)

    def _count(
        self, state: RequestState, release: str, outcomes: Sequence[Outcome], trace: str
    ) -> list[Recorded] | Refusal:
        """Count the release in before it happens. What goes above a limit is in the ledger; what may not is refused.

        Raises `CountersUnavailableError`.
        """
        project = self.registry.project(state.summary.project) if state.summary else None
        if project is None or state.requester is None:
            raise LookupError("a request's project or requester is not registered")
        now = self.clock.now()
        patients = b"".join(sorted({outcome.patient for outcome in outcomes}))
        reserved = Reserved(release, state.id, now, state.requester, project.organisation, patients)
        let_through = frozenset(state.let_through)
        verdict = self.limiter.reserve(reserved, let_through, now)
        if verdict.action is None:
            return []
        stopped = verdict.stops(let_through)
        volume = RecordVolume(release, self.limiter.limits.hash, verdict.action, stopped, verdict.exceeded)
        done = self.desk.record_volume(state.id, volume, trace)
        if isinstance(done, Refusal):
            return done
        if stopped:
            return VOLUME_BLOCKED if verdict.action is Action.BLOCK else VOLUME_HELD
        return [proven(done.recorded)]

    def _sealed(self, content: RequestContent, items: Sequence[Item]) -> bytes:
        return seal(content.recipient.public_key or "", result_csv(items, content.identifier_types))

    def _repeated(self, done: Done, known: Release | None, release_id: str) -> Released | Refusal:
        """The answer to a call that was made before: told again where that gives nothing away."""
        if known is None or known.running:
            return RUNNING
        if known.failed is not None:
            return _STOPPED.get(known.failed, FAILED)
        sealed = self.results.read(release_id) if known.delivery is Delivery.FILE else None
        if sealed is None:
            return FILE_GONE if known.delivery is Delivery.FILE else ALREADY_ANSWERED
        digest = hashlib.sha256(sealed).hexdigest()
        told = (done.recorded,)
        return Released(release_id, {}, done.state, told, file_bytes=len(sealed), file_sha256=digest)

    def _objections(self, state: RequestState, content: RequestContent, facts: PolicyFacts) -> tuple[str, ...]:
        """What the policy has against the request as a whole, as if every controller had approved."""
        found: list[str] = []
        for domain in _domains(state, supposed=True):
            asked = self._policy_request(state, content, self._domain(domain), supposed=True)
            answer = assess_request(asked, facts, self.clock.now())
            found.extend(reason.value for reason in answer.reasons if not answer.passes)
        return tuple(dict.fromkeys(found))

    def _outcomes(
        self, state: RequestState, content: RequestContent, facts: PolicyFacts, now: datetime, *, supposed: bool
    ) -> list[Outcome]:
        """Every record of every domain in question. Each key is opened once for all of them and wiped at the end.

        What an approval left out is not opened, and keeps its place.
        """
        outcomes: list[Outcome] = []
        with (
            registered_people(self.secrets, self.choices, content.project, now) as people,
            OpenedKeys(self.ring) as keys,
        ):
            for selection in self.desk.selections(state, content, frozenset(_domains(state, supposed=supposed))):
                domain = self._domain(selection.domain)
                asked = self._policy_request(state, content, domain, supposed=supposed)
                examination = Examination(
                    domain.id, asked, people, facts, now, domain.schemes, domain.newest_versions()
                )
                kept = None if supposed else self.desk.approved_rows(state, domain.id)
                records = [
                    Asked(record.row_id, record.pseudonyms)
                    for record in selection.records
                    if kept is None or record.row_id in kept
                ]
                examined = examination.outcomes(records, keys)
                outcomes.extend(examined if kept is None else _in_place(selection, examined))
        return outcomes

    def _domain(self, domain: DomainId) -> Domain:
        known = self.registry.domain(domain)
        if known is None:
            raise LookupError("a request's domain is not registered")
        return known

    def _policy_request(
        self, state: RequestState, content: RequestContent, domain: Domain, *, supposed: bool
    ) -> PolicyRequest:
        project = self.registry.project(content.project)
        requester = self.registry.person(state.requester) if state.requester else None
        if project is None or requester is None:
            raise LookupError("a request's project or requester is not registered")
        asked = policy_request(content, project, domain, requester, state.domains.get(domain.id))
        return supposing_approved(asked) if supposed else asked


def _domains(state: RequestState, *, supposed: bool) -> tuple[DomainId, ...]:
    return tuple(state.domains) if supposed else state.approved_domains()


def _found(statuses: Sequence[ItemStatus]) -> Found:
    given, held = sum(status in _GIVEN for status in statuses), statuses.count(ItemStatus.PENDING)
    return Found(given, held, len(statuses) - given - held)


def _in_place(selection: DomainSelection, examined: Sequence[Outcome]) -> Iterator[Outcome]:
    """An outcome for each record, in order; who approved left some of them out."""
    known = {outcome.item.row_id: outcome for outcome in examined}
    for record in selection.records:
        left_out = Item(record.row_id, selection.domain, ItemStatus.NOT_AVAILABLE)
        yield known.get(record.row_id) or Outcome(left_out, RECORD_NOT_APPROVED)


def _every_item(content: RequestContent, outcomes: Sequence[Outcome]) -> tuple[Item, ...]:
    """An item for each record that was asked for, in the order of the request, those of refused domains included."""
    if len(outcomes) == sum(content.record_counts().values()):
        return tuple(outcome.item for outcome in outcomes)
    given = {outcome.item.row_id: outcome.item for outcome in outcomes}
    return tuple(
        given.get(record.row_id) or Item(record.row_id, selection.domain, ItemStatus.NOT_APPROVED)
        for selection in content.domains
        for record in selection.records
    )


def proven(recorded: Recorded) -> Recorded:
    """The step, with a receipt for each event, which only the gate makes. Raises `NotProvenError` where one lacks."""
    if not recorded.receipts or len(recorded.receipts) != len(recorded.events):
        raise NotProvenError
    return recorded
