"""A filling against whether the vehicle moved: filling without travel. Needs no place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fleet.joining.fuel_place import visited
from fleet.joining.learn import Site, usual_here
from fleet.joining.model import Filling, Vehicle
from fleet.joining.names import named
from fleet.joining.rules import DAY_US, SECOND_US, Rules
from fleet.joining.span import span_of
from fleet.joining.stated import About
from fleet.joining.verdict import Check, Doubt, Figure, Kind, Verdict, Why
from fleet.joining.ways import Way, Ways
from fleet.joining.where import nearest_stop, standing, sure


@dataclass(frozen=True, slots=True)
class Moved:
    """How far a vehicle went: when a filling can have been, and since the one before it."""

    about: Way
    since: Way


def moves(fillings: Sequence[Filling], ways: Ways, rules: Rules) -> list[Moved]:
    """Return how far a vehicle went about each of its fillings, ascending."""
    spans = [span_of(one, rules) for one in fillings]
    about = ways.all_between([one[0] for one in spans], [one[1] for one in spans])
    before = [*fillings[:1], *fillings[:-1]]
    ends = [one.at_us + rules.after_us for one in fillings]
    since = ways.all_between([one.at_us for one in before], ends)
    return [Moved(*pair) for pair in zip(about, since, strict=True)]


def travel_verdict(  # noqa: PLR0913, PLR0917 - what is compared, each by its name
    vehicle: Vehicle,
    filling: Filling,
    before: Filling | None,
    moved: Moved,
    places: Mapping[str, Site],
    rules: Rules,
) -> Verdict:
    """Compare a filling with whether the vehicle moved about its time, and since the last one.

    Args:
        vehicle: whose.
        filling: the filling.
        before: the filling before it; None: none is known.
        moved: how far the vehicle went about the time of the filling.
        places: stations by name, as of the begin of its month.
        rules: what is believed.
    """
    span = span_of(filling, rules)
    before_us = filling.at_us if before is None else before.at_us
    about = About(
        *(Kind.FILLING, filling.number, vehicle.code, filling.at_us, Check.TRAVEL),
        min(filling.month_us - rules.history_us, span[0] - DAY_US, before_us),
        max(filling.at_us + max(rules.wide_us, rules.still_blind_us), span[1] + DAY_US),
    )
    if not len(vehicle.track.stops) and not len(vehicle.track.trips):
        return about.cannot_tell(Why.NO_TRACK)
    since = _since(before, filling, moved.since, rules)
    if since is not None:
        return about.doubt(Doubt.WITHOUT_TRAVEL, *since)
    way = moved.about
    figures = (
        Figure("span_from_us", span[0]),
        Figure("span_to_us", span[1]),
        Figure("driven_mm", way.gps_mm),
        Figure("unseen_s", way.hole_s),
    )
    if way.gps_mm > 0 or way.running_s > 0:
        return about.agrees(*figures)
    if way.hole_s * SECOND_US > rules.silence_us // 2:
        return about.cannot_tell(Why.TRACK_INCOMPLETE, *figures)
    return _stood(vehicle, filling, places.get(named(filling.merchant)), rules, about, figures)


def _since(
    before: Filling | None, filling: Filling, way: Way, rules: Rules
) -> tuple[Figure, ...] | None:
    """Return the figures of a filling before which, since the last one, nothing was driven."""
    if before is None or not (before.timed and filling.timed):
        return None
    if filling.at_us - before.at_us <= rules.apart_us:
        return None
    if not way.complete(rules) or way.most_mm > rules.still_mm:
        return None
    return (
        Figure("before_number", before.number),
        Figure("before_at_us", before.at_us),
        Figure("driven_mm", way.gps_mm),
        Figure("least_mm", rules.still_mm),
        Figure("filled_ml", filling.ml),
    )


def _stood(  # noqa: PLR0911, PLR0913, PLR0917 - what may be known of a stop, one after the other
    vehicle: Vehicle,
    filling: Filling,
    place: Site | None,
    rules: Rules,
    about: About,
    figures: tuple[Figure, ...],
) -> Verdict:
    stand = standing(vehicle.track, filling.at_us)
    if stand is None:
        return about.cannot_tell(Why.TRACK_INCOMPLETE, *figures)
    figures = (
        *figures,
        Figure("stood_from_us", stand.from_us),
        Figure("stood_to_us", stand.to_us),
    )
    known = place is not None and place.firm(rules) and not vehicle.sensitive
    if known and place is not None:
        stop = vehicle.track.stops, (stand.from_us, stand.to_us)
        spot = place.around(rules)
        at = nearest_stop(*stop, spot)
        if at is not None and at[0] <= spot.radius_mm:
            return about.agrees(*figures, Figure("nearest_mm", at[0]))
        other = visited(vehicle, filling, place, rules)
        if other is not None:
            return about.cannot_tell(Why.TIME_DIFFERS, *figures, Figure("other_visit_us", other))
    elif not vehicle.sensitive and not usual_here(
        vehicle.track.stops, stand.index, filling.month_us, rules
    ):
        return about.cannot_tell(Why.PLACE_UNKNOWN, *figures)
    needed = rules.still_us if known else rules.still_blind_us
    span = still_span(filling, needed)
    figures = (*figures, Figure("still_s", needed // SECOND_US))
    if stand.from_us > span[0] or stand.to_us < span[1]:
        return about.agrees(*figures)
    if not sure(vehicle.track, stand.index, span, rules):
        return about.cannot_tell(Why.TRACK_INCOMPLETE, *figures)
    return about.doubt(Doubt.WITHOUT_TRAVEL, *figures, Figure("filled_ml", filling.ml))


def still_span(filling: Filling, needed: int) -> tuple[int, int]:
    """Return for how long a vehicle must have stood: so much on both sides, or the whole day."""
    if filling.timed:
        return filling.at_us - needed, filling.at_us + needed
    return filling.day_us, filling.day_us + DAY_US
