"""A job's event: in the ledger before its answer is given, and once, however often the job is sent."""

from __future__ import annotations

from keyholder.ledger.event import NewEvent
from keyholder.ledger.log import ClaimedError, EventLog, IdempotencyKey
from keyholder.ledger.ports import Head
from keyholder.refusals import Refusal
from keyholder.registry.replays import KEY_REUSED, replay
from keyholder.vocabulary import ActorId, StreamId


def record_once(
    log: EventLog,
    stream: StreamId,
    event: NewEvent,
    *,
    actor: ActorId,
    trace: str,
    head: Head,
    idempotency: IdempotencyKey | None,
) -> Refusal | None:
    """The first event of `stream`; a repetition with the same key and body stands on the first one's.

    A refusal for a key that was used for something else. Raises `LedgerUnavailableError`.
    """
    try:
        log.record(stream, 0, [event], actor=actor, trace=trace, head=head, idempotency=idempotency)
    except ClaimedError:
        found = replay(log, idempotency)
        return KEY_REUSED if found is None else found if isinstance(found, Refusal) else None
    return None
