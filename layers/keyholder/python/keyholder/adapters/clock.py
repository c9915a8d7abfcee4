"""The system's clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


class SystemClock:
    """UTC now; waiting really waits."""

    def now(self) -> datetime:
        """The moment in UTC."""
        return datetime.now(UTC)

    def wait(self, duration: timedelta) -> None:
        """Sleeps."""
        time.sleep(max(0.0, duration.total_seconds()))
