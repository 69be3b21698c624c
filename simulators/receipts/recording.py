"""Real tracks from files: what was recorded, cleaned for what is taken as true, and its stays.

Nothing of this is made up. Cabspotting has a file a taxi, ``lat lon occupied epoch`` a line;
T-Drive ``id,YYYY-MM-DD HH:MM:SS,lon,lat``, in Beijing's time.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from simulators.models.route import M_PER_DEGREE
from simulators.receipts.region import Floats

_BEIJING: Final = ZoneInfo("Asia/Shanghai")
_BEIJING_H: Final = 8
_FASTEST_M_S: Final = 45.0
_STAND_M: Final = 100.0
_STAND_S: Final = 180.0


@dataclass(frozen=True, slots=True)
class Recording:
    """Fixes of one vehicle, ascending, no two at once.

    Attributes:
        name: of its file.
        t: seconds since 1970, UTC.
        lat, lon: degrees, WGS-84.
        again: lines of a moment that another line had told already.
    """

    name: str
    t: Floats
    lat: Floats
    lon: Floats
    again: int = 0


@dataclass(frozen=True, slots=True)
class Stood:
    """A vehicle in one place for three minutes or more.

    Attributes:
        first, last: fixes.
        begin_s, end_s: their times.
        at: east and north, m.
    """

    first: int
    last: int
    begin_s: float
    end_s: float
    at: tuple[float, float]

    @property
    def seconds(self) -> float:
        """How long."""
        return self.end_s - self.begin_s


def read_all(directory: Path) -> list[Recording]:
    """Read every file ``*.txt`` of a directory and of those within.

    Raises:
        ValueError: there is none, or a line is not of one of the two formats.
    """
    paths = sorted(directory.rglob("*.txt"))
    if not paths:
        raise ValueError(f"no track (*.txt) in {directory}")
    return [read(path) for path in paths]


def read(path: Path) -> Recording:
    """Read the fixes of one vehicle; what says the same twice, or another thing at once, once.

    Raises:
        ValueError: a line is not of one of the two formats; with file and line.
    """
    found: dict[int, tuple[float, float]] = {}
    lines = path.read_text(encoding="ascii").splitlines()
    for number, line in enumerate(lines, 1):
        try:
            t, lat, lon = _fix(line)
        except ValueError as error:
            raise ValueError(
                f"{path}:{number}: {line[:60]!r} is neither 'lat lon occupied epoch' nor"
                f" 'id,YYYY-MM-DD HH:MM:SS,lon,lat' ({error})"
            ) from error
        found.setdefault(t, (lat, lon))
    if len(found) < 2:
        raise ValueError(f"{path}: fewer than two fixes")
    times = sorted(found)
    lat, lon = np.array([found[t] for t in times]).T
    return Recording(path.stem, np.array(times, np.float64), lat, lon, len(lines) - len(times))


def _fix(line: str) -> tuple[int, float, float]:
    t, lat, lon = _tdrive(line) if "," in line else _cabspotting(line)
    if not (abs(lat) <= 90.0 and abs(lon) <= 180.0):
        raise ValueError("no place on earth")
    return t, lat, lon


def _cabspotting(line: str) -> tuple[int, float, float]:
    lat, lon, _, epoch = line.split()
    return int(epoch), float(lat), float(lon)


def _tdrive(line: str) -> tuple[int, float, float]:
    _, at, lon, lat = line.split(",")
    when = datetime.fromisoformat(at).replace(tzinfo=_BEIJING)
    return int(when.timestamp()), float(lat), float(lon)


def in_beijing_time(recordings: Sequence[Recording]) -> list[Recording]:
    """Return tracks as if driven at the same hour of the day, by the sun, eight hours from UTC."""
    middle = float(np.median(np.concatenate([one.lon for one in recordings])))
    later = (round(middle / 15.0) - _BEIJING_H) * 3_600.0
    return [replace(one, t=one.t + later) for one in recordings]


def middle_of(recordings: Iterable[Recording]) -> tuple[float, float]:
    """Return the median place, degrees."""
    found = list(recordings)
    lat, lon = (np.concatenate([getattr(one, name) for one in found]) for name in ("lat", "lon"))
    return float(np.median(lat)), float(np.median(lon))


def metres_from(middle: tuple[float, float], lat: Floats, lon: Floats) -> tuple[Floats, Floats]:
    """Return east and north of a place, m."""
    per_lon = M_PER_DEGREE * math.cos(math.radians(middle[0]))
    return (lon - middle[1]) * per_lon, (lat - middle[0]) * M_PER_DEGREE


def believable(t: Floats, x: Floats, y: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which fixes can be true: those not too far both from the one before and behind."""
    pace = np.hypot(np.diff(x), np.diff(y)) / np.maximum(np.diff(t), 1.0)
    wild = pace > _FASTEST_M_S
    keep: np.ndarray[tuple[int], np.dtype[np.bool_]] = np.ones(len(t), np.bool_)
    keep[1:-1] = ~(wild[:-1] & wild[1:])
    return keep


def stays(t: Floats, x: Floats, y: Floats) -> list[Stood]:
    """Return where a vehicle stood: fixes within 100 m of the first for three minutes."""
    times, east, north = t.tolist(), x.tolist(), y.tolist()
    found, first = [], 0
    while first < len(times):
        last = first
        while (
            last + 1 < len(times)
            and math.hypot(east[last + 1] - east[first], north[last + 1] - north[first]) < _STAND_M
        ):
            last += 1
        if times[last] - times[first] >= _STAND_S:
            part = slice(first, last + 1)
            at = float(np.median(x[part])), float(np.median(y[part]))
            found.append(Stood(first, last, times[first], times[last], at))
        first = last + 1
    return found
