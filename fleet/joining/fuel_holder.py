"""The vehicle that a paper names against the one that holds the card: a borrowed card."""

from __future__ import annotations

from fleet.joining.model import Filling
from fleet.joining.stated import About
from fleet.joining.verdict import Check, Doubt, Figure, Kind, Verdict, Why


def holder_verdict(vehicle: str, one: Filling) -> Verdict:
    """Compare the vehicle that a filling's paper names with the holder of its card at that moment.

    Which of both was filled is not said: the paper may be wrong, or the card was lent.

    Args:
        vehicle: code of the card's holder.
        one: the filling.
    """
    about = About(
        *(Kind.FILLING, one.number, vehicle, one.at_us, Check.HOLDER), one.at_us, one.at_us
    )
    if not (one.card and one.written):
        return about.cannot_tell(Why.VEHICLE_UNSTATED)
    figures = (
        Figure("card", one.card),
        Figure("holder", vehicle),
        Figure("written", one.written),
        Figure("filled_ml", one.ml),
    )
    if one.written == vehicle:
        return about.agrees(*figures)
    return about.doubt(Doubt.OTHER_VEHICLE, *figures)
