"""Emergency accesses, decided again: who opened one, that nobody had another open, who reviewed it, and when.

The policy's answer and the strength of the sign-in are supposed to have been right, as for requests: of the first only
the hash of its rules is in the ledger, of the second nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import product

from keyholder.audit.records import Records, moments
from keyholder.audit.replaying import Outcome, RuleError, follows
from keyholder.emergency import decide
from keyholder.emergency import events as happened
from keyholder.emergency.access import KIND, Accesses, EmergencyReason, ReviewFinding, emergency_stream
from keyholder.emergency.desk import RELEASE, SWEEPER
from keyholder.ledger.event import Event
from keyholder.registry.domains import Domain
from keyholder.registry.fields import CODE, SHA256, Fields
from keyholder.registry.projects import DOMAIN
from keyholder.registry.sign_in import SignIn, SignInRules
from keyholder.release.subject_tags import epoch_of
from keyholder.vocabulary import DomainId, IdentifierType, PersonId, StreamId

HOME = dict.fromkeys(happened.TYPES, KIND)
_STRONG = "AAL3"


class EmergencyRules:
    """Every person's accesses as far as the ledger has been read."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._known: dict[StreamId, Accesses] = {}

    def step(self, stream: StreamId, events: Sequence[Event]) -> None:
        """Raises `RuleError`, `FieldError` or `UnknownEventError` unless this could happen now."""
        owner = PersonId(f"person/{stream.partition('/')[2]}")
        if emergency_stream(owner) != stream:
            raise RuleError("nobody has such an id")
        accesses = self._known.get(stream, Accesses(owner))
        follows(events, self._tries(events[0], accesses))
        for event in events:
            accesses = happened.evolve_accesses(accesses, event)
        self._known[stream] = accesses

    def _tries(self, event: Event, accesses: Accesses) -> Iterator[Outcome]:
        if event.type == happened.OPENED:
            yield from self._opened(event, accesses)
        elif event.type == happened.REVIEWED:
            yield from self._reviewed(event, accesses)
        elif event.type == happened.OVERDUE and event.actor == SWEEPER:
            for now in moments(event.at):
                yield decide.note_overdue(accesses, now)
        elif event.type in (happened.RELEASED, happened.FAILED) and event.actor == RELEASE:
            yield _by_release(event, accesses)
        else:
            raise RuleError("no command makes this event")

    def _opened(self, event: Event, accesses: Accesses) -> Iterator[Outcome]:
        fields = Fields(event.data)
        domain = DomainId(fields.text("domain", DOMAIN))
        wanted = decide.Wanted(
            fields.choice("reason", EmergencyReason),
            fields.choices("identifier_types", IdentifierType),
            fields.number("records", 1),
        )
        policy = decide.Policy(fields.text("policy_hash", SHA256))
        if event.actor != str(accesses.person):
            raise RuleError("an emergency access of somebody else")
        if not self._records.may_have_ruled(policy.hash, event.at):
            raise RuleError("decided under settings that were not in force")
        for person, known in product(
            self._records.people.around(accesses.person, event.at), self._domains(domain, event.at)
        ):
            for now in moments(event.at):
                opening = decide.Opening(person, SignIn(_STRONG, now), known, wanted)
                yield decide.open_access(opening, accesses, policy, SignInRules(), now)

    def _reviewed(self, event: Event, accesses: Accesses) -> Iterator[Outcome]:
        fields = Fields(event.data)
        domain, finding = DomainId(fields.text("domain", DOMAIN)), fields.choice("finding", ReviewFinding)
        for person, known in product(
            self._records.people.around(PersonId(event.actor), event.at), self._domains(domain, event.at)
        ):
            yield decide.review(person, known, accesses, happened.access_of(event), finding)

    def _domains(self, domain: DomainId, at: datetime) -> tuple[Domain | None, ...]:
        return tuple(self._records.domains.around(domain, at)) or (None,)


def _by_release(event: Event, accesses: Accesses) -> Outcome:
    access_id = happened.access_of(event)
    if event.type == happened.FAILED:
        return decide.fail(accesses, access_id, Fields(event.data).text("code", CODE))
    fields = Fields(event.data)
    epoch = fields.text("epoch")
    if epoch not in {epoch_of(moment) for moment in moments(event.at)}:
        raise RuleError("tags of another epoch")
    inner = fields.inner("subjects")
    subjects = {outcome: tuple(inner.repeatable(outcome, CODE)) for outcome in inner.codes()}
    released = happened.Released(
        access_id,
        DomainId(fields.text("domain", DOMAIN)),
        epoch,
        subjects,
        fields.counts("unresolved"),
        fields.maybe_text("result_sha256", SHA256),
    )
    return decide.release(accesses, released)
