"""What every outcome is."""

from __future__ import annotations

from keyholder.requests.codec import RequestEvent

Outcome = tuple[RequestEvent, ...]
