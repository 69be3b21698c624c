"""Where a vehicle was at a time: near a place, perhaps near it, elsewhere, or standing still."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from fleet.fence.shape import Shape
from fleet.joining.model import UNKNOWN, Sight, Stops, Track
from fleet.joining.rules import SECOND_US, Rules
from fleet.track.fixes import Floats, Int64s
from fleet.track.ground import ground

GAINED_MM: Final = 300_000
"""A terminal that gained so much at a stop was driven there without its antenna."""


class Met(enum.Enum):
    """Whether a vehicle was at a place."""

    STOOD = "stood"
    LINGERED = "lingered"
    PERHAPS = "perhaps"
    ELSEWHERE = "elsewhere"


_FAR_M: Final = 1e9
"""As far as what has no place lies from anywhere."""


class Spot(Protocol):
    """Somewhere a vehicle can have been."""

    @property
    def radius_mm(self) -> int:
        """How far off still counts as there, mm."""
        ...

    def away_mm(self, lats: Floats, lons: Floats) -> Int64s:
        """Return how far places are off, whole mm; NaN becomes very far."""
        ...


@dataclass(frozen=True, slots=True)
class Around:
    """A point, and how far around it counts as there."""

    lat: float
    lon: float
    radius_mm: int

    def away_mm(self, lats: Floats, lons: Floats) -> Int64s:
        """Return how far places are from the point."""
        return away_mm(self.lat, self.lon, lats, lons)


@dataclass(frozen=True, slots=True)
class Within:
    """Any of some shapes, and how far beyond their edges counts as there."""

    shapes: tuple[Shape, ...]
    radius_mm: int

    def away_mm(self, lats: Floats, lons: Floats) -> Int64s:
        """Return how far places lie outside of the nearest shape; 0: inside."""
        metres = np.min([one.outside_m(lats, lons, _FAR_M) for one in self.shapes], axis=0)
        near = np.nan_to_num(metres, nan=_FAR_M, posinf=_FAR_M)
        far: Int64s = np.rint(near * 1000.0).astype(np.int64)
        return far


@dataclass(frozen=True, slots=True)
class Nearest:
    """How near a vehicle came to a place.

    Attributes:
        met: whether it was there.
        mm: nearest that it was seen; None: it was not seen.
        at_us: when; None: it was not seen.
    """

    met: Met
    mm: int | None
    at_us: int | None


@dataclass(frozen=True, slots=True)
class Stand:
    """A stop around a moment: its index, and when it was."""

    index: int
    from_us: int
    to_us: int


def away_mm(lat: float, lon: float, lats: Floats, lons: Floats) -> Int64s:
    """Return how far places are from one, whole mm; NaN becomes very far."""
    there = ground(np.append(lats, lat), np.append(lons, lon))
    metres = there.metres(slice(0, len(lats)), np.full(len(lats), len(lats)))
    return np.rint(np.nan_to_num(metres, nan=_FAR_M) * 1000.0).astype(np.int64)


def nearest_stop(stops: Stops, span: tuple[int, int], spot: Spot) -> tuple[int, int] | None:
    """Return (distance mm, index) of the stop in a span of time that is nearest to a place."""
    found = stops.touching(*span)
    if not found:
        return None
    part = slice(found.start, found.stop)
    far = spot.away_mm(stops.lat[part], stops.lon[part])
    index = int(np.argmin(far))
    return int(far[index]), found.start + index


def withheld(stops: Stops, span: tuple[int, int]) -> bool:
    """Tell whether places of a span of time are not kept: the vehicle was sensitive then."""
    found = stops.touching(*span)
    return bool(np.isnan(stops.lat[found.start : found.stop]).any())


def lingered(sight: Sight, span: tuple[int, int], spot: Spot, rules: Rules) -> int | None:
    """Return since when single fixes show a vehicle at a place for as long as a filling takes."""
    part = sight.between(*span)
    near = spot.away_mm(sight.lat[part], sight.lon[part]) <= spot.radius_mm
    since = None
    for there, at_us in zip(near.tolist(), sight.t_us[part].tolist(), strict=True):
        since = (at_us if since is None else since) if there else None
        if since is not None and at_us - since >= rules.dwell_us:
            return int(since)
    return None


def nearest(track: Track, span: tuple[int, int], spot: Spot, rules: Rules) -> Nearest:
    """Return whether a vehicle was at a place in a span of time.

    Args:
        track: of the vehicle.
        span: from when to when.
        spot: the place.
        rules: what is believed.
    """
    stop = nearest_stop(track.stops, span, spot)
    if stop is not None and stop[0] <= spot.radius_mm:
        began = int(track.stops.began_us[stop[1]])
        return Nearest(Met.STOOD, stop[0], max(began, span[0]))
    if withheld(track.stops, span):
        return Nearest(Met.PERHAPS, None, None)
    sight, part = track.sight, track.sight.between(*span)
    # What was seen just outside bounds what can have happened unseen within.
    near = sight.between(span[0] - rules.silence_us, span[1] + rules.silence_us)
    wide = slice(max(near.start, part.start - 1), min(near.stop, part.stop + 1))
    if wide.stop - wide.start < 2 or part.start >= part.stop or np.isnan(sight.lat[wide]).any():
        return Nearest(Met.PERHAPS, None if stop is None else stop[0], None)
    far = spot.away_mm(sight.lat[wide], sight.lon[wide])
    t_us = sight.t_us[wide]
    inside = far[part.start - wide.start : part.stop - wide.start]
    index = int(np.argmin(inside))
    mm, at_us = int(inside[index]), int(sight.t_us[part.start + index])
    stayed_us = lingered(sight, span, spot, rules)
    if stayed_us is not None:
        return Nearest(Met.LINGERED, mm, stayed_us)
    unseen = t_us[0] > span[0] or t_us[-1] < span[1]
    if unseen or _reachable(track.stops, t_us, far, spot.radius_mm, rules):
        return Nearest(Met.PERHAPS, mm, at_us)
    return Nearest(Met.ELSEWHERE, mm, at_us)


def _reachable(stops: Stops, t_us: Int64s, far: Int64s, radius: int, rules: Rules) -> bool:
    """Tell whether a vehicle can have been at a place between two fixes, and back.

    Between fixes of one stop it stayed, unless the silence was long or its odometer rose.
    """
    took = np.diff(t_us)
    detour = np.maximum(far[1:] + far[:-1] - 2 * radius, 0)
    needed = rules.dwell_us + detour * 3_600 // rules.fastest_kmh  # mm at km/h → µs
    suspect = np.flatnonzero(needed <= took)
    for index in suspect.tolist():
        if not _stayed(stops, int(t_us[index]), int(t_us[index + 1]), rules):
            return True
    return False


def _stayed(stops: Stops, from_us: int, to_us: int, rules: Rules) -> bool:
    index = int(np.searchsorted(stops.ended_us, to_us, side="left"))
    if index == len(stops) or stops.began_us[index] > from_us:
        return False
    gained = int(stops.terminal_mm[index])
    return gained <= GAINED_MM if gained != UNKNOWN else to_us - from_us <= rules.silence_us


def standing(track: Track, at_us: int) -> Stand | None:
    """Return the stop around a moment; None: there is none."""
    stops = track.stops
    index = int(np.searchsorted(stops.ended_us, at_us, side="left"))
    if index == len(stops) or stops.began_us[index] > at_us:
        return None
    return Stand(index, int(stops.began_us[index]), int(stops.ended_us[index]))


def sure(track: Track, index: int, span: tuple[int, int], rules: Rules) -> bool:
    """Tell whether a vehicle cannot have left a stop in a span of time, and come back.

    Its terminal's odometer says so, or no silence of the stop is long, or none around that time.
    """
    stops = track.stops
    if stops.terminal_mm[index] > GAINED_MM:
        return False
    if stops.silent_s[index] * SECOND_US <= rules.silence_us:
        return True
    part = track.sight.between(span[0] - rules.silence_us, span[1] + rules.silence_us)
    seen = track.sight.t_us[part]
    if not len(seen) or seen[0] > span[0] or seen[-1] < span[1]:
        return False
    inside = np.flatnonzero((seen[1:] >= span[0]) & (seen[:-1] <= span[1]))
    return bool((np.diff(seen)[inside] <= rules.silence_us).all())
