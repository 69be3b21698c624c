"""Meters, and which device's register counts for them when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import class_row, scalar_row, tuple_row
from psycopg.types.range import TimestamptzRange

from metering.facts.refusal import nearest
from metering.facts.span import Span, of_range
from registry.refusal import refuse

_METERS: Final[LiteralString] = """
    SELECT m.id, m.code, m.name, m.energy, m.unit, m.direction, m.item, m.place_id,
           p.code AS place, m.register, m.formula, upper_inf(m.valid) AS open
    FROM meter m LEFT JOIN place p ON p.id = m.place_id
"""
_MOUNTED: Final[LiteralString] = """
    SELECT d.id, d.code, coalesce(m.register, (
        SELECT p.name FROM point p
        WHERE p.device_id = d.id AND p.class = 'counter' ORDER BY p.id LIMIT 1)), b.valid
    FROM meter m
    JOIN device_place b ON b.place_id = m.place_id AND NOT isempty(b.valid)
    JOIN device d ON d.id = b.device_id
    WHERE m.id = %s
    ORDER BY lower(b.valid) NULLS FIRST
"""
# A final reading stands at the very end of a binding: both ends count here.
_COUNTING: Final[LiteralString] = """
    SELECT DISTINCT m.id, b.valid
    FROM device d
    JOIN device_place b ON b.device_id = d.id AND NOT isempty(b.valid)
    JOIN meter m ON m.place_id = b.place_id
    WHERE d.id = %s AND coalesce(m.register, (
        SELECT p.name FROM point p
        WHERE p.device_id = d.id AND p.class = 'counter' ORDER BY p.id LIMIT 1)) = %s
        AND tstzrange(lower(b.valid), upper(b.valid), '[]') && %s
"""


@dataclass(frozen=True, slots=True)
class Meter:
    """What is counted; see table ``meter``.

    Attributes:
        place: code of the place; None for a virtual meter.
        register: name of the counter's point; None: the device's first counter.
        open: it is still in use.
    """

    id: int
    code: str
    name: str
    energy: str
    unit: str
    direction: str
    item: str | None
    place_id: int | None
    place: str | None
    register: str | None
    formula: str | None
    open: bool


@dataclass(frozen=True, slots=True)
class Mounted:
    """A device's register that counts for a meter.

    Attributes:
        device: its code.
        register: None: the device has no counter at all.
        span: how long it hangs there.
    """

    device_id: int
    device: str
    register: str | None
    span: Span


def all_meters(conn: psycopg.Connection[Any]) -> list[Meter]:
    """Return every meter by code, closed ones too."""
    with conn.cursor(row_factory=class_row(Meter)) as cursor:
        return cursor.execute(_METERS + " ORDER BY m.code").fetchall()


def known(conn: psycopg.Connection[Any], code: str) -> Meter | None:
    """Return the meter with a code, or None."""
    with conn.cursor(row_factory=class_row(Meter)) as cursor:
        return cursor.execute(_METERS + " WHERE m.code = %s", [code]).fetchone()


def unknown_meter(conn: psycopg.Connection[Any], code: str) -> str:
    """Say that there is no such meter, and which one may be meant."""
    with conn.cursor(row_factory=scalar_row) as cursor:
        codes = cursor.execute("SELECT code FROM meter").fetchall()
    return f"没有编码为 {code} 的计量表{nearest(code, codes)}；用 jieyong meter list 查看全部编码"


def find(conn: psycopg.Connection[Any], code: str, where: str = "计量表") -> Meter:
    """Return the meter with a code.

    Raises:
        RefusedError: there is none.
    """
    meter = known(conn, code)
    return meter or refuse(where, unknown_meter(conn, code))


def mounted(conn: psycopg.Connection[Any], meter_id: int) -> list[Mounted]:
    """Return which registers count for a meter, in order of time."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(_MOUNTED, [meter_id]).fetchall()
    return [
        Mounted(device_id, device, register, span)
        for device_id, device, register, valid in rows
        if (span := of_range(valid)) is not None
    ]


def counting(
    conn: psycopg.Connection[Any], device_id: int, register: str, span: Span
) -> list[tuple[int, Span]]:
    """Return the meters (id, how long) that count a register within a span, or at its end."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        closed = TimestamptzRange(span.since, span.until, "[]")
        rows = cursor.execute(_COUNTING, [device_id, register, closed]).fetchall()
    return [(meter_id, held) for meter_id, valid in rows if (held := of_range(valid)) is not None]


def at_time(held: list[Mounted], moment: datetime, *, ending: bool = False) -> Mounted | None:
    """Return what hangs there at a time.

    Args:
        held: as :func:`mounted` returns them.
        moment: the time.
        ending: a final reading is meant: the end belongs to what hung there before.
    """
    if ending:
        return next((m for m in held if m.span.first < moment <= m.span.end), None)
    return next((m for m in held if moment in m.span), None)
