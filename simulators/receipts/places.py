"""Which of the places where real vehicles stood are taken for stations, garages and yards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from simulators import almanac
from simulators.models.route import Point
from simulators.receipts.recording import Stood
from simulators.receipts.region import Floats
from simulators.receipts.road import Lap

_AT_M: Final = 100.0
_APART_M: Final = 300.0
_RARE_M: Final = 250.0
_HOME_SHARE: Final = 0.05
_LIVE_THERE: Final = 10
"""Of so many that stand at a station one may live beside it: where many taxis are, one does."""
_PUMP_S: Final = (180.0, 1_200.0)
_MEND_S: Final = (1_500.0, 8 * 3_600.0)
_OPEN_H: Final = (7, 20)
_STOPS: Final = 2
"""So often each of two vehicles at least stands, in a lap, at what is taken for a station."""


def fits_pump(stay: Stood) -> bool:
    """Tell whether a stay can be a filling by how long it is."""
    return _PUMP_S[0] <= stay.seconds <= _PUMP_S[1]


def near(at: Point, stay: Stood) -> bool:
    """Tell whether a stay is at a place."""
    return bool(np.hypot(stay.at[0] - at[0], stay.at[1] - at[1]) <= _AT_M)


def stations(laps: Sequence[Lap]) -> list[Point]:
    """Return places where vehicles often stand as long as a filling takes, and hardly one lives.

    Those most used come first; none are nearer to each other than 300 m.
    """
    stands = [(lap.code, stay) for lap in laps for stay in lap.stood if fits_pump(stay)]
    where = _where(stay for _, stay in stands)
    here = [np.flatnonzero(_far(where, at) <= _AT_M) for at in where]
    counts = [len(found) for found in here]
    homes = _Homes(laps)
    chosen: list[Point] = []
    for index in sorted(range(len(stands)), key=lambda index: (-counts[index], index)):
        each = Counter(stands[number][0] for number in here[index])
        middle = _median(where[here[index]])
        apart = all(np.hypot(middle[0] - x, middle[1] - y) >= _APART_M for x, y in chosen)
        if not apart:
            continue
        living = homes.at(middle)
        users = {code for code, count in each.items() if count >= _STOPS}
        if len(users - living) >= 2 and len(living) * _LIVE_THERE <= len(users):
            chosen.append(middle)
    return chosen


def garages(laps: Sequence[Lap]) -> list[Point]:
    """Return places where two vehicles or more stand by day for long, each on one day of its lap.

    A place that one alone knows teaches nobody where the garage is.
    """
    rare = [(lap.code, stay) for lap in laps for stay in _rare(lap)]
    where = _where(stay for _, stay in rare)
    found: list[Point] = []
    for at in where:
        here = {rare[index][0] for index in np.flatnonzero(_far(where, at) <= _AT_M)}
        apart = all(np.hypot(at[0] - x, at[1] - y) >= _APART_M for x, y in found)
        if len(here) >= 2 and apart:
            found.append((float(at[0]), float(at[1])))
    return found


def _rare(lap: Lap) -> list[Stood]:
    where = _where(lap.stood)
    days = [_day(stay) for stay in lap.stood]
    return [
        stay
        for stay in lap.stood
        if fits_garage(stay)
        and len({days[n] for n in np.flatnonzero(_far(where, stay.at) <= _RARE_M)}) == 1
    ]


def fits_garage(stay: Stood) -> bool:
    """Tell whether a stay can be one at a garage, by how long it is and when."""
    hours = _hour(stay.begin_s), _hour(stay.end_s)
    by_day = _OPEN_H[0] <= hours[0] < hours[1] <= _OPEN_H[1]
    return by_day and _MEND_S[0] <= stay.seconds <= _MEND_S[1]


def yard(lap: Lap) -> Point:
    """Return where a vehicle stands for the longest time."""
    where = _where(lap.stood)
    seconds = np.array([stay.seconds for stay in lap.stood])
    stood = [float(seconds[_far(where, at) <= _AT_M].sum()) for at in where]
    return lap.stood[int(np.argmax(stood))].at


class _Homes:
    """How much of its standing time each vehicle spends where."""

    def __init__(self, laps: Iterable[Lap]) -> None:
        self._of = [
            (lap.code, _where(lap.stood), np.array([stay.seconds for stay in lap.stood]))
            for lap in laps
        ]

    def at(self, at: Point) -> set[str]:
        """Return which vehicles live at a place."""
        return {
            code
            for code, where, seconds in self._of
            if seconds[_far(where, at) <= 2 * _AT_M].sum() > _HOME_SHARE * seconds.sum()
        }


def _where(stays: Iterable[Stood]) -> Floats:
    return np.array([stay.at for stay in stays], np.float64).reshape(-1, 2)


def _far(where: Floats, at: Sequence[float] | Floats) -> Floats:
    return np.hypot(where[:, 0] - at[0], where[:, 1] - at[1])


def _median(where: Floats) -> Point:
    return float(np.median(where[:, 0])), float(np.median(where[:, 1]))


def _day(stay: Stood) -> int:
    return almanac.day_of(int(stay.begin_s) * 1_000_000)


def _hour(t_s: float) -> float:
    day = almanac.day_of(int(t_s) * 1_000_000)
    return (t_s - almanac.start_of(day) / 1e6) / 3_600.0
