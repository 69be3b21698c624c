"""Vehicles that drive a hundred kilometres a day and fill every fourth day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from fleet.joining.model import Filling, Track
from fleet.joining.rules import Rules
from fleet.ledger.window import later
from fleet.norms.compare import Member
from fleet.norms.used import Books
from storage.times import midnight, us_of

ZONE: Final = ZoneInfo("Asia/Shanghai")
RULES: Final = Rules()
FIRST: Final = date(2025, 1, 1)
MONTHS: Final = [later(FIRST, number) for number in range(25)]
BEGINS: Final = [us_of(midnight(month, ZONE)) for month in MONTHS]
TANK: Final = 60_000
EVERY: Final = 4


@dataclass(frozen=True)
class Habits:
    """What a vehicle uses on a day, L/100 km, and how its papers look."""

    rate: Callable[[date], float] = lambda _: 10.0
    odometer: bool = True
    full: bool = True
    energy: str = "petrol"
    kind: str = "sedan"


def papers(code: str, habits: Habits, days: int = 730) -> list[Filling]:
    found = []
    hm, used = 100_000, 0.0
    for number in range(days):
        day = FIRST + timedelta(days=number)
        hm += 1_000
        used += habits.rate(day)
        if number % EVERY == EVERY - 1:
            at_us = us_of(midnight(day, ZONE)) + 12 * 3_600_000_000
            found.append(
                Filling(
                    number=number,
                    at_us=at_us,
                    day_us=us_of(midnight(day, ZONE)),
                    month_us=us_of(midnight(day.replace(day=1), ZONE)),
                    energy=habits.energy,
                    ml=round(used * 1_000),
                    tank_ml=TANK,
                    odometer_hm=hm if habits.odometer else None,
                    full=habits.full,
                    merchant=code,
                )
            )
            used = 0.0
    return found


def member(code: str, habits: Habits, days: int = 730) -> Member:
    books = Books(papers(code, habits, days), Track(), RULES)
    return Member(code, books, habits.energy, ((0, habits.kind),) if habits.kind else ())


def number_of(month: date) -> int:
    return MONTHS.index(month)
