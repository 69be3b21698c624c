"""What may be expected of an institution: more of a larger one, and in harder weather."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal

import pytest

from metering.plan.curve import Shape
from metering.plan.progress import Base
from metering.plan.usage import Usage, Window, month_of, year_of
from registry.calendar import DatedCalendar
from registry.published_days import published_days
from rules.subjects.institutions.months import growth, harder, plan_of, weather

CALENDAR = DatedCalendar(published_days())
WHOLE = Usage(dict.fromkeys(year_of(2025), 1_000_000))
GAP = Usage({day: 1_000_000 for day in year_of(2025) if day.month != 3 or day.day < 10})


def base(area: int | None, heads: int | None) -> Base:
    return Base(*(None if one is None else Decimal(one) for one in (area, heads)))


@pytest.mark.parametrize(
    ("now", "then", "by", "times"),
    [
        (base(1_500, 100), base(1_000, 100), {"area", "heads"}, "1.5"),
        (base(1_000, 160), base(1_000, 100), {"area", "heads"}, "1.6"),
        (base(1_000, 160), base(1_000, 100), {"area"}, "1"),
        (base(800, 90), base(1_000, 100), {"area", "heads"}, "1"),
        (base(1_500, None), base(None, 100), {"area", "heads"}, "1"),
    ],
)
def test_an_institution_that_grew_may_use_more(
    now: Base, then: Base, by: set[str], times: str
) -> None:
    assert growth(now, then, by) == Decimal(times)


def test_harder_weather_asks_for_more_and_milder_weather_for_no_less() -> None:
    cold, mild, hot = [2.0] * 31, [8.0] * 31, [30.0] * 31
    assert float(harder(cold, mild, 10.0)) == pytest.approx((1 + 160) / (1 + 100))
    assert float(harder(hot, [26.0], 0.03)) == pytest.approx(1.12)
    assert harder(mild, cold, 10.0) == 1
    assert harder([20.0] * 30, [24.0] * 30, 10.0) == 1


def test_where_nobody_knows_the_weather_nothing_more_is_expected() -> None:
    assert harder([], [8.0], 10.0) == harder([2.0], [], 10.0) == 1


def test_a_few_days_are_no_weather_of_a_month() -> None:
    """A sensor that came into use on three cold days must not explain a whole month."""
    cold, mild = [2.0] * 31, [8.0] * 31
    months = month_of(date(2026, 1, 1)), month_of(date(2025, 1, 1))
    assert weather(_known(cold, mild), months, 10.0) == harder(cold, mild, 10.0) > 1
    assert weather(_known(cold[:16], mild), months, 10.0) == harder(cold, mild, 10.0)
    assert weather(_known(cold[:15], mild), months, 10.0) == 1
    assert weather(_known(cold, mild[:3]), months, 10.0) == 1


def _known(now: list[float], then: list[float]) -> Callable[[Window], Mapping[date, float]]:
    def celsius(window: Window) -> Mapping[date, float]:
        return dict(zip(window, now if window.first.year == 2026 else then, strict=False))

    return celsius


def test_what_follows_the_seasons_has_no_even_plan() -> None:
    known = plan_of(2026, WHOLE, CALENDAR, seasonal=True)
    assert known is not None
    assert known.shape is Shape.LAST_YEAR
    assert plan_of(2026, GAP, CALENDAR, seasonal=True) is None
    even = plan_of(2026, GAP, CALENDAR, seasonal=False)
    assert even is not None
    assert even.share([date(2026, 1, 1)]) * 365 == 1
