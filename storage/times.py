"""Times between the database and arithmetic: µs since 1970, UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
ALWAYS_US: Final = (datetime(1900, 1, 1, tzinfo=UTC) - EPOCH) // MICROSECOND
"""Before anything that can be known."""
NEVER_US: Final = (datetime(2900, 1, 1, tzinfo=UTC) - EPOCH) // MICROSECOND
"""After everything that can be known."""
OPEN_US: Final = (datetime(2100, 1, 1, tzinfo=UTC) - EPOCH) // MICROSECOND
"""When that ends of which no end is known."""
SECOND_US: Final = 1_000_000
DAY_US: Final = 86_400 * SECOND_US


def us_of(at: datetime) -> int:
    """Return an aware time as µs."""
    return (at - EPOCH) // MICROSECOND


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the moment a local day begins, in its zone."""
    return datetime.combine(day, time(), zone)


def at_us(us: int) -> datetime:
    """Return µs as an aware time, UTC."""
    return EPOCH + timedelta(microseconds=us)
