"""Holidays and make-up days as the State Council's yearly notices published them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache

from chinese_calendar import constants

from registry.day_kind import DayKind


@cache
def published_days() -> Mapping[date, DayKind]:
    """Return the days that differ from their weekday, of every year the package knows.

    Source: the package chinesecalendar; a newer one brings newer years. A year that is not in it
    counts as not published until its days are entered.
    """
    return dict.fromkeys(constants.holidays, DayKind.HOLIDAY) | dict.fromkeys(
        constants.workdays, DayKind.WORKDAY
    )
