"""Reads what people and devices say about one meter: the lines of an explanation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import class_row, scalar_row

from metering.plan.usage import Window
from metering.quality.explanation import (
    AccountDays,
    BillLine,
    Device,
    EntryLine,
    FindingLine,
    LoadProfileLine,
    RatioLine,
    Subject,
)
from metering.quality.presence import Span
from registry.refusal import refuse

_SUBJECT: Final[LiteralString] = """
    SELECT m.id, m.code, m.name, m.energy, m.unit, m.direction, p.code, m.formula
    FROM meter m LEFT JOIN place p ON p.id = m.place_id WHERE m.code = %s
"""
_DEVICES: Final[LiteralString] = """
    SELECT d.code, d.serial_no, counted.name AS register,
           nullif(lower(held.valid), '-infinity') AS begin,
           nullif(upper(held.valid), 'infinity') AS "end",
           (SELECT value FROM counter_entry e
            WHERE e.device_id = d.id AND e.register = counted.name AND e.kind = 'initial'
              AND e.withdrawn_at IS NULL AND held.valid @> e.ts
            ORDER BY e.ts LIMIT 1) AS initial,
           (SELECT value FROM counter_entry e
            WHERE e.device_id = d.id AND e.register = counted.name AND e.kind = 'final'
              AND e.withdrawn_at IS NULL AND e.ts <= upper(held.valid)
              AND (lower_inf(held.valid) OR e.ts > lower(held.valid))
            ORDER BY e.ts DESC LIMIT 1) AS final,
           model.code || '@' || model.version AS profile
    FROM meter m
    JOIN device_place held ON held.place_id = m.place_id AND held.valid && m.valid
    JOIN device d ON d.id = held.device_id
    JOIN profile model ON model.id = d.profile_id
    LEFT JOIN LATERAL (
        SELECT name FROM point WHERE device_id = d.id AND class = 'counter'
          AND name = coalesce(m.register, name) ORDER BY id LIMIT 1
    ) AS counted ON true
    WHERE m.id = %(meter)s AND held.valid && tstzrange(%(begin)s, %(end)s)
    ORDER BY lower(held.valid) NULLS FIRST, d.code
"""
_RATIOS: Final[LiteralString] = """
    SELECT ct, pt, nullif(lower(valid), '-infinity') AS begin,
           nullif(upper(valid), 'infinity') AS "end", entered_by, entered_at,
           withdrawn_by, withdrawn_at
    FROM meter_ratio
    WHERE meter_id = %(meter)s AND valid && tstzrange(%(begin)s, %(end)s)
    ORDER BY lower(valid) NULLS FIRST, id
"""
_LOAD_PROFILES: Final[LiteralString] = """
    SELECT p.code, p.version, p.source, nullif(lower(h.valid), '-infinity') AS begin,
           nullif(upper(h.valid), 'infinity') AS "end"
    FROM meter_load_profile h JOIN load_profile p ON p.id = h.load_profile_id
    WHERE h.meter_id = %(meter)s AND h.valid && tstzrange(%(begin)s, %(end)s)
    ORDER BY lower(h.valid) NULLS FIRST
"""
# The reading at the very end is the last of the window: whether it counts matters here.
_FINDINGS: Final[LiteralString] = """
    SELECT f.kind, d.code AS device, f.ts, f.until, f.before, f.after, f.micro
    FROM counter_finding f JOIN device d ON d.id = f.device_id
    WHERE f.meter_id = %(meter)s AND f.until >= %(begin)s AND (f.ts < %(end)s
        OR f.ts = %(end)s AND f.kind IN ('dip', 'spike', 'suspect', 'backwards'))
    ORDER BY f.ts, f.kind
"""
_ENTRIES: Final[LiteralString] = """
    SELECT e.kind, d.code AS device, e.ts, e.value, e.note, e.entered_by, e.entered_at,
           e.withdrawn_by, e.withdrawn_at
    FROM meter m
    JOIN device_place held ON held.place_id = m.place_id
    JOIN device d ON d.id = held.device_id
    JOIN counter_entry e ON e.device_id = d.id
      AND tstzrange(lower(held.valid), upper(held.valid), '[]') @> e.ts
      AND e.register = coalesce(m.register, (
          SELECT name FROM point WHERE device_id = d.id AND class = 'counter' ORDER BY id LIMIT 1))
    WHERE m.id = %(meter)s AND e.ts >= %(begin)s AND e.ts <= %(end)s
    ORDER BY e.ts, e.id
"""
_BILLS: Final[LiteralString] = """
    SELECT DISTINCT b.id, a.code AS account, a.supplier, lower(b.period) AS first,
           upper(b.period) AS "end", b.status, b.quantity, b.unit, b.amount, b.entered_by,
           b.entered_at
    FROM utility_account_meter am
    JOIN utility_account a ON a.id = am.account_id
    JOIN bill b ON b.account_id = a.id
    WHERE am.meter_id = %s AND am.withdrawn_at IS NULL AND b.withdrawn_at IS NULL
      AND b.period && am.valid AND b.period && daterange(%s, %s, '[]')
    ORDER BY 4, 1
"""
_ACCOUNTS: Final[LiteralString] = """
    WITH asked AS (
        SELECT daterange(%(first)s, %(last)s, '[]') AS days
    ), held AS (
        SELECT a.code AS account, unnest(range_agg(am.valid * o.valid * asked.days)) AS days
        FROM utility_account_meter am
        JOIN utility_account_institution o USING (account_id)
        JOIN utility_account a ON a.id = account_id, asked
        WHERE am.meter_id = %(meter)s AND am.withdrawn_at IS NULL AND o.withdrawn_at IS NULL
        GROUP BY a.code
    ), spans AS (
        SELECT account, days FROM held
        UNION ALL
        SELECT NULL, unnest(datemultirange(days) - (SELECT range_agg(days) FROM held)) FROM asked
    )
    SELECT account, lower(days) AS first, upper(days) AS "end", (
        SELECT sum(micro)::int8 FROM consumption_day
        WHERE meter_id = %(meter)s AND day >= lower(days) AND day < upper(days)
    ) AS micro
    FROM spans ORDER BY 2
"""
_WAITING: Final[LiteralString] = """
    SELECT EXISTS (SELECT FROM metering_due
        WHERE kind = 'meter' AND subject = %(meter)s AND ts_from < %(end)s AND ts_to >= %(begin)s)
"""
_FAILURE: Final[LiteralString] = """
    SELECT error FROM metering_failure WHERE kind = 'meter' AND subject = %s
"""


def find_subject(conn: psycopg.Connection[Any], code: str) -> tuple[int, Subject]:
    """A meter by its code.

    Raises:
        registry.refusal.RefusedError: there is none.
    """
    row = conn.execute(_SUBJECT, [code]).fetchone()
    if row is None:
        refuse("计量点", f"没有编码为 {code} 的计量点：用 jieyong meter list 查看编码。")
    return row[0], Subject(*row[1:])


def devices(conn: psycopg.Connection[Any], meter: int, span: Span) -> tuple[Device, ...]:
    """Devices that hung there in a time."""
    return _lines(conn, Device, _DEVICES, meter, span)


def ratios(conn: psycopg.Connection[Any], meter: int, span: Span) -> tuple[RatioLine, ...]:
    """Ratios of a time, withdrawn ones too."""
    return _lines(conn, RatioLine, _RATIOS, meter, span)


def load_profiles(
    conn: psycopg.Connection[Any], meter: int, span: Span
) -> tuple[LoadProfileLine, ...]:
    """Load profiles that the energy of gaps in a time is spread by."""
    return _lines(conn, LoadProfileLine, _LOAD_PROFILES, meter, span)


def findings(conn: psycopg.Connection[Any], meter: int, span: Span) -> tuple[FindingLine, ...]:
    """Findings that touch a time."""
    return _lines(conn, FindingLine, _FINDINGS, meter, span)


def entries(conn: psycopg.Connection[Any], meter: int, span: Span) -> tuple[EntryLine, ...]:
    """What people read off the meter's devices in a time, withdrawn ones too."""
    return _lines(conn, EntryLine, _ENTRIES, meter, span)


def bills(conn: psycopg.Connection[Any], meter: int, window: Window) -> tuple[BillLine, ...]:
    """Bills of the meter's accounts that overlap some days."""
    with conn.cursor(row_factory=class_row(BillLine)) as cursor:
        return tuple(cursor.execute(_BILLS, [meter, window.first, window.last]).fetchall())


def accounts(conn: psycopg.Connection[Any], meter: int, window: Window) -> tuple[AccountDays, ...]:
    """The days of a window by account; nothing where one, or none, has all of them."""
    values = {"meter": meter, "first": window.first, "last": window.last}
    with conn.cursor(row_factory=class_row(AccountDays)) as cursor:
        found = tuple(cursor.execute(_ACCOUNTS, values).fetchall())
    return found if any(one.account is None for one in found) else ()


def waiting(conn: psycopg.Connection[Any], meter: int, span: Span) -> bool:
    """Whether something of the time is still to be computed."""
    row = conn.execute(_WAITING, _values(meter, span)).fetchone()
    return bool(row and row[0])


def failure(conn: psycopg.Connection[Any], meter: int) -> str | None:
    """Why a meter could not be computed at the last try; None: it could."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        found: str | None = cursor.execute(_FAILURE, [meter]).fetchone()
    return found


def figures_of(
    conn: psycopg.Connection[Any], codes: Sequence[str], window: Window
) -> list[tuple[int, str, int | None, int]]:
    """Id, code, millionths and flags of some meters over a window of days, by code."""
    query = """
        SELECT id, code, sum(micro)::int8, coalesce(bit_or(flags), 0) FROM meter
        LEFT JOIN consumption_day ON meter_id = id AND day BETWEEN %s AND %s
        WHERE code = ANY(%s) GROUP BY id, code ORDER BY code
    """
    return conn.execute(query, [window.first, window.last, list(codes)]).fetchall()


def _lines(
    conn: psycopg.Connection[Any], kind: type[Any], query: LiteralString, meter: int, span: Span
) -> tuple[Any, ...]:
    with conn.cursor(row_factory=class_row(kind)) as cursor:
        return tuple(cursor.execute(query, _values(meter, span)).fetchall())


def _values(meter: int, span: Span) -> dict[str, object]:
    return {"meter": meter, "begin": span.begin, "end": span.end}
