"""What an auditor can look events up by, and which events answer to it.

An event of a request answers to the request's project, and to the domains it names itself; where it names none, to
those the request asks from at that moment. An event of a linkage agreement answers to both its domains, one of a
standing approval to its project and all its domains. Refused and
failed attempts answer to what they were attempted on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from keyholder.audit.vocabulary import Decision
from keyholder.canonical import JsonObject, JsonValue, content_hash
from keyholder.emergency.access import KIND as EMERGENCIES
from keyholder.emergency.access import Access
from keyholder.emergency.events import access_of, fold_accesses
from keyholder.ledger.event import Event, rfc3339
from keyholder.linkage import events as linkage
from keyholder.refusals import Refusal, RefusalKind
from keyholder.registry.attempts import ATTEMPT_REFUSED, UNNAMED, safe_subject
from keyholder.registry.fields import PERSON, Fields
from keyholder.registry.projects import DOMAIN, PROJECT
from keyholder.requests.codec import from_event
from keyholder.requests.folding import evolve
from keyholder.requests.ids import REQUEST
from keyholder.requests.state import RequestState
from keyholder.standing import events as standing
from keyholder.vocabulary import PersonId, RequestId, StreamId

ACTOR = re.compile(rf"{PERSON.pattern}|system/[a-z_]{{1,32}}")
TYPE = re.compile(r"[a-z][a-z0-9_]{0,30}\.[a-z][a-z0-9_]{0,40}")


DECISIONS: Mapping[str, Decision] = {
    "request.domain_approved": Decision.APPROVED,
    "request.approved": Decision.APPROVED,
    "request.domain_rejected": Decision.REJECTED,
    "request.rejected": Decision.REJECTED,
    "request.blocked": Decision.BLOCKED,
    "request.withdrawn": Decision.WITHDRAWN,
    "request.expired": Decision.EXPIRED,
    "request.revoked": Decision.REVOKED,
    "request.outcome_reported": Decision.CLOSED,
    linkage.APPROVED: Decision.APPROVED,
    linkage.ENDED: Decision.REVOKED,
    standing.APPROVED: Decision.APPROVED,
    standing.ENDED: Decision.REVOKED,
    ATTEMPT_REFUSED: Decision.REFUSED,
}

NOT_A_FILTER = Refusal(
    "NOT_A_FILTER",
    RefusalKind.INVALID,
    "Filter by ids in the form Keyholder gives them; never by an identifier or a pseudonym.",
)

_FORMS: Mapping[str, re.Pattern[str]] = {
    "request": REQUEST,
    "project": PROJECT,
    "actor": ACTOR,
    "domain": DOMAIN,
    "type": TYPE,
}


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events: all conditions that are set must hold. `since` is inclusive, `until` exclusive."""

    request: str | None = None
    project: str | None = None
    actor: str | None = None
    """`person/…` or `system/…`."""
    domain: str | None = None
    type: str | None = None
    decision: Decision | None = None
    since: datetime | None = None
    until: datetime | None = None

    def terms(self) -> tuple[str, ...]:
        """The conditions but for time, as `facets` writes them; what singles out most goes first."""
        named = {
            "request": self.request,
            "actor": self.actor,
            "project": self.project,
            "decision": self.decision,
            "domain": self.domain,
            "type": self.type,
        }
        return tuple(f"{name}/{value}" for name, value in named.items() if value is not None)

    def json(self) -> JsonObject:
        """The conditions that are set."""
        times = {"since": self.since, "until": self.until}
        return {
            **dict(term.split("/", 1) for term in self.terms()),
            **{name: rfc3339(moment) for name, moment in times.items() if moment is not None},
        }

    @classmethod
    def read(cls, fields: Fields) -> EventFilter:
        """The filter `json` wrote. Raises `FieldError`."""
        decision = fields.choice("decision", Decision) if fields.has("decision") else None
        texts = {name: fields.maybe_text(name, form) for name, form in _FORMS.items()}
        since, until = fields.maybe_moment("since"), fields.maybe_moment("until")
        return cls(**texts, decision=decision, since=since, until=until)

    def sha256(self) -> str:
        """What stands for the filter in the ledger and binds a cursor to it."""
        return content_hash(self.json())

    def fault(self) -> Refusal | None:
        """Why nobody may look for this: a value that is no id of ours may be a patient's number or pseudonym.

        Its hash would stand in the ledger, and numbers can be enumerated.
        """
        said = dict(term.split("/", 1) for term in self.terms())
        ours = all(form.fullmatch(said[name]) for name, form in _FORMS.items() if name in said)
        chosen = [StreamId(f"{name}/{said[name]}") for name in ("project", "domain") if name in said]
        return None if ours and all(safe_subject(one) != UNNAMED for one in chosen) else NOT_A_FILTER

    def matches(self, event: Event, histories: Histories) -> bool:
        """Whether `event` fulfils every condition."""
        if (self.since is not None and event.at < self.since) or (self.until is not None and event.at >= self.until):
            return False
        terms = self.terms()
        return not terms or set(terms) <= facets(event, histories)


EVERYTHING = EventFilter()
"""No condition at all."""


class Histories:
    """Requests as they were right after one of their events. Reads each request's stream once, or again if it grew.

    `read` gives the events of a stream that are in the ledger (`EventLog.read`), and raises what that raises.
    """

    def __init__(self, read: Callable[[StreamId], Sequence[Event]]) -> None:
        self._read = read
        self._states: dict[StreamId, list[RequestState]] = {}

    def state(self, event: Event) -> RequestState | None:
        """The request right after `event`; None for an event of something else.

        Raises `LookupError` for an event that its stream does not hold: the steps table needs to be rebuilt.
        """
        if not event.stream.startswith("request/"):
            return None
        states = self._states.get(event.stream, [])
        if len(states) < event.number:
            states = self._states[event.stream] = self._folded(event.stream)
        if len(states) < event.number:
            raise LookupError("a request's stream lacks an event that is in the journal")
        return states[event.number - 1]

    def access(self, event: Event) -> tuple[PersonId, Access] | None:
        """Whose emergency access `event` is about, and the access right after it; None for an event of something else.

        Raises `LookupError` as `state` does.
        """
        kind, _, owner = event.stream.partition("/")
        if kind != EMERGENCIES:
            return None
        person, events = PersonId(f"person/{owner}"), self._read(event.stream)
        access = fold_accesses(person, events[: event.number]).access(access_of(event))
        if access is None or len(events) < event.number:
            raise LookupError("a person's emergency accesses lack an event that is in the journal")
        return person, access

    def before(self, event: Event) -> tuple[RequestState, ...]:
        """What a request was before `event`, the oldest first."""
        return tuple(self._states[event.stream][: event.number - 1]) if self.state(event) else ()

    def _folded(self, stream: StreamId) -> list[RequestState]:
        state = RequestState(RequestId(stream.removeprefix("request/")))
        states = []
        for event in self._read(stream):
            state = evolve(state, from_event(event))
            states.append(state)
        return states


def facets(event: Event, histories: Histories) -> frozenset[str]:
    """Everything the event answers to, as `kind/value`."""
    state = histories.state(event)
    found = {f"type/{event.type}", f"actor/{event.actor}", *_of_stream(event.stream)}
    subject = event.data.get("subject")
    if isinstance(subject, str) and subject != UNNAMED:
        found.update(_of_stream(subject))
    if event.type in DECISIONS:
        found.add(f"decision/{DECISIONS[event.type]}")
    domains = _domains(event.data)
    if event.type in {*linkage.TYPES, *standing.TYPES} and "project" in event.data:
        found.add(f"project/{event.data['project']}")
    if state is not None:
        project = state.summary.project if state.summary else event.data.get("project")
        found.update([f"project/{project}"] if isinstance(project, str) else [])
        domains = domains or tuple(state.summary.records if state.summary else ())
    found.update(f"domain/{domain}" for domain in domains)
    return frozenset(found)


def _of_stream(stream: str) -> tuple[str, ...]:
    """A request's, a project's or a domain's own events answer to it."""
    return (stream,) if stream.startswith(("request/", "project/", "domain/")) else ()


def _domains(data: JsonObject) -> tuple[str, ...]:
    """The domains an event names: one, a list, or the names of an object."""
    one = data.get("domain")
    if isinstance(one, str):
        return (one,)
    for name in ("granted", "domains", "records"):
        several: JsonValue = data.get(name)
        if isinstance(several, Mapping | list | tuple) and several:
            return tuple(str(domain) for domain in several)
    return ()
