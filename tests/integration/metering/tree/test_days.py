"""What drawn towns do not show of days."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from metering.tree.days import DIVIDED_DAYS, UNDIVIDED_DAYS, bounds_of_days, day_totals
from metering.tree.levels import Level
from metering.tree.relations import Kind, Relation, enter_relation
from metering.tree.totals import Figure
from tests.integration.metering.tree.town import ACT, ZONE, Town

JUNE = date(2026, 6, 1)
DAY = timedelta(days=1)


def shared(town: Town) -> Town:
    town.house("A", "B")
    town.meter("M", "r-A")
    enter_relation(town.conn, ACT, Relation("meter", "M", Kind.SHARED, {"A": 1, "B": 1}))
    return town


def figures(town: Town, begin: date, end: date) -> list[tuple[int, Figure]]:
    return [(one.begin.day, one.figure) for one in day_totals(town.conn, begin, end, ZONE)]


def test_the_odd_millionth_of_each_day_goes_to_and_fro(town: Town) -> None:
    shared(town).days("M", {JUNE + n * DAY: 1 for n in range(4)})
    found = figures(town, JUNE, JUNE + 4 * DAY)
    assert [figure.micro for _, figure in found] == [1, 0, 0, 1, 1, 0, 0, 1]
    assert found[2:4] == figures(town, JUNE + DAY, JUNE + 2 * DAY)


def test_each_month_is_shared_out_for_itself(town: Town) -> None:
    shared(town).days("M", {date(2026, 6, 30): 1, date(2026, 7, 1): 1})
    found = figures(town, date(2026, 6, 30), date(2026, 7, 2))
    assert [(day, figure.micro) for day, figure in found] == [(30, 1), (30, 0), (1, 1), (1, 0)]


def test_of_a_day_of_which_nothing_is_known_nobody_has_a_share(town: Town) -> None:
    shared(town).days("M", {JUNE: 4, JUNE + 2 * DAY: 2})
    nothing = Figure(meters=1, unknown=1)
    assert figures(town, JUNE + DAY, JUNE + 2 * DAY) == [(2, nothing), (2, nothing)]
    assert nothing.micro is None


def test_what_is_estimated_is_never_less_than_nothing(town: Town) -> None:
    shared(town).days("M", {JUNE: -8})
    town.conn.execute("UPDATE consumption_day SET estimated = -6")
    figure = Figure(taken_in=-4, estimated=3, meters=1)
    assert figures(town, JUNE, JUNE + DAY) == [(1, figure), (1, figure)]


@pytest.mark.parametrize(("covered", "partial"), [(82_800, 0), (82_799, 1)])
def test_a_day_of_23_hours_is_whole_with_23_hours(town: Town, covered: int, partial: int) -> None:
    zone, day = ZoneInfo("Europe/Berlin"), date(2026, 3, 29)
    town.house("A")
    town.meter("M", "r-A")
    town.days("M", {day: 5})
    town.conn.execute("UPDATE consumption_day SET covered_s = %s", [covered])
    (found,) = day_totals(town.conn, day, day + DAY, zone)
    assert found.figure == Figure(taken_in=5, meters=1, partial=partial)


def test_no_days_are_refused(town: Town) -> None:
    with pytest.raises(ValueError, match="2026-06-01 is not after 2026-06-01"):
        day_totals(town.conn, JUNE, JUNE, ZONE)


@pytest.mark.parametrize("query", [UNDIVIDED_DAYS, DIVIDED_DAYS])
def test_days_are_found_by_meter_and_nothing_finer_is_read(town: Town, query: str) -> None:
    values = bounds_of_days(JUNE, JUNE + DAY, ZONE, Level.INSTITUTION) | {"divided": False}
    town.conn.execute("SET enable_seqscan = off")
    row = town.conn.execute(("EXPLAIN (FORMAT JSON) " + query).encode(), values).fetchone()
    assert row is not None
    plan = str(row[0])
    assert "'consumption_day_pkey'" in plan
    assert "'consumption'" not in plan
