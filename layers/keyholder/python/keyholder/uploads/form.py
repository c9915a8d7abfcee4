"""Where a file is uploaded, once, and what can go wrong with the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

ADDRESS_FOR = timedelta(minutes=15)
"""How long an address for an upload or a download is good to begin with."""


class FilesUnavailableError(Exception):
    """The store did not answer, or refused. The text is a constant."""


@dataclass(frozen=True, slots=True)
class UploadForm:
    """Where and how a file is uploaded, once: a PUT with exactly these headers. Whoever has it can upload that file."""

    url: str = field(repr=False)
    headers: Mapping[str, str]
    expires_at: datetime
