"""Who is handed which receipt of a request, and which leaf with it.

A receipt tells a place, a hash and a path, so whoever takes part in a release may have those of its every step. A leaf
goes to whom it is about: to the person who acted, and the end of a release to the requester, who was told its counts.
The leaves of the chunks in between group people's tags by what became of each, which no requester learns.
"""

from __future__ import annotations

from collections.abc import Callable

from keyholder.ledger.event import Event
from keyholder.requests.events.releasing import ReleaseFinished
from keyholder.requests.state import RequestState
from keyholder.vocabulary import ActorId, PersonId


def own_act(state: RequestState, person: PersonId) -> Callable[[Event], bool]:
    """Whether an event of this request is `person`'s own act, or the outcome that is theirs to know."""

    def own(event: Event) -> bool:
        return event.actor == ActorId(person) or (event.type == ReleaseFinished.TYPE and state.requester == person)

    return own
