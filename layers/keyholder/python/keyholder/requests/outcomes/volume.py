"""What follows when a release goes above a volume limit."""

from __future__ import annotations

from keyholder.requests.case import Case
from keyholder.requests.commands import LetThrough, RecordVolume
from keyholder.requests.events import VolumeExceeded, VolumeLetThrough
from keyholder.requests.outcomes.outcome import Outcome


def record_volume(case: Case) -> Outcome:
    command = case.of(RecordVolume)
    return (VolumeExceeded(command.release, command.limits_hash, command.action, command.stopped, command.exceeded),)


def let_through(case: Case) -> Outcome:
    return (VolumeLetThrough(case.person.id, case.of(LetThrough).content_hash, case.state.held_for, case.delegated),)
