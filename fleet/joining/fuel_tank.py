"""Litres against the tank: what it holds, and what must still be in it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fleet.joining.model import Filling
from fleet.joining.rates import Legs, Rate
from fleet.joining.rules import DAY_US, Rules
from fleet.joining.stated import About
from fleet.joining.verdict import Check, Doubt, Figure, Kind, Verdict, Why
from fleet.joining.ways import HM_MM, Driven


@dataclass(frozen=True, slots=True)
class _Left:
    """The least that must still be in a tank.

    Attributes:
        ml: so much.
        since: the filling from which on it is counted; None: nothing is known.
        most_mm: the longest that was driven since.
        burnt_ml: the most that was burnt since.
        counted: numbers of the fillings since, but for the first.
    """

    ml: int = 0
    since: Filling | None = None
    most_mm: int = 0
    burnt_ml: int = 0
    counted: tuple[int, ...] = ()


def tank_verdict(vehicle: str, payment: Filling, index: int, legs: Legs, rules: Rules) -> Verdict:
    """Compare the litres of a filling with what the tank holds.

    Args:
        vehicle: its code.
        payment: the filling; with others of one bill it is one.
        index: of its bill.
        legs: of the vehicle, from bill to bill.
        rules: what is believed.
    """
    about = _about(Check.TANK, vehicle, payment, legs.fillings[index], rules)
    known = _known(payment, index, legs, rules)
    if isinstance(known, Why):
        return about.cannot_tell(known, Figure("filled_ml", payment.ml))
    if known.filled > known.holds:
        over = Figure("over_ml", known.filled - known.holds)
        return about.doubt(Doubt.OVERFILL, *known.figures, over)
    return about.agrees(*known.figures)


def room_verdict(vehicle: str, payment: Filling, index: int, legs: Legs, rules: Rules) -> Verdict:
    """Compare the litres of a filling with what must still have been in the tank.

    See :func:`tank_verdict`.
    """
    about = _about(Check.ROOM, vehicle, payment, legs.fillings[index], rules)
    known = _known(payment, index, legs, rules)
    if isinstance(known, Why):
        return about.cannot_tell(known, Figure("filled_ml", payment.ml))
    left = _left(legs, index, rules)
    if left.since is None:
        return about.cannot_tell(Why.DISTANCE_UNKNOWN, *known.figures)
    room = known.holds - left.ml
    figures = (
        *known.figures,
        Figure("since_number", left.since.number),
        Figure("since_us", left.since.at_us),
        Figure("between", "、".join(map(str, left.counted)) or None),
        Figure("driven_mm", left.most_mm),
        Figure("burnt_ml", left.burnt_ml),
        Figure("left_ml", left.ml),
        Figure("room_ml", room),
    )
    if known.filled > room:
        over = Figure("over_ml", known.filled - room)
        return about.doubt(Doubt.OVERFILL, *figures, over)
    return about.agrees(*figures)


@dataclass(frozen=True, slots=True)
class _Known:
    """Litres of a bill, and the most that its tank holds."""

    filled: int
    holds: int
    figures: tuple[Figure, ...]


def _about(check: Check, vehicle: str, payment: Filling, bill: Filling, rules: Rules) -> About:
    return About(
        *(Kind.FILLING, payment.number, vehicle, payment.at_us, check),
        payment.at_us - 2 * rules.history_us - DAY_US,
        max(payment.at_us, bill.at_us) + max(rules.apart_us, DAY_US),
    )


def _known(payment: Filling, index: int, legs: Legs, rules: Rules) -> _Known | Why:
    bill = legs.fillings[index]
    # Two fillings of one day without times may be hours apart: each for itself.
    filled = bill.ml if bill.timed else payment.ml
    if filled is None:
        return Why.LITRES_UNKNOWN
    if bill.tank_ml is None:
        return Why.TANK_UNKNOWN
    holds = bill.tank_ml * (100 + rules.tank_over_pct) // 100
    figures = (
        Figure("filled_ml", filled),
        Figure("payments", legs.payments[index]),
        Figure("tank_ml", bill.tank_ml),
        Figure("holds_ml", holds),
    )
    return _Known(filled, holds, figures)


def most_burnt(way: Driven, rate: Rate | None, rules: Rules) -> int:
    """Return the most that can have been burnt on a way, ml."""
    if rate is None:
        usual = way.most_mm * rules.burn_most // HM_MM
    else:
        timed_mm = way.most_mm if way.timed_mm else 0
        usual = rate.expected(way.most_mm, way.most_running_s, timed_mm, rules)
    return usual * (100 + rules.burn_over_pct) // 100 + rules.waiting_ml


def _left(legs: Legs, index: int, rules: Rules) -> _Left:
    """Return the least left in the tank: from the oldest filling that still tells, forward.

    After a filling there is at least that filling; after one to the brim, the tank. What was driven
    takes from it, at the most that the vehicle uses.
    """
    fillings, known = legs.fillings, max(index - 1, 0)
    rate = legs.rates[known] or legs.bounds[known]
    begin, oldest_us = index, fillings[index].at_us - rules.history_us
    for number in range(index, max(0, index - rules.back), -1):
        earlier = fillings[number - 1]
        if earlier.at_us < oldest_us or not _follows(earlier, fillings[number]):
            break
        begin = number - 1
    left = _Left()
    for number in range(begin, index):
        one, way = fillings[number], legs.driven[number + 1]
        # Payments of one day without times may be hours apart: their sum was never in the tank.
        apart = legs.payments[number] > 1 and not one.timed
        left = _Left() if apart else _after(left, one, rules)
        if way is None or left.since is None:
            left = _Left()
            continue
        burnt = most_burnt(way, rate, rules)
        if burnt >= left.ml:
            left = _Left(0, one, way.most_mm, burnt)
            continue
        left = replace(
            left,
            ml=left.ml - burnt,
            most_mm=left.most_mm + way.most_mm,
            burnt_ml=left.burnt_ml + burnt,
        )
    return left


def _after(left: _Left, one: Filling, rules: Rules) -> _Left:
    """Return what is left after a filling; nothing where both contradict each other."""
    tank = one.tank_ml or 0
    holds = tank * (100 + rules.tank_over_pct) // 100
    filled = left.ml + (one.ml or 0)
    if filled > holds:
        return _Left()
    if one.full:
        return _Left(holds * (100 - rules.brim_pct) // 100, one)
    if left.since is None or not left.ml:
        return _Left(min(filled, tank), one)
    return replace(left, ml=min(filled, tank), counted=(*left.counted, one.number))


def _follows(one: Filling, following: Filling) -> bool:
    if following.missed or one.ml is None or one.tank_ml != following.tank_ml:
        return False
    # Of one day without times, nobody knows which came first.
    return (one.timed and following.timed) or one.day_us != following.day_us
