"""What a register resolves, and whether its ratio makes whole millionths."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import tuple_row

from metering.derive import profiles, units
from metering.facts.span import Span, of_range, to_range
from registry.refusal import Fault

MICRO: Final = 1_000_000
_DECLARED: Final[LiteralString] = """
    SELECT valid, resolution FROM device_register
    WHERE device_id = %s AND register = %s AND withdrawn_at IS NULL AND valid && %s
    ORDER BY lower(valid) NULLS FIRST
"""
_BODY: Final[LiteralString] = """
    SELECT f.body FROM device d JOIN profile f ON f.id = d.profile_id WHERE d.id = %s
"""
_UNIT: Final[LiteralString] = "SELECT unit FROM point WHERE device_id = %s AND name = %s"
_RATIOS: Final[LiteralString] = """
    SELECT valid, ct, pt FROM meter_ratio
    WHERE meter_id = %s AND withdrawn_at IS NULL AND valid && %s ORDER BY lower(valid) NULLS FIRST
"""


@dataclass(frozen=True, slots=True)
class Ratio:
    """CT × PT while ``span``."""

    span: Span
    ct: Decimal
    pt: Decimal


def whole(resolution: Decimal, ct: Decimal, pt: Decimal) -> bool:
    """Tell whether a tick is a whole number of millionths."""
    micro = _micro(resolution, ct, pt)
    return micro == micro.to_integral_value()


def not_whole(where: str, resolution: Decimal, ct: Decimal, pt: Decimal) -> Fault:
    """Say that a tick is no whole number of millionths."""
    micro = _micro(resolution, ct, pt).normalize()
    what = (
        f"最小刻度 {resolution.normalize():f} × CT {ct.normalize():f} × PT {pt.normalize():f} "
        f"= {micro:f} 百万分之一单位，不是整数，电量无法精确相加；请核对变比，"
        "或先登记正确的最小刻度（registers: resolution）"
    )
    return Fault(where, what)


def _micro(resolution: Decimal, ct: Decimal, pt: Decimal) -> Decimal:
    with localcontext(prec=60):  # the default would round what 38 digits can hold
        return resolution * ct * pt * MICRO


def default(conn: psycopg.Connection[Any], device_id: int, register: str) -> Decimal:
    """Return the resolution of a register that nobody declared: that of its profile."""
    row = conn.execute(_BODY, [device_id]).fetchone()
    known = profiles.resolutions(row[0]) if row else {}
    return known.get(register, profiles.DEFAULT_RESOLUTION)


def unit_factor(
    conn: psycopg.Connection[Any], device_id: int, register: str, meter_unit: str
) -> Decimal:
    """Return how many of a meter's unit one unit of a register is; 1 where no way is known."""
    row = conn.execute(_UNIT, [device_id, register]).fetchone()
    try:
        return units.factor(row[0], meter_unit) if row else Decimal(1)
    except ValueError:
        return Decimal(1)  # the meter cannot be computed at all, and derive/ says so


def resolutions(
    conn: psycopg.Connection[Any], device_id: int, register: str, span: Span
) -> Iterator[Decimal]:
    """Yield every resolution that a register has somewhere in a span."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(_DECLARED, [device_id, register, to_range(span)]).fetchall()
    reached = span.first
    for held in (of_range(valid) for valid, _ in rows):
        if held is None or held.first > reached:
            break
        reached = held.end
    if reached < span.end:
        yield default(conn, device_id, register)
    for _, resolution in rows:
        yield resolution


def ratios(conn: psycopg.Connection[Any], meter_id: int, span: Span) -> list[Ratio]:
    """Return a meter's ratios within a span, in order; where there is none it is 1."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(_RATIOS, [meter_id, to_range(span)]).fetchall()
    return [Ratio(held, ct, pt) for valid, ct, pt in rows if (held := of_range(valid)) is not None]
