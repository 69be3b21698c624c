"""Comparisons and quotas in plain Chinese, line by line. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from metering.plan.compare import Basis, Comparison
from metering.plan.curve import Shape
from metering.plan.forecast import Forecast, Refusal
from metering.plan.progress import Lack, Progress, State
from metering.plan.quota import KIND_NAMES, PER_NAMES
from metering.plan.standing import Standing
from metering.plan.usage import Source, Window
from metering.quality.words import amount, energy_names, percent, plain, unit_name

SOURCES: Final = {
    Source.METERED: "计量",
    Source.BILLED: "账单",
    Source.ENTERED: "人工导入的历史数据",
}
STATES: Final = {
    State.AHEAD: "低于计划",
    State.ON_PLAN: "符合计划",
    State.OVER: "超出计划",
    State.UNKNOWN: "无法判断",
}
LACKS: Final = {
    Lack.NO_FIGURES: "今年还没有任何已知用量",
    Lack.TOO_LITTLE_KNOWN: "已知用量不足计划进度的一半",
    Lack.NO_BASE: "没有录入建筑面积或用能人数",
}
SHAPES: Final = {Shape.DAYS: "按日均摊", Shape.LAST_YEAR: "按上年走势"}
REFUSALS: Final = {
    Refusal.FEW_MONTHS: "可与上年比较的月份不足 3 个",
    Refusal.LAST_YEAR_UNKNOWN: "上年剩余月份的用量不全",
    Refusal.NOTHING_USED: "上年可比用量为 0",
    Refusal.GAPS_SO_FAR: "今年有缺失的月份，上年同月也未知",
}


def comparison_lines(name: str, one: Comparison, unit: str) -> Iterator[str]:
    """A comparison: what was compared, over which days, and what was left out.

    Args:
        name: 同比 or 环比.
        one: the comparison.
        unit: of the quantities.
    """
    head = f"{name}：{span(one.window)} 与 {span(one.against)}"
    if one.basis is Basis.NONE:
        yield f"{head}：无法比较，没有两期都已知的可比日或整月。"
        return
    change = "上期为 0，不计算百分比" if one.change is None else signed(one.change)
    yield f"{head}：{change}"
    yield f"  本期 {amount(one.now, unit)}，对比期 {amount(one.then, unit)}"
    if one.basis is Basis.WHOLE:
        lengths = f"{len(one.window)} 天与 {len(one.against)} 天"
        yield f"  按整期总量比较（{lengths}，未按可比日）；数据来源：{sources(one.sources)}"
        return
    yield f"  按 {one.days} 个可比日比较（占 {percent(one.share)}；工作日、周末、节假日分别对应）"
    yield f"  可比日数据来源：{sources(one.sources)}"
    if one.totals_rest_on - one.sources:
        ours, theirs = (amount(total, unit) for total in one.totals)
        rests = sources(one.totals_rest_on)
        yield f"  上报口径整期总量：本期 {ours}，对比期 {theirs}（来源：{rests}）"
    for days, what in ((one.unknown_now, "本期未知"), (one.unknown_then, "对比期未知")):
        if days:
            yield f"  {what}，未参加比较：{day_list(days)}"
    if one.uneven:
        yield f"  对方同类日不足，未参加比较：{day_list(one.uneven)}"
    if not one.published:
        yield "  注意：所涉年份的节假日安排未全部录入，未录入的按星期区分工作日和周末。"


def standing_lines(one: Standing) -> Iterator[str]:
    """A quota, where it stands, and what the year will come to."""
    quota, state = one.quota, one.progress
    unit = unit_name(quota.unit)
    energy = energy_names().get(quota.energy, quota.energy)
    yield (
        f"{quota.year} 年{energy}{KIND_NAMES[quota.kind]}（{PER_NAMES[quota.per]}）"
        f" {plain(quota.value)} {unit}，依据 {quota.source}（{quota.issued}）  编号 {quota.id}"
    )
    base_unit = one.unit
    yield f"  全年定额 {amount(state.limit, base_unit)}，已用 {amount(state.used, base_unit)}"
    yield f"  状态：{_state(state)}"
    if state.planned is not None and state.used is not None:
        yield (
            f"  同期计划 {amount(state.planned, base_unit)}（{SHAPES[state.shape]}，"
            f"已知部分占计划进度 {percent(state.known)}；来源：{sources(state.sources)}）"
        )
    if state.unknown_days:
        yield f"  未知的日子，用量和计划都未计入：{day_list(state.unknown_days)}"
    yield f"  {_forecast(one.forecast, base_unit, state.limit)}"


def span(window: Window) -> str:
    """A window as people write it."""
    return f"{window.first} 至 {window.last}"


def signed(change: Decimal) -> str:
    """A change in percent, with its sign."""
    rounded = round(change * 100, 1)
    return f"{'+' if rounded > 0 else ''}{rounded}%"


def sources(found: Collection[Source]) -> str:
    """What figures rest on; named each, in a fixed order."""
    return "、".join(name for source, name in SOURCES.items() if source in found)


def day_list(days: Sequence[date]) -> str:
    """Days, runs of them joined."""
    runs: list[list[date]] = []
    for day in sorted(days):
        if runs and day - runs[-1][1] == timedelta(days=1):
            runs[-1][1] = day
        else:
            runs.append([day, day])
    shown = "、".join(f"{a}" if a == b else f"{a} 至 {b}" for a, b in runs)
    return f"{shown}（共 {len(days)} 天）"


def _state(state: Progress) -> str:
    if state.lack is not None:
        return f"{STATES[state.state]}：{LACKS[state.lack]}"
    share = "" if state.share is None else f"，已用全年定额的 {percent(state.share)}"
    return f"{STATES[state.state]}{share}"


def _forecast(found: Forecast | Refusal, unit: str, limit: int | None) -> str:
    if isinstance(found, Refusal):
        return f"全年预测：数据不足（{REFUSALS[found]}）"
    verdict = ""
    if limit is not None:
        verdict = "，预计超定额" if found.low > limit else "，可能超定额"
        verdict = verdict if found.high > limit else "，预计不超定额"
    filled = f"，其中 {amount(found.filled, unit)} 为缺失日按上年估算" if found.filled else ""
    return (
        f"全年预测：{amount(found.expected, unit)}（八成可能在 {amount(found.low)} 至"
        f" {amount(found.high)} 之间）{verdict}；按可比日为上年的"
        f" {percent(found.ratio)}，{found.months} 个月、{found.days} 天{filled}"
    )
