"""Where a vehicle was in a span of time, how near to a place, and what nobody can tell: pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from fleet.track.fixes import Fixes, Floats
from fleet.track.ground import Ground, ground
from fleet.track.judge import judge
from fleet.track.rules import SECOND_US, Rules

_ODOMETER_SLACK_M = 1_000.0
"""A terminal counts in steps of up to a kilometre."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place on earth, degrees, WGS-84."""

    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class Point:
    """A fix that counts.

    Attributes:
        t_us: µs UTC.
        lat, lon: degrees.
        speed: km/h; None: unknown.
        metres: from the place; None: no place is asked about.
    """

    t_us: int
    lat: float
    lon: float
    speed: float | None
    metres: float | None


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which the vehicle was not seen.

    Attributes:
        from_us, to_us: within the span that is asked about.
        excluded: it cannot have been at the place meanwhile; None: no place is asked about.
        why: by what it is excluded: ``reach`` or ``odometer``; empty: it is not.
    """

    from_us: int
    to_us: int
    excluded: bool | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """What positions say.

    Attributes:
        points: fixes of the span that count, by time.
        before, after: the last one before the span and the first behind it; None: none is known.
        left_out: fixes of the span that are not believed.
        nearest: where it was seen nearest to the place, on the way between two fixes too; None: not
            seen, or no place is asked about.
        gaps: when it was not seen.
    """

    points: tuple[Point, ...]
    before: Point | None
    after: Point | None
    left_out: int
    nearest: Point | None
    gaps: tuple[Gap, ...]

    @property
    def certain(self) -> bool:
        """In no gap could it have been at the place."""
        return all(gap.excluded for gap in self.gaps)


def whereabouts(
    fixes: Fixes, from_us: int, to_us: int, place: Place | None, rules: Rules
) -> Whereabouts:
    """Return where a vehicle was.

    Args:
        fixes: its fixes, ordered, from well before the span to well behind it: neighbours judge
            each other.
        from_us: begin of the span.
        to_us: its end, behind its begin.
        place: what is asked about; None: nothing.
        rules: what is believed.
    """
    judged = judge(fixes, rules)
    counting = judged.fixes.take(judged.counting)
    where = ground(counting.lat, counting.lon)
    away = None if place is None else _away(where, place)
    points = [_point(counting, index, away) for index in range(len(counting))]
    inside = [point for point in points if from_us <= point.t_us <= to_us]
    all_inside = fixes.between(from_us, to_us)
    before = next((p for p in reversed(points) if p.t_us < from_us), None)
    after = next((p for p in points if p.t_us > to_us), None)
    odometer = counting.odometer_km
    nearest: list[Point] = [point for point in inside if point.metres is not None]
    gaps: list[Gap] = []
    start = len([p for p in points if p.t_us < from_us]) - (before is not None)
    chain = [*([before] if before else []), *inside, *([after] if after else [])]
    for offset, (one, other) in enumerate(pairwise(chain)):
        begin, end = max(one.t_us, from_us), min(other.t_us, to_us)
        if other.t_us - one.t_us > rules.gap_us:
            driven = odometer[start + offset + 1] - odometer[start + offset]
            gaps.append(_gap(one, other, (begin, end), float(driven), rules))
        elif place is not None:
            nearest.append(_between(one, other, (begin, end), place))
    gaps += _open_ends(chain, from_us, to_us, place)
    return Whereabouts(
        tuple(inside),
        before,
        after,
        len(all_inside) - len(inside),
        min(nearest, key=lambda point: (point.metres or 0.0, point.t_us), default=None),
        tuple(sorted(gaps, key=lambda gap: gap.from_us)),
    )


def _point(fixes: Fixes, index: int, away: Floats | None) -> Point:
    speed = float(fixes.speed[index])
    return Point(
        int(fixes.t_us[index]),
        float(fixes.lat[index]),
        float(fixes.lon[index]),
        None if np.isnan(speed) else speed,
        None if away is None else float(away[index]),
    )


def _away(where: Ground, place: Place) -> Floats:
    lat, lon = np.append(where.lat, place.lat), np.append(where.lon, place.lon)
    all_of = ground(lat, lon)
    here = np.arange(len(where.lat))
    return all_of.metres(here, np.full(len(here), len(here)))


def _gap(one: Point, other: Point, span: tuple[int, int], driven_km: float, rules: Rules) -> Gap:
    """Tell whether the vehicle can have been at the place between two fixes far apart in time."""
    if one.metres is None or other.metres is None:
        return Gap(*span, None)
    way = one.metres + other.metres
    if way > rules.reach_m((other.t_us - one.t_us) / SECOND_US):
        return Gap(*span, True, "reach")
    # NaN compares as false: an odometer that is not known excludes nothing.
    if driven_km >= 0.0 and way > driven_km * 1_000 + _ODOMETER_SLACK_M:
        return Gap(*span, True, "odometer")
    return Gap(*span, False)


def _open_ends(chain: list[Point], from_us: int, to_us: int, place: Place | None) -> list[Gap]:
    unknown = None if place is None else False
    if not chain:
        return [Gap(from_us, to_us, unknown)]
    found = []
    if chain[0].t_us > from_us:
        found.append(Gap(from_us, min(chain[0].t_us, to_us), unknown))
    if chain[-1].t_us < to_us:
        found.append(Gap(max(chain[-1].t_us, from_us), to_us, unknown))
    return found


def _between(one: Point, other: Point, span: tuple[int, int], place: Place) -> Point:
    """Return the point of a leg that is nearest to a place, within the span.

    A leg that was seen is short: on a plane that touches the earth at the place.
    """
    at = ground(np.array([place.lat]), np.array([place.lon]))
    north, east = float(at.north_m[0]), float(at.east_m[0])
    ax, ay = (one.lon - place.lon) * east, (one.lat - place.lat) * north
    dx, dy = (other.lon - one.lon) * east, (other.lat - one.lat) * north
    took = other.t_us - one.t_us
    least, most = ((edge - one.t_us) / took for edge in span)
    square = dx * dx + dy * dy
    part = -(ax * dx + ay * dy) / square if square else 0.0
    part = min(max(part, least), most)
    metres = float(np.hypot(ax + part * dx, ay + part * dy))
    return Point(
        one.t_us + round(part * took),
        one.lat + part * (other.lat - one.lat),
        one.lon + part * (other.lon - one.lon),
        None,
        metres,
    )
