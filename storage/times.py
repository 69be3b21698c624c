"""Times between the database and arithmetic: µs since 1970, UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
ALWAYS_US: Final = (datetime(1900, 1, 1, tzinfo=UTC) - EPOCH) // MICROSECOND
"""Before anything that can be known."""
NEVER_US: Final = (datetime(2900, 1, 1, tzinfo=UTC) - EPOCH) // MICROSECOND
"""After everything that can be known."""
SECOND_US: Final = 1_000_000
DAY_US: Final = 86_400 * SECOND_US


def us_of(at: datetime) -> int:
    """Return an aware time as µs."""
    return (at - EPOCH) // MICROSECOND


def at_us(us: int) -> datetime:
    """Return µs as an aware time, UTC."""
    return EPOCH + timedelta(microseconds=us)
