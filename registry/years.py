"""The years that people can mean: one range and one message for everything that is entered."""

from __future__ import annotations

from datetime import date
from typing import Final

from registry.refusal import RefusedError

YEARS: Final = range(2000, 2101)
"""Another year is a slip of the pen, or a number that Excel took for a day. A slip of decades would
make millions of quarter hours; what began earlier is entered from 2000-01-01 on."""


def sensible(day: date) -> bool:
    """Tell whether a day or a time is one that somebody can mean."""
    return day.year in YEARS


def wrong_year(day: date | int) -> str:
    """Say that a day, a time, or a year is none that somebody can mean."""
    year = day if isinstance(day, int) else day.year
    return f"{year:04} 年不在 {YEARS[0]} 年至 {YEARS[-1]} 年之间，请核对年份"


def not_yet(day: date, today: date) -> str:
    """Say that a day has not come, of which a paper tells what happened on it."""
    return f"{day} 还没有到（今天是 {today}），请核对日期"


def refuse_wrong_year(day: date | int) -> None:
    """Refuse a day, a time, or a year that nobody can mean.

    Raises:
        RefusedError: it is none.
    """
    if (day if isinstance(day, int) else day.year) not in YEARS:
        raise RefusedError(wrong_year(day))
