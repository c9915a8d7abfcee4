"""One release from permission to hand-over: logged and proven before a key is used, and before anything leaves."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

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
from keyholder.release.chunks import Packing
from keyholder.release.examination import Asked, Examination
from keyholder.release.gathering import Gathered, in_place
from keyholder.release.items import ItemStatus, Outcome
from keyholder.release.outcomes import (
    Begun,
    Checked,
    Collected,
    Finished,
    NotProvenError,
    Released,
    ResultAddress,
    ResultStore,
)
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
from keyholder.uploads.form import ADDRESS_FOR
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

CHUNKS_AT_ONCE = 8
"""Written in one step, as many as fit into one."""

KEYS_UNAVAILABLE = "KEYS_UNAVAILABLE"
FAULT = "FAULT"
_GIVEN = {ItemStatus.RELEASED, ItemStatus.RELEASED_PARTIAL}


_STOPPED = {STOPPED[Action.HOLD]: VOLUME_HELD, STOPPED[Action.BLOCK]: VOLUME_BLOCKED}


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
            by_domain = {} if reasons else self._found(state, content, facts)
        except ControllerKeyUnavailableError:
            if state.checks_held != KEYS_UNAVAILABLE:
                self.desk.hold_checks(request, state.content_hash, KEYS_UNAVAILABLE, trace)
            return Checked.HELD
        found = _together(by_domain.values())
        checks = Checks(facts.policy_hash, found.eligible, found.held, found.withheld, reasons, by_domain)
        done = self.desk.record_checks(request, state.content_hash, checks, trace)
        return Checked.DONE if isinstance(done, Done) else Checked.NOT_ASKED

    def _look_for_withdrawals(self, state: RequestState, content_hash: ContentHash, trace: str) -> Checked:
        """Whether more people of an approved request have withdrawn their consent than its approvers know of."""
        if state.summary is None or state.summary.legal_basis != LegalBasis.EXPLICIT_CONSENT:
            return Checked.NOT_ASKED
        parts = self._examined(state, self.desk.content(state), self.policy(), self.clock.now(), supposed=False)
        people = sum(outcome.reason == Reason.CONSENT_WITHDRAWN for _, outcomes in parts for outcome in outcomes or ())
        done = self.desk.record_consent_fall(state.id, content_hash, people, trace)
        return Checked.DONE if isinstance(done, Done) else Checked.NOT_ASKED

    def release(self, call: Call, request: RequestId, content_hash: ContentHash) -> Released | Begun | Refusal:
        """Hand out what is approved, now; where the records came as a file, permit it, and `finish` hands it out.

        Raises `KeyUnavailableError` where the domain's keys are withdrawn.
        """
        summary = self.desk.load(request).summary
        delivery = summary.delivery if summary else Delivery.INLINE
        done = self.desk.authorise_release(call, request, content_hash, delivery)
        if isinstance(done, Refusal):
            return done
        authorised = next(event for event in done.events if isinstance(event, ReleaseAuthorised))
        if summary is not None and summary.file is not None:
            return self._begun(done, authorised.release)
        if done.replayed:
            known = self.desk.load(request).release(authorised.release)
            if known is None or not known.running or known.chunks_written:
                return self._repeated(done, known, authorised.release)
            # The first call ended between permission and its first chunk, so nothing has left: go on where it stopped.
            # Should it still be running, the ledger takes the first chunk of one of them, and the other gives nothing.
        return self._handed_out(done.state, done.recorded, authorised, call.trace)

    def finish(self, request: RequestId, release_id: str, trace: str) -> Finished:
        """Hand out a release that was permitted, off the queue: once, while its time lasts, of the request as it is."""
        state = self.desk.load(request)
        known = state.release(release_id)
        if known is None or not known.running or known.chunks_written or state.status not in OPEN_TO_RELEASE:
            return Finished.NOT_ASKED
        permission = self.desk.permission(request, release_id)
        if permission is None or permission.event.content_hash != state.content_hash:
            return Finished.NOT_ASKED
        outcome = self._handed_out(state, permission.recorded, permission.event, trace)
        return Finished.STOPPED if isinstance(outcome, Refusal) else Finished.DONE

    def _handed_out(
        self, state: RequestState, recorded: Recorded, authorised: ReleaseAuthorised, trace: str
    ) -> Released | Refusal:
        """Whatever goes wrong, the request says from then on that this release failed."""
        try:
            return self._hand_out(state, recorded, authorised, trace)
        except LedgerUnavailableError:
            raise
        except KeyUnavailableError:
            self.desk.fail_release(state.id, authorised.release, KEYS_UNAVAILABLE, trace)
            raise
        except Exception:
            self.desk.fail_release(state.id, authorised.release, FAULT, trace)
            raise

    def _begun(self, done: Done, release_id: str) -> Begun | Refusal:
        known = self.desk.load(done.state.id).release(release_id)
        if known is not None and known.failed is not None:
            return _STOPPED.get(known.failed, FAILED)
        return Begun(release_id, done.state, proven(done.recorded), known is None or known.running)

    def collect(self, call: Call, request: RequestId, release_id: str) -> Collected | Refusal:
        """The file of a release, once: the hand-over is in the ledger before the file is given.

        One that came of a file is too long for an answer: then it is where to get it, for some minutes.
        """
        done = self.desk.collect(call, request, release_id)
        if isinstance(done, Refusal):
            return done
        proven(done.recorded)
        known = done.state.release(release_id)
        if done.state.file is None:
            sealed = self.results.read(release_id)
            return FILE_GONE if sealed is None else Collected(done, sealed)
        size, now = self.results.size(release_id), self.clock.now()
        if size is None or known is None or known.result_sha256 is None:
            return FILE_GONE
        address = ResultAddress(self.results.address(release_id), size, known.result_sha256, now + ADDRESS_FOR)
        return Collected(done, address=address)

    def _hand_out(
        self, state: RequestState, permitted: Recorded, authorised: ReleaseAuthorised, trace: str
    ) -> Released | Refusal:
        request, release = state.id, authorised.release
        now, facts = self.clock.now(), self.policy()
        if facts.policy_hash != authorised.policy_hash:
            # The permission names the policy that gave it: under another one it has to be asked for again.
            self.desk.fail_release(request, release, POLICY_CHANGED.code, trace)
            return POLICY_CHANGED
        content = self.desk.content(state)
        recorded = [proven(permitted)]
        asked = content.record_counts()
        total = sum(asked[domain] for domain in state.approved_domains())
        gathered = Gathered(content, Packing(release, epoch_of(now), total))
        for selection, outcomes in self._examined(state, content, facts, now, supposed=False):
            gathered.add(selection, outcomes)
        exceeded = self._count(state, release, gathered.patients, trace)
        if isinstance(exceeded, Refusal):
            return exceeded
        recorded += exceeded
        chunks = gathered.packing.packed()
        latest: RequestState | None = None
        for start in range(0, len(chunks), CHUNKS_AT_ONCE):
            some = chunks[start : start + CHUNKS_AT_ONCE]
            written = self.desk.record_chunks(latest or self.desk.load(request), some, trace)
            if isinstance(written, Refusal):
                return written
            latest = written.state
            recorded.append(proven(written.recorded))
        sealed, digest = None, None
        if authorised.delivery is Delivery.FILE:
            sealed = seal(content.recipient.public_key or "", gathered.take_file())
            digest = hashlib.sha256(sealed).hexdigest()
            self.results.keep(release, sealed)
        examined = dict(sorted(gathered.examined.items()))
        finished = self.desk.finish_release(request, release, examined, digest, trace)
        if isinstance(finished, Refusal):
            return finished
        recorded.append(proven(finished.recorded))
        counts, steps = dict(sorted(gathered.shown.items())), tuple(recorded)
        if sealed is None:
            return Released(release, counts, finished.state, steps, tuple(gathered.items))
        return Released(release, counts, finished.state, steps, file_bytes=len(sealed), file_sha256=digest)

    def _count(
        self, state: RequestState, release: str, counted: AbstractSet[bytes], trace: str
    ) -> list[Recorded] | Refusal:
        """Count the release in before it happens. What goes above a limit is in the ledger; what may not is refused.

        Raises `CountersUnavailableError`.
        """
        project = self.registry.project(state.summary.project) if state.summary else None
        if project is None or state.requester is None:
            raise LookupError("a request's project or requester is not registered")
        now = self.clock.now()
        patients = b"".join(sorted(counted))
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

    def _found(self, state: RequestState, content: RequestContent, facts: PolicyFacts) -> dict[DomainId, Found]:
        """What the checks find for each domain, as if every controller had approved."""
        statuses: dict[DomainId, Counter[ItemStatus]] = {domain: Counter() for domain in state.domains}
        for selection, outcomes in self._examined(state, content, facts, self.clock.now(), supposed=True):
            statuses[selection.domain].update(one.item.status for one in outcomes or ())
        return {domain: _found(counted) for domain, counted in statuses.items()}

    def _examined(
        self, state: RequestState, content: RequestContent, facts: PolicyFacts, now: datetime, *, supposed: bool
    ) -> Iterator[tuple[DomainSelection, list[Outcome] | None]]:
        """Every record asked for, part by part; None for those of domains that are not in question.

        Each key is opened once for all of them and wiped at the end. What an approval left out is not opened, and keeps
        its place; nor is anything of a domain that is not in question.
        """
        kept: dict[DomainId, frozenset[str] | None] = {}
        with (
            registered_people(self.secrets, self.choices, content.project, now) as people,
            OpenedKeys(self.ring) as keys,
        ):
            for selection in self.desk.selections(state, content):
                if selection.domain not in _domains(state, supposed=supposed):
                    yield selection, None
                    continue
                domain = self._domain(selection.domain)
                asked = self._policy_request(state, content, domain, supposed=supposed)
                examination = Examination(
                    domain.id, asked, people, facts, now, domain.schemes, domain.newest_versions()
                )
                if domain.id not in kept:
                    kept[domain.id] = None if supposed else self.desk.approved_rows(state, domain.id)
                rows = kept[domain.id]
                records = [
                    Asked(record.row_id, record.pseudonyms)
                    for record in selection.records
                    if rows is None or record.row_id in rows
                ]
                examined = examination.outcomes(records, keys)
                yield selection, examined if rows is None else list(in_place(selection, examined))

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


def _found(statuses: Counter[ItemStatus]) -> Found:
    given, held = sum(statuses[status] for status in _GIVEN), statuses[ItemStatus.PENDING]
    return Found(given, held, statuses.total() - given - held)


def _together(found: Iterable[Found]) -> Found:
    eligible = held = withheld = 0
    for one in found:
        eligible, held, withheld = eligible + one.eligible, held + one.held, withheld + one.withheld
    return Found(eligible, held, withheld)


def proven(recorded: Recorded) -> Recorded:
    """The step, with a receipt for each event, which only the gate makes. Raises `NotProvenError` where one lacks."""
    if not recorded.receipts or len(recorded.receipts) != len(recorded.events):
        raise NotProvenError
    return recorded
