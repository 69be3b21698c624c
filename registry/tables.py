"""The registry's tables as an import sees them: by code, never by id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, LiteralString

from registry.tag_words import KINDS


@dataclass(frozen=True, slots=True)
class Table:
    """One table of things with a code.

    Attributes:
        kind: its name.
        columns: what the inventory says of a thing; references by code.
        select: reads all rows as ``code``, ``open`` and ``columns``.
        upsert: takes rows as JSON; inserts, updates and reopens by code.
        fixed: columns that never change once they are known → what to do instead.
    """

    kind: str
    columns: tuple[str, ...]
    select: LiteralString
    upsert: LiteralString
    fixed: Mapping[str, str] = field(default_factory=dict)


INSTITUTION: Final = Table(
    "institution",
    ("name", "credit_code", "parent"),
    """
    SELECT t.code, upper_inf(t.valid) AS open, t.name, t.credit_code, p.code AS parent
    FROM institution t LEFT JOIN institution p ON p.id = t.parent_id
    """,
    """
    INSERT INTO institution (code, name, credit_code)
    SELECT r.code, r.name, r.credit_code
    FROM jsonb_to_recordset(%s) AS r (code text, name text, credit_code text)
    ON CONFLICT (code) DO UPDATE SET
        name = excluded.name, credit_code = excluded.credit_code,
        valid = tstzrange(lower(institution.valid), NULL)
    """,
)

PARENTS: Final[LiteralString] = """
    UPDATE institution t SET parent_id = p.id
    FROM jsonb_to_recordset(%s) AS r (code text, parent text)
    LEFT JOIN institution p ON p.code = r.parent
    WHERE t.code = r.code AND t.parent_id IS DISTINCT FROM p.id
"""
"""After all institutions are there: a parent may be new itself."""

BUILDING: Final = Table(
    "building",
    ("name", "institution", "floor_area_m2"),
    """
    SELECT t.code, upper_inf(t.valid) AS open, t.name, i.code AS institution, t.floor_area_m2
    FROM building t JOIN institution i ON i.id = t.institution_id
    """,
    """
    INSERT INTO building (code, name, institution_id, floor_area_m2)
    SELECT r.code, r.name, i.id, r.floor_area_m2
    FROM jsonb_to_recordset(%s)
        AS r (code text, name text, institution text, floor_area_m2 numeric)
    JOIN institution i ON i.code = r.institution
    ON CONFLICT (code) DO UPDATE SET
        name = excluded.name, floor_area_m2 = excluded.floor_area_m2,
        valid = tstzrange(lower(building.valid), NULL)
    """,
    {"institution": "a building that passes to another institution gets a new code"},
)

ROOM: Final = Table(
    "room",
    ("name", "building", "purpose"),
    """
    SELECT t.code, upper_inf(t.valid) AS open, t.name, b.code AS building, t.purpose
    FROM room t JOIN building b ON b.id = t.building_id
    """,
    """
    INSERT INTO room (code, name, building_id, purpose)
    SELECT r.code, r.name, b.id, r.purpose
    FROM jsonb_to_recordset(%s) AS r (code text, name text, building text, purpose text)
    JOIN building b ON b.code = r.building
    ON CONFLICT (code) DO UPDATE SET
        name = excluded.name, purpose = excluded.purpose,
        valid = tstzrange(lower(room.valid), NULL)
    """,
    {"building": "a room does not move: give the other room a code of its own"},
)

PLACE: Final = Table(
    "place",
    ("name", "measures"),
    "SELECT t.code, upper_inf(t.valid) AS open, t.name, t.measures FROM place t",
    """
    INSERT INTO place (code, name, measures)
    SELECT r.code, r.name, r.measures
    FROM jsonb_to_recordset(%s) AS r (code text, name text, measures text)
    ON CONFLICT (code) DO UPDATE SET
        name = excluded.name, valid = tstzrange(lower(place.valid), NULL)
    """,
    {"measures": "a place that measures something else is a new place with a new code"},
)

BUS: Final = Table(
    "bus",
    ("transport", "host", "port", "gap_ms"),
    """
    SELECT t.code, upper_inf(t.valid) AS open, t.transport, t.host, t.port, t.gap_ms FROM bus t
    """,
    """
    INSERT INTO bus (code, transport, host, port, gap_ms)
    SELECT r.code, r.transport, r.host, r.port, r.gap_ms
    FROM jsonb_to_recordset(%s) AS r (code text, transport text, host text, port int, gap_ms int)
    ON CONFLICT (code) DO UPDATE SET
        transport = excluded.transport, host = excluded.host, port = excluded.port,
        gap_ms = excluded.gap_ms, valid = tstzrange(lower(bus.valid), NULL)
    """,
)

DEVICE: Final = Table(
    "device",
    ("name", "serial_no", "profile", "bus", "unit", "interval_s", "timeout_ms"),
    """
    SELECT t.code, upper_inf(t.valid) AS open, t.name, t.serial_no,
           p.code || '@' || p.version AS profile, b.code AS bus, t.unit, t.interval_s, t.timeout_ms
    FROM device t JOIN profile p ON p.id = t.profile_id JOIN bus b ON b.id = t.bus_id
    """,
    """
    INSERT INTO device (code, name, serial_no, profile_id, bus_id, unit, interval_s, timeout_ms)
    SELECT r.code, r.name, r.serial_no, p.id, b.id, r.unit, r.interval_s, r.timeout_ms
    FROM jsonb_to_recordset(%s)
        AS r (code text, name text, serial_no text, profile text, bus text, unit int,
              interval_s int, timeout_ms int)
    JOIN profile p ON p.code || '@' || p.version = r.profile
    JOIN bus b ON b.code = r.bus
    ON CONFLICT (code) DO UPDATE SET
        name = excluded.name, serial_no = excluded.serial_no, profile_id = excluded.profile_id,
        bus_id = excluded.bus_id, unit = excluded.unit, interval_s = excluded.interval_s,
        timeout_ms = excluded.timeout_ms, valid = tstzrange(lower(device.valid), NULL)
    """,
    {
        "serial_no": "another serial number is another meter: give it a new code at the same "
        "place, and drop the old entry or date its until"
    },
)

VEHICLE: Final = Table(
    "vehicle",
    ("plate", "institution", "energy", "sensitive"),
    """
    SELECT t.code, upper_inf(t.valid) AS open, t.plate, i.code AS institution, t.energy, t.sensitive
    FROM vehicle t JOIN institution i ON i.id = t.institution_id
    """,
    """
    INSERT INTO vehicle (code, plate, institution_id, energy, sensitive)
    SELECT r.code, r.plate, i.id, r.energy, r.sensitive
    FROM jsonb_to_recordset(%s)
        AS r (code text, plate text, institution text, energy text, sensitive boolean)
    JOIN institution i ON i.code = r.institution
    ON CONFLICT (code) DO UPDATE SET
        plate = excluded.plate, energy = excluded.energy, sensitive = excluded.sensitive,
        valid = tstzrange(lower(vehicle.valid), NULL)
    """,
    {"institution": "a vehicle that passes to another institution gets a new code"},
)

TERMINAL: Final = Table(
    "terminal",
    (),
    "SELECT t.code, upper_inf(t.valid) AS open FROM terminal t",
    """
    INSERT INTO terminal (code)
    SELECT r.code FROM jsonb_to_recordset(%s) AS r (code text)
    ON CONFLICT (code) DO UPDATE SET valid = tstzrange(lower(terminal.valid), NULL)
    """,
)

TABLES: Final = (INSTITUTION, BUILDING, ROOM, PLACE, BUS, DEVICE, VEHICLE, TERMINAL)
"""In the order in which rows may refer to each other."""


@dataclass(frozen=True, slots=True)
class BindingTable:
    """One table of dated bindings.

    Attributes:
        kind: its name.
        subject: table of what is bound.
        target: table of what it is bound to.
        exclusive: a target serves one subject at a time.
    """

    kind: LiteralString
    subject: LiteralString
    target: LiteralString
    exclusive: bool = False


BINDINGS: Final = (
    BindingTable("place_room", "place", "room"),
    BindingTable("device_place", "device", "place", exclusive=True),
    BindingTable("terminal_vehicle", "terminal", "vehicle"),
)

TAGS: Final = {f"{kind}_tag": kind for kind in KINDS}
"""What an import calls the tags of a kind of things → the kind; they are all rows of `tag`."""
