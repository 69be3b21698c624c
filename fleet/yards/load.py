"""What yards and sealed times rest on, read from the database."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import class_row

from fleet.yards.model import Sealed, Vehicle, Yard
from fleet.yards.movement import Sign
from storage import arrays
from storage.times import us_of

_VEHICLES: Final[LiteralString] = """
    SELECT v.id, v.code, v.plate, i.id AS institution_id, i.name AS institution,
        lower(v.valid) AS since, upper(v.valid) AS until
    FROM vehicle v JOIN institution i ON i.id = v.institution_id
    WHERE (%(ids)s::int[] IS NULL OR v.id = ANY(%(ids)s))
        AND (%(only)s::text[] IS NULL OR i.code = ANY(%(only)s))
    ORDER BY i.code, v.code
"""
_FACTS: Final[LiteralString] = """
    SELECT c.vehicle_id, f.name, f.since, f.value
    FROM consumer_fact f JOIN fuel_consumer c ON c.id = f.consumer_id
    WHERE f.withdrawn_at IS NULL AND c.withdrawn_at IS NULL AND c.vehicle_id = ANY(%s)
        AND f.name IN ('class', 'use', 'state', 'plate')
    ORDER BY f.since, f.id
"""
# A date of Python's has no infinity.
_SENSITIVE: Final[LiteralString] = """
    SELECT vehicle_id, greatest(since, '0001-01-01'), least(until, '9999-12-31')
    FROM vehicle_sensitivity WHERE vehicle_id = ANY(%s)
"""
_YARDS: Final[LiteralString] = """
    SELECT fence, vehicle_id, institution_id, days, from_time, to_time, since, until
    FROM fleet_yard WHERE withdrawn_at IS NULL ORDER BY since, id
"""
_SEALED: Final[LiteralString] = """
    SELECT vehicle_id, institution_id, class AS kind, tail, days, from_time, to_time, since, until,
        reason
    FROM fleet_sealed WHERE withdrawn_at IS NULL ORDER BY from_time NULLS FIRST, since, id
"""
_STOOD: Final[LiteralString] = """
    SELECT lon, lat FROM vehicle_stop
    WHERE vehicle_id = %(vehicle)s AND lat IS NOT NULL
        AND ended_at > %(from)s AND began_at < %(to)s
    ORDER BY least(ended_at, %(to)s) - greatest(began_at, %(from)s) DESC, began_at LIMIT 1
"""
_DUE: Final[LiteralString] = """
    SELECT EXISTS (SELECT FROM fleet_due WHERE vehicle_id = %s AND ts_to >= %s AND ts_from < %s)
"""
_SIGNS: Final[LiteralString] = """
    SELECT p.fix_time, p.terminal_id, p.acc, p.odometer_km
    FROM terminal_vehicle b JOIN position p ON p.terminal_id = b.terminal_id
        AND p.fix_time >= coalesce(lower(b.valid), '-infinity')
        AND p.fix_time < coalesce(upper(b.valid), 'infinity')
    WHERE b.vehicle_id = %(vehicle)s AND p.fix_time >= %(from)s AND p.fix_time <= %(to)s
    ORDER BY p.fix_time, p.terminal_id, p.content_hash
"""
_BEFORE: Final[LiteralString] = """
    SELECT max(last.at) FROM terminal_vehicle b, LATERAL (
        SELECT fix_time AS at FROM position WHERE terminal_id = b.terminal_id
            AND fix_time >= coalesce(lower(b.valid), '-infinity')
            AND fix_time < least(coalesce(upper(b.valid), 'infinity'), %(from)s)
        ORDER BY fix_time DESC LIMIT 1
    ) AS last WHERE b.vehicle_id = %(vehicle)s
"""
_BEHIND: Final[LiteralString] = """
    SELECT min(first.at) FROM terminal_vehicle b, LATERAL (
        SELECT fix_time AS at FROM position WHERE terminal_id = b.terminal_id
            AND fix_time >= greatest(coalesce(lower(b.valid), '-infinity'), %(to)s)
            AND fix_time < coalesce(upper(b.valid), 'infinity')
        ORDER BY fix_time LIMIT 1
    ) AS first WHERE b.vehicle_id = %(vehicle)s
"""


def vehicles(
    conn: psycopg.Connection[Any],
    institutions: Sequence[str] | None = None,
    ids: Collection[int] | None = None,
) -> list[Vehicle]:
    """Return vehicles by institution and code; those of some institutions, or with some ids."""
    named = {
        "ids": None if ids is None else arrays.ids(ids),
        "only": None if institutions is None else list(institutions),
    }
    with conn.cursor(row_factory=class_row(Vehicle)) as cursor:
        found = cursor.execute(_VEHICLES, named).fetchall()
    by_id = {one.id: one for one in found}
    for whose, name, since, value in conn.execute(_FACTS, [list(by_id)]):
        days, values = by_id[whose].facts.setdefault(name, ([], []))
        days.append(since)
        values.append(value)
    for whose, since, until in conn.execute(_SENSITIVE, [list(by_id)]):
        by_id[whose].sensitive.append((since, until))
    return found


def yards(conn: psycopg.Connection[Any]) -> list[Yard]:
    """Return all that stand."""
    with conn.cursor(row_factory=class_row(Yard)) as cursor:
        return cursor.execute(_YARDS).fetchall()


def sealed(conn: psycopg.Connection[Any]) -> list[Sealed]:
    """Return all that stand."""
    with conn.cursor(row_factory=class_row(Sealed)) as cursor:
        return cursor.execute(_SEALED).fetchall()


def stood(
    conn: psycopg.Connection[Any], vehicle_id: int, span: tuple[datetime, datetime]
) -> tuple[float, float] | None:
    """Return where a vehicle stood longest in a span: longitude, latitude."""
    named: Mapping[str, object] = {"vehicle": vehicle_id, "from": span[0], "to": span[1]}
    row = conn.execute(_STOOD, named).fetchone()
    return None if row is None else (row[0], row[1])


def pending(
    conn: psycopg.Connection[Any], vehicle_id: int, span: tuple[datetime, datetime]
) -> bool:
    """Whether trips of a span are still to be computed."""
    row = conn.execute(_DUE, [vehicle_id, *span]).fetchone()
    return row is not None and bool(row[0])


def signs(
    conn: psycopg.Connection[Any], vehicle_id: int, span: tuple[datetime, datetime]
) -> list[Sign]:
    """Return what terminals said of ignition and odometer, also one before and one behind.

    No place is read.
    """
    named: dict[str, object] = {"vehicle": vehicle_id, "from": span[0], "to": span[1]}
    before = conn.execute(_BEFORE, named).fetchone()
    behind = conn.execute(_BEHIND, named).fetchone()
    first = span[0] if before is None or before[0] is None else before[0]
    last = span[1] if behind is None or behind[0] is None else behind[0]
    return [
        Sign(
            us_of(at),
            terminal,
            acc,
            # 0 and less is how terminals write that they have none.
            round(odometer * 1_000_000) if odometer is not None and odometer > 0 else None,
        )
        for at, terminal, acc, odometer in conn.execute(
            _SIGNS, {"vehicle": vehicle_id, "from": first, "to": last}
        )
    ]
