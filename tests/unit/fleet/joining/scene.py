"""A small town with a few cars: April to learn from, May to be compared."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from fleet.joining.check import verdicts
from fleet.joining.model import (
    Filling,
    Order,
    Records,
    Repair,
    Sight,
    Stops,
    Track,
    Trips,
    Vehicle,
)
from fleet.joining.rules import Rules
from fleet.joining.verdict import Check, Verdict
from storage.times import us_of

ZONE: Final = ZoneInfo("Asia/Shanghai")
RULES: Final = Rules()
APRIL: Final = date(2026, 4, 1)
MAY: Final = date(2026, 5, 1)
DAYS: Final = 61
KM: Final = 1_000_000
MINUTE: Final = 60_000_000

PLACES: Final = {
    "yard": (30.600, 104.000),
    "office": (30.580, 104.030),
    "A": (30.627, 104.000),
    "B": (30.600, 104.063),
    "garage": (30.650, 104.050),
    "far": (30.900, 104.300),
}
Itinerary = list[tuple[str, str, str]]
USUAL: Final[Itinerary] = [
    ("yard", "00:00", "09:00"),
    ("office", "10:00", "16:00"),
    ("yard", "16:30", "24:00"),
]
AT_A: Final[Itinerary] = [
    ("yard", "00:00", "09:00"),
    ("A", "09:20", "09:26"),
    ("office", "10:00", "16:00"),
    ("yard", "16:30", "24:00"),
]
AT_B: Final[Itinerary] = [
    ("yard", "00:00", "09:00"),
    ("B", "09:20", "09:26"),
    ("office", "10:00", "16:00"),
    ("yard", "16:30", "24:00"),
]
HOME: Final[Itinerary] = [("yard", "00:00", "24:00")]
MENDED: Final[Itinerary] = [
    ("yard", "00:00", "09:00"),
    ("garage", "09:20", "12:00"),
    ("yard", "12:30", "24:00"),
]


def us(day: date, clock: str = "00:00") -> int:
    hours, minutes = map(int, clock.split(":"))
    begin = datetime(day.year, day.month, day.day, tzinfo=ZONE)
    return us_of(begin) + (hours * 60 + minutes) * MINUTE


def in_may(number: int) -> date:
    return MAY + timedelta(days=number - 1)


@dataclass
class Car:
    """A car with its days; what is not said is as usual.

    Attributes:
        code: its name.
        days: of the year → where it was.
        silent: spans of time of which the terminal tells nothing.
        odometer: the terminal has one.
    """

    code: str
    days: dict[date, Itinerary]
    silent: tuple[tuple[int, int], ...] = ()
    odometer: bool = False
    sensitive: bool = False

    def track(self) -> Track:
        stays = _joined(
            (PLACES[where], us(day, begin), us(day, end))
            for day in (APRIL + timedelta(days=n) for n in range(DAYS))
            for where, begin, end in self.days.get(day, USUAL)
        )
        ways = [
            (one[2], following[1], _mm(one[0], following[0])) for one, following in pairwise(stays)
        ]
        return Track(
            Stops(
                _whole(one[1] for one in stays),
                _whole(one[2] for one in stays),
                np.array([np.nan if self.sensitive else one[0][0] for one in stays]),
                np.array([np.nan if self.sensitive else one[0][1] for one in stays]),
                _whole(0 if self.odometer else -1 for _ in stays),
                _whole(self._silence_s(one[1], one[2]) for one in stays),
            ),
            Trips(
                _whole(one[0] for one in ways),
                _whole(one[1] for one in ways),
                _whole(one[2] for one in ways),
                _whole(0 for _ in ways),
                _whole(one[2] if self.odometer else -1 for one in ways),
                _whole(0 for _ in ways),
            ),
            self._sight(stays),
        )

    def _silence_s(self, begin: int, end: int) -> int:
        if self.odometer:
            return 0
        inside = [min(end, to) - max(begin, since) for since, to in self.silent]
        return max([600, *(one // 1_000_000 for one in inside)])

    def _sight(self, stays: list[tuple[tuple[float, float], int, int]]) -> Sight:
        rows = [(at, *where) for where, begin, end in stays for at in range(begin, end, 5 * MINUTE)]
        for one, following in pairwise(stays):
            took = following[1] - one[2]
            for at in range(0, took, MINUTE // 2):
                share = at / took
                lat, lon = (a + share * (b - a) for a, b in zip(one[0], following[0], strict=True))
                rows.append((one[2] + at, lat, lon))
        rows = [row for row in sorted(rows) if not any(a <= row[0] <= b for a, b in self.silent)]
        t, lats, lons = zip(*rows, strict=True)
        return Sight(np.array(t, np.int64), np.array(lats), np.array(lons))


def filling(
    number: int,
    day: date,
    clock: str,
    merchant: str = "第一加油站",
    **more: Any,  # noqa: ANN401
) -> Filling:
    known: dict[str, Any] = {
        "timed": True,
        "energy": "petrol",
        "ml": 30_000,
        "tank_ml": 60_000,
        "merchant": merchant,
        **more,
    }
    month = us(day.replace(day=1))
    at = us(day, clock if known["timed"] else "12:00")
    return Filling(number=number, at_us=at, day_us=us(day), month_us=month, **known)


def repair(number: int, day: date, merchant: str = "大众维修厂") -> Repair:
    return Repair(number, us(day, "12:00"), us(day), us(day.replace(day=1)), merchant)


def order(number: int, day: date, out: str | None, back: str | None, **more: Any) -> Order:  # noqa: ANN401
    left, came = (None if clock is None else us(day, clock) for clock in (out, back))
    return Order(number, f"派{number}", us(day), left, came, **more)


@functools.cache
def learned() -> dict[str, Vehicle]:
    """Four cars that filled at A and B and were at the garage in April, and kept to it in May."""
    cars = {}
    for n in range(4):
        days = {}
        papers = []
        for k in range(3):
            for side, (name, stop) in enumerate((("第一加油站", AT_A), ("第二加油站", AT_B))):
                day = APRIL + timedelta(days=2 + n + 8 * k + 4 * side)
                days[day] = stop
                papers.append(filling(1000 * (n + 1) + 10 * k + side, day, "09:27", name))
        mended = APRIL + timedelta(days=20 + n % 3)
        days[mended] = MENDED
        cars[f"c{n}"] = Vehicle(
            f"c{n}",
            fillings=tuple(papers),
            repairs=(repair(1000 * (n + 1) + 500, mended),),
            track=Car(f"c{n}", days).track(),
        )
    return cars


def subject(car: Car, *papers: Filling | Repair | Order, others: bool = True) -> Records:
    """A car with papers among cars that teach where stations are."""
    mine = Vehicle(
        car.code,
        car.sensitive,
        tuple(one for one in papers if isinstance(one, Filling)),
        tuple(one for one in papers if isinstance(one, Repair)),
        tuple(one for one in papers if isinstance(one, Order)),
        car.track(),
    )
    return Records({**(learned() if others else {}), car.code: mine})


def judged(records: Records, check: Check, number: int, rules: Rules = RULES) -> Verdict:
    """The verdict of one comparison of one paper."""
    found = verdicts(records, us(APRIL), us(APRIL) + 80 * 86_400 * 1_000_000, rules, checks={check})
    (one,) = (one for one in found if one.number == number)
    return one


def without_sight(track: Track) -> Track:
    return replace(track, sight=Track().sight)


def _joined(stays: Any) -> list[tuple[tuple[float, float], int, int]]:  # noqa: ANN401
    found: list[tuple[tuple[float, float], int, int]] = []
    for where, begin, end in stays:
        if found and found[-1][0] == where and found[-1][2] == begin:
            found[-1] = where, found[-1][1], end
        else:
            found.append((where, begin, end))
    return found


def _mm(one: tuple[float, float], other: tuple[float, float]) -> int:
    north, east = (one[0] - other[0]) * 111_000, (one[1] - other[1]) * 96_000
    return int(1_300 * (north * north + east * east) ** 0.5)


def _whole(values: Any) -> Any:  # noqa: ANN401
    return np.fromiter(values, np.int64)
