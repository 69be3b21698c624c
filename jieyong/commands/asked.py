"""Days and months as officers write them on the command line."""

from __future__ import annotations

from datetime import date, datetime

from registry.refusal import refuse


def day(text: str, where: str) -> date:
    """Read a day.

    Raises:
        RefusedError: it is none; ``where`` names the option.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        refuse(where, f"“{text}”不是日期，请写成 2026-10-09")


def month(text: str, where: str) -> date:
    """Read a month: its first day.

    Raises:
        RefusedError: it is none; ``where`` names the option.
    """
    try:
        return datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007 - a local month
    except ValueError:
        refuse(where, f"“{text}”不是月份，请写成 2026-10")
