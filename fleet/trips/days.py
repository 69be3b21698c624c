"""Sharing what happened among local days, exactly: nothing is lost at midnight, nothing doubled."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from fleet.track.fixes import Int64s
from storage.times import at_us, midnight, us_of


@dataclass(frozen=True, slots=True)
class Calendar:
    """Local days of a span of time.

    Attributes:
        first: the first day.
        midnights_us: when each of them begins, and when the last one ends; µs UTC.
    """

    first: date
    midnights_us: tuple[int, ...]

    def number(self, t_us: int) -> int:
        """Return the number of the day of a time."""
        return bisect_right(self.midnights_us, t_us) - 1

    def numbers(self, t_us: Int64s) -> Int64s:
        """Return the numbers of the days of several times."""
        return np.searchsorted(self.midnights_us, t_us, side="right") - 1

    def day(self, number: int) -> date:
        """Return the day of a number."""
        return self.first + timedelta(days=number)

    def share(self, from_us: int, to_us: int, amount: int) -> Iterator[tuple[int, int]]:
        """Yield (number of the day, its whole part) of an amount spread evenly over some time.

        The parts up to each midnight are rounded down, so that all of them make the amount.
        """
        first, last = self.number(from_us), self.number(max(from_us, to_us - 1))
        given = 0
        for number in range(first, last):
            midnight = self.midnights_us[number + 1]
            upto = amount * (midnight - from_us) // (to_us - from_us)
            yield number, upto - given
            given = upto
        yield last, amount - given


def calendar(from_us: int, to_us: int, zone: ZoneInfo) -> Calendar:
    """Return the local days from one time to another, both included."""
    first = at_us(from_us).astimezone(zone).date()
    last = at_us(to_us).astimezone(zone).date()
    midnights = tuple(
        us_of(midnight(first + timedelta(days=n), zone)) for n in range((last - first).days + 2)
    )
    return Calendar(first, midnights)
