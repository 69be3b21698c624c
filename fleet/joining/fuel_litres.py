"""The litres of several fillings against the way: padded litres.

From a filling on, what was filled afterwards can exceed what was used by no more than what the tank
had room for: ``Σ litres − rate · Σ way ≤ tank − that filling``. Every filling of the last ones
is tried as the begin, with the rate of before it, which what is doubted has not entered: a
cumulative sum that starts anew wherever it tells most.
"""

from __future__ import annotations

from dataclasses import dataclass

from fleet.joining.model import Filling
from fleet.joining.rates import Legs, Rate
from fleet.joining.rules import DAY_US, Rules
from fleet.joining.stated import About
from fleet.joining.verdict import Check, Doubt, Figure, Kind, Verdict, Why


@dataclass(frozen=True, slots=True)
class _Run:
    """Fillings from one to another, and what they exceed."""

    over_ml: int
    first: int
    driven_mm: int
    sums: Rate
    base: Rate
    room_ml: int
    expected_ml: int


def litres_verdict(vehicle: str, payment: Filling, index: int, legs: Legs, rules: Rules) -> Verdict:
    """Compare the litres up to a filling with the way.

    Args:
        vehicle: its code.
        payment: the filling; with others of one bill it is one.
        index: of its bill.
        legs: of the vehicle, from bill to bill.
        rules: what is believed.
    """
    one = legs.fillings[index]
    about = About(
        *(Kind.FILLING, payment.number, vehicle, payment.at_us, Check.LITRES),
        payment.at_us - rules.run_us - rules.history_us - DAY_US,
        max(payment.at_us, one.at_us) + rules.apart_us,
    )
    if one.ml is None:
        return about.cannot_tell(Why.LITRES_UNKNOWN)
    if one.tank_ml is None:
        return about.cannot_tell(Why.TANK_UNKNOWN, Figure("filled_ml", one.ml))
    runs = [run for run in _runs(legs, index, rules) if run is not None]
    if not runs:
        unknown = legs.driven[index] is None
        why = Why.DISTANCE_UNKNOWN if unknown else Why.HISTORY_SHORT
        return about.cannot_tell(why, Figure("filled_ml", one.ml))
    worst = max(runs, key=lambda run: (run.over_ml, run.first))
    figures = (
        Figure("legs", worst.sums.legs),
        Figure("since_number", legs.fillings[worst.first].number),
        Figure("since_us", legs.fillings[worst.first].at_us),
        Figure("filled_ml", worst.sums.ml),
        Figure("driven_mm", worst.driven_mm),
        Figure("expected_ml", worst.expected_ml),
        Figure("slack_pct", rules.slack_pct),
        Figure("room_ml", worst.room_ml),
        Figure("over_ml", worst.over_ml),
        Figure("base_ml", worst.base.ml),
        Figure("base_mm", worst.base.mm),
    )
    if worst.over_ml > 0:
        return about.doubt(Doubt.PADDED_LITRES, *figures)
    return about.agrees(*figures)


def _runs(legs: Legs, index: int, rules: Rules) -> list[_Run | None]:
    one = legs.fillings[index]
    found: list[_Run | None] = []
    for first in range(index - rules.legs_least, max(0, index - rules.legs_most) - 1, -1):
        begin = legs.fillings[first]
        if begin.tank_ml != one.tank_ml or begin.at_us < one.at_us - rules.run_us:
            break
        found.append(_run(legs, first, index, rules))
    return found


def _run(legs: Legs, first: int, index: int, rules: Rules) -> _Run | None:
    sums = legs.run(first, index)
    base = legs.rates[first]
    one, last = legs.fillings[first], legs.fillings[index]
    if base is None or sums is None or one.ml is None or last.tank_ml is None:
        return None
    (more_mm, more_s), (last_mm, last_s) = legs.unsure[first], legs.unsure[index]
    mm, running_s = sums.mm + more_mm + last_mm, sums.running_s + more_s + last_s
    timed_mm = sums.timed_mm + more_mm + last_mm
    expected = base.expected(mm, running_s, timed_mm, rules)
    holds = last.tank_ml * (100 + rules.tank_over_pct) // 100
    level = holds * (100 - rules.brim_pct) // 100 if one.full else one.ml
    room = holds - level + rules.waiting_ml
    allowed = expected * (100 + rules.slack_pct) // 100
    return _Run(sums.ml - allowed - room, first, mm, sums, base, room, expected)
