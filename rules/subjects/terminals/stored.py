"""How far clocks were off, hour by hour, kept beside the positions that tell it.

To look at an hour of positions takes milliseconds, and a rule looks at weeks: so each hour of a
terminal is judged once it is over, and again when more of it comes. It rests on the positions
alone: what comes late, in whatever order, leaves the same behind.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, LiteralString

import numpy as np
import psycopg

from metering.counter.model import Int64s
from rules.subjects.terminals.clock import NARROW_S, Off
from rules.subjects.terminals.hours import Hour, judged
from storage import arrays
from storage.times import us_of

AT_ONCE: Final = 500
"""Hours judged in one transaction: with a report each second nearly two million lie in memory."""

_TAKE: Final[LiteralString] = """
DELETE FROM terminal_clock_change WHERE (terminal_id, hour) IN (
    SELECT terminal_id, hour FROM terminal_clock_change
    WHERE noted_at <= now() - %s::interval ORDER BY noted_at LIMIT %s
) RETURNING terminal_id, hour
"""
_ASKED: Final[LiteralString] = """
unnest(%(terminals)s::int[], %(hours)s::timestamptz[]) WITH ORDINALITY AS asked (terminal, hour, n)
"""
# Look-ups for each hour (LATERAL): a join might read all positions.
_REPORTS: Final[LiteralString] = f"""
SELECT n, made, received
FROM {_ASKED}
CROSS JOIN LATERAL (
    SELECT array_agg((extract(epoch FROM fix_time) * 1000000)::int8) AS made,
           array_agg((extract(epoch FROM received_at) * 1000000)::int8) AS received
    FROM position
    WHERE terminal_id = terminal AND fix_time >= hour AND fix_time < hour + interval '1 hour'
) AS reports
WHERE made IS NOT NULL
"""  # noqa: S608 - our own text
# By topic, or by number; zeros in front of a number do not matter. What came within an hour is read
# once, whoever is asked about: when our own clock is wrong, all is refused of all.
_REFUSED: Final[LiteralString] = f"""
WITH asked AS (
    SELECT n, asked.hour, code FROM {_ASKED} JOIN terminal AS named ON named.id = terminal
), refused AS MATERIALIZED (
    SELECT whole.hour, source, origin, ahead, array_agg(us) AS received
    FROM (SELECT DISTINCT hour FROM asked) AS whole
    CROSS JOIN LATERAL (
        SELECT source, origin, reason LIKE '%%ahead of our clock' AS ahead,
               (extract(epoch FROM received_at) * 1000000)::int8 AS us
        FROM quarantine
        WHERE received_at >= hour AND received_at < hour + interval '1 hour'
          AND reason LIKE 'time: %%' AND source IN ('mqtt', 'jt808')
          AND (reason LIKE '%%ahead of our clock' OR reason LIKE '%%more than 400 days old')
        OFFSET 0
    ) AS one
    GROUP BY 1, 2, 3, 4
), told AS (
    SELECT n, ahead, received
    FROM refused CROSS JOIN LATERAL (
        SELECT DISTINCT unnest(string_to_array(origin, '/')) AS level
    ) AS topic
    JOIN asked ON asked.hour = refused.hour AND code = level
    WHERE source = 'mqtt'
    UNION ALL
    SELECT n, ahead, received
    FROM refused JOIN asked ON asked.hour = refused.hour AND ltrim(code, '0') = ltrim(origin, '0')
    WHERE source = 'jt808'
)
SELECT n, ahead, array_agg(us) FROM told CROSS JOIN unnest(received) AS us GROUP BY n, ahead
"""  # noqa: S608 - our own text
# Something later came meanwhile, and less late: the clock was right, and the hour caught up.
_CAUGHT_UP: Final[LiteralString] = """
SELECT n FROM unnest(%(terminals)s::int[], %(hours)s::timestamptz[], %(froms)s::timestamptz[],
                     %(tos)s::timestamptz[], %(lates)s::float8[])
    WITH ORDINALITY AS asked (terminal, hour, since, until, late, n)
WHERE EXISTS (
    SELECT FROM position
    WHERE terminal_id = terminal AND fix_time >= hour + interval '1 hour'
      AND fix_time <= until + interval '5 minutes'
      AND received_at >= since AND received_at <= until
      AND received_at - fix_time < late * interval '1 second'
    OFFSET 0
)
"""
# Hours of before that were thought behind, while something of another hour came.
_MEANWHILE: Final[LiteralString] = f"""
SELECT DISTINCT clock.terminal_id, clock.hour
FROM {_ASKED}
JOIN LATERAL (
    SELECT min(received_at) AS since, max(received_at) AS until FROM position
    WHERE terminal_id = terminal AND fix_time >= asked.hour
      AND fix_time < asked.hour + interval '1 hour'
) AS came ON true
JOIN terminal_clock AS clock ON clock.terminal_id = terminal AND clock.hour < asked.hour
    AND clock.off_s < %(behind)s AND clock.received_to >= since AND clock.received_from <= until
"""  # noqa: S608 - our own text
_STORED: Final[LiteralString] = f"""
SELECT terminal, asked.hour, off_s, received_from, received_to
FROM {_ASKED}
JOIN terminal_clock AS clock ON clock.terminal_id = terminal AND clock.hour = asked.hour
"""  # noqa: S608 - our own text
_DELETE: Final[LiteralString] = f"""
DELETE FROM terminal_clock AS clock USING {_ASKED}
WHERE clock.terminal_id = terminal AND clock.hour = asked.hour
"""  # noqa: S608 - our own text
_INSERT: Final[LiteralString] = """
INSERT INTO terminal_clock (terminal_id, hour, off_s, received_from, received_to)
SELECT * FROM unnest(%(terminals)s::int[], %(hours)s::timestamptz[], %(offs)s::float8[],
                     %(froms)s::timestamptz[], %(tos)s::timestamptz[])
"""
_DUE: Final[LiteralString] = f"""
INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
SELECT 'terminal', terminal, min(hour), max(hour) + interval '59 minutes', 'clock'
FROM {_ASKED} GROUP BY terminal, date_trunc('week', hour, 'UTC')
"""  # noqa: S608 - our own text


def judge(conn: psycopg.Connection[Any], gather: timedelta) -> tuple[int, bool]:
    """Judge the hours of which something came, and make terminals due whose clock tells otherwise.

    Args:
        conn: in a transaction; one program at a time.
        gather: only what was noted so long ago.

    Returns:
        How many due rows were written, and whether hours may be left.
    """
    rows = conn.execute(_TAKE, [gather, AT_ONCE]).fetchall()
    if not rows:
        return 0, False
    hours = {(terminal, us_of(hour)) for terminal, hour in rows}
    meanwhile = conn.execute(_MEANWHILE, {**_named(hours), "behind": -NARROW_S}).fetchall()
    hours |= {(terminal, us_of(hour)) for terminal, hour in meanwhile}
    found = judged(_Stored(conn), sorted(hours))
    return _store(conn, found), len(rows) == AT_ONCE


@dataclass(frozen=True, slots=True)
class _Stored:
    """See :class:`rules.subjects.terminals.hours.Source`."""

    conn: psycopg.Connection[Any]

    def reports(self, hours: Sequence[Hour]) -> Iterator[tuple[Hour, Int64s, Int64s]]:
        for n, made, received in self.conn.execute(_REPORTS, _named(hours)):
            yield hours[n - 1], np.array(made, np.int64), np.array(received, np.int64)

    def refused(self, hours: Sequence[Hour]) -> Iterator[tuple[Hour, bool, Int64s]]:
        for n, ahead, received in self.conn.execute(_REFUSED, _named(hours)):
            yield hours[n - 1], ahead, np.array(received, np.int64)

    def caught_up(self, behind: Sequence[tuple[Hour, Off]]) -> Iterator[Hour]:
        offs = [off for _, off in behind]
        values = {
            **_named([hour for hour, _ in behind]),
            **_received(offs),
            "lates": [-off.seconds - NARROW_S for off in offs],
        }
        for (n,) in self.conn.execute(_CAUGHT_UP, values):
            yield behind[n - 1][0]


def _store(conn: psycopg.Connection[Any], found: dict[Hour, Off | None]) -> int:
    stored = {
        (terminal, us_of(hour)): Off(off_s, us_of(since), us_of(until))
        for terminal, hour, off_s, since, until in conn.execute(_STORED, _named(found))
    }
    other = {hour: off for hour, off in found.items() if stored.get(hour) != off}
    if not other:
        return 0
    conn.execute(_DELETE, _named(other))
    new = {hour: off for hour, off in other.items() if off is not None}
    offs = list(new.values())
    conn.execute(_INSERT, {**_named(new), **_received(offs), "offs": [o.seconds for o in offs]})
    moved = [hour for hour, off in other.items() if _seconds(off) != _seconds(stored.get(hour))]
    return conn.execute(_DUE, _named(moved)).rowcount


def _seconds(off: Off | None) -> float | None:
    return None if off is None else off.seconds


def _named(hours: Collection[Hour]) -> dict[str, object]:
    return {
        "terminals": arrays.ids(terminal for terminal, _ in hours),
        "hours": arrays.times([hour for _, hour in hours]),
    }


def _received(offs: Sequence[Off]) -> dict[str, object]:
    return {
        "froms": arrays.times([off.received_from for off in offs]),
        "tos": arrays.times([off.received_to for off in offs]),
    }
