"""Tables of `jieyong temperature`, for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from rich.table import Table

from metering.facts.refusal import shown
from metering.gauge.daily import DayMean, degree_days
from metering.gauge.season import Season
from metering.gauge.settings import DegreeDaySettings
from metering.gauge.sites import Sensor
from metering.gauge.temperature import Observed

_BASIS: Final = {"entered": "录入的日平均", "hours": "逐时平均", "four": "四次定时平均", None: ""}
_SEASONS: Final = {
    Season.HEATING: "采暖季",
    Season.COOLING: "制冷季",
    Season.NEITHER: "过渡季",
    Season.UNKNOWN: "未知",
}
_HOUR: Final = timedelta(hours=1)
_DAYS_SHOWN: Final = 10


def days(
    means: Sequence[DayMean],
    seasons: Mapping[date, Season],
    settings: DegreeDaySettings,
    title: str,
) -> Table:
    """Return each day with its mean, degree-days and season."""
    heating, cooling = _names(settings)
    table = _table(title, "日期", "日平均 ℃", "依据", "缺测时段", heating, cooling, "季节")
    for mean in means:
        degrees = degree_days([mean], settings)
        table.add_row(
            *(str(mean.day), _number(mean.celsius), _BASIS[mean.basis], missing(mean.missing)),
            *(_number(degrees.heating), _number(degrees.cooling), _SEASONS[seasons[mean.day]]),
        )
    return table


def totals(means: Sequence[DayMean], settings: DegreeDaySettings) -> Iterator[str]:
    """Say the degree-days of all days together; unknown days make them unknown, and are named."""
    found = degree_days(means, settings)
    for name, total, least in zip(
        _names(settings),
        (found.heating, found.cooling),
        (found.heating_known, found.cooling_known),
        strict=True,
    ):
        if total is not None:
            yield f"{name} 合计 {total:.1f} ℃·d"
        else:
            yield f"{name} 合计未知；仅就已知的 {found.days} 天为 {least:.1f} ℃·d"
    if found.unknown:
        named = "、".join(str(day) for day in found.unknown[:_DAYS_SHOWN])
        more = " 等" if len(found.unknown) > _DAYS_SHOWN else ""
        yield f"气温未知的 {len(found.unknown)} 天：{named}{more}；补录后即可得出合计。"


def sensors(found: Sequence[Sensor], zone: ZoneInfo) -> Table:
    """Return the sensors of a site, with the numbers to withdraw them by."""
    table = _table("气温传感器", "编号", "测点", "自", "至", "录入人")
    for one in found:
        since, until = (
            shown(at and at.astimezone(zone)) for at in (one.span.since, one.span.until)
        )
        table.add_row(str(one.id), one.point, since, until, one.entered_by)
    return table


def observed(rows: Sequence[Observed], zone: ZoneInfo) -> Table:
    """Return what a file says."""
    table = _table("导入预览", "单元格", "时间", "气温 ℃")
    for row in rows:
        at = row.when
        time = shown(at.astimezone(zone)) if isinstance(at, datetime) else f"{at} 全天平均"
        table.add_row(row.where, time, _number(row.celsius))
    return table


def missing(hours: Sequence[datetime]) -> str:
    """Write hours of a day in short: ``03–05、14 时``.

    Args:
        hours: their beginnings, ascending, of the site's zone.
    """
    runs: list[list[datetime]] = []
    for hour in hours:
        # Of one zone, datetimes would be subtracted by the clock on the wall.
        if runs and hour.timestamp() - runs[-1][-1].timestamp() == _HOUR.total_seconds():
            runs[-1].append(hour)
        else:
            runs.append([hour])
    words = "、".join(
        f"{run[0]:%H}" if len(run) == 1 else f"{run[0]:%H}–{run[-1]:%H}" for run in runs
    )
    return f"{words} 时" if words else ""


def _names(settings: DegreeDaySettings) -> tuple[str, str]:
    return (
        f"采暖度日 HDD{settings.heating_base_c:g}",
        f"制冷度日 CDD{settings.cooling_base_c:g}",
    )


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _number(value: float | None) -> str:
    return "未知" if value is None else f"{value:.1f}"
