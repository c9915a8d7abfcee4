"""A journal without a ledger around it, grown event by event, which remembers by what each event can be found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from hypothesis import strategies as st

from keyholder.audit.facets import EventFilter
from keyholder.audit.index import IndexReader, IndexView
from keyholder.audit.listing import Reading
from keyholder.audit.terms import batch_lines
from keyholder.audit.vocabulary import Decision
from keyholder.canonical import JsonObject
from keyholder.ledger.event import Event, NewEvent
from keyholder.ledger.journal import Batch
from keyholder.ledger.log import IdempotencyKey, Recorded
from keyholder.ledger.merkle import EMPTY
from keyholder.ledger.ports import Claim, Head, StepKey
from keyholder.ledger.views import ViewPublisher
from keyholder.registry.factors import Needs
from keyholder.registry.people import Capacity
from keyholder.requests.codes import ExpiryReason, RejectReason
from keyholder.requests.content import Delivery, Summary
from keyholder.requests.events import (
    DomainApproved,
    DomainRejected,
    DraftSaved,
    RequestApproved,
    RequestCreated,
    RequestExpired,
    RequestSubmitted,
    RequestWithdrawn,
)
from keyholder.requests.events.releasing import ItemsReleased, ReleaseAuthorised
from keyholder.vocabulary import (
    ActorId,
    ContentHash,
    DomainId,
    IdentifierType,
    OrganisationCode,
    PersonId,
    ProjectId,
    StreamId,
)
from tests.fakes.ledger import ManualClock
from tests.fakes.views import MemoryViews

MORNING = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
PEOPLE = [PersonId(f"person/{number:032x}") for number in range(4)]
PROJECTS = [ProjectId("heart-2026"), ProjectId("lung-2026")]
DOMAINS = [DomainId("gp-2026"), DomainId("hospital-2026"), DomainId("social-2026")]
TAGS = [f"7a9{number:029x}" for number in range(6)]
HASH = ContentHash("ab" * 32)
ORGANISATIONS = (OrganisationCode("RX1"), OrganisationCode("X26"))


def request_id(number: int) -> str:
    return f"REQ-{number:026d}"


def release_id(number: int) -> str:
    return f"REL-{number:026d}"


@dataclass
class World:
    """`EventLog` and `Journal` for reading only. `known` has, for each leaf, its event and all its facets."""

    batches: list[Batch] = field(default_factory=list)
    known: list[tuple[Event, frozenset[str]]] = field(default_factory=list)
    streams: dict[StreamId, list[Event]] = field(default_factory=dict)
    projects: dict[str, ProjectId] = field(default_factory=dict)
    asked: dict[str, tuple[DomainId, ...]] = field(default_factory=dict)
    store: MemoryViews = field(default_factory=MemoryViews)
    clock: ManualClock = field(default_factory=lambda: ManualClock(MORNING))
    waiting: list[bytes] = field(default_factory=list)

    # -- what the ledger gives ------------------------------------------------------------------------------------

    def batch(self, number: int) -> Batch | None:
        return self.batches[number - 1] if 0 < number <= len(self.batches) else None

    def newest(self) -> int:
        return len(self.batches)

    def read(self, stream: StreamId) -> tuple[Event, ...]:
        return tuple(self.streams.get(stream, ()))

    def proven(self, stream: StreamId) -> tuple[Recorded, ...]:
        raise NotImplementedError

    def record(
        self,
        stream: StreamId,
        after: int,
        events: Sequence[NewEvent],
        *,
        actor: ActorId,
        trace: str,
        at: datetime | None = None,
        head: Head | None = None,
        idempotency: IdempotencyKey | None = None,
    ) -> Recorded:
        raise NotImplementedError

    def claim(self, key: str) -> Claim | None:
        raise NotImplementedError

    def settle(self, step: StepKey) -> Recorded:
        raise NotImplementedError

    def listed(self, listing: str, after: StreamId | None, limit: int) -> Sequence[StreamId]:
        raise NotImplementedError

    # -- growing --------------------------------------------------------------------------------------------------

    def add(self, stream: str, kind: str, data: JsonObject, actor: str, *facets: str) -> None:
        """One more event, a second after the last; `facets` beside its type and actor. Not yet in a batch."""
        self.clock.wait(timedelta(seconds=1))
        history = self.streams.setdefault(StreamId(stream), [])
        event = Event(StreamId(stream), len(history) + 1, kind, self.clock.now(), ActorId(actor), "trace", data)
        history.append(event)
        self.known.append((event, frozenset({f"type/{kind}", f"actor/{actor}", *facets})))
        self.waiting.append(event.line())

    def commit(self) -> None:
        """What waits becomes a batch."""
        if self.waiting:
            before = self.batches[-1].after if self.batches else EMPTY
            number = len(self.batches) + 1
            self.batches.append(Batch(number, before, tuple(self.waiting), f"{number:032x}", self.clock.now()))
            self.waiting = []

    def publish(self, **sizes: int) -> None:
        """The index catches up."""
        view = IndexView(self.store, batch_lines(self.read), **sizes)
        (run,) = ViewPublisher(self.batch, self.store, [view], self.clock, batches=10_000).run()
        assert run.fault is None, run.fault

    def reading(self, most_batches: int = 300) -> Reading:
        return Reading(self, lambda: IndexReader.newest(self.store), most_batches=most_batches)

    # -- what happens in it ---------------------------------------------------------------------------------------

    def request(self, number: int, project: ProjectId, domains: Sequence[DomainId], **changes: object) -> None:
        """A request is created, written and submitted."""
        name, who = request_id(number), PEOPLE[number % len(PEOPLE)]
        self.projects[name], self.asked[name] = project, tuple(domains)
        mine = (f"request/{name}", f"project/{project}")
        about = [f"domain/{domain}" for domain in domains]
        self.add(mine[0], RequestCreated.TYPE, RequestCreated(who, project).data(), who, *mine)
        text = summary(project, domains, **changes)
        self.add(mine[0], DraftSaved.TYPE, DraftSaved(text).data(), who, *mine, *about)
        needs = {domain: Needs(ORGANISATIONS, 2) for domain in domains}
        submitted = RequestSubmitted(1, text, HASH, needs, self.clock.now() + timedelta(days=30))
        self.add(mine[0], RequestSubmitted.TYPE, submitted.data(), who, *mine, *about)

    def vote(self, number: int, domain: DomainId, *, yes: bool, person: PersonId = PEOPLE[0]) -> None:
        name = request_id(number)
        decided: DomainApproved | DomainRejected
        if yes:
            kinds = (IdentifierType.NHS_NUMBER,)
            decided = DomainApproved(domain, person, ORGANISATIONS[0], HASH, kinds, None, True)
        else:
            decided = DomainRejected(domain, person, ORGANISATIONS[0], HASH, RejectReason.OTHER, None)
        word = "decision/approved" if yes else "decision/rejected"
        mine = (f"request/{name}", f"project/{self.projects[name]}", f"domain/{domain}")
        self.add(mine[0], decided.TYPE, decided.data(), person, *mine, word)

    def approve(self, number: int) -> None:
        """The whole request is approved."""
        name = request_id(number)
        event = RequestApproved(HASH, self.asked[name], self.clock.now() + timedelta(days=30), 3)
        self._own(number, event.TYPE, event.data(), "decision/approved")

    def end(self, number: int, *, expired: bool) -> None:
        event = RequestExpired(ExpiryReason.NOT_DECIDED) if expired else RequestWithdrawn()
        self._own(number, event.TYPE, event.data(), "decision/expired" if expired else "decision/withdrawn")

    def release(self, number: int, subjects: Mapping[str, Sequence[str]], **unresolved: int) -> None:
        """One release of one chunk."""
        name, release = request_id(number), release_id(len(self.known))
        granted = dict.fromkeys(self.asked[name], (IdentifierType.NHS_NUMBER,))
        authorised = ReleaseAuthorised(release, HASH, Delivery.INLINE, HASH, granted)
        self._own(number, authorised.TYPE, authorised.data())
        held = {reason: tuple(sorted(tags)) for reason, tags in subjects.items()}
        count = sum(map(len, held.values())) + sum(unresolved.values())
        items = ItemsReleased(release, 1, 1, count, "2026", held, unresolved)
        self._own(number, items.TYPE, items.data())

    def refuse(self, who: PersonId, subject: str) -> None:
        data = {"command": "approve", "code": "SELF_APPROVAL", "subject": subject}
        facets = [subject] if subject != "unknown/unnamed" else []
        self.add(f"attempt/{len(self.known)}", "attempt.refused", data, who, *facets, "decision/refused")

    def _own(self, number: int, kind: str, data: JsonObject, *facets: str) -> None:
        name = request_id(number)
        about = [f"domain/{domain}" for domain in self.asked[name]]
        mine = (f"request/{name}", f"project/{self.projects[name]}")
        who = PEOPLE[number % len(PEOPLE)]
        self.add(mine[0], kind, data, who, *mine, *about, *facets)


def summary(project: ProjectId, domains: Sequence[DomainId], **changes: object) -> Summary:
    """What a request asks for; `changes` take the place of the usual fields."""
    fields: dict[str, object] = {
        "project": project,
        "purpose": "research",
        "legal_basis": "s251_reg5",
        "capacity": Capacity.RESEARCHER,
        "identifier_types": (IdentifierType.NHS_NUMBER,),
        "records": dict.fromkeys(domains, 3),
        "recipient": OrganisationCode("RX1"),
        "delivery": Delivery.INLINE,
        "window_days": 30,
        "destroy_by": date(2027, 1, 31),
        "content_hash": HASH,
        "justification_sha256": HASH,
        **changes,
    }
    return Summary(**fields)  # type: ignore[arg-type] - the fields above, some exchanged


def scan(world: World, wanted: EventFilter, size: int) -> list[int]:
    """What the filter means, said without the code under test: the leaves that answer to every condition."""
    return [
        index
        for index, (event, facets) in enumerate(world.known[:size])
        if set(wanted.terms()) <= facets
        and (wanted.since is None or wanted.since <= event.at)
        and (wanted.until is None or event.at < wanted.until)
    ]


@st.composite
def grown(draw: st.DrawFn, world: World | None = None, most: int = 40) -> World:
    """A world after some happenings, cut into batches anyhow."""
    made = world or World()
    for _ in range(draw(st.integers(1, most))):
        requests = len(made.projects)
        happening = draw(st.integers(0, 7)) if requests else 0
        number = draw(st.integers(0, requests - 1)) if requests else 0
        if happening <= 1:
            domains = draw(st.lists(st.sampled_from(DOMAINS), min_size=1, max_size=3, unique=True))
            made.request(requests, draw(st.sampled_from(PROJECTS)), domains)
        elif happening <= 3:
            domain = draw(st.sampled_from(made.asked[request_id(number)]))
            made.vote(number, domain, yes=draw(st.booleans()), person=draw(st.sampled_from(PEOPLE)))
        elif happening == 4:
            subject = draw(st.sampled_from([f"request/{request_id(number)}", "project/heart-2026", "unknown/unnamed"]))
            made.refuse(draw(st.sampled_from(PEOPLE)), subject)
        elif happening == 5:
            made.end(number, expired=draw(st.booleans()))
        else:
            tags = draw(st.lists(st.sampled_from(TAGS), unique=True, max_size=4))
            made.release(number, {"S251_SUPPORTED": tags[:2], "NDOO_OPTED_OUT": tags[2:]})
        if draw(st.booleans()):
            made.commit()
    made.commit()
    return made


def filters(world: World) -> st.SearchStrategy[EventFilter]:
    """Any combination of conditions that may hold, and some that hold for nothing."""
    moments = [event.at for event, _ in world.known]

    def values(kind: str) -> list[str]:
        found = {facet.split("/", 1)[1] for _, facets in world.known for facet in facets if facet.startswith(kind)}
        return sorted(found) or ["none"]

    def maybe(options: Sequence[object]) -> st.SearchStrategy[object]:
        return st.none() | st.sampled_from(options)

    return st.builds(
        EventFilter,
        request=maybe(values("request/")),
        project=maybe(PROJECTS),
        actor=maybe(PEOPLE),
        domain=maybe(DOMAINS),
        type=maybe(values("type/")),
        decision=maybe(tuple(Decision)),
        since=maybe(moments),
        until=maybe(moments),
    )
