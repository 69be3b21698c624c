"""A vehicle's days: trips from its yard and back, parking, an odometer that only rises.

A day is a pure function of its date. It begins and ends in the yard, so days join; its whole
motion is one table of knots, looked up for one instant or for a month of them alike.

The days are drawn from a repertoire, each moved by minutes of its own: so the odometer after years
takes as long to find as after a month, and no file need remember it.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators import almanac, noise
from simulators.almanac import DAY_US, ZONE_US
from simulators.models import route
from simulators.models.route import City, Point

Times = NDArray[np.int64]
_JITTER_M: Final = 2.5
_LATEST_RETURN_S: Final = 82_400.0
_LATER_S: Final = 3600.0
"""By how much a day at most is moved; the latest return then still is before midnight."""
_REPERTOIRE: Final = 24


@dataclass(frozen=True, slots=True)
class Habit:
    """How a vehicle is used.

    Attributes:
        first_s: earliest start, seconds after local midnight.
        last_s: latest start.
        outings: most outings a day.
        stay_min: shortest stay at a destination, minutes; the longest is five times that.
        pause_min: shortest pause in the yard, likewise.
        every_day: whether it also runs on days off.
    """

    first_s: float
    last_s: float
    outings: int
    stay_min: int
    pause_min: int
    every_day: bool


OFFICIAL: Final = Habit(8 * 3600.0, 17 * 3600.0, 4, 15, 12, every_day=False)
PATROL: Final = Habit(300.0, 84_000.0, 60, 2, 3, every_day=True)


@dataclass(frozen=True, slots=True)
class Track:
    """A day's motion as a table; every array has one entry per knot.

    Attributes:
        t: seconds after local midnight, before the day is moved.
        s: metres since midnight.
        v: m/s.
        a: m/s².
        acc: ignition on.
        corner_s: metres at which the way turns.
        x, y: street coordinates of those corners.
    """

    t: NDArray[np.float64]
    s: NDArray[np.float64]
    v: NDArray[np.float64]
    a: NDArray[np.float64]
    acc: NDArray[np.bool_]
    corner_s: NDArray[np.float64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fixes:
    """What a terminal measures, one entry per instant: degrees, km/h, km."""

    t_us: Times
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    speed: NDArray[np.float64]
    course: NDArray[np.float64]
    altitude: NDArray[np.float64]
    odometer: NDArray[np.float64]
    satellites: NDArray[np.int64]
    acc: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Motion:
    """Metres since midnight, m/s and ignition, one entry per instant."""

    travelled_m: NDArray[np.float64]
    speed: NDArray[np.float64]
    acc: NDArray[np.bool_]


class Vehicle:
    """One vehicle since a day."""

    def __init__(self, habit: Habit, city: City, seed: int, since_day: int) -> None:
        self._habit, self._city, self._seed, self._since = habit, city, seed, since_day
        self._yard = _somewhere(seed, "yard", 2500.0)
        self._odometer_m = [float(noise.derive(seed, "odometer") % 90_000_000)]
        self._tracks: dict[tuple[int, int], Track] = {}

    def at(self, t_us: Times) -> Fixes:
        """Return what the terminal measures at one or more instants (µs, UTC, ascending)."""
        days = (t_us + ZONE_US) // DAY_US
        parts = [self._on(int(day), t_us[days == day]) for day in np.unique(days)]
        if len(parts) == 1:
            return parts[0]
        names = Fixes.__dataclass_fields__
        return Fixes(**{n: np.concatenate([getattr(p, n) for p in parts]) for n in names})

    def _on(self, day: int, t_us: Times) -> Fixes:
        track = self._track(day, worked=bool(almanac.workdays(np.array([day]))[0]))
        later = _LATER_S * noise.chance(self._seed, "later", day)
        seconds = np.maximum((t_us - almanac.start_of(day)) / 1e6 - later, 0.0)
        knot = np.searchsorted(track.t, seconds, side="right") - 1
        dt = seconds - track.t[knot]
        speed = np.maximum(track.v[knot] + track.a[knot] * dt, 0.0)
        end = np.append(track.s[1:], track.s[-1])[knot]
        travelled = track.s[knot] + track.v[knot] * dt + 0.5 * track.a[knot] * dt * dt
        travelled = np.clip(travelled, track.s[knot], end)
        motion = _Motion(travelled, speed, track.acc[knot])
        return self._measure(t_us, track, motion, self._before(day))

    def _measure(self, t_us: Times, track: Track, motion: _Motion, before_m: float) -> Fixes:
        travelled = motion.travelled_m
        ticks = t_us // 1000
        jitter = [_JITTER_M * (2 * noise.uniform(self._seed + n, ticks) - 1) for n in (1, 2)]
        x = np.interp(travelled, track.corner_s, track.x) + jitter[0]
        y = np.interp(travelled, track.corner_s, track.y) + jitter[1]
        lat, lon = self._city.locate(x, y)
        return Fixes(
            t_us=t_us,
            lat=np.round(lat, 6),
            lon=np.round(lon, 6),
            speed=np.round(motion.speed * 3.6, 1),
            course=_courses(track)[np.searchsorted(track.corner_s[1:-1], travelled, side="right")],
            altitude=np.round(496.0 + x / 400.0, 1),
            odometer=np.round((before_m + travelled) / 1000.0, 2),
            satellites=7 + (8 * noise.uniform(self._seed + 3, ticks // 60_000)).astype(np.int64),
            acc=motion.acc,
        )

    def _track(self, day: int, *, worked: bool) -> Track:
        number = noise.derive(self._seed, "day", day) % _REPERTOIRE
        key = number, self._outings(day, number, worked=worked)
        found = self._tracks.get(key)
        if found is None:
            found = self._tracks[key] = plan(self._habit, self._yard, self._seed, *key)
        return found

    def _outings(self, day: int, number: int, *, worked: bool) -> int:
        if self._habit.every_day:
            return self._habit.outings
        if not worked:
            return int(noise.chance(self._seed, "weekend", day) < 0.08)
        return noise.derive(self._seed, "outings", number) % (self._habit.outings + 1)

    def _before(self, day: int) -> float:
        """Return the odometer at the beginning of a day, in metres."""
        totals = self._odometer_m
        if len(totals) <= day - self._since:
            missing = np.arange(self._since + len(totals) - 1, day, dtype=np.int64)
            worked = almanac.workdays(missing)
            for past, at_work in zip(missing.tolist(), worked.tolist(), strict=True):
                totals.append(totals[-1] + float(self._track(past, worked=at_work).s[-1]))
        return totals[max(0, day - self._since)]


def plan(habit: Habit, yard: Point, seed: int, number: int, outings: int) -> Track:
    """Lay out a day of the repertoire: there, a stay with the ignition off, and back.

    Args:
        habit: how the vehicle is used.
        yard: where it begins and ends.
        seed: of the vehicle.
        number: which day of its repertoire.
        outings: how many it makes, if they end before the night does.
    """
    own = noise.derive(seed, "plan", number)
    rows: list[tuple[float, float, float, float, bool]] = [(0.0, 0.0, 0.0, 0.0, False)]
    corners: list[tuple[float, Point]] = [(0.0, yard)]
    clock = habit.first_s
    for n in range(outings):
        away = _somewhere(noise.derive(own, n), "visit", 6000.0)
        stay = 60.0 * habit.stay_min * (1.0 + 4.0 * noise.chance(own, "stay", n))
        there = _trip(noise.derive(own, n, 1), yard, away)
        back = _trip(noise.derive(own, n, 2), away, yard)
        home = clock + there[0][-1].t + stay + back[0][-1].t
        if clock > habit.last_s or home > _LATEST_RETURN_S:
            break
        for start, trip in ((clock, there), (home - back[0][-1].t, back)):
            _append(rows, corners, start, trip)
        clock = home + 60.0 * habit.pause_min * (1.0 + 4.0 * noise.chance(own, "pause", n))
    return _table(rows, corners)


def _trip(seed: int, start: Point, end: Point) -> tuple[list[route.Knot], list[Point]]:
    corners = route.streets(seed, start, end)
    return route.drive(seed, corners), corners


def _append(
    rows: list[tuple[float, float, float, float, bool]],
    corners: list[tuple[float, Point]],
    start: float,
    trip: tuple[list[route.Knot], list[Point]],
) -> None:
    knots, way = trip
    base = corners[-1][0]
    rows.extend((start + k.t, base + k.s, k.v, k.a, True) for k in knots[:-1])
    rows.append((start + knots[-1].t, base + knots[-1].s, 0.0, 0.0, False))
    travelled = base
    for before, point in itertools.pairwise(way):
        travelled += abs(point[0] - before[0]) + abs(point[1] - before[1])
        corners.append((travelled, point))
    corners[-1] = (rows[-1][1], way[-1])


def _table(
    rows: list[tuple[float, float, float, float, bool]], corners: list[tuple[float, Point]]
) -> Track:
    t, s, v, a, acc = zip(*rows, strict=True)
    return Track(
        t=np.array(t),
        s=np.maximum.accumulate(np.array(s)),
        v=np.array(v),
        a=np.array(a),
        acc=np.array(acc),
        corner_s=np.array([c[0] for c in corners]),
        x=np.array([c[1][0] for c in corners]),
        y=np.array([c[1][1] for c in corners]),
    )


def _courses(track: Track) -> NDArray[np.float64]:
    """Course of each straight in degrees from north; one entry when the vehicle stays."""
    if len(track.x) == 1:
        return np.zeros(1)
    east, north = np.diff(track.x), np.diff(track.y)
    streets_turn = 17.0
    along = np.select([east > 0, east < 0, north < 0], [90.0, 270.0, 180.0], 0.0)
    courses: NDArray[np.float64] = (along - streets_turn) % 360.0
    return courses


def _somewhere(seed: int, what: str, within_m: float) -> Point:
    x = (2 * noise.chance(seed, what, "x") - 1) * within_m
    y = (2 * noise.chance(seed, what, "y") - 1) * within_m
    return x, y
