"""A filling against the one before it: two fillings within two hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fleet.joining.model import Filling
from fleet.joining.pumped import Pumped
from fleet.joining.rules import DAY_US, SECOND_US, Rules
from fleet.joining.span import split
from fleet.joining.stated import About
from fleet.joining.verdict import Check, Doubt, Figure, Kind, Verdict, Why


@dataclass(frozen=True, slots=True)
class Pair:
    """A filling with when it was, and the one before it; None: none is known."""

    one: Filling
    at: Pumped
    before: Filling | None = None
    before_at: Pumped | None = None


def pairs(papers: Sequence[Filling], times: Sequence[Pumped]) -> dict[int, Pair]:
    """Return each filling by its number with the one before it, as they were pumped."""
    turn = sorted(zip(times, papers, strict=True), key=lambda it: (it[0].at_us, it[1].number))
    found: dict[int, Pair] = {}
    before: tuple[Pumped | None, Filling | None] = None, None
    for at, one in turn:
        found[one.number] = Pair(one, at, before[1], before[0])
        before = at, one
    return found


def pair_verdict(vehicle: str, pair: Pair, rules: Rules) -> Verdict:
    """Compare a filling with the one before it.

    A bill that is paid in two parts at one pump, because cards are capped, is one filling: within
    minutes, of one station, and together no more than the tank holds.

    Args:
        vehicle: its code.
        pair: both.
        rules: what is believed.
    """
    one, before = pair.one, pair.before
    about = About(
        *(Kind.FILLING, one.number, vehicle, one.at_us, Check.PAIR),
        min(one.month_us - rules.learned_us, one.at_us - rules.wide_us - 2 * DAY_US),
        one.at_us + rules.wide_us + 2 * DAY_US,
    )
    if before is None or pair.before_at is None:
        return about.agrees(Figure("before_number", None))
    apart = abs(pair.at.at_us - pair.before_at.at_us)
    figures = (
        Figure("before_number", before.number),
        Figure("before_at_us", before.at_us),
        Figure("apart_s", apart // SECOND_US),
        Figure("stop_us", pair.at.at_us if pair.at.seen else None),
        Figure("before_stop_us", pair.before_at.at_us if pair.before_at.seen else None),
        Figure("filled_ml", one.ml),
        Figure("before_ml", before.ml),
        Figure("tank_ml", one.tank_ml),
    )
    timed, same_day = one.timed and before.timed, one.day_us == before.day_us
    if not timed and same_day:
        return about.cannot_tell(Why.TIME_UNKNOWN, *figures)
    if not timed or _least_us(pair.at, pair.before_at) > rules.apart_us:
        return about.agrees(*(figures if same_day else (Figure("before_number", None),)))
    if _one_bill(before, one, rules):
        return _bill(about, pair, figures, rules)
    if apart > rules.apart_us or _most_us(pair.at, pair.before_at) > rules.apart_us:
        return about.cannot_tell(Why.TIME_DIFFERS, *figures)
    return about.doubt(Doubt.TWO_FILLS, *figures)


def _one_bill(before: Filling, one: Filling, rules: Rules) -> bool:
    first, second = sorted((before, one), key=lambda paper: (paper.at_us, paper.number))
    return split(first, second, rules.split_us)


def _bill(about: About, pair: Pair, figures: tuple[Figure, ...], rules: Rules) -> Verdict:
    """Compare what two payments of one bill paid for with what the tank holds."""
    amounts = [None if it is None else it.ml for it in (pair.one, pair.before)]
    known = [ml for ml in amounts if ml is not None]
    if len(known) < 2:
        return about.cannot_tell(Why.LITRES_UNKNOWN, *figures)
    if pair.one.tank_ml is None:
        return about.cannot_tell(Why.TANK_UNKNOWN, *figures)
    if sum(known) > pair.one.tank_ml * (100 + rules.tank_over_pct) // 100:
        return about.doubt(Doubt.TWO_FILLS, *figures)
    if pair.before_at is not None and pair.at.seen != pair.before_at.seen:
        # At the stop of the one the other would be later than statements are: perhaps it is.
        return about.cannot_tell(Why.TIME_DIFFERS, *figures)
    return about.agrees(*figures)


def _least_us(one: Pumped, other: Pumped) -> int:
    """Return how little can lie between two fillings."""
    return max(one.from_us - other.to_us, other.from_us - one.to_us, 0)


def _most_us(one: Pumped, other: Pumped) -> int:
    """Return how much lies between two fillings, whichever visit to a station each of them was."""
    mine, others = ([it.at_us, *(end for _, end in it.visits)] for it in (one, other))
    return max(abs(a - b) for a in mine for b in others)
