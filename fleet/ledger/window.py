"""Windows of whole local months: a month, a quarter, a year, twelve months that end with one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Window:
    """Local days ``[first, end)``, of whole months.

    Attributes:
        first: its first day.
        end: the day after its last.
        name: what sheets call it.
    """

    first: date
    end: date
    name: str

    def times(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Return its begin and end."""
        return (
            datetime.combine(self.first, time(0), zone),
            datetime.combine(self.end, time(0), zone),
        )


def months(first: date, number: int, name: str = "") -> Window:
    """Return so many months from the one of a day on."""
    begin = first.replace(day=1)
    end = later(begin, number)
    last = later(end, -1)
    usual = f"{begin:%Y-%m}" if number == 1 else f"{begin:%Y-%m} 至 {last:%Y-%m}"
    return Window(begin, end, name or usual)


def rolling(month: date) -> tuple[Window, Window, Window]:
    """Return the month, the three and the twelve months that end with it."""
    return months(month, 1), months(later(month, -2), 3), months(later(month, -11), 12)


def year(number: int) -> Window:
    """Return a calendar year."""
    return months(date(number, 1, 1), 12, f"{number} 年")


def later(month: date, by: int) -> date:
    """Return the first day of the month so many months later."""
    number = month.year * 12 + month.month - 1 + by
    return date(number // 12, number % 12 + 1, 1)
