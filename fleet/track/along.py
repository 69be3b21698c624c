"""Fixes without a place: laid out along a line by the odometer.

So the same stops and trips are found, by odometer and ignition alone, and the same pieces are
computed again when data is late. The line is nowhere: no place of it, and no distance but the
odometer's own, is ever kept.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import numpy as np

from fleet.track.fixes import Bools, Fixes
from storage.records import PositionFlag

_DEGREE_M: Final = 6_378_137.0 * math.pi / 180.0
"""Of the equator, as :mod:`fleet.track.ground` measures it."""


def withheld(fixes: Fixes) -> Bools:
    """Tell of which fixes the place is withheld."""
    found: Bools = fixes.flags & int(PositionFlag.WITHHELD) != 0
    return found


def along_odometer(fixes: Fixes) -> Fixes:
    """Give fixes without a place one on the line; none, and no weight, without an odometer."""
    lost = withheld(fixes)
    if not lost.any():
        return fixes
    # 0 and less is how terminals write that they have none.
    metres = np.where(fixes.odometer_km > 0, fixes.odometer_km, np.nan) * 1000.0
    degrees = np.mod(metres / _DEGREE_M + 180.0, 360.0) - 180.0
    return replace(
        fixes, lat=np.where(lost, 0.0 * degrees, fixes.lat), lon=np.where(lost, degrees, fixes.lon)
    )
