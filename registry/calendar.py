"""Which days are workdays: the weekday, unless the yearly notice says otherwise.

Consumption, tariffs, sealed vehicles and the use of vehicles ask the same calendar.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Protocol

from registry.day_kind import DayKind


class Calendar(Protocol):
    """Tells the kind of a day, and whether that rests on a published calendar."""

    def kind(self, day: date) -> DayKind:
        """What the day is; by its weekday where nothing is published."""
        ...

    def published(self, year: int) -> bool:
        """Whether the holidays and make-up days of the year are known."""
        ...


@dataclass(frozen=True)
class DatedCalendar:
    """Weekdays with the days that differ.

    Attributes:
        differing: holidays, make-up workdays and days off, by date.
    """

    differing: Mapping[date, DayKind]

    def kind(self, day: date) -> DayKind:
        """What the day is; by its weekday where nothing is published."""
        usual = DayKind.WEEKEND if day.weekday() >= 5 else DayKind.WORKDAY
        return self.differing.get(day, usual)

    def published(self, year: int) -> bool:
        """Whether any day of the year is named: every year's notice names some."""
        return year in self._years

    @cached_property
    def _years(self) -> frozenset[int]:
        return frozenset(day.year for day in self.differing)
