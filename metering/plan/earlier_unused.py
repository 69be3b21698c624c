"""Which entered months will not be used, because bills or meters know them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg

from metering.bills.figures import figures
from metering.bills.month import Source
from metering.derive.times import next_month
from metering.plan.earlier_rows import EarlierMonth
from metering.tree.totals import month_totals

_Key = tuple[str, str, date]
"""(institution, energy, month), or (meter, "", month)."""

_KNOWN: Final = frozenset([Source.BILLED, Source.MIXED, Source.METERED])
_METERS: Final[LiteralString] = """
    SELECT m.code, c.month FROM meter m JOIN consumption_month c ON c.meter_id = m.id
    WHERE m.code = ANY(%s) AND c.month = ANY(%s) AND c.covered_s >= extract(epoch FROM
        (c.month + interval '1 month')::timestamp AT TIME ZONE %s
        - c.month::timestamp AT TIME ZONE %s)
"""


def unused(
    conn: psycopg.Connection[Any], rows: Sequence[EarlierMonth], zone: ZoneInfo
) -> tuple[EarlierMonth, ...]:
    """The rows whose month a bill or complete metering knows: they stand for the record only.

    Args:
        conn: a connection that may write: the attribution of meters is brought up to date.
        rows: of one checked sheet.
        zone: the site's.
    """
    months = sorted({one.month for one in rows})
    institutions = {one.institution for one in rows if one.institution is not None}
    meters = {one.meter for one in rows if one.meter is not None}
    known: set[_Key] = _by_meters(conn, sorted(meters), months, zone)
    if institutions:
        known |= _billed(conn, sorted(institutions), months, zone)
        known |= _metered(conn, months, zone)
    return tuple(one for one in rows if _key(one) in known)


def _key(one: EarlierMonth) -> _Key:
    if one.meter is not None:
        return one.meter, "", one.month
    return one.institution or "", one.energy, one.month


def _billed(
    conn: psycopg.Connection[Any], institutions: list[str], months: list[date], zone: ZoneInfo
) -> set[_Key]:
    found = figures(conn, (months[0], next_month(months[-1])), zone.key, institutions)
    return {
        (one.facts.institution, one.facts.energy, one.facts.month)
        for one in found
        if one.source in _KNOWN
    }


def _metered(conn: psycopg.Connection[Any], months: list[date], zone: ZoneInfo) -> set[_Key]:
    codes = dict(conn.execute("SELECT id, code FROM institution").fetchall())
    return {
        (codes[line.holder], line.energy, line.begin)
        for line in month_totals(conn, months, zone)
        if line.holder in codes and line.figure.complete
    }


def _by_meters(
    conn: psycopg.Connection[Any], meters: list[str], months: list[date], zone: ZoneInfo
) -> set[_Key]:
    rows = conn.execute(_METERS, [meters, months, zone.key, zone.key])
    return {(code, "", month) for code, month in rows}
