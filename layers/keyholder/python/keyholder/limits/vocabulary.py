"""The words of volume limits: what is counted, of whom, over which time, and what follows."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """Whose releases are counted together."""

    PERSON = "person"
    """Who asks."""
    ORGANISATION = "organisation"
    """The organisation of the project that asks."""
    AREA = "area"
    """The area its organisation belongs to, for example an integrated care board."""
    PATIENT = "patient"
    """One patient, whoever asks."""


class Measure(StrEnum):
    """What is counted."""

    PATIENTS = "patients"
    """Different patients."""
    PATIENTS_PERCENT = "patients_percent"
    """Different patients, in per cent of the list size of the organisation or area; rounded up."""
    RELEASES = "releases"
    NIGHT_RELEASES = "night_releases"
    """Releases between the two hours of the night, London time."""
    FREE_DAY_RELEASES = "free_day_releases"
    """Releases on a weekend or bank holiday, in London."""


class Window(StrEnum):
    """Over which time up to now."""

    DAY = "day"
    """The London day."""
    HOURS_24 = "24_hours"
    DAYS_7 = "7_days"
    DAYS_30 = "30_days"


class Action(StrEnum):
    """What follows, from mild to strict."""

    WARN = "warn"
    """It happens, and those responsible are told."""
    HOLD = "hold"
    """It waits for a controller to let it through."""
    BLOCK = "block"
    """It does not happen, whoever says so."""


STRICTEST_FIRST = (Action.BLOCK, Action.HOLD, Action.WARN)
