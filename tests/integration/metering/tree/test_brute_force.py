"""Totals of drawn towns against a model that adds quarters up."""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from fractions import Fraction

import pytest

from metering.tree.days import day_totals
from metering.tree.holders import NOBODY, OUTSIDE
from metering.tree.items import wider
from metering.tree.levels import Level
from metering.tree.report import NO_DISTRICT, Grouping, day_report, month_report
from metering.tree.totals import Line, month_totals, sum_by, widened
from tests.integration.metering.tree import brute
from tests.integration.metering.tree.brute import BEHIND, DAYS, Drawn, expected
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
    shares = Fraction(len(drawn.meters) * 4)  # what is shared is whole millionths

    days = day_totals(town.conn, DAYS[0], BEHIND, ZONE, Level.ITEM)
    assert off(got(town, days), added(model.items())) < shares
    months = month_totals(town.conn, [JUNE, JULY], ZONE, Level.ITEM)
    by_month = added(((day.replace(day=1), *rest), n) for (day, *rest), n in model.items())
    assert off(got(town, months), by_month) < shares

    institutions = month_totals(town.conn, [JUNE, JULY], ZONE)
    for end in (months, institutions):
        got_city = added(((line.begin, line.energy), net(line)) for line in end)
        assert got_city == added(((day.replace(day=1), e), n) for (day, *_, e), n in model.items())
    if not drawn.relations:
        assert got(town, months) == by_month


@pytest.mark.parametrize("seed", SEEDS)
def test_the_days_of_a_month_are_the_month(town: Town, seed: int) -> None:
    drawn = Drawn(town, random.Random(seed))
    assert drawn.meters
    for level in Level:
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


@pytest.mark.parametrize("seed", SEEDS[:6])
def test_districts_hold_what_their_institutions_do(town: Town, seed: int) -> None:
    drawn = Drawn(town, random.Random(seed))
    model = expected(drawn)
    sums = added(
        ((day.replace(day=1), _district(drawn, holder, day), energy), amount)
        for (day, holder, _, energy), amount in model.items()
        if holder not in {brute.NOBODY, brute.OUTSIDE}
    )
    shares = Fraction(len(drawn.meters) * 4)
    for month in (JUNE, JULY):
        found = month_report(town.conn, month, ZONE, Grouping.DISTRICT).rows
        shown = added(
            ((month, row.name, row.energy), row.figure.micro or 0) for row in found if row.code
        )
        assert off(shown, {key: n for key, n in sums.items() if key[0] == month}) < shares
    days = day_report(town.conn, (DAYS[0], BEHIND), ZONE, Grouping.DISTRICT).rows
    shown = added(
        ((day.replace(day=1), row.name, row.energy), row.figure.micro or 0)
        for day, row in days
        if row.code
    )
    assert off(shown, sums) < shares
    assert NO_DISTRICT not in {row.name for _, row in days}


def _district(drawn: Drawn, house: str, day: date) -> str:
    last = date(2026, 6, 30) if day < JULY else date(2026, 7, 31)
    return next(name for begin, end, name in drawn.districts[house] if begin <= last < end)


@pytest.mark.parametrize("seed", SEEDS[:6])
def test_a_wider_item_holds_all_that_begin_like_it(town: Town, seed: int) -> None:
    Drawn(town, random.Random(seed))
    lines = month_totals(town.conn, [JUNE], ZONE, Level.ITEM)
    sums = sum_by(widened(lines), lambda line: line.item)
    for (item, *_, energy, _), figure in sums.items():
        stem = item.rstrip("0") if len(item) == 5 else item
        mine = [one for one in lines if one.energy == energy]
        mine = [o for o in mine if (o.item.startswith(stem) if stem else o.item == item)]
        assert figure.taken_in == sum(one.figure.taken_in for one in mine)


def test_no_item_contains_another_twice() -> None:
    for item in ("01A10", "01A00", "01000", "00000", "x", ""):
        assert len(set(wider(item))) == len(wider(item))
    assert list(itertools.chain(wider("01A10"))) == ["01A10", "01A00", "01000"]
