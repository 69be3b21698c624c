"""A filling against the one before it: two fillings within two hours."""

from __future__ import annotations

from fleet.joining.model import Filling
from fleet.joining.rules import SECOND_US, Rules
from fleet.joining.span import split
from fleet.joining.stated import About
from fleet.joining.verdict import Check, Doubt, Figure, Kind, Verdict, Why


def pair_verdict(  # noqa: PLR0911 - what may be known of a pair, one after the other
    vehicle: str, one: Filling, before: Filling | None, rules: Rules
) -> Verdict:
    """Compare a filling with the one before it.

    A bill that is paid in two parts at one pump, because cards are capped, is one filling: within
    minutes, of one station, and together no more than the tank holds.

    Args:
        vehicle: its code.
        one: the filling.
        before: the one before it; None: none is known.
        rules: what is believed.
    """
    about = About(
        *(Kind.FILLING, one.number, vehicle, one.at_us, Check.PAIR),
        min(one.day_us, one.at_us - rules.apart_us),
        one.at_us,
    )
    if before is None or before.at_us < about.from_us:
        return about.agrees(Figure("before_number", None))
    apart = one.at_us - before.at_us
    both = None if one.ml is None or before.ml is None else one.ml + before.ml
    figures = (
        Figure("before_number", before.number),
        Figure("before_at_us", before.at_us),
        Figure("apart_s", apart // SECOND_US),
        Figure("filled_ml", one.ml),
        Figure("before_ml", before.ml),
        Figure("tank_ml", one.tank_ml),
    )
    if not (one.timed and before.timed):
        if one.day_us != before.day_us:
            return about.agrees(*figures)
        return about.cannot_tell(Why.TIME_UNKNOWN, *figures)
    if apart > rules.apart_us:
        return about.agrees(*figures)
    if not split(before, one, rules.split_us):
        return about.doubt(Doubt.TWO_FILLS, *figures)
    if both is None or one.tank_ml is None:
        unknown = Why.LITRES_UNKNOWN if both is None else Why.TANK_UNKNOWN
        return about.cannot_tell(unknown, *figures)
    if both <= one.tank_ml * (100 + rules.tank_over_pct) // 100:
        return about.agrees(*figures)
    return about.doubt(Doubt.TWO_FILLS, *figures)
