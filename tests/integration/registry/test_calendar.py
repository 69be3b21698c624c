from __future__ import annotations

from datetime import UTC, date, datetime

import psycopg
import pytest

from registry.audit import Act
from registry.calendar_store import enter_days, load_calendar
from registry.day_kind import DayKind
from registry.refusal import RefusedError

ACT = Act("王芳", datetime(2026, 11, 22, tzinfo=UTC))


def test_a_day_entered_again_as_something_else_replaces_the_first(conn: psycopg.Connection) -> None:
    days = {date(2026, 10, 1): DayKind.HOLIDAY, date(2026, 10, 10): DayKind.WORKDAY}
    assert enter_days(conn, ACT, days, "通知") == 2
    assert enter_days(conn, ACT, days, "通知") == 0
    assert enter_days(conn, ACT, {date(2026, 10, 10): DayKind.WEEKEND}, "更正") == 1
    calendar = load_calendar(conn)
    assert calendar.kind(date(2026, 10, 10)) is DayKind.WEEKEND
    assert calendar.kind(date(2026, 10, 9)) is DayKind.WORKDAY
    assert calendar.published(2026)
    assert not calendar.published(2027)
    assert conn.execute("SELECT count(*) FROM calendar_day").fetchone() == (3,)
    assert [action for (action,) in conn.execute("SELECT action FROM audit_log")] == [
        "calendar.enter"
    ] * 2
    with pytest.raises(RefusedError, match="请写明节假日安排的依据"):
        enter_days(conn, ACT, days, "")
