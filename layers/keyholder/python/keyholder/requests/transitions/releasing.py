"""What a release may do, step by step."""

from __future__ import annotations

from keyholder.requests import guards as g
from keyholder.requests.codes import State
from keyholder.requests.commands import CommandName
from keyholder.requests.events import ItemsReleased, ReleaseAuthorised, ReleaseCollected, ReleaseFailed, ReleaseFinished
from keyholder.requests.outcomes import releasing
from keyholder.requests.transitions.row import STAYS, Transition, Who, states, types

ROWS: tuple[Transition, ...] = (
    Transition(
        sources=states(State.APPROVED, State.RELEASED),
        command=CommandName.RELEASE,
        who=Who.REQUESTER,
        guards=(
            g.PROJECT_MEMBER,
            g.ACCREDITED,
            g.CAPACITY_HELD,
            g.SAME_CONTENT,
            g.WINDOW_OPEN,
            g.RETRIEVALS_LEFT,
            g.NO_RELEASE_RUNNING,
            g.NOT_HELD,
            g.DELIVERY_AS_APPROVED,
            g.DOMAINS_COVERED,
            g.APPROVALS_STAND,
            g.STANDING_IN_FORCE,
            g.CONDITIONS_ACCEPTED,
            g.POLICY_ALLOWS,
        ),
        events=types(ReleaseAuthorised),
        to=STAYS,
        outcome=releasing.authorise_release,
        fresh_sign_in=True,
    ),
    Transition(
        sources=states(State.APPROVED, State.RELEASED),
        command=CommandName.RECORD_CHUNK,
        who=Who.RELEASE_FUNCTION,
        guards=(g.RELEASE_IN_TIME, g.NEXT_CHUNK),
        events=types(ItemsReleased),
        to=states(State.RELEASED),
        outcome=releasing.record_chunk,
    ),
    Transition(
        sources=states(State.RELEASED),
        command=CommandName.FINISH_RELEASE,
        who=Who.RELEASE_FUNCTION,
        guards=(g.RELEASE_IN_TIME, g.ALL_CHUNKS),
        events=types(ReleaseFinished),
        to=STAYS,
        outcome=releasing.finish_release,
    ),
    Transition(
        sources=states(State.APPROVED, State.RELEASED),
        command=CommandName.FAIL_RELEASE,
        who=Who.RELEASE_FUNCTION,
        guards=(g.RELEASE_OPEN,),
        events=types(ReleaseFailed),
        to=STAYS,
        outcome=releasing.fail_release,
    ),
    Transition(
        sources=states(State.RELEASED),
        command=CommandName.COLLECT,
        who=Who.REQUESTER,
        guards=(
            g.PROJECT_MEMBER,
            g.ACCREDITED,
            g.WINDOW_OPEN,
            g.APPROVALS_STAND,
            g.STANDING_IN_FORCE,
            g.FILE_READY,
            g.POLICY_ALLOWS,
        ),
        events=types(ReleaseCollected),
        to=STAYS,
        outcome=releasing.collect,
        fresh_sign_in=True,
    ),
)
