"""Days and months of a site."""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the moment a local day begins, in its zone."""
    return datetime.combine(day, time(), zone)


def next_month(month: date) -> date:
    """Return the first day of the month after that of ``month``."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)
