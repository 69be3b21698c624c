"""Meters out of the inventory: every place that measures an energy has one."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import dict_row, scalar_row

from metering.derive import units
from metering.facts import marks
from metering.facts.span import Span, differing
from metering.facts.standing import standing
from registry.audit import Act, record
from registry.catalogue import Catalogue
from registry.changes import Change, Changes
from registry.importing import apply, lock
from registry.inventory import Inventory

ENERGY: Final = {
    "electricity": "electricity",
    "water": "water",
    "gas": "gas",
    "heat": "heat",
    "cooling": "cooling",
    "coal": "coal",
    "oil": "other",
}
"""What a place measures → the energy of its meter; which oil it is, the meters' file says."""

UNITS: Final = {
    "electricity": ("kWh",),
    "water": ("m3",),
    "gas": ("m3",),
    "heat": ("GJ",),
    "cooling": ("GJ",),
    "coal": ("t",),
    "petrol": ("L", "t"),
    "diesel": ("L", "t"),
    "lpg": ("t", "m3"),
    "other": ("L", "t", "m3"),
}
"""Energy → units in which its meters count, the usual one first."""

_PLACES: Final[LiteralString] = """
    SELECT p.id, p.code, p.name, p.measures, upper(p.valid) AS closed_at,
           coalesce(jsonb_agg(jsonb_build_object('register', o.name, 'unit', o.unit, 'nth', o.nth)
               ORDER BY o.since DESC NULLS LAST, o.nth), '[]') AS counters,
           min(coalesce(o.since, '1970-01-01Z')) AS since
    FROM place p
    JOIN LATERAL (
        SELECT c.name, c.unit, lower(b.valid) AS since,
               row_number() OVER (PARTITION BY b.device_id, b.valid ORDER BY c.id) AS nth
        FROM device_place b JOIN point c ON c.device_id = b.device_id AND c.class = 'counter'
        WHERE b.place_id = p.id AND NOT isempty(b.valid)
    ) o ON true
    GROUP BY p.id ORDER BY p.code
"""
_METERS: Final[LiteralString] = """
    SELECT m.id, m.code, m.name, m.place_id, upper(m.valid) AS closed_at
    FROM meter m WHERE m.place_id IS NOT NULL
"""
_INSERT: Final[LiteralString] = """
    INSERT INTO meter (code, name, energy, unit, place_id, register, valid)
    VALUES (%(code)s, %(name)s, %(energy)s, %(unit)s, %(place_id)s, %(register)s,
            tstzrange(NULL, %(closed_at)s))
    RETURNING id
"""
_UPDATE: Final[LiteralString] = """
    UPDATE meter SET name = %s, valid = tstzrange(lower(valid), %s) WHERE id = %s
"""


@dataclass(frozen=True, slots=True)
class Synced:
    """Which meters came, changed or ended; by code."""

    created: tuple[str, ...]
    changed: tuple[str, ...]


def bring_inventory(
    conn: psycopg.Connection[Any], act: Act, inventory: Inventory, catalogue: Catalogue
) -> Changes:
    """Import an inventory, keep what people entered about bindings, and let the meters follow.

    Raises:
        InventoryError: it would change what never may, or undo a replacement or a move; nothing
            was changed.
    """
    with conn.transaction():
        lock(conn)  # so that nobody enters anything between the look and the import
        entered = standing(conn)
        changes = apply(conn, inventory, catalogue, now=act.at, by=act.principal, entered=entered)
        after_import(conn, act, changes)
    return changes


def after_import(conn: psycopg.Connection[Any], act: Act, changes: Changes) -> Synced:
    """Follow an import of the inventory, in its transaction.

    Meters come about, and what bindings changed is computed again.
    """
    synced = sync_meters(conn, act)
    mark_bindings(conn, changes.items)
    return synced


def sync_meters(conn: psycopg.Connection[Any], act: Act) -> Synced:
    """Give each place that has, or had, a device with a fitting counter its meter.

    The meter has the code and the name of the place. It closes and opens again with the place;
    nothing is deleted. A code that a meter of another place uses already is left alone.

    Args:
        conn: in a transaction, or in autocommit mode.
        act: who and when.
    """
    with conn.transaction(), conn.cursor(row_factory=dict_row) as cursor:
        cursor.execute("LOCK TABLE meter IN SHARE ROW EXCLUSIVE MODE")
        held = {row["code"]: row for row in cursor.execute(_METERS).fetchall()}
        places = cursor.execute(_PLACES).fetchall()
        created = [
            row["code"]
            for row in places
            if row["code"] not in held and _create(conn, act, row) is not None
        ]
        changed = [
            row["code"]
            for row in places
            if row["code"] in held and _follow(conn, act, row, held[row["code"]])
        ]
    return Synced(tuple(created), tuple(changed))


def unit_for(energy: str, counted: str) -> str | None:
    """Return the unit in which a meter of an energy counts what a point gives, or None."""
    for unit in UNITS[energy]:
        with suppress(ValueError):
            units.factor(counted, unit)
            return unit
    return None


def _create(conn: psycopg.Connection[Any], act: Act, place: dict[str, Any]) -> int | None:
    energy = ENERGY.get(place["measures"], "other")
    counter = _fitting(place["counters"], energy)
    if counter is None:
        return None
    values = {
        "code": place["code"],
        "name": place["name"],
        "energy": energy,
        "unit": unit_for(energy, counter["unit"]),
        "place_id": place["id"],
        # Unless the first counter is the one, later devices at the place could mean another.
        "register": None if counter["nth"] == 1 else counter["register"],
        "closed_at": place["closed_at"],
    }
    with conn.cursor(row_factory=scalar_row) as cursor:
        meter_id: int | None = cursor.execute(_INSERT, values).fetchone()
    assert meter_id is not None  # noqa: S101 - RETURNING
    detail = {"energy": energy, "unit": values["unit"], "register": values["register"]}
    record(conn, act, "meter.create", place["code"], detail)
    marks.meter(conn, meter_id, Span(place["since"]), "meter created")
    return meter_id


def _fitting(counters: Iterable[dict[str, Any]], energy: str) -> dict[str, Any] | None:
    """Return the newest device's first counter that counts such an energy."""
    return next((c for c in counters if unit_for(energy, c["unit"])), None)


def _follow(
    conn: psycopg.Connection[Any], act: Act, place: dict[str, Any], meter: dict[str, Any]
) -> bool:
    if meter["place_id"] != place["id"]:
        return False
    if meter["closed_at"] == place["closed_at"]:
        return False
    conn.execute(_UPDATE, [meter["name"], place["closed_at"], meter["id"]])
    action = "meter.close" if place["closed_at"] else "meter.reopen"
    record(conn, act, action, meter["code"])
    held = Span(None, meter["closed_at"]), Span(None, place["closed_at"])
    marks.meters(conn, [meter["id"]], differing(*held), action)
    return True


_SUBJECTS: Final[LiteralString] = "SELECT id FROM place WHERE code = %s"


def mark_bindings(conn: psycopg.Connection[Any], changes: Iterable[Change]) -> None:
    """Have everything computed again that an import's changed bindings of devices can matter to."""
    for change in changes:
        if change.kind != "device_place":
            continue
        _, _, place = change.code.partition(" @ ")
        before, after = change.detail["valid"]
        row = conn.execute(_SUBJECTS, [place]).fetchone()
        if row is not None:
            spans = differing(_written(before), _written(after))
            marks.at_place(conn, row[0], spans, "bindings changed by an import")


def _written(text: str | None) -> Span | None:
    """Read a span as :class:`registry.bindings.Span` writes it."""
    if text is None or text == "withdrawn":
        return None
    since, _, until = text[1:-1].partition(",")
    return Span(_moment(since), _moment(until))


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None
