"""Whose things are: of which institution, and so of all that stand above it.

The tree of institutions is not dated: where one stands now, it stands for all of its time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import class_row

from storage import arrays

_BELOW: Final[LiteralString] = """
WITH RECURSIVE below (id, above) AS (
    SELECT id, code FROM institution WHERE code = ANY(%(codes)s)
    UNION
    SELECT institution.id, below.above FROM institution
    JOIN below ON institution.parent_id = below.id
)
"""
_CODES: Final[LiteralString] = f"""
{_BELOW} SELECT DISTINCT code FROM below JOIN institution USING (id) ORDER BY 1
"""  # noqa: S608 - our own text
_OF_PLACE: Final[LiteralString] = """
    SELECT bound.place_id, building.institution_id, bound.valid
    FROM place_room AS bound
    JOIN room ON room.id = bound.room_id JOIN building ON building.id = room.building_id
"""
# Whose a thing of a kind is, and while it is.
_OF: Final[Mapping[str, LiteralString]] = {
    "place": f"{_OF_PLACE} WHERE bound.place_id = ANY(%(ids)s::int[])",
    "device": f"""
        SELECT hung.device_id, own.institution_id, hung.valid * own.valid
        FROM device_place AS hung
        JOIN ({_OF_PLACE}) AS own ON own.place_id = hung.place_id AND own.valid && hung.valid
        WHERE hung.device_id = ANY(%(ids)s::int[])
    """,  # noqa: S608 - our own text
    "bus": f"""
        SELECT device.bus_id, own.institution_id, hung.valid * own.valid
        FROM device JOIN device_place AS hung ON hung.device_id = device.id
        JOIN ({_OF_PLACE}) AS own
            ON own.place_id = hung.place_id AND own.valid && hung.valid
        WHERE device.bus_id = ANY(%(ids)s::int[])
    """,  # noqa: S608 - our own text
    "meter": f"""
        SELECT meter.id, own.institution_id, own.valid
        FROM meter JOIN ({_OF_PLACE}) AS own ON own.place_id = meter.place_id
        WHERE meter.id = ANY(%(ids)s::int[])
    """,  # noqa: S608 - our own text
    "room": """
        SELECT room.id, building.institution_id, '(,)'::tstzrange
        FROM room JOIN building ON building.id = room.building_id
        WHERE room.id = ANY(%(ids)s::int[])
    """,
    "vehicle": """
        SELECT id, institution_id, '(,)'::tstzrange FROM vehicle WHERE id = ANY(%(ids)s::int[])
    """,
    "site": "SELECT NULL::int, NULL::int, '(,)'::tstzrange WHERE false",
    "terminal": """
        SELECT bound.terminal_id, vehicle.institution_id, bound.valid
        FROM terminal_vehicle AS bound JOIN vehicle ON vehicle.id = bound.vehicle_id
        WHERE bound.terminal_id = ANY(%(ids)s::int[])
    """,
    "institution": "SELECT id, id, '(,)'::tstzrange FROM unnest(%(ids)s::int[]) AS id",
    "respondent": "SELECT id, id, '(,)'::tstzrange FROM unnest(%(ids)s::int[]) AS id",
}


@dataclass(frozen=True, slots=True)
class Belongs:
    """A thing that belongs to an institution, or to one below it.

    Attributes:
        id: of the thing.
        above: code of the institution.
        since: from when on; None: since ever.
        until: until when; None: for ever.
    """

    id: int
    above: str
    since: datetime | None
    until: datetime | None


def below(conn: psycopg.Connection[Any], codes: Collection[str]) -> list[str]:
    """Return codes of institutions and of all that stand below them, in order."""
    return [code for (code,) in conn.execute(_CODES, {"codes": list(codes)})]


def belonging(
    conn: psycopg.Connection[Any], kind: str, ids: Sequence[int], codes: Collection[str]
) -> list[Belongs]:
    """Return which things belong to institutions, or to any that stand below them.

    Args:
        conn: any connection.
        kind: place, device, bus, meter, room, vehicle, terminal, institution, respondent (the same
            as an institution), site (nobody's).
        ids: of the things.
        codes: of the institutions.
    """
    query: LiteralString = f"""
    {_BELOW}
    SELECT own.id, below.above, lower(own.valid) AS since, upper(own.valid) AS until
    FROM ({_OF[kind]}) AS own (id, institution_id, valid)
    JOIN below ON below.id = own.institution_id
    WHERE NOT isempty(own.valid)
    ORDER BY 2, 1, own.valid
    """  # noqa: S608 - our own text
    with conn.cursor(row_factory=class_row(Belongs)) as cursor:
        values = {"codes": list(codes), "ids": arrays.ids(ids)}
        return cursor.execute(query, values).fetchall()
