"""The way of a vehicle as fences look at it: fixes that count, and what is known between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from fleet.track.fixes import Bools, Bytes, Floats, Int64s
from fleet.track.ground import ground
from fleet.track.judge import Judged
from fleet.track.outliers import legs_of
from fleet.track.rules import SECOND_US, Rules

_UNMOVED_KM: Final = 0.15
"""A standing vehicle's odometer shows the same; the last digit may turn."""


@dataclass(frozen=True, slots=True)
class Silence:
    """What is believed of the time between two fixes.

    Attributes:
        gap_us: a leg that takes so long was not seen: nothing on its straight line is crossed.
        silent_us: after so long nothing is known of the time between, unless the vehicle slept.
        asleep_us: a vehicle that was left stays where it is believed to be for so long.
    """

    gap_us: int = 120 * SECOND_US
    silent_us: int = 1_800 * SECOND_US
    asleep_us: int = 12 * 3_600 * SECOND_US


@dataclass(frozen=True, slots=True)
class Track:
    """Fixes that count, of strictly ascending time; legs have one entry less.

    Attributes:
        t_us: times, µs UTC.
        lat, lon: degrees, WGS-84.
        gap: the leg was not seen.
        asleep: the leg was silent, and the vehicle is believed to have stayed where it was left.
        unknown: nothing is known of the time of the leg.
    """

    t_us: Int64s
    lat: Floats
    lon: Floats
    gap: Bools
    asleep: Bools
    unknown: Bools

    def __len__(self) -> int:
        return len(self.t_us)


def track_of(judged: Judged, rules: Rules, silence: Silence) -> Track:
    """Return the track of judged fixes."""
    kept = judged.fixes.take(judged.counting)
    legs = legs_of(kept.t_us, ground(kept.lat, kept.lon), rules)
    took = np.diff(kept.t_us)
    stayed = (
        (legs.metres <= rules.radius_m)
        & (took <= silence.asleep_us)
        & _left(kept.acc, kept.odometer_km, kept.terminal)
    )
    silent = took >= silence.silent_us
    asleep, unknown = silent & stayed & ~legs.bad, legs.bad | (silent & ~stayed)
    return Track(kept.t_us, kept.lat, kept.lon, took >= silence.gap_us, asleep, unknown)


def _left(acc: Bytes, odometer_km: Floats, terminal: Int64s) -> Bools:
    """Say of each leg whether the vehicle was left there: ignition off, odometer at rest.

    An odometer that went on speaks against an ignition that was off; one that did not speaks for a
    vehicle whose ignition is unknown or on.
    """
    known = (odometer_km[:-1] > 0) & (odometer_km[1:] > 0) & (terminal[1:] == terminal[:-1])
    moved = np.abs(np.where(known, odometer_km[1:] - odometer_km[:-1], 0.0)) > _UNMOVED_KM
    found: Bools = ((acc[:-1] == 0) & ~(known & moved)) | (known & ~moved)
    return found
