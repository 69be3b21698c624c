"""Totals of drawn towns against a model that adds quarters up."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from fractions import Fraction

import pytest

from metering.tree.days import day_totals
from metering.tree.holders import NOBODY, OUTSIDE
from metering.tree.levels import Level
from metering.tree.mains import balances
from metering.tree.periods import Grain, periods
from metering.tree.report import Grouping, day_report, month_report
from metering.tree.totals import Line, month_totals
from tests.integration.metering.tree import brute
from tests.integration.metering.tree.brute import BEHIND, DAYS, Drawn, expected
from tests.integration.metering.tree.brute_mains import remainders
from tests.integration.metering.tree.town import ZONE, Town

JUNE, JULY = date(2026, 6, 1), date(2026, 7, 1)
SEEDS = range(16)
Sums = Mapping[tuple[object, ...], Fraction]


def added(rows: Iterable[tuple[tuple[object, ...], Fraction | int]]) -> Sums:
    sums: dict[tuple[object, ...], Fraction] = defaultdict(Fraction)
    for key, amount in rows:
        sums[key] += amount
    return {key: amount for key, amount in sums.items() if amount}


def codes(town: Town) -> dict[int, str]:
    names = {id_: code for code, id_ in town.ids.items() if code[0] == "I"}
    return names | {NOBODY: brute.NOBODY, OUTSIDE: brute.OUTSIDE}


def got(town: Town, lines: Iterable[Line]) -> Sums:
    names = codes(town)
    return added(
        ((line.begin, names[line.holder], line.item, line.energy), net(line)) for line in lines
    )


def net(line: Line) -> int:
    figure = line.figure
    return figure.taken_in + figure.generated - figure.supplied


def off(one: Sums, other: Sums) -> Fraction:
    """The widest difference between two."""
    nothing = Fraction(0)
    keys = one.keys() | other.keys()
    return max((abs(one.get(k, nothing) - other.get(k, nothing)) for k in keys), default=nothing)


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_happens_in_a_town_everybody_has_what_the_quarters_say(
    town: Town, seed: int
) -> None:
    drawn = Drawn(town, random.Random(seed))
    model = expected(drawn)
    # What is shared is whole millionths.
    shares = Fraction(len(drawn.meters) * 4) if drawn.relations else Fraction(1, 10**9)
    _check_institutions_and_items(town, model, shares)
    _check_districts(drawn, model, shares)
    for level in Level:
        _check_days_are_the_month(town, level)


def _check_institutions_and_items(
    town: Town, model: Mapping[brute.Cell, Fraction], shares: Fraction
) -> None:
    days = day_totals(town.conn, DAYS[0], BEHIND, ZONE, Level.ITEM)
    assert off(got(town, days), added(model.items())) < shares
    months = month_totals(town.conn, [JUNE, JULY], ZONE, Level.ITEM)
    by_month = added(((day.replace(day=1), *rest), n) for (day, *rest), n in model.items())
    assert off(got(town, months), by_month) < shares
    city = added(((day.replace(day=1), energy), n) for (day, *_, energy), n in model.items())
    for level in Level:
        lines = month_totals(town.conn, [JUNE, JULY], ZONE, level)
        assert added(((line.begin, line.energy), net(line)) for line in lines) == city


def _check_districts(drawn: Drawn, model: Mapping[brute.Cell, Fraction], shares: Fraction) -> None:
    conn = drawn.town.conn
    sums = added(
        ((day.replace(day=1), _district(drawn, holder, day), energy), amount)
        for (day, holder, _, energy), amount in model.items()
        if holder not in {brute.NOBODY, brute.OUTSIDE}
    )
    months = [
        (month, row)
        for month in (JUNE, JULY)
        for row in month_report(conn, month, ZONE, Grouping.DISTRICT).rows
    ]
    for shown in (months, day_report(conn, (DAYS[0], BEHIND), ZONE, Grouping.DISTRICT).rows):
        rows = [(day.replace(day=1), row) for day, row in shown if row.code]
        found = added(((day, row.name, row.energy), row.figure.micro or 0) for day, row in rows)
        assert off(found, sums) < shares


def _check_days_are_the_month(town: Town, level: Level) -> None:
    months = month_totals(town.conn, [JUNE], ZONE, level)
    days = day_totals(town.conn, JUNE, JULY, ZONE, level)
    assert parts(months) == parts(days)
    # A day alone is the same as among others.
    alone = day_totals(town.conn, DAYS[1], JULY, ZONE, level)
    assert alone == [line for line in days if line.begin == DAYS[1]]


def parts(lines: Iterable[Line]) -> Sums:
    return added(
        ((line.holder, line.item, line.energy, part), getattr(line.figure, part))
        for line in lines
        for part in ("taken_in", "generated", "supplied")
    )


def _district(drawn: Drawn, house: str, day: date) -> str:
    last = date(2026, 6, 30) if day < JULY else date(2026, 7, 31)
    return next(name for begin, end, name in drawn.districts[house] if begin <= last < end)


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_hangs_below_a_main_nothing_is_taken_off_twice(town: Town, seed: int) -> None:
    drawn = Drawn(town, random.Random(1000 + seed), crowded=True)
    names = {town.ids[code]: code for code in drawn.meters}
    for grain, length in ((Grain.DAY, timedelta(days=1)), (Grain.HOUR, timedelta(hours=1))):
        spans = periods(grain, DAYS[0], BEHIND, ZONE)
        found = {
            (names[main], balance.begin): balance.remainder
            for main, balance in balances(town.conn, list(names), grain, spans)
        }
        assert found == remainders(drawn, length)
