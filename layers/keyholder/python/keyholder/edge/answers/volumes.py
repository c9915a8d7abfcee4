"""What auditors are answered about volume limits; as in `answers`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from keyholder.edge.answers.form import (
    Answer,
    Count,
    Hash,
    PersonReference,
    ReleaseReference,
    RequestReference,
    Success,
)
from keyholder.limits.vocabulary import Action, Measure, Scope, Window


class ThresholdReport(Answer):
    """A threshold, its numbers as they are now, and how often releases went above it."""

    threshold: str
    nhs: Annotated[int, Field(ge=1, le=11)] | None
    """The number of NHS England's threshold; null for a limit of the deployment's own, and for one that is gone."""
    scope: Scope | None
    measure: Measure | None
    window: Window | None
    warn_above: Count | None
    hold_above: Count | None
    block_above: Count | None
    warned: Count
    held: Count
    blocked: Count
    let_through: Count
    """How often a controller let a held request go above it."""
    highest: Count | None
    """The highest count there was, null where nothing went above."""


class ExceededView(Answer):
    """A threshold that a release went above, and how far."""

    threshold: str
    action: Action
    count: Count
    above: Count


class Occasion(Answer):
    """One release that went above limits. `index` names its leaf."""

    index: Count
    at: AwareDatetime
    request: RequestReference
    release_id: ReleaseReference
    requester: PersonReference | None
    project: str | None
    limits_sha256: Hash
    """The limits it was counted by."""
    action: Action
    stopped: bool
    """Nothing left."""
    exceeded: list[ExceededView]


class VolumeReport(Answer):
    """A calendar month, by days in London."""

    month: Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$")]
    complete: bool
    """The month is over."""
    size: Annotated[int, Field(ge=1)]
    """The tree it was made from."""
    limits_sha256: Hash
    """The limits in force now, whose numbers stand beside the thresholds."""
    thresholds: list[ThresholdReport]
    occasions: list[Occasion]
    """The first 500."""
    more: Count
    """How many more there are; list the events of type `release.volume_exceeded` for all."""


SUCCESSES: Mapping[str, Success] = {"GET /v1/audit/volume-reports/{month}": Success(VolumeReport)}
"""By route."""
