"""What a cost rests on besides its tariff, for people: calendars, base prices carried on. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

from metering.derive.times import next_month
from metering.factors.layers import Piece
from metering.factors.tariff import Seasons, Tariff, TimeOfUse


def unpublished_years(
    spans: Sequence[Piece[Tariff]], published: Callable[[int], bool]
) -> list[str]:
    """Name the years whose day types are taken by the weekday, though they decide a price."""
    years = {day.year for span in spans for day in _days_by_type(span)}
    return [
        f"{year} 年节假日安排未公布：日类型按星期几划分"
        for year in sorted(years)
        if not published(year)
    ]


def carried_bases(
    spans: Sequence[Piece[Tariff]], entered: Mapping[str, Sequence[tuple[date, Decimal]]]
) -> list[str]:
    """Name the months without a base price of their own that go on with an earlier entered one.

    Args:
        spans: tariffs, as their files are.
        entered: base prices that people entered, by code of the tariff.
    """
    found: list[str] = []
    for span in spans:
        scheme = span.value.scheme
        bases = sorted(entered[span.value.code])
        if isinstance(scheme, TimeOfUse) and scheme.multiplies and bases:
            found += _carried(span, [since for since, _ in scheme.bases], [s for s, _ in bases])
    return list(dict.fromkeys(found))


def _carried(span: Piece[Tariff], written: list[date], entered: list[date]) -> list[str]:
    found = []
    month = span.begin.replace(day=1)
    while month < span.end:
        newest = max((since for since in [*written, *entered] if since <= month), default=month)
        if newest < month and newest in entered:
            name = span.value.name
            found.append(f"{name} {month:%Y-%m} 没有录入基准电价，沿用 {newest:%Y-%m} 的")
        month = next_month(month)
    return found


def _days_by_type(span: Piece[Tariff]) -> list[date]:
    scheme = span.value.scheme
    if not isinstance(scheme, Seasons):
        return []
    days = [span.begin + timedelta(days=i) for i in range((span.end - span.begin).days)]
    return [day for day in days if scheme.needs_calendar(day.month, day.day)]
