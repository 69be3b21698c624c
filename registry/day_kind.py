"""What a day is."""

from __future__ import annotations

import enum


class DayKind(enum.StrEnum):
    """What a day is to those who work in an office."""

    WORKDAY = "workday"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
