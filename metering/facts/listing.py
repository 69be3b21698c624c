"""What is known of a meter, for whoever looks at it or wants to withdraw something."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import class_row, scalar_row
from psycopg.types.range import Range

from metering.facts.entry_check import Kind
from metering.facts.meters import Meter
from metering.facts.refusal import nearest
from registry.refusal import refuse

# With readings of devices that hung at the place; final readings stand at the end of a binding.
_ENTRIES: Final[LiteralString] = """
    SELECT e.id, d.code AS device, e.register, e.ts AS at, e.kind, e.value, e.note, e.act_id,
           e.entered_by, e.entered_at, e.withdrawn_by, e.withdrawn_at
    FROM counter_entry e JOIN device d ON d.id = e.device_id
    WHERE EXISTS (
        SELECT FROM device_place b WHERE b.place_id = %s AND b.device_id = e.device_id
            AND NOT isempty(b.valid) AND tstzrange(lower(b.valid), upper(b.valid), '[]') @> e.ts)
    ORDER BY e.ts, e.id
"""
_ACTS: Final[LiteralString] = """
    SELECT a.id, a.kind, a.entered_by, a.entered_at, a.withdrawn_by, a.withdrawn_at
    FROM fact_act a
    WHERE (a.kind <> 'import' AND a.subject = %(place)s)
        OR EXISTS (SELECT FROM counter_entry e WHERE e.act_id = a.id AND e.id = ANY(%(entries)s))
    ORDER BY a.id
"""

_CURRENT: Final[LiteralString] = """
    SELECT m.id AS meter_id, m.code, m.name, m.energy, m.unit, m.direction, m.item, m.formula,
           upper_inf(m.valid) AS open, d.id AS device_id, d.code AS device, c.name AS register,
           c.unit AS register_unit, b.valid AS mounted, r.ct * r.pt AS ratio, i.code AS institution
    FROM meter m
    LEFT JOIN device_place b ON b.place_id = m.place_id AND b.valid @> %(now)s::timestamptz
    LEFT JOIN device d ON d.id = b.device_id
    LEFT JOIN LATERAL (
        SELECT p.name, p.unit FROM point p
        WHERE p.device_id = d.id AND p.class = 'counter' AND p.name = coalesce(m.register, p.name)
        ORDER BY p.id LIMIT 1
    ) c ON true
    LEFT JOIN meter_ratio r ON r.meter_id = m.id AND r.withdrawn_at IS NULL
        AND r.valid @> %(now)s::timestamptz
    LEFT JOIN place_room q ON q.place_id = m.place_id AND q.valid @> %(now)s::timestamptz
    LEFT JOIN room o ON o.id = q.room_id
    LEFT JOIN building u ON u.id = o.building_id
    LEFT JOIN institution i ON i.id = u.institution_id
    WHERE %(institution)s::text IS NULL OR i.code = %(institution)s
    ORDER BY m.code
"""


@dataclass(frozen=True, slots=True)
class CurrentRow:
    """A meter and what hangs there now.

    Attributes:
        device: None: nothing does, or it is virtual.
        register: name of the counter that counts; None: the device has none.
        register_unit: in which the register shows.
        mounted: while the device hangs there.
        ratio: CT × PT; None: none is known, which counts as 1.
        institution: code of the institution in whose building it is.
    """

    meter_id: int
    code: str
    name: str
    energy: str
    unit: str
    direction: str
    item: str | None
    formula: str | None
    open: bool
    device_id: int | None
    device: str | None
    register: str | None
    register_unit: str | None
    mounted: Range[datetime] | None
    ratio: Decimal | None
    institution: str | None


def current(
    conn: psycopg.Connection[Any], now: datetime, institution: str | None = None
) -> list[CurrentRow]:
    """Return every meter by code, with what hangs there at a time.

    Args:
        conn: any connection.
        now: the time, aware.
        institution: only those in its buildings; virtual meters are in none.

    Raises:
        RefusedError: there is no such institution.
    """
    with conn.cursor(row_factory=scalar_row) as cursor:
        codes = cursor.execute("SELECT code FROM institution").fetchall()
    if institution is not None and institution not in codes:
        refuse("单位", f"没有编码为 {institution} 的单位{nearest(institution, codes)}")
    with conn.cursor(row_factory=class_row(CurrentRow)) as cursor:
        return cursor.execute(_CURRENT, {"now": now, "institution": institution}).fetchall()


@dataclass(frozen=True, slots=True)
class EntryRow:
    """An entry as it stands in the database, withdrawn or not."""

    id: int
    device: str
    register: str
    at: datetime
    kind: Kind
    value: Decimal
    note: str
    act_id: int | None
    entered_by: str
    entered_at: datetime
    withdrawn_by: str | None
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class ActRow:
    """An act: a replacement, a move, or an import that has readings of the meter."""

    id: int
    kind: str
    entered_by: str
    entered_at: datetime
    withdrawn_by: str | None
    withdrawn_at: datetime | None


def entries_of(conn: psycopg.Connection[Any], meter: Meter) -> list[EntryRow]:
    """Return every entry at a meter's place, in order of time, withdrawn ones too."""
    with conn.cursor(row_factory=class_row(EntryRow)) as cursor:
        return cursor.execute(_ENTRIES, [meter.place_id]).fetchall()


def acts_of(conn: psycopg.Connection[Any], meter: Meter) -> list[ActRow]:
    """Return every act that has to do with a meter's place, withdrawn ones too."""
    entries = [entry.id for entry in entries_of(conn, meter)]
    with conn.cursor(row_factory=class_row(ActRow)) as cursor:
        return cursor.execute(_ACTS, {"place": meter.place, "entries": entries}).fetchall()
