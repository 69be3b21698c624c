"""Months of history in seconds, in the same numbers a live run shows.

The file is a NumPy ``.npz`` archive of plain arrays:

========================  =========  ==========================================================
``series_device``         text       code of the device of each series
``series_point``          text       name of the point in the profile
``series``                int32      which series a reading belongs to: index into the two above
``ts``                    int64      quarter hour, µs since the Unix epoch, UTC
``ticks``                 int64      the integer in the register (for float registers 0)
``value``                 float64    the value in the profile's unit
``terminal``              text       code of each terminal
``position_terminal``     int32      whose position it is: index into ``terminal``
``position_ts``           int64      µs since the Unix epoch, UTC
``lat lon speed course    float64    degrees, km/h, degrees from north,
altitude odometer``                  m, km
``satellites``            int64
``acc``                   bool       ignition
========================  =========  ==========================================================

Readings are sorted by (series, ts), positions by (terminal, ts).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simulators import almanac, plant
from simulators.almanac import QUARTER_US, QUARTERS
from simulators.modbus import words
from simulators.modbus.profile import Point
from simulators.models.counter import BASE_PER_UNIT
from simulators.models.equipment import Switched
from simulators.models.vehicle import Fixes
from simulators.plant import Profiles
from simulators.scenario import Scenario

_MEASURED: Final = ("lat", "lon", "speed", "course", "altitude", "odometer", "satellites", "acc")
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Series:
    """One point of one device over the whole period."""

    device: str
    point: str
    ticks: NDArray[np.int64]
    value: NDArray[np.float64]


def write_history(plan: Scenario, profiles: Profiles, span: range, path: Path) -> tuple[int, int]:
    """Write every quarter-hour reading and every position of a span of local days.

    Args:
        plan: the scenario.
        profiles: by code.
        span: local days, as ``almanac.day_of`` counts them; not empty.
        path: the file; it is uncompressed, so that a million rows take a second.

    Returns:
        Numbers of readings and of positions.
    """
    series = [*counters(plan, profiles, span), *courses(plan, profiles, span)]
    arrays = _readings(series, span) | _positions(plan, span)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    return len(arrays["ts"]), len(arrays["position_ts"])


def read_history(path: Path) -> Mapping[str, NDArray[Any]]:
    """Return the arrays of a history file."""
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def counters(plan: Scenario, profiles: Profiles, span: range) -> Iterator[Series]:
    """Yield every counter of every device at each quarter hour of a span of local days."""
    for device in plan.devices:
        model = plant.model_of(plan, device)
        points = {p.name: p for p in profiles[device.profile].points}
        for name, counter in model.counters.items():
            base = counter.at_quarters(span.start, len(span))
            yield Series(device.code, name, *_register(points[name], base))


def courses(plan: Scenario, profiles: Profiles, span: range) -> Iterator[Series]:
    """Yield every point that changes at quarter hours only, at each of them."""
    days = np.arange(span.start, span.stop, dtype=np.int64)
    for device in plan.devices:
        model = plant.model_of(plan, device)
        if not isinstance(model, Switched):
            continue
        points = {p.name: p for p in profiles[device.profile].points}
        for name, course in model.courses(days).items():
            scale = points[name].scale
            ticks = np.rint(course.ravel() * scale.denominator / scale.numerator).astype(np.int64)
            value = ticks * scale.numerator / scale.denominator
            yield Series(device.code, name, ticks, value)


def _register(
    point: Point, base: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    per_unit = BASE_PER_UNIT[point.unit]
    if point.type in ("f32", "f64"):
        raw = [words.raw_of_counter(point, int(b), per_unit) for b in base]
        value = np.array(raw) * point.scale.numerator / point.scale.denominator
        return np.zeros(len(base), np.int64), value
    n, d = point.scale.numerator, point.scale.denominator
    ticks = base * d // (n * per_unit) % (words.highest(point) + 1)
    return ticks, ticks * n / d


def _readings(series: list[Series], span: range) -> Arrays:
    rows = len(span) * QUARTERS
    ts = almanac.start_of(span.start) + np.arange(rows, dtype=np.int64) * QUARTER_US
    return {
        "series_device": np.array([s.device for s in series]),
        "series_point": np.array([s.point for s in series]),
        "series": np.repeat(np.arange(len(series), dtype=np.int32), rows),
        "ts": np.tile(ts, len(series)),
        "ticks": np.concatenate([s.ticks for s in series]),
        "value": np.concatenate([s.value for s in series]),
    }


def _positions(plan: Scenario, span: range) -> Arrays:
    begin, end = almanac.start_of(span.start), almanac.start_of(span.stop)
    fixes = [plant.schedule_of(plan, v).table(begin - 1, end - 1) for v in plan.vehicles]
    whose = [np.full(len(f.t_us), n, np.int32) for n, f in enumerate(fixes)]
    arrays: Arrays = {
        "terminal": np.array([v.terminal for v in plan.vehicles]),
        "position_terminal": _joined(whose, np.int32),
        "position_ts": _joined([f.t_us for f in fixes], np.int64),
    }
    for name in _MEASURED:
        arrays[name] = _column(fixes, name)
    return arrays


def _column(fixes: list[Fixes], name: str) -> NDArray[Any]:
    return np.concatenate([getattr(f, name) for f in fixes]) if fixes else np.zeros(0)


def _joined(parts: list[NDArray[Any]], kind: type) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0, kind)
