"""The fixes that count, with all that stops and trips are made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from fleet.track.fixes import UNKNOWN_ACC, Bools, Bytes, Floats, Int64s
from fleet.track.ground import Ground, ground, whole_mm
from fleet.track.judge import Judged
from fleet.track.outliers import Legs, legs_of
from fleet.track.rules import SECOND_US, Rules

_STRAIGHT: Final = 0.8
_BEND_US: Final = 120 * SECOND_US
_OFF: Final = 0


@dataclass(frozen=True, slots=True)
class Series:
    """The fixes that count, of strictly ascending time; one entry per fix, or per leg.

    Attributes:
        t_us: times, µs UTC.
        where: places.
        speed: km/h as sent; NaN: unknown.
        acc: 1 on, 0 off, -1 unknown.
        driving: it was driving at this fix, whatever its neighbours' distance.
        odometer_mm: of the terminal; -1: unknown.
        terminal: id.
        legs: to the next fix.
        leg_mm: lengths of the legs.
        unseen_us: time that a leg's way takes, where the rest of it was a stop; -1: elsewhere.
        stand_first: where there is such a stop, whether it came before the way.
    """

    t_us: Int64s
    where: Ground
    speed: Floats
    acc: Bytes
    driving: Bools
    odometer_mm: Int64s
    terminal: Int64s
    legs: Legs
    leg_mm: Int64s
    unseen_us: Int64s
    stand_first: Bools

    def __len__(self) -> int:
        return len(self.t_us)


def series_of(judged: Judged, rules: Rules) -> Series:
    """Return the series of the fixes that count."""
    kept = judged.fixes.take(judged.counting)
    where = ground(kept.lat, kept.lon)
    legs = legs_of(kept.t_us, where, rules)
    mm = whole_mm(legs.metres)
    sensible = (kept.speed >= 0) & (kept.speed <= rules.fastest_kmh)
    speed = np.where(sensible, kept.speed, np.nan)
    driving = _driving(kept.t_us, where, speed, kept.acc, legs, rules)
    drive_us = mm * 3_600 // rules.gap_kmh
    # Seen with the ignition off, and next where it was: it stood there all the time.
    left = (kept.acc[:-1] == _OFF) & (legs.metres <= rules.radius_m)
    stands = np.diff(kept.t_us) - drive_us >= np.where(left, rules.off_us, rules.unexplained_us)
    # 0 and less is how terminals write that they have none.
    known = kept.odometer_km > 0
    return Series(
        kept.t_us,
        where,
        speed,
        kept.acc,
        driving,
        np.where(known, np.rint(np.where(known, kept.odometer_km, 0.0) * 1e6), -1).astype(np.int64),
        kept.terminal,
        legs,
        mm,
        np.where(stands, drive_us, -1),
        ~(driving[:-1] & ~driving[1:]),
    )


def _driving(  # noqa: PLR0913, PLR0917 - the columns it looks at
    t_us: Int64s, where: Ground, speed: Floats, acc: Bytes, legs: Legs, rules: Rules
) -> Bools:
    """Tell driving from drift: by the speed that was sent, else by going straight on.

    A receiver under a roof may report a speed: with the ignition off it is not believed.
    """
    found = speed >= rules.driving_kmh
    silent = np.isnan(speed)
    if len(t_us) > 2 and silent.any():
        across = where.metres(slice(None, -2), slice(2, None))
        elapsed = t_us[2:] - t_us[:-2]
        straight = across >= _STRAIGHT * (legs.metres[:-1] + legs.metres[1:])
        fast = across >= rules.driving_kmh / 3.6 * (elapsed / SECOND_US)
        far = across >= rules.radius_m
        found[1:-1] |= silent[1:-1] & straight & fast & far & (elapsed <= _BEND_US)
    result: Bools = found & (acc != _OFF)
    return result


def standing_us(acc: Bytes, rules: Rules) -> Int64s:
    """Return how long a vehicle must stand for a stop, by what its ignition says."""
    return np.where(
        acc == _OFF,
        rules.off_us,
        np.where(acc == UNKNOWN_ACC, rules.unknown_us, rules.on_us),
    ).astype(np.int64)
