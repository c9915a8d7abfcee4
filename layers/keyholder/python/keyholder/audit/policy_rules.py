"""Changes of the policy's settings, decided again; which settings were in force stands in `records.policy`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from keyholder.audit.records import Records, moments
from keyholder.audit.replaying import Outcome, RuleError, follows
from keyholder.ledger.event import Event
from keyholder.policy import changes as happened
from keyholder.policy import decide_changes
from keyholder.policy.changes import CHANGE_ID, SETTINGS, ChangeReason, PolicyState, fold_policy
from keyholder.policy.decide_changes import Situation
from keyholder.policy.settings_form import read_settings
from keyholder.registry.decide import operates
from keyholder.registry.domains import Domain
from keyholder.registry.fields import Fields
from keyholder.registry.people import Person
from keyholder.registry.projects import Project
from keyholder.registry.sign_in import SignIn, SignInRules
from keyholder.registry.terms import Document, InForce, read_accepted_terms
from keyholder.vocabulary import DomainId, OrganisationCode, PersonId, ProjectId, StreamId

_STRONG = "AAL3"
_ALWAYS = datetime.min.replace(tzinfo=UTC)


class PolicyRules:
    """The policy as far as the ledger has been read; `records.policy` is what it makes of it."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._events: list[Event] = []
        records.policy.put(SETTINGS, PolicyState(), _ALWAYS)
        records.policy_hashes.add(PolicyState().facts.policy_hash)

    def step(self, stream: StreamId, events: Sequence[Event]) -> None:
        """Raises `RuleError`, `FieldError`, `CapError` or `UnknownEventError` unless this could happen now."""
        if stream != SETTINGS or len(events) != 1:
            raise RuleError("no command makes these events")
        (event,) = events
        follows(events, self._tries(fold_policy(self._events), event, self._accepted(event)))
        self._events.append(event)
        state = fold_policy(self._events)
        self._records.policy.put(SETTINGS, state, event.at)
        self._records.policy_hashes.add(state.facts.policy_hash)
        if event.type == happened.CHANGE_PROPOSED:
            self._records.policy_hashes.add(read_settings(Fields(state.changes[-1].settings)).policy_hash)

    def _accepted(self, event: Event) -> InForce:
        """The terms of use that were asked for, as the event says. Raises `RuleError` where newer ones were."""
        if event.type != happened.CHANGE_CONFIRMED:
            return {}
        accepted = read_accepted_terms(Fields(event.data))
        self._records.terms.noted(SETTINGS, Document.APPROVER, accepted, event.at)
        return {} if accepted is None else {Document.APPROVER: accepted}

    def _tries(self, state: PolicyState, event: Event, in_force: InForce) -> Iterator[Outcome]:
        register = _Around(self._records, event.at)
        known = tuple(self._records.people.around(PersonId(event.actor), event.at)) or (None,)
        for now in moments(event.at):
            for acting in known:
                yield _decided(Situation(acting, state, register, now, in_force), event)


def _decided(here: Situation, event: Event) -> Outcome:
    fields = Fields(event.data)
    change_id = fields.text("change_id", CHANGE_ID)
    if event.type == happened.CHANGE_PROPOSED:
        facts, reason = read_settings(fields.inner("settings")), fields.choice("reason", ChangeReason)
        return decide_changes.propose(here, change_id, facts, reason)
    if event.type == happened.CHANGE_CONFIRMED:
        # How strongly the person had signed in is not in the ledger.
        return decide_changes.confirm(here, change_id, SignIn(_STRONG, here.now), SignInRules())
    return decide_changes.withdraw(here, change_id)


class _Around:
    """What was registered at a moment or a little before. `decide_changes.Register`."""

    def __init__(self, records: Records, at: datetime) -> None:
        self._records = records
        self._at = at

    def person(self, person: PersonId) -> Person | None:
        """As an operator, if they were one a moment before."""
        versions = tuple(self._records.people.around(person, self._at))
        return next((known for known in versions if operates(known)), None)

    def domain(self, domain: DomainId) -> Domain | None:
        return self._records.domains.newest(domain)

    def project(self, project: ProjectId) -> Project | None:
        return self._records.projects.newest(project)

    def controls(self, organisation: OrganisationCode) -> bool:
        domains = (self._records.domains.newest(name) for name in sorted(self._records.domains.keys()))
        return any(domain is not None and organisation in domain.controllers for domain in domains)
