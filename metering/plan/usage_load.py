"""Reads what is known of a meter or an institution: days from meters, months from bills, entries.

Entered months are used only where meters and bills have nothing; the source says so.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg

from metering.bills.month import Source as Rests
from metering.bills.reporting import reported
from metering.derive.times import next_month
from metering.plan.usage import MonthTotal, Source, Usage, Window, month_of
from metering.tree import scope
from metering.tree.levels import Level

# Seconds of a local day: 23 or 25 hours where clocks change.
_LENGTH: Final[LiteralString] = """
    extract(epoch FROM (days.day + 1)::timestamp AT TIME ZONE %(zone)s
                     - days.day::timestamp AT TIME ZONE %(zone)s)
"""
_METER_DAYS: Final[LiteralString] = (
    "SELECT days.day, days.micro FROM consumption_day days"  # noqa: S608 - constants
    " WHERE days.meter_id = %(meter)s AND days.day BETWEEN %(first)s AND %(last)s"
    " AND days.covered_s >= " + _LENGTH
)
_METER_MONTHS: Final[LiteralString] = """
    SELECT month, quantity FROM earlier_month
    WHERE meter_id = %(meter)s AND withdrawn_at IS NULL AND quantity IS NOT NULL
      AND month BETWEEN %(first)s AND %(last)s
"""
# A day is known when every meter that counts on it is. Shares of a divided meter are rounded down:
# what is held against a plan may miss a millionth, what is reported comes from metering.tree.
_INSTITUTION_DAYS: Final[LiteralString] = (
    "SELECT i.code, m.energy, days.day,"  # noqa: S608 - constants
    """
           sum(s.sign * CASE WHEN s.divided
               THEN floor(c.micro::numeric * s.parts / s.whole) ELSE c.micro END)::int8
    FROM (SELECT day::date FROM generate_series(%(first)s::date, %(last)s::date, '1 day') AS day)
        AS days
    JOIN tree_scope s ON s.level = %(level)s AND s.since <= days.day AND s.until > days.day
    JOIN institution i ON i.id = s.holder_id AND i.code = ANY(%(institutions)s)
    JOIN meter m ON m.id = s.meter_id AND m.energy = ANY(%(energies)s)
    LEFT JOIN consumption_day c ON c.meter_id = s.meter_id AND c.day = days.day
    GROUP BY i.code, m.energy, days.day
    HAVING bool_and(coalesce(c.covered_s, 0) >= """ + _LENGTH + ")"
)
_METERS: Final[LiteralString] = """
    SELECT DISTINCT s.meter_id FROM tree_scope s
    JOIN institution i ON i.id = s.holder_id AND i.code = %(institution)s
    JOIN meter m ON m.id = s.meter_id AND m.energy = %(energy)s
    WHERE s.level = %(level)s AND s.since <= %(last)s AND s.until > %(first)s
    ORDER BY 1
"""


def meter_usage(conn: psycopg.Connection[Any], meter: int, window: Window, zone: ZoneInfo) -> Usage:
    """What is known of a meter: its complete days, and entered months where days are missing.

    Args:
        conn: a connection.
        meter: its id.
        window: local days.
        zone: the site's.
    """
    values = {"meter": meter, "zone": zone.key, "first": window.first, "last": window.last}
    days = dict(conn.execute(_METER_DAYS, values).fetchall())
    months = conn.execute(_METER_MONTHS, values).fetchall()
    return Usage(days, {month: _entered(quantity) for month, quantity in months})


def institution_usage(
    conn: psycopg.Connection[Any],
    institution: str,
    energy: str,
    window: Window,
    zone: ZoneInfo,
) -> Usage:
    """What is known of what an institution reports: months as in the report, days from its meters.

    Args:
        conn: a connection that may write: the attribution of meters is brought up to date.
        institution: code.
        energy: code.
        window: local days.
        zone: the site's.
    """
    return institution_usages(conn, [institution], [energy], window, zone)[institution, energy]


def institution_usages(
    conn: psycopg.Connection[Any],
    institutions: Sequence[str],
    energies: Sequence[str],
    window: Window,
    zone: ZoneInfo,
) -> dict[tuple[str, str], Usage]:
    """What is known of what some institutions report, by code and energy; see the above.

    Who counts for whom is found out once, whether for one or for a thousand.
    """
    scope.ensure(conn, zone)
    values = {
        "institutions": list(institutions),
        "energies": list(energies),
        "level": Level.INSTITUTION,
        "first": window.first,
        "last": window.last,
        "zone": zone.key,
    }
    days: dict[tuple[str, str], dict[date, int]] = defaultdict(dict)
    for code, energy, day, micro in conn.execute(_INSTITUTION_DAYS, values):
        days[code, energy][day] = micro
    months: dict[tuple[str, str], dict[date, MonthTotal]] = defaultdict(dict)
    for code, energy, month, total in _reported(conn, institutions, window, zone):
        months[code, energy][month] = total
    return {
        key: _usage(days[key], months[key]) for key in itertools.product(institutions, energies)
    }


def _usage(days: Mapping[date, int], months: Mapping[date, MonthTotal]) -> Usage:
    metered = {month for month in months if all(day in days for day in month_of(month))}
    kept = {
        month: total
        for month, total in months.items()
        if total.source is Source.BILLED or month not in metered
    }
    return Usage(days, kept, months_first=True)


def institution_meters(
    conn: psycopg.Connection[Any],
    institution: str,
    energy: str,
    window: Window,
    zone: ZoneInfo,
) -> tuple[int, ...]:
    """Ids of the meters that count for an institution on some of the days."""
    scope.ensure(conn, zone)
    rows = conn.execute(_METERS, _of_institution(institution, energy, window))
    return tuple(meter for (meter,) in rows)


def _of_institution(institution: str, energy: str, window: Window) -> dict[str, object]:
    return {
        "institution": institution,
        "energy": energy,
        "level": Level.INSTITUTION,
        "first": window.first,
        "last": window.last,
    }


def _reported(
    conn: psycopg.Connection[Any], institutions: Sequence[str], window: Window, zone: ZoneInfo
) -> Iterable[tuple[str, str, date, MonthTotal]]:
    months = (window.first.replace(day=1), next_month(window.last.replace(day=1)))
    for one in reported(conn, months, zone.key, institutions):
        if one.micro is None or one.institution is None:
            continue
        for rests, source in (
            (Rests.BILLED, Source.BILLED),
            (Rests.ENTERED, Source.ENTERED),
        ):
            if rests in one.sources:
                yield one.institution, one.energy, one.month, MonthTotal(one.micro, source)
                break


def _entered(quantity: Decimal) -> MonthTotal:
    return MonthTotal(int(quantity.scaleb(6)), Source.ENTERED)


def two_years(until: date) -> Window:
    """The year of a day up to it, and all of the year before."""
    return Window(date(until.year - 1, 1, 1), until)
