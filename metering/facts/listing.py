"""What is known of a meter, for whoever looks at it or wants to withdraw something."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import class_row

from metering.facts.entry_check import Kind
from metering.facts.meters import Meter

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
