"""Days, months and years as officers write them on the command line."""

from __future__ import annotations

from datetime import date, datetime

from registry.refusal import refuse
from registry.years import refuse_wrong_year, sensible, wrong_year


def day(text: str, where: str) -> date:
    """Read a day.

    Raises:
        RefusedError: it is none, or of a year that nobody can mean; ``where`` names the option.
    """
    try:
        found = date.fromisoformat(text)
    except ValueError:
        refuse(where, f"“{text}”不是日期，请写成 2026-10-09")
    return _sensible(found, where)


def month(text: str, where: str) -> date:
    """Read a month: its first day.

    Raises:
        RefusedError: as for :func:`day`.
    """
    try:
        found = datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007 - a local month
    except ValueError:
        refuse(where, f"“{text}”不是月份，请写成 2026-10")
    return _sensible(found, where)


def year(number: int | None) -> int | None:
    """Check a year; None: it was not given.

    Raises:
        RefusedError: nobody can mean it.
    """
    if number is not None:
        refuse_wrong_year(number)
    return number


def _sensible(found: date, where: str) -> date:
    return found if sensible(found) else refuse(where, wrong_year(found))
