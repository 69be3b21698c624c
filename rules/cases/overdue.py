"""Doubts that nobody explains in time: listed, and told again to who stands higher, once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg

from notify.model import Note, Severity
from notify.outbox import put
from registry.audit import Act, record
from registry.calendar import Calendar
from rules.cases.deadline import asked_before, deadline
from rules.cases.life import Step
from rules.cases.listing import Listed, opened
from rules.cases.telling import FRESH, FRESH_BY_MONTH, addressed, where
from rules.kinds.catalogue import KINDS

PROGRAM: Final = "jieyong"
LOCK: Final = 0x6A69_6579_6F6E_6723
_MOST: Final = 500
"""Doubts told again in one transaction."""

# What the rule says now holds for all its doubts. `changed_at` of a doubt that is asked is when it
# was asked last: opened, returned, reopened or found again.
_ASKED: Final[LiteralString] = """
SELECT doubt.id, doubt.changed_at AS asked_at, rule.answer_days AS days, rule.answer_route AS route,
       told.deed IS NOT NULL AS told
FROM doubt
JOIN (
    SELECT DISTINCT ON (code) code, answer_days, answer_route, meaning ->> 'kind' AS kind FROM rule
    WHERE NOT isempty(valid) ORDER BY code, lower(valid) DESC
) AS rule ON rule.code = doubt.rule_code
JOIN unnest(%(days)s::int[], %(befores)s::timestamptz[]) AS late (days, before)
    ON late.days = rule.answer_days AND doubt.changed_at < late.before
LEFT JOIN LATERAL (
    SELECT id AS deed FROM doubt_deed WHERE doubt_id = doubt.id AND step = 'escalate'
        AND at >= doubt.changed_at LIMIT 1
) AS told ON true
WHERE doubt.state = 'asked'
  AND (NOT %(to_tell)s OR (told.deed IS NULL AND rule.answer_route IS NOT NULL
       AND (doubt.until >= doubt.opened_at
                - CASE WHEN rule.kind = ANY(%(by_month)s) THEN %(late)s ELSE %(fresh)s END
            OR EXISTS (SELECT FROM inspection WHERE doubt_id = doubt.id))))
ORDER BY doubt.changed_at, doubt.id
LIMIT %(most)s
"""
_DAYS: Final = "SELECT DISTINCT answer_days FROM rule WHERE answer_days IS NOT NULL"
_DEED: Final[LiteralString] = """
INSERT INTO doubt_deed (doubt_id, at, principal, step, words) VALUES (%s, %s, %s, %s, %s)
"""


@dataclass(frozen=True, slots=True)
class Overdue:
    """A doubt that was not explained in time.

    Attributes:
        doubt: its number.
        asked_at: when it was put to the unit.
        due_at: until when it was to be explained.
        route: who is told; None: nobody.
        told: whether they were.
    """

    doubt: int
    asked_at: datetime
    due_at: datetime
    route: str | None
    told: bool


def overdue(  # noqa: PLR0913 - whose days, and which of them
    conn: psycopg.Connection[Any],
    calendar: Calendar,
    zone: ZoneInfo,
    now: datetime,
    *,
    to_tell: bool = False,
    most: int | None = None,
) -> list[Overdue]:
    """Return doubts that nobody explained in time, the longest asked first.

    Args:
        conn: any connection.
        calendar: which days are workdays.
        zone: of the site.
        now: the time, aware.
        to_tell: only those that somebody is still to be told of: news that were old when they came
            are none.
        most: no more than so many; None: all.
    """
    late = {days: asked_before(now, days, calendar, zone) for (days,) in conn.execute(_DAYS)}
    values = {
        "days": list(late),
        "befores": list(late.values()),
        "to_tell": to_tell,
        "fresh": FRESH,
        "late": FRESH_BY_MONTH,
        "by_month": [kind.code for kind in KINDS.values() if kind.by_month],
        "most": most,
    }
    due = cache(lambda day, days: deadline(day, days, calendar, zone))
    return [
        Overdue(doubt, asked_at, due(asked_at.astimezone(zone).date(), days), route, told)
        for doubt, asked_at, days, route, told in conn.execute(_ASKED, values).fetchall()
    ]


def escalate(
    conn: psycopg.Connection[Any], calendar: Calendar, zone: ZoneInfo, now: datetime
) -> int:
    """Tell who stands higher of doubts that nobody explained in time, of each once.

    The note, its place in the doubt's history and in the audit log are one transaction; the key
    names the doubt and when it was asked. Any number of programs may call it: one does it, the
    others return at once.

    Args:
        conn: an autocommit connection.
        calendar: which days are workdays.
        zone: of the site.
        now: the time, aware.

    Returns:
        How many were told of.
    """
    with conn.transaction():
        row = conn.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK]).fetchone()
        if row is None or not row[0]:
            return 0
        found = overdue(conn, calendar, zone, now, to_tell=True, most=_MOST)
        listed = {one.id: one for one, _ in opened(conn, [one.doubt for one in found])}
        for one in found:
            _tell(conn, listed[one.doubt], one, zone, now)
        return len(found)


def _tell(
    conn: psycopg.Connection[Any], of: Listed, one: Overdue, zone: ZoneInfo, now: datetime
) -> None:
    assert one.route is not None  # noqa: S101 - asked for so
    put(conn, _note(of, one, one.route, zone), now)
    words = f"期限 {_last_day(one, zone)} 前未收到说明，已告知 {one.route}"
    conn.execute(_DEED, [one.doubt, now, PROGRAM, Step.ESCALATE.value, words])
    detail = {"route": one.route, "due": one.due_at.isoformat()}
    record(conn, Act(PROGRAM, now), "doubt.escalate", str(one.doubt), detail)


def _note(of: Listed, one: Overdue, route: str, zone: ZoneInfo) -> Note:
    asked = f"{one.asked_at.astimezone(zone):%Y-%m-%d %H:%M}"
    return Note(
        key=f"doubt-{one.doubt}-overdue-{int(one.asked_at.timestamp() * 1_000_000)}",
        route=addressed(of, route),
        severity=Severity(of.severity),
        subject=of.subject,
        title=f"疑点待说明：{of.title}",
        body=f"{where(of)}\n{asked} 提出，期限 {_last_day(one, zone)}，尚未收到说明。\n"
        f"请协助核实并说明情况（疑点编号 {one.doubt}）。",
        happened_at=one.due_at,
    )


def _last_day(one: Overdue, zone: ZoneInfo) -> str:
    return f"{(one.due_at - timedelta(seconds=1)).astimezone(zone):%Y-%m-%d}"
