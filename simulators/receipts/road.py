"""Recordings driven again and again: a few weeks become months, for papers want a history.

One vehicle for a recording, not several: two that drive the same way would confirm each other. No
chance is in it: what is drawn from a seed is in :mod:`simulators.receipts.real`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from simulators import almanac
from simulators.receipts.recording import (
    Recording,
    Stood,
    believable,
    in_beijing_time,
    metres_from,
    middle_of,
    stays,
)
from simulators.receipts.region import Floats
from simulators.receipts.terminal import Sent

LAPS: Final = 6
"""How often a recording is driven: a place that is visited once in each is still a rare one."""
_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Lap:
    """A recording as its vehicle drives it; each lap is like the first.

    Attributes:
        code: of the vehicle.
        t, x, y: what is taken as true of the first lap: s UTC; east and north, m.
        stood: where it stands in it; indices of these.
        sent: all fixes of all laps.
        days: local days of the first lap on which it was seen.
        wild: fixes of the first lap that are not taken as true.
        again: lines of its file of a moment that another line had told already.
    """

    code: str
    t: Floats
    x: Floats
    y: Floats
    stood: tuple[Stood, ...]
    sent: Sent
    days: int
    wild: int
    again: int


@dataclass(frozen=True, slots=True)
class Road:
    """What all vehicles drive.

    Attributes:
        first_day: local day since 1970.
        lap_days: of one lap.
        vehicles: each with its lap.
        never_stood: names of recordings without a stay of three minutes: no vehicle to fill.
    """

    first_day: int
    lap_days: int
    vehicles: tuple[Lap, ...]
    never_stood: tuple[str, ...] = ()

    @property
    def lap_s(self) -> float:
        """How long a lap takes."""
        return float(self.lap_days * _DAY)


def road(recordings: Sequence[Recording]) -> Road:
    """Lay recordings end to end.

    Args:
        recordings: one or more.
    """
    shifted = in_beijing_time(recordings)
    days = [almanac.day_of(int(t) * 1_000_000) for one in shifted for t in (one.t[0], one.t[-1])]
    first, lap_days = min(days), max(days) - min(days) + 1
    middle = middle_of(shifted)
    laps = [_lap(f"R{n:03d}", one, (first, lap_days), middle) for n, one in enumerate(shifted)]
    never = [one.name for one, lap in zip(shifted, laps, strict=True) if not lap.stood]
    return Road(first, lap_days, tuple(lap for lap in laps if lap.stood), tuple(never))


def _lap(code: str, one: Recording, days: tuple[int, int], middle: tuple[float, float]) -> Lap:
    lap_s = float(days[1] * _DAY)
    x, y = metres_from(middle, one.lat, one.lon)
    true = believable(one.t, x, y)
    t, x, y = one.t[true], x[true], y[true]
    sent = _sent(np.concatenate([one.t + n * lap_s for n in range(LAPS)]), one)
    seen = len({almanac.day_of(at) for at in (one.t * 1e6).astype(np.int64).tolist()})
    wild = int((~true).sum())
    return Lap(code, t, x, y, tuple(stays(t, x, y)), sent, seen, wild, one.again)


def _sent(t: Floats, one: Recording) -> Sent:
    """Return the fixes of all laps; speed, odometer and ignition were not recorded."""
    unknown = np.full(len(t), np.nan)
    return Sent(
        (t * 1e6).astype(np.int64), np.tile(one.lat, LAPS), np.tile(one.lon, LAPS), unknown,
        unknown, np.full(len(t), -1, np.int8),
    )  # fmt: skip
