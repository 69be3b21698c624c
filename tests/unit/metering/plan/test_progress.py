from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.plan.curve import Shape, as_last_year, evenly, month_total
from metering.plan.progress import Base, Lack, Per, State, limit_of, progress
from metering.plan.usage import MonthTotal, Source, Usage, Window, month_of, year_of
from tests.unit.metering.plan.samples import KWH, PLAIN, days, full_year, office

HALF_YEAR = date(2026, 6, 30)


def summer(day: date) -> float:
    return 300 if day.month in {6, 7, 8} else 100


@pytest.mark.parametrize(
    ("per", "base", "limit"),
    [
        (Per.TOTAL, Base(), 60_500_000),
        (Per.M2, Base(area_m2=Decimal("1200.5")), 72_630_250_000),
        (Per.HEAD, Base(heads=Decimal(80)), 4_840_000_000),
        (Per.M2, Base(heads=Decimal(80)), None),
        (Per.HEAD, Base(area_m2=Decimal(80)), None),
    ],
)
def test_a_specific_quota_needs_its_base(per: Per, base: Base, limit: int | None) -> None:
    assert limit_of(Decimal("60.5"), per, base) == limit


@pytest.mark.parametrize(
    ("kwh", "state"),
    [(94, State.AHEAD), (96, State.ON_PLAN), (104, State.ON_PLAN), (106, State.OVER)],
)
def test_five_percent_about_the_plan_is_on_plan(kwh: int, state: State) -> None:
    usage = Usage(full_year(2026, lambda _: kwh))
    found = progress(36_500 * KWH, usage, evenly(2026), HALF_YEAR)
    assert found.state is state
    assert found.planned == 18_100 * KWH
    assert found.known == 1


def test_beyond_the_years_quota_is_over_however_the_plan_runs() -> None:
    usage = Usage(full_year(2026, lambda _: 103))
    found = progress(36_500 * KWH, usage, evenly(2026), date(2026, 12, 31))
    assert found.state is State.OVER
    assert found.share is not None
    assert found.share > 1


def test_days_are_held_only_against_their_own_part_of_the_plan() -> None:
    known = {day: 100 * KWH for day in year_of(2026) if day.month != 4}
    found = progress(36_500 * KWH, Usage(known), evenly(2026), HALF_YEAR)
    assert found.used == found.planned == 15_100 * KWH
    assert found.state is State.ON_PLAN
    assert found.unknown_days == tuple(month_of(date(2026, 4, 1)))
    assert found.known == Decimal(151) / 181


def test_when_little_is_known_nothing_is_said() -> None:
    january = Usage(days(month_of(date(2026, 1, 1)), office))
    found = progress(36_500 * KWH, january, evenly(2026), HALF_YEAR)
    assert (found.state, found.lack) == (State.UNKNOWN, Lack.TOO_LITTLE_KNOWN)
    assert found.used is not None
    nothing = progress(36_500 * KWH, Usage(), evenly(2026), HALF_YEAR)
    assert (nothing.used, nothing.state, nothing.lack) == (None, State.UNKNOWN, Lack.NO_FIGURES)
    no_base = progress(None, january, evenly(2026), HALF_YEAR)
    assert (no_base.state, no_base.lack) == (State.UNKNOWN, Lack.NO_BASE)


def test_bills_are_held_against_the_plan_of_their_months() -> None:
    bills = {date(2026, m, 1): MonthTotal(3000 * KWH, Source.BILLED) for m in range(1, 6)}
    found = progress(36_500 * KWH, Usage({}, bills), evenly(2026), date(2026, 6, 12))
    assert found.used == 15_000 * KWH
    assert found.planned == 15_100 * KWH
    assert len(found.unknown_days) == 12
    assert found.sources == {Source.BILLED}


def test_last_years_summer_is_planned_for_this_year() -> None:
    curve = as_last_year(2026, Usage(full_year(2025, summer)), PLAIN)
    assert curve is not None
    assert curve.shape is Shape.LAST_YEAR
    use = Usage(full_year(2026, summer))
    limit = sum(full_year(2026, summer).values())
    assert progress(limit, use, curve, date(2026, 5, 31)).state is State.ON_PLAN
    assert progress(limit, use, curve, date(2026, 8, 31)).state is State.ON_PLAN
    assert progress(limit, use, evenly(2026), date(2026, 5, 31)).state is State.AHEAD


def test_workdays_weigh_more_than_weekends_as_they_did() -> None:
    curve = as_last_year(2026, Usage(full_year(2025)), PLAIN)
    assert curve is not None
    monday, sunday = date(2026, 3, 2), date(2026, 3, 1)
    assert curve.share([monday]) / curve.share([sunday]) == pytest.approx(2.5, rel=1e-6)


def test_months_known_only_as_a_whole_make_a_curve_too() -> None:
    months = {date(2025, m, 1): MonthTotal(m * 1000 * KWH, Source.ENTERED) for m in range(1, 13)}
    curve = as_last_year(2026, Usage({}, months), PLAIN)
    assert curve is not None
    assert curve.share(month_of(date(2026, 12, 1))) == pytest.approx(Fraction(12, 78), rel=1e-6)


def test_without_all_of_last_year_there_is_no_shape_to_follow() -> None:
    eleven = {d: m for d, m in full_year(2025).items() if d.month != 3}
    assert as_last_year(2026, Usage(eleven), PLAIN) is None
    assert as_last_year(2026, Usage(full_year(2025, lambda _: 0)), PLAIN) is None


def test_a_few_unknown_days_are_as_the_others_of_their_month() -> None:
    june = month_of(date(2025, 6, 1))
    most = Usage({day: 100 for day in june if day.day > 6})
    assert month_total(most, june) == 3000
    assert month_total(Usage({day: 100 for day in june if day.day > 7}), june) is None


@given(st.dictionaries(st.dates(date(2025, 1, 1), date(2025, 12, 31)), st.integers(0, 10**9)))
def test_the_shares_of_a_curve_make_one(odd: dict[date, int]) -> None:
    curve = as_last_year(2026, Usage({**full_year(2025), **odd}), PLAIN)
    assert curve is not None
    months = [month_of(first) for first in year_of(2026).months()]
    assert sum(curve.share(month) for month in months) == 1
    assert curve.share(Window(date(2026, 1, 1), date(2026, 12, 31))) == 1
