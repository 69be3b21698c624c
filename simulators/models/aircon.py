"""An air conditioner in a room with thermal inertia.

The room is followed in quarter hours from noon of the day before: an inertia of a few hours has
then forgotten where it began, and every day stays a pure function of its date.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators import almanac, noise
from simulators.almanac import QUARTER_US, QUARTERS, ZONE_US, Days
from simulators.models.counter import Counter

COOL: Final = 1
HEAT: Final = 4
_AUTO: Final = 0
_WARM_UP: Final = QUARTERS // 2
_LOSS_PER_QUARTER: Final = 0.08  # share of the difference to outdoors, a time constant of 3 h
_DEGREES_PER_QUARTER: Final = 2.0  # what the unit does at full power
_STANDBY_W: Final = 6.0
_GAIN: Final = 2.5  # people and computers, ℃


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit and the habits of those who use it.

    Attributes:
        rated_w: electric power at full load.
        cool_c: set point in summer, ℃.
        heat_c: set point in winter, ℃.
        forget: chance that it runs through the night after a worked day.
    """

    rated_w: float
    cool_c: float
    heat_c: float
    forget: float


@dataclass(frozen=True, slots=True)
class Course:
    """What a unit did, by (day, quarter hour); ``room_c`` has one column more, the day's end."""

    on: NDArray[np.bool_]
    mode: NDArray[np.int64]
    room_c: NDArray[np.float64]
    power_w: NDArray[np.float64]


def follow(unit: Unit, city: int, seed: int, days: Days) -> Course:
    """Compute the course of whole local days."""
    modes = _season(city, days)
    warm_up = slice(QUARTERS - _WARM_UP, None)
    outdoor = np.hstack((almanac.outdoor(city, days - 1)[:, warm_up], almanac.outdoor(city, days)))
    on_before = _running(unit, city, seed, days - 1)[:, warm_up]
    on = np.hstack((on_before, _running(unit, city, seed, days)))
    mode_before = np.repeat(_season(city, days - 1)[:, None], _WARM_UP, axis=1)
    mode = np.hstack((mode_before, np.repeat(modes[:, None], QUARTERS, axis=1)))
    room = np.empty((len(days), outdoor.shape[1] + 1))
    load = np.empty(outdoor.shape)
    room[:, 0] = 0.5 * outdoor[:, 0] + 11.0
    for q in range(outdoor.shape[1]):
        gain = np.where(on[:, q], _GAIN, 0.5)
        free = room[:, q] + (outdoor[:, q] + gain - room[:, q]) * _LOSS_PER_QUARTER
        wanted = np.where(mode[:, q] == COOL, free - unit.cool_c, unit.heat_c - free)
        load[:, q] = np.where(on[:, q], np.clip(wanted / _DEGREES_PER_QUARTER, 0.0, 1.0), 0.0)
        change = load[:, q] * _DEGREES_PER_QUARTER
        room[:, q + 1] = free + np.where(mode[:, q] == COOL, -change, change)
    power = _STANDBY_W + np.where(on, (0.12 + 0.88 * load) * unit.rated_w, 0.0)
    return Course(on[:, _WARM_UP:], modes, room[:, _WARM_UP:], power[:, _WARM_UP:])


class AirConditioner:
    """The points of one unit."""

    def __init__(self, unit: Unit, city: int, seed: int, since_day: int) -> None:
        self._unit, self._city = unit, city
        self._seed = noise.derive(seed, "habit")
        start = noise.derive(seed, "start") % 3_000 * 1_000_000
        self._energy = Counter(self._quanta, since_day, start, seed)
        self.counters = {"energy": self._energy}
        self._kept: tuple[int, Course] | None = None

    def values(self, t_us: int) -> dict[str, float]:
        """Return states, temperatures in ℃ and power in W."""
        day = almanac.day_of(t_us)
        if self._kept is None or self._kept[0] != day:
            grid = np.array([day], dtype=np.int64)
            self._kept = day, follow(self._unit, self._city, self._seed, grid)
        course = self._kept[1]
        quarter, into = divmod((t_us + ZONE_US) % almanac.DAY_US, QUARTER_US)
        share = into / QUARTER_US
        room = course.room_c[0]
        on = bool(course.on[0, quarter])
        mode = int(course.mode[0])
        return {
            "run": float(on),
            "mode": float(mode),
            "set_point": self._unit.heat_c if mode == HEAT else self._unit.cool_c,
            "room_temperature": float(room[quarter] * (1.0 - share) + room[quarter + 1] * share),
            "fan": float(2 if on else 0),
            "fault": 0.0,
            "power": self._energy.rate(t_us) / 1e3,
        }

    def courses(self, days: Days) -> dict[str, NDArray[np.float64]]:
        """Return the points that change at quarter hours only: by (day, quarter hour)."""
        course = follow(self._unit, self._city, self._seed, days)
        mode = np.repeat(course.mode[:, None], QUARTERS, axis=1)
        set_point = np.where(mode == HEAT, self._unit.heat_c, self._unit.cool_c)
        return {"run": course.on.astype(float), "mode": mode.astype(float), "set_point": set_point}

    def _quanta(self, days: Days) -> NDArray[np.int64]:
        course = follow(self._unit, self._city, self._seed, days)
        return np.rint(course.power_w * 250.0).astype(np.int64)


def _season(city: int, days: Days) -> NDArray[np.int64]:
    mean = almanac.outdoor(city, days).mean(axis=1)
    return np.select([mean > 23.0, mean < 12.0], [COOL, HEAT], _AUTO)


def _running(unit: Unit, city: int, seed: int, days: Days) -> NDArray[np.bool_]:
    """Whether it runs: working hours in season, and the nights it was forgotten."""
    quarters = np.arange(QUARTERS)
    arrive = 32 + (noise.uniform(seed, days * 4) * 6).astype(np.int64)[:, None]
    leave = 70 + (noise.uniform(seed, days * 4 + 1) * 8).astype(np.int64)[:, None]
    used = _used(city, days)[:, None]
    working = used & (quarters >= arrive) & (quarters < leave)
    evening = (_forgotten(unit, city, seed, days)[:, None]) & (quarters >= leave)
    morning = (_forgotten(unit, city, seed, days - 1)[:, None]) & (quarters < 32)
    running: NDArray[np.bool_] = working | evening | morning
    return running


def _used(city: int, days: Days) -> NDArray[np.bool_]:
    used: NDArray[np.bool_] = almanac.workdays(days) & (_season(city, days) != _AUTO)
    return used


def _forgotten(unit: Unit, city: int, seed: int, days: Days) -> NDArray[np.bool_]:
    return _used(city, days) & (noise.uniform(seed, days * 4 + 2) < unit.forget)
