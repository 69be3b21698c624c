"""The product against what the vehicle runs on: wrong fuel."""

from __future__ import annotations

from fleet.joining.model import Filling
from fleet.joining.rules import ALLOWED, OPEN
from fleet.joining.stated import About
from fleet.joining.verdict import Check, Doubt, Figure, Kind, Verdict, Why


def fuel_verdict(vehicle: str, one: Filling) -> Verdict:
    """Compare what was filled with what the vehicle ran on that day."""
    about = About(*(Kind.FILLING, one.number, vehicle, one.at_us, Check.FUEL), one.at_us, one.at_us)
    figures = Figure("product", one.product or None), Figure("energy", one.energy)
    if not one.product:
        return about.cannot_tell(Why.PRODUCT_UNKNOWN, *figures)
    if one.energy not in ALLOWED or one.product in OPEN.get(one.energy, ()):
        return about.cannot_tell(Why.ENERGY_UNKNOWN, *figures)
    if one.product in ALLOWED[one.energy]:
        return about.agrees(*figures)
    return about.doubt(Doubt.WRONG_FUEL, *figures)
