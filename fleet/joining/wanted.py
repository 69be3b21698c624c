"""Which single fixes are worth reading: for most fillings a stop at the station says enough."""

from __future__ import annotations

from fleet.joining.fuel_travel import still_span
from fleet.joining.learn import Site
from fleet.joining.model import Filling, Vehicle
from fleet.joining.rules import SECOND_US, Rules
from fleet.joining.span import span_of, widest
from fleet.joining.where import nearest_stop, standing


def wanted_fixes(
    vehicle: Vehicle, filling: Filling, place: Site | None, rules: Rules
) -> tuple[int, int] | None:
    """Return from when to when single fixes tell more than stops; None: they do not.

    Args:
        vehicle: whose.
        filling: the filling.
        place: its station; None: it is not known.
        rules: what is believed.
    """
    if place is not None and place.firm(rules) and not vehicle.sensitive:
        spot = place.around(rules)
        stop = nearest_stop(vehicle.track.stops, span_of(filling, rules), spot)
        if stop is not None and stop[0] <= spot.radius_mm:
            return None
        begin, end = widest(filling, rules)
        return begin - rules.silence_us, end + rules.silence_us
    stand = standing(vehicle.track, filling.at_us)
    if stand is None:
        return None
    if vehicle.track.stops.silent_s[stand.index] * SECOND_US <= rules.silence_us:
        return None
    begin, end = still_span(filling, rules.still_blind_us)
    return begin - rules.silence_us, end + rules.silence_us
