"""Drives to vary: a vehicle on a plain in metres, and what its terminal says of it."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Self
from zoneinfo import ZoneInfo

import numpy as np

from fleet.track.fixes import Fixes
from fleet.track.judge import Judged, judge
from fleet.track.rules import Rules
from fleet.trips.model import Kind, Share, Travelled
from fleet.trips.travel import travelled

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
ZONE = ZoneInfo("Asia/Shanghai")
RULES = Rules()
LAT, LON = 30.6, 104.0
NOON = int(datetime(2026, 6, 1, 4, tzinfo=UTC).timestamp()) * SECOND
"""2026-06-01 12:00 in the site's zone."""
_NORTH = 110_862.0
_EAST = 95_891.0


@dataclass(frozen=True, slots=True)
class Fix:
    """One fix; speed and odometer None, acc -1: unknown."""

    t_us: int
    lat: float
    lon: float
    speed: float | None = None
    odometer_km: float | None = None
    acc: int = -1
    terminal: int = 1
    hash: int = 0
    flags: int = 0
    received_us: int | None = None


def fixes_of(rows: list[Fix]) -> Fixes:
    """Return fixes as arrays, in the order given."""

    def number(value: float | None) -> float:
        return math.nan if value is None else value

    return Fixes(
        np.array([r.t_us for r in rows], np.int64),
        np.array([r.terminal for r in rows], np.int64),
        np.array([r.hash for r in rows], np.int64),
        np.array([r.lat for r in rows], np.float64),
        np.array([r.lon for r in rows], np.float64),
        np.array([number(r.speed) for r in rows], np.float64),
        np.array([number(r.odometer_km) for r in rows], np.float64),
        np.array([r.acc for r in rows], np.int8),
        np.array([r.flags for r in rows], np.int64),
        np.array(
            [r.t_us + SECOND if r.received_us is None else r.received_us for r in rows], np.int64
        ),
    )


class Drive:
    """Writes down what a vehicle does; every method begins where the last ended."""

    def __init__(
        self,
        start_us: int = NOON,
        *,
        every_s: int = 10,
        speeds: bool = True,
        acc: bool = True,
        noise_m: float = 0.0,
        odometer_km: float | None = None,
        terminal: int = 1,
        seed: int = 1,
    ) -> None:
        self.rows: list[Fix] = []
        self.now_us = start_us
        self.driven_m = 0.0
        self.x = self.y = 0.0
        self.every_s, self.speeds, self.acc = every_s, speeds, acc
        self.noise_m, self.odometer_km, self.terminal = noise_m, odometer_km, terminal
        self._random = random.Random(seed)

    def park(self, minutes: float, *, acc: int = 0, every_s: int | None = None) -> Self:
        """Stand; the terminal goes on."""
        step = (every_s or self.every_s) * SECOND
        if self.rows and self.rows[-1].t_us == self.now_us:
            self.now_us += step
        end = self.now_us + int(minutes * MINUTE)
        while self.now_us <= end:
            self.fix(0.0, acc)
            self.now_us += step
        return self

    def go(self, east_m: float, north_m: float = 0.0, *, kmh: float = 50.0) -> Self:
        """Drive straight on; a fix at every step, and one at the end."""
        way = math.hypot(east_m, north_m)
        step = kmh / 3.6 * self.every_s
        count = max(1, math.ceil(way / step))
        for _ in range(count):
            self.move(east_m / count, north_m / count)
            self.now_us += int(way / count / (kmh / 3.6) * SECOND)
            self.fix(kmh, 1)
        return self

    def move(self, east_m: float, north_m: float = 0.0) -> Self:
        """Be elsewhere, and say nothing."""
        self.x, self.y = self.x + east_m, self.y + north_m
        self.driven_m += math.hypot(east_m, north_m)
        return self

    def silent(self, minutes: float) -> Self:
        """Let time pass without a fix."""
        self.now_us += int(minutes * MINUTE)
        return self

    def fix(self, kmh: float = 0.0, acc: int = 0, **other: object) -> Self:
        """Send a fix from where the vehicle is."""
        x = self.x + self._random.gauss(0, self.noise_m) if self.noise_m else self.x
        y = self.y + self._random.gauss(0, self.noise_m) if self.noise_m else self.y
        shown = None
        if self.odometer_km is not None:
            shown = round(self.odometer_km + self.driven_m / 1000, 1)
        one = Fix(
            self.now_us,
            LAT + y / _NORTH,
            LON + x / _EAST,
            kmh if self.speeds else None,
            shown,
            acc if self.acc else -1,
            self.terminal,
            len(self.rows),
        )
        self.rows.append(replace(one, **other))  # type: ignore[arg-type]
        return self

    def judged(self, rules: Rules = RULES) -> Judged:
        """Return its fixes, judged."""
        return judge(fixes_of(self.rows).ordered(), rules)

    def travelled(self, rules: Rules = RULES) -> Travelled:
        """Return what it came to."""
        return travelled(self.judged(rules), rules, ZONE)


def made_of(rows: list[Fix], rules: Rules = RULES) -> Travelled:
    """Return what fixes come to, whatever their order."""
    return travelled(judge(fixes_of(rows).ordered(), rules), rules, ZONE)


def metres(made: Travelled) -> list[float]:
    """Return the distance of each trip."""
    return [(trip.distance_mm or 0) / 1000 for trip in made.trips]


def of_days(made: Travelled) -> dict[str, int]:
    """Return millimetres by day."""
    found: dict[str, int] = {}
    for share in made.shares:
        found[str(share.day)] = found.get(str(share.day), 0) + (share.distance_mm or 0)
    return found


def shares_of_kind(made: Travelled, kind: Kind) -> list[Share]:
    """Return the shares of trips, stops or the rest."""
    return [share for share in made.shares if share.kind is kind]
