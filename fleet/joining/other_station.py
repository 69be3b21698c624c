"""At which other station a vehicle stood that a paper of it may come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from fleet.joining.learn import Site
from fleet.joining.model import Filling, Vehicle
from fleet.joining.names import named
from fleet.joining.rules import Rules
from fleet.joining.span import span_of, widest
from fleet.joining.where import lingered


@dataclass(frozen=True, slots=True)
class _Stay:
    """A short stay near a station: how near, when, and where."""

    mm: int
    from_us: int
    to_us: int
    lat: float
    lon: float


def other_station(
    vehicle: Vehicle, filling: Filling, place: Site, places: Mapping[str, Site], rules: Rules
) -> Site | None:
    """Return the other station at which a vehicle stood, the nearest to where it stood.

    Where it did fill, the statement may be late as well, and more than usually: within twice the
    tolerance every short stop counts. Of the hours before, only one as long as a filling takes, of
    which no other paper speaks: many a stop at an office is near some station.

    Args:
        vehicle: whose.
        filling: that does not go together with ``place``.
        place: the station that it names.
        places: stations by name, as of the begin of its month; fences of its day.
        rules: what is believed.
    """
    others = [one for one in places.values() if one.name != place.name and one.is_station]
    begin, end = span_of(filling, rules)
    late = begin - rules.before_us if filling.timed else begin
    found = [
        (stay.mm, other.name, other)
        for other in others
        for stay in _stays(vehicle, (late, end), other, rules.visit_us, rules)
    ]
    if not found and filling.timed:
        papers = [one for one in vehicle.fillings if one.number != filling.number]
        hours = widest(filling, rules)[0], late
        found = [
            (stay.mm, other.name, other)
            for other in others
            for stay in _stays(vehicle, hours, other, rules.pump_us, rules)
            if not any(_explains(one, stay, places, rules) for one in papers)
        ]
    return min(found, key=lambda one: one[:2])[2] if found else None


def _stays(
    vehicle: Vehicle, span: tuple[int, int], other: Site, longest_us: int, rules: Rules
) -> Iterable[_Stay]:
    """Return the stays at a station, or where no stop was made, what single fixes show of one."""
    stood = list(_stops(vehicle, span, other, rules))
    if stood:
        return (one for one in stood if one.to_us - one.from_us <= longest_us)
    spot = other.around(rules)
    since = lingered(vehicle.track.sight, span, spot, rules)
    if since is None:
        return ()
    return (_Stay(spot.radius_mm, since, since + rules.dwell_us, other.lat, other.lon),)


def _stops(vehicle: Vehicle, span: tuple[int, int], other: Site, rules: Rules) -> Iterator[_Stay]:
    stops = vehicle.track.stops
    found = stops.touching(*span)
    part = slice(found.start, found.stop)
    spot = other.around(rules)
    far = spot.away_mm(stops.lat[part], stops.lon[part])
    for index, mm in zip(found, far.tolist(), strict=True):
        if mm <= spot.radius_mm:
            yield _Stay(
                mm,
                int(stops.began_us[index]),
                int(stops.ended_us[index]),
                float(stops.lat[index]),
                float(stops.lon[index]),
            )


def _explains(one: Filling, stay: _Stay, places: Mapping[str, Site], rules: Rules) -> bool:
    """Tell whether a stay is another paper's: of its time, or at its station within hours."""
    if one.timed and _touch(stay, span_of(one, rules)):
        return True
    place = places.get(named(one.merchant))
    hours = widest(one, rules) if one.timed else span_of(one, rules)
    if place is None or not _touch(stay, hours):
        return False
    spot = place.around(rules)
    return int(spot.away_mm(np.array([stay.lat]), np.array([stay.lon]))[0]) <= spot.radius_mm


def _touch(stay: _Stay, span: tuple[int, int]) -> bool:
    return stay.from_us <= span[1] and span[0] <= stay.to_us
