"""A filling against where the vehicle was: borrowed card, station elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from fleet.joining.learn import Place
from fleet.joining.model import Filling, Vehicle
from fleet.joining.names import named
from fleet.joining.rules import DAY_US, Rules
from fleet.joining.span import span_of, widest
from fleet.joining.stated import About
from fleet.joining.verdict import Check, Doubt, Figure, Kind, Verdict, Why
from fleet.joining.where import Met, away_mm, lingered, nearest, nearest_stop

_A_STATION = 2
"""Places with so many matches are stations, if not certainly those of their name."""


def visited(vehicle: Vehicle, filling: Filling, place: Place, rules: Rules) -> int | None:
    """Return when the vehicle was at the station at another time that the paper may mean.

    Hours off are a clock or a batch of the statement; a day may be that of posting.
    """
    span = widest(filling, rules)
    stop = nearest_stop(vehicle.track.stops, span, place.lat, place.lon)
    if stop is not None and stop[0] <= place.around(rules)[2]:
        return int(vehicle.track.stops.began_us[stop[1]])
    return lingered(vehicle.track.sight, span, place.around(rules), rules)


def place_verdict(
    vehicle: Vehicle, filling: Filling, places: Mapping[str, Place], rules: Rules
) -> Verdict:
    """Compare a filling with where the vehicle was.

    Args:
        vehicle: whose.
        filling: the filling.
        places: stations by name, as of the begin of its month.
        rules: what is believed.
    """
    span = span_of(filling, rules)
    about = About(
        *(Kind.FILLING, filling.number, vehicle.code, filling.at_us, Check.PLACE),
        min(filling.month_us - rules.history_us, span[0] - DAY_US),
        max(filling.at_us + rules.wide_us, span[1] + DAY_US),
    )
    place = places.get(named(filling.merchant))
    why = _without_place(vehicle, filling, place, rules)
    if why is not None or place is None:
        return about.cannot_tell(why or Why.PLACE_UNKNOWN, *support(place))
    around = place.around(rules)
    near = nearest(vehicle.track, span, around, rules)
    figures = (
        Figure("span_from_us", span[0]),
        Figure("span_to_us", span[1]),
        Figure("nearest_mm", near.mm),
        Figure("nearest_at_us", near.at_us),
        Figure("radius_mm", around[2]),
        *support(place),
    )
    if near.met in {Met.STOOD, Met.LINGERED}:
        return about.agrees(*figures)
    if near.met is Met.PERHAPS:
        return about.cannot_tell(Why.TRACK_INCOMPLETE, *figures)
    other_time = visited(vehicle, filling, place, rules)
    if other_time is not None:
        return about.cannot_tell(Why.TIME_DIFFERS, *figures, Figure("other_visit_us", other_time))
    # Where the vehicle did fill, the statement may be late as well, and more than usually.
    late = span[0] - rules.before_us if filling.timed else span[0]
    other = _other_station(vehicle, (late, span[1]), place, places.values(), rules)
    if other is not None:
        named_so = Figure("other_station", other.name)
        return about.doubt(Doubt.STATION_ELSEWHERE, *figures, named_so, *_between(place, other))
    return about.doubt(Doubt.BORROWED_CARD, *figures)


def _without_place(
    vehicle: Vehicle, filling: Filling, place: Place | None, rules: Rules
) -> Why | None:
    if vehicle.sensitive:
        return Why.SENSITIVE
    if not len(vehicle.track.stops):
        return Why.NO_TRACK
    if not filling.merchant:
        return Why.MERCHANT_UNSTATED
    if place is None:
        return Why.PLACE_UNKNOWN
    return None if place.firm(rules) else Why.PLACE_THIN


def _other_station(
    vehicle: Vehicle, span: tuple[int, int], place: Place, places: Iterable[Place], rules: Rules
) -> Place | None:
    """Return the other station at which the vehicle stood, the nearest to where it stood."""
    found: list[tuple[int, str, Place]] = []
    for other in places:
        if other.name == place.name or other.matches < _A_STATION:
            continue
        near = _stood_at(vehicle, span, other, rules)
        if near is not None:
            found.append((near, other.name, other))
    return min(found, key=lambda one: one[:2])[2] if found else None


def _stood_at(vehicle: Vehicle, span: tuple[int, int], other: Place, rules: Rules) -> int | None:
    """Return how near a vehicle stood to a station, mm; None: it did not, or for hours."""
    stops = vehicle.track.stops
    stop = nearest_stop(stops, span, other.lat, other.lon)
    if stop is not None and stop[0] <= other.around(rules)[2]:
        stayed = int(stops.ended_us[stop[1]] - stops.began_us[stop[1]])
        return stop[0] if stayed <= rules.visit_us else None
    around = other.around(rules)
    return None if lingered(vehicle.track.sight, span, around, rules) is None else around[2]


def _between(place: Place, other: Place) -> tuple[Figure, ...]:
    apart = away_mm(place.lat, place.lon, np.array([other.lat]), np.array([other.lon]))
    return (Figure("stations_apart_mm", int(apart[0])),)


def support(place: Place | None) -> tuple[Figure, ...]:
    """Return what a learned place stands on."""
    if place is None:
        return ()
    return (
        Figure("place_matches", place.matches),
        Figure("place_of", place.of),
        Figure("place_vehicles", place.vehicles),
        Figure("place_spread_mm", place.spread_mm),
        Figure("place_since_us", place.since_us),
        Figure("place_until_us", place.until_us),
    )
