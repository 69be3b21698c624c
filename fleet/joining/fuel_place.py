"""A filling against where the vehicle was: borrowed card, station elsewhere."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fleet.joining.fenced import Fenced
from fleet.joining.learn import Site
from fleet.joining.model import Filling, Vehicle
from fleet.joining.names import named
from fleet.joining.other_station import other_station
from fleet.joining.rules import DAY_US, Rules
from fleet.joining.span import span_of, widest
from fleet.joining.spoken import span_of as driven
from fleet.joining.stated import About
from fleet.joining.verdict import Check, Doubt, Figure, Kind, Verdict, Why
from fleet.joining.where import Met, away_mm, lingered, nearest, nearest_stop


def visited(vehicle: Vehicle, filling: Filling, place: Site, rules: Rules) -> int | None:
    """Return when the vehicle was at the station at another time that the paper may mean.

    Hours off are a clock or a batch of the statement; a day may be that of posting.
    """
    span, spot = widest(filling, rules), place.around(rules)
    stop = nearest_stop(vehicle.track.stops, span, spot)
    if stop is not None and stop[0] <= spot.radius_mm:
        return int(vehicle.track.stops.began_us[stop[1]])
    return lingered(vehicle.track.sight, span, spot, rules)


def place_verdict(
    vehicle: Vehicle, filling: Filling, places: Mapping[str, Site], rules: Rules
) -> Verdict:
    """Compare a filling with where the vehicle was.

    Args:
        vehicle: whose.
        filling: the filling.
        places: stations by name, as of the begin of its month; fences of its day.
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
        Figure("radius_mm", around.radius_mm),
        Figure("filled_ml", filling.ml),
        *_ordered(vehicle, span, rules),
        *support(place),
    )
    if near.met in {Met.STOOD, Met.LINGERED}:
        return about.agrees(*figures)
    if near.met is Met.PERHAPS:
        return about.cannot_tell(Why.TRACK_INCOMPLETE, *figures)
    other_time = visited(vehicle, filling, place, rules)
    if other_time is not None:
        return about.cannot_tell(Why.TIME_DIFFERS, *figures, Figure("other_visit_us", other_time))
    other = other_station(vehicle, filling, place, places, rules)
    if other is not None:
        named_so = Figure("other_station", other.name)
        return about.doubt(Doubt.STATION_ELSEWHERE, *figures, named_so, *_between(place, other))
    return about.doubt(Doubt.BORROWED_CARD, *figures)


def _without_place(
    vehicle: Vehicle, filling: Filling, place: Site | None, rules: Rules
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


def _ordered(vehicle: Vehicle, span: tuple[int, int], rules: Rules) -> tuple[Figure, ...]:
    """Return under which orders the vehicle was out then, and who drove: who is to be asked."""
    slack = rules.order_slack_us
    found = [
        one
        for one in vehicle.orders
        if (its := driven(one))[0] - slack <= span[1] and span[0] <= its[1] + slack
    ]
    names = "、".join(one.name for one in found)
    drivers = "、".join(dict.fromkeys(one.driver for one in found if one.driver))
    return Figure("order", names or None), Figure("driver", drivers or None)


def _between(place: Site, other: Site) -> tuple[Figure, ...]:
    apart = away_mm(place.lat, place.lon, np.array([other.lat]), np.array([other.lon]))
    return (Figure("stations_apart_mm", int(apart[0])),)


def support(place: Site | None) -> tuple[Figure, ...]:
    """Return what a place stands on: the fences that say it, or what it was learned from."""
    if place is None:
        return ()
    if isinstance(place, Fenced):
        return (Figure("place_fences", "、".join(place.codes)),)
    own = () if place.own_pct is None else (Figure("place_own_pct", place.own_pct),)
    return (
        Figure("place_matches", place.matches),
        Figure("place_of", place.of),
        Figure("place_vehicles", place.vehicles),
        Figure("place_spread_mm", place.spread_mm),
        Figure("place_since_us", place.since_us),
        Figure("place_until_us", place.until_us),
        *own,
    )
