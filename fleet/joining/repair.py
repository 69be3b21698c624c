"""An invoice of a garage against where the vehicle was: garage never visited."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fleet.joining.fuel_place import support
from fleet.joining.learn import Habits, Site, unusual
from fleet.joining.model import Repair, Track, Vehicle
from fleet.joining.names import named
from fleet.joining.rules import DAY_US, MINUTE_US, SECOND_US, Rules
from fleet.joining.stated import About
from fleet.joining.verdict import Check, Doubt, Figure, Kind, Verdict, Why
from fleet.joining.ways import Ways
from fleet.joining.where import GAINED_MM, nearest_stop, sure, withheld

_OPENS: Final = 7 * 60 * MINUTE_US
_CLOSES: Final = 20 * 60 * MINUTE_US
"""Garages work between these, after local midnight: a silent night hides no visit."""


def repair_verdict(
    vehicle: Vehicle, one: Repair, ways: Ways, places: Mapping[str, Site], rules: Rules
) -> Verdict:
    """Compare an invoice with where the vehicle was in the days about it.

    Args:
        vehicle: whose.
        one: the invoice.
        ways: of the vehicle.
        places: garages by name, as of the begin of its month; fences of its day.
        rules: what is believed.
    """
    span = one.day_us - rules.garage_before_us, one.day_us + DAY_US + rules.garage_after_us
    about = About(
        *(Kind.REPAIR, one.number, vehicle.code, one.at_us, Check.GARAGE),
        one.month_us - rules.history_us - rules.garage_before_us - DAY_US,
        span[1],
    )
    if vehicle.sensitive or withheld(vehicle.track.stops, span):
        return about.cannot_tell(Why.SENSITIVE)
    track = vehicle.track
    if not track.stops.touching(*span):
        return about.cannot_tell(Why.NO_TRACK)
    figures: tuple[Figure, ...] = (Figure("span_from_us", span[0]), Figure("span_to_us", span[1]))
    place = places.get(named(one.merchant)) if one.merchant else None
    habits = Habits(track.stops, one.month_us, rules)
    elsewhere = list(unusual(track, one, habits, rules))
    if place is None or not place.firm(rules):
        figures = (*figures, Figure("unusual_stops", len(elsewhere)), *support(place))
        if elsewhere:
            return about.cannot_tell(Why.UNUSUAL_STOP, *figures)
    else:
        spot = place.around(rules)
        near = nearest_stop(track.stops, span, spot)
        figures = (
            *figures,
            Figure("nearest_mm", None if near is None else near[0]),
            Figure("nearest_at_us", None if near is None else int(track.stops.began_us[near[1]])),
            Figure("radius_mm", spot.radius_mm),
            Figure("unusual_stops", len(elsewhere)),
            *support(place),
        )
        if near is not None and near[0] <= spot.radius_mm:
            return about.agrees(*figures)
    hidden = _unseen_us(track, ways, span, rules)
    if hidden > rules.garage_hidden_us:
        unseen = Figure("unseen_s", hidden // SECOND_US)
        return about.cannot_tell(Why.TRACK_INCOMPLETE, *figures, unseen)
    return about.doubt(Doubt.GARAGE_NEVER_VISITED, *figures)


def _unseen_us(track: Track, ways: Ways, span: tuple[int, int], rules: Rules) -> int:
    """Return how long, while garages work, nobody knows where the vehicle was."""
    days = range(span[0], span[1], DAY_US)
    hours = [(day + _OPENS, day + _CLOSES) for day in days]
    unseen = sum(ways.between(*day).hole_s * SECOND_US for day in hours)
    stops = track.stops
    for index in stops.touching(*span):
        if not sure(track, index, span, rules):
            began, ended = int(stops.began_us[index]), int(stops.ended_us[index])
            driven = stops.terminal_mm[index] > GAINED_MM
            silent = ended - began if driven else int(stops.silent_s[index]) * SECOND_US
            open_us = sum(max(0, min(ended, end) - max(began, begin)) for begin, end in hours)
            unseen += min(silent, open_us)
    return unseen
