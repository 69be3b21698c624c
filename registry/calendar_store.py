"""The days that differ from their weekday: published, and entered in the database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final, LiteralString

import psycopg

from registry.audit import Act, record
from registry.calendar import DatedCalendar
from registry.day_kind import DayKind
from registry.published_days import published_days
from registry.refusal import RefusedError

_WITHDRAW: Final[LiteralString] = """
    UPDATE calendar_day SET withdrawn_by = %s, withdrawn_at = %s
    WHERE withdrawn_at IS NULL AND day = ANY(%s)
"""
_INSERT: Final[LiteralString] = """
    INSERT INTO calendar_day (day, kind, source, entered_by, entered_at)
    SELECT day, kind, %s, %s, %s FROM unnest(%s::date[], %s::text[]) AS d (day, kind)
"""


def load_calendar(conn: psycopg.Connection[Any]) -> DatedCalendar:
    """The calendar in force: the yearly notices, and what was entered, which comes before them."""
    return DatedCalendar({**published_days(), **_entered(conn)})


def _entered(conn: psycopg.Connection[Any]) -> dict[date, DayKind]:
    rows = conn.execute("SELECT day, kind FROM calendar_day WHERE withdrawn_at IS NULL")
    return {day: DayKind(kind) for day, kind in rows}


def enter_days(
    conn: psycopg.Connection[Any], act: Act, days: Mapping[date, DayKind], source: str
) -> int:
    """Enter days that differ; where a day is in force with another kind, this one replaces it.

    Args:
        conn: a connection.
        act: who and when.
        days: holidays, make-up workdays, days off.
        source: the notice that says so.

    Returns:
        How many days are new or other than before.

    Raises:
        RefusedError: the source is missing.
    """
    if not source.strip():
        raise RefusedError("请写明节假日安排的依据：通知名称和文号。")
    with conn.transaction():
        conn.execute("LOCK TABLE calendar_day IN SHARE ROW EXCLUSIVE MODE")
        before = _entered(conn)
        changed = {day: kind for day, kind in days.items() if before.get(day) is not kind}
        if not changed:
            return 0
        conn.execute(_WITHDRAW, [act.principal, act.at, list(changed)])
        values = [list(changed), [str(kind) for kind in changed.values()]]
        conn.execute(_INSERT, [source, act.principal, act.at, *values])
        detail = {str(day): str(kind) for day, kind in sorted(changed.items())}
        record(conn, act, "calendar.enter", source, detail)
    return len(changed)
