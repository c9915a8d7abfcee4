"""Every minute: commit what is pending, ask, remind, end what is over, erase, announce, publish, finish keys."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from keyholder.adapters.assembly import Assembly, assembly
from keyholder.edge.logs import Log, LogCode
from keyholder.pseudonyms.key_ring import ControllerKeyUnavailableError
from keyholder.requests.codes import State
from keyholder.requests.events import Escalated, Reminded, RequestExpired
from keyholder.requests.waiting import file_waits
from keyholder.vocabulary import DomainId, ExtractId, PersonId, RequestId, StreamId

MOST = 100
"""Requests, domains and extracts looked at in one sweep; the rest wait a minute."""

DOMAINS, EMERGENCIES, EXTRACTS, REQUESTS, TEXTS = "domain/", "emergency/", "extract/", "request/", "texts/"

log = Log("sweeper")


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:  # noqa: ARG001 - Lambda's signature
    """The function's entry. Raises what stops the sweep, so that its alarm goes off."""
    house, trace = assembly(), str(uuid.uuid4())
    try:
        committed = house.ledger.commit_pending()
        house.key_maker.make_tag_key(house.clock.now().year)
        house.key_maker.make_tag_key(house.clock.now().year + 1)
        due = house.ledger.due(house.clock.now(), MOST)
        timed, asked = _requests(house, _of(due, REQUESTS), trace)
        asked += _extracts(house, _of(due, EXTRACTS))
        emergencies = _emergencies(house, _of(due, EMERGENCIES), trace)
        announced, unannounced = _announced(house, trace)
        published, failed = _views(house, trace)
        erased = _texts(house, _of(due, TEXTS), trace)
        # Last, so that a domain whose keys can't be made keeps nothing else waiting.
        followed = _domains(house, _of(due, DOMAINS), trace)
    except Exception as fault:
        log.fault(LogCode.SWEEP_FAILED, fault, request_id=trace)
        raise
    if unannounced is not None:
        raise unannounced
    done = {
        "committed": committed,
        "expired": timed[RequestExpired],
        "reminded": timed[Reminded],
        "escalated": timed[Escalated],
        "asked": asked,
        "emergencies": emergencies,
        "announced": announced,
        "erased": erased,
        "published": published,
        "failed_views": failed,
        "followed": followed,
    }
    log.write(LogCode.SWEPT, request_id=trace, **done)
    return done


def _announced(house: Assembly, trace: str) -> tuple[int, Exception | None]:
    """Tell other programs what is committed. A bus that takes nothing keeps the rest of the sweep from nothing."""
    try:
        return house.announcer.run().events, None
    except Exception as fault:  # noqa: BLE001 - raised once the rest is done
        log.fault(LogCode.ANNOUNCE_FAILED, fault, request_id=trace)
        return 0, fault


def _views(house: Assembly, trace: str) -> tuple[int, int]:
    """Publish what is new to every view. How many batches that were in all, and how many views failed."""
    runs = house.view_publisher.run()
    for run in runs:
        if run.fault is not None:
            log.fault(LogCode.VIEW_FAILED, run.fault, view=run.view, request_id=trace)
    return sum(run.batches for run in runs), sum(run.fault is not None for run in runs)


def _requests(house: Assembly, streams: Sequence[StreamId], trace: str) -> tuple[Counter[type[object]], int]:
    """Ask again for checks and for files that nobody made or read in time; remind, escalate, end what is over.

    How many events of each kind that made, and how often checks were asked for.
    """
    now, timed, asked = house.clock.now(), Counter[type[object]](), 0
    for stream in streams:
        request = RequestId(stream.removeprefix(REQUESTS))
        state = house.desk.load(request)
        if state.status is State.SUBMITTED and state.due_at is not None and now < state.due_at:
            house.checks.ask(request)
            asked += 1
        if file_waits(state):
            house.files_queue.ask(request)
            asked += 1
        timed.update(map(type, house.desk.keep_time(request, trace)))
    return timed, asked


def _of(due: Sequence[StreamId], kind: str) -> list[StreamId]:
    return [stream for stream in due if stream.startswith(kind)]


def _extracts(house: Assembly, streams: Sequence[StreamId]) -> int:
    """Ask for the work on extracts that wait for it, were cut short, or are over: `pseudonymise` alone can do it."""
    for stream in streams:
        house.extracts_queue.ask(ExtractId(stream.removeprefix(EXTRACTS)))
    return len(streams)


def _texts(house: Assembly, streams: Sequence[StreamId], trace: str) -> int:
    """Erase the texts whose erasure was ordered."""
    requests = (RequestId(stream.removeprefix(TEXTS)) for stream in streams)
    return sum(house.erasures.carry_out(house.contents, request, trace, house.clock.now()) for request in requests)


def _emergencies(house: Assembly, streams: Sequence[StreamId], trace: str) -> int:
    """Say of emergency accesses that they were cut short, or not reviewed in time. How many it was said of."""
    owners = [PersonId(f"person/{stream.removeprefix(EMERGENCIES)}") for stream in streams]
    return sum(house.emergency_desk.keep_time(owner, trace) is not None for owner in owners)


def _domains(house: Assembly, streams: Sequence[StreamId], trace: str) -> int:
    """Bring the keys table to what the ledger says of domains whose keys were changed. One that fails keeps no other.

    Raises the first fault once all were tried. That a controller has switched its own key off is none: it waits.
    """
    followed, faults = 0, []
    for stream in streams:
        try:
            followed += _followed(house, DomainId(stream.removeprefix(DOMAINS)), trace)
        except ControllerKeyUnavailableError:
            log.write(LogCode.KEYS_HELD, request_id=trace)
        except Exception as fault:  # noqa: BLE001 - raised below
            faults.append(fault)
    if faults:
        raise faults[0]
    return followed


def _followed(house: Assembly, name: DomainId, trace: str) -> bool:
    entry = house.registry.domain_entry(name)
    if entry is None or not entry.value.keys_behind:
        return False
    domain = entry.value
    house.key_maker.follow(domain, [(kind, version) for kind in domain.keys for version in domain.keys[kind]])
    return house.registry.keys_followed(name, entry.version, trace)
