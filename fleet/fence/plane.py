"""A plane in metres around a place: fences and fixes near them are compared in it.

Metres of a degree are taken between the place and each fix, as fleet.track.ground does for legs:
right to a millionth for 20 km, and to 0.01 % for 200 km. A straight edge is straight in this plane.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet.fence.datum import Degrees
from fleet.track.fixes import Floats
from fleet.track.ground import Ground, ground


@dataclass(frozen=True, slots=True)
class Plane:
    """The plane that touches the ground at a place.

    Attributes:
        middle: longitude, latitude, degrees, WGS-84.
        around: how long a degree is there.
    """

    middle: Degrees
    around: Ground

    def metres(self, lat: Floats, lon: Floats) -> tuple[Floats, Floats]:
        """Return how far places lie east and north of the middle."""
        there = ground(lat, lon)
        turn = lon - self.middle[0]
        turn = turn - 360.0 * np.rint(turn / 360.0)
        east = turn * ((there.east_m + self.around.east_m[0]) / 2)
        north = (lat - self.middle[1]) * ((there.north_m + self.around.north_m[0]) / 2)
        return east, north


def plane(middle: Degrees) -> Plane:
    """Return the plane around a place: longitude, latitude, degrees."""
    return Plane(middle, ground(np.array([middle[1]]), np.array([middle[0]])))
