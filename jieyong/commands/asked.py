"""Days and months as officers write them on the command line."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from registry.refusal import refuse

_YEARS: Final = range(1900, 3000)
"""Nobody means others, and the first and the last of all have no neighbours to reckon with."""


def day(text: str, where: str) -> date:
    """Read a day.

    Raises:
        RefusedError: it is none, or of another age; ``where`` names the option.
    """
    try:
        found = date.fromisoformat(text)
    except ValueError:
        refuse(where, f"“{text}”不是日期，请写成 2026-10-09")
    return _of_our_time(found, text, where)


def month(text: str, where: str) -> date:
    """Read a month: its first day.

    Raises:
        RefusedError: it is none, or of another age; ``where`` names the option.
    """
    try:
        found = datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007 - a local month
    except ValueError:
        refuse(where, f"“{text}”不是月份，请写成 2026-10")
    return _of_our_time(found, text, where)


def _of_our_time(found: date, text: str, where: str) -> date:
    if found.year not in _YEARS:
        refuse(where, f"“{text}”的年份应在 {_YEARS[0]} 到 {_YEARS[-1]} 之间，请更正")
    return found
