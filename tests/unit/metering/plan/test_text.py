from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime
from decimal import Decimal

from metering.plan import text
from metering.plan.compare import Basis, year_on_year
from metering.plan.curve import Shape
from metering.plan.forecast import Forecast, Refusal
from metering.plan.progress import Kind, Lack, Per, Progress, State
from metering.plan.quota import EnteredQuota
from metering.plan.standing import Standing
from metering.plan.text import comparison_lines, day_list, signed, standing_lines
from metering.plan.usage import MonthTotal, Source, Usage, month_of
from tests.unit.metering.plan.samples import KWH, PLAIN, days

OCTOBER, LAST_OCTOBER = month_of(date(2026, 10, 1)), month_of(date(2025, 10, 1))
QUOTA = EnteredQuota(
    3, "jg-1", "electricity", 2026, Kind.CONSTRAINT, Per.M2, Decimal("60.500000"), "kWh",
    "市发〔2026〕1号", date(2026, 1, 15), "王芳", datetime(2026, 2, 1, tzinfo=UTC),
)  # fmt: skip
PROGRESS = Progress(
    limit=10_000 * KWH,
    used=4_000 * KWH,
    planned=5_000 * KWH,
    known=Decimal("0.97"),
    unknown_days=(date(2026, 3, 1), date(2026, 3, 2), date(2026, 4, 9)),
    sources=frozenset([Source.BILLED, Source.METERED]),
    shape=Shape.LAST_YEAR,
    state=State.AHEAD,
)
FORECAST = Forecast(
    so_far=4_000 * KWH,
    filled=0,
    expected=8_000 * KWH,
    low=7_000 * KWH,
    high=9_000 * KWH,
    ratio=Decimal("0.9"),
    months=6,
    days=170,
)


def said(standing: Standing) -> str:
    return "\n".join(standing_lines(standing))


def test_a_comparison_says_over_which_days() -> None:
    now = {day: micro for day, micro in days(OCTOBER, lambda _: 110).items() if day.day != 20}
    one = year_on_year(Usage(now), Usage(days(LAST_OCTOBER, lambda _: 100)), OCTOBER, PLAIN)
    lines = "\n".join(comparison_lines("同比", one, "kWh"))
    assert "同比：2026-10-01 至 2026-10-31 与 2025-10-01 至 2025-10-31：+10.0%" in lines
    assert f"按 {one.days} 个可比日比较" in lines
    assert "本期未知，未参加比较：2026-10-20（共 1 天）" in lines
    assert "节假日安排未全部录入" in lines


def test_the_bills_totals_stand_beside_a_comparison_by_days() -> None:
    bills = {OCTOBER.first: MonthTotal(5000 * KWH, Source.BILLED)}
    now = Usage(days(OCTOBER, lambda _: 110), bills, months_first=True)
    one = year_on_year(now, Usage(), OCTOBER, PLAIN)
    assert one.totals == (5000 * KWH, None)
    then = Usage(days(LAST_OCTOBER, lambda _: 100))
    one = year_on_year(now, then, OCTOBER, PLAIN)
    lines = "\n".join(comparison_lines("同比", one, "kWh"))
    assert "可比日数据来源：计量" in lines
    assert "上报口径整期总量：本期 5,000 kWh，对比期 3,100 kWh（来源：计量、账单）" in lines
    metered = year_on_year(Usage(now.days), then, OCTOBER, PLAIN)
    assert "上报口径" not in "\n".join(comparison_lines("同比", metered, "kWh"))


def test_whole_months_and_their_sources_are_named() -> None:
    then = Usage({}, {LAST_OCTOBER.first: MonthTotal(2000 * KWH, Source.ENTERED)})
    one = year_on_year(Usage(days(OCTOBER, lambda _: 100)), then, OCTOBER, PLAIN)
    lines = "\n".join(comparison_lines("同比", one, "kWh"))
    assert "未按可比日" in lines
    assert "计量、人工导入的历史数据" in lines


def test_no_comparison_says_so() -> None:
    one = year_on_year(Usage(), Usage(), OCTOBER, PLAIN)
    assert one.basis is Basis.NONE
    (line,) = comparison_lines("同比", one, "kWh")
    assert "无法比较" in line


def test_growth_from_zero_is_said_in_words() -> None:
    zero = Usage(days(LAST_OCTOBER, lambda _: 0))
    one = year_on_year(Usage(days(OCTOBER, lambda _: 1)), zero, OCTOBER, PLAIN)
    assert "上期为 0，不计算百分比" in next(comparison_lines("同比", one, "kWh"))


def test_a_quota_says_value_source_state_and_forecast() -> None:
    lines = said(Standing(QUOTA, "kWh", PROGRESS, FORECAST))
    assert "2026 年电约束值（单位建筑面积） 60.5 kWh，依据 市发〔2026〕1号（2026-01-15）" in lines
    assert "全年定额 10,000 kWh，已用 4,000 kWh" in lines
    assert "状态：低于计划，已用全年定额的 40.0%" in lines
    assert "按上年走势，已知部分占计划进度 97.0%；来源：计量、账单" in lines
    assert "2026-03-01 至 2026-03-02、2026-04-09（共 3 天）" in lines
    assert "全年预测：8,000 kWh（八成可能在 7,000 至 9,000 之间），预计不超定额" in lines


def test_the_forecast_is_held_against_the_limit_with_its_interval() -> None:
    for limit, verdict in ((6_500, "预计超定额"), (8_000, "可能超定额"), (9_000, "预计不超定额")):
        progress = dataclasses.replace(PROGRESS, limit=limit * KWH)
        assert verdict in said(Standing(QUOTA, "kWh", progress, FORECAST))


def test_what_is_not_known_is_said() -> None:
    nothing = dataclasses.replace(
        PROGRESS,
        limit=None,
        used=None,
        planned=None,
        unknown_days=(),
        state=State.UNKNOWN,
        lack=Lack.NO_BASE,
    )
    lines = said(Standing(QUOTA, "kWh", nothing, Refusal.FEW_MONTHS))
    assert "全年定额 未知，已用 未知" in lines
    assert "无法判断：没有录入建筑面积或用能人数" in lines
    assert "数据不足（可与上年比较的月份不足 3 个）" in lines


def test_everything_that_can_be_said_has_words() -> None:
    assert set(text.SOURCES) == set(Source)
    assert set(text.STATES) == set(State)
    assert set(text.LACKS) == set(Lack)
    assert set(text.SHAPES) == set(Shape)
    assert set(text.REFUSALS) == set(Refusal)


def test_signs_and_runs_of_days() -> None:
    assert signed(Decimal("-0.0321")) == "-3.2%"
    assert signed(Decimal(0)) == "0.0%"
    assert day_list([date(2026, 1, 31), date(2026, 2, 1)]) == "2026-01-31 至 2026-02-01（共 2 天）"
