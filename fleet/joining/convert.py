"""Stops, trips and fixes of the fleet's other parts as this one takes them."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from fleet.joining.model import UNKNOWN, Sight, Stops, Track, Trips
from fleet.joining.rules import SECOND_US
from fleet.track.fixes import Fixes, Int64s
from fleet.trips.model import Stop, Travelled, Trip, TripFlag


def track_of(made: Travelled, fixes: Fixes) -> Track:
    """Return a track of what was made of a vehicle's fixes, and of those that count."""
    stops, trips = made.stops, made.trips
    return Track(
        Stops(
            _whole(one.began_us for one in stops),
            _whole(one.ended_us for one in stops),
            np.array([math.nan if one.place is None else one.place.lat for one in stops]),
            np.array([math.nan if one.place is None else one.place.lon for one in stops]),
            _whole(_known(one.terminal_mm) for one in stops),
            _whole(_silent_s(one) for one in stops),
        ),
        Trips(
            _whole(one.started_us for one in trips),
            _whole(one.ended_us for one in trips),
            _whole(one.distance_mm or 0 for one in trips),
            _whole(one.gap_mm or 0 for one in trips),
            _whole(_known(one.terminal_mm) for one in trips),
            _whole(_flags(one) for one in trips),
        ),
        Sight(fixes.t_us, fixes.lat, fixes.lon),
    )


def _silent_s(one: Stop) -> int:
    """Return the longest silence of which no odometer tells; that of an edge it never does."""
    edges = max(one.seen_from_us - one.began_us, one.ended_us - one.seen_to_us)
    inside = one.silent_s if one.terminal_mm is None else 0
    return max(inside, edges // SECOND_US)


def _flags(one: Trip) -> int:
    """Return the flags; a way of which the places are withheld has metres that do not count."""
    return one.flags | int(TripFlag.JUMP) if one.distance_mm is None else one.flags


def _whole(values: Iterable[int]) -> Int64s:
    return np.fromiter(values, np.int64)


def _known(mm: int | None) -> int:
    return UNKNOWN if mm is None else mm
