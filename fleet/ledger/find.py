"""Which vehicle of the ledger people mean."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import class_row

from registry.vehicles import meant

_KNOWN: Final[LiteralString] = """
    SELECT c.code, coalesce(f.plate, v.plate, '') AS plate,
        coalesce(v.sensitive, false) OR f.secrecy IS NOT DISTINCT FROM 'sensitive' AS sensitive
    FROM fuel_consumer c LEFT JOIN vehicle v ON v.id = c.vehicle_id
    LEFT JOIN LATERAL (
        SELECT max(value) FILTER (WHERE name = 'plate') AS plate,
            max(value) FILTER (WHERE name = 'secrecy') AS secrecy
        FROM (
            SELECT DISTINCT ON (name) name, value FROM consumer_fact
            WHERE consumer_id = c.id AND withdrawn_at IS NULL AND since <= %s
                AND name IN ('plate', 'secrecy')
            ORDER BY name, since DESC
        ) AS said
    ) AS f ON true
    WHERE c.withdrawn_at IS NULL ORDER BY c.code
"""


_VEHICLES: Final[LiteralString] = """
    SELECT count(*) FROM fuel_consumer
    WHERE withdrawn_at IS NULL AND kind IN ('vehicle', 'motorcycle')
"""


@dataclass(frozen=True, slots=True)
class Known:
    """A vehicle or another consumer of the ledger; without a plate: empty."""

    code: str
    plate: str
    sensitive: bool


def find_consumer(
    conn: psycopg.Connection[Any], said: str, day: date, where: str = "车辆"
) -> Known:
    """Return the vehicle of the ledger that somebody means by a code, or the plate of a day.

    Raises:
        RefusedError: there is none, or there are several.
    """
    with conn.cursor(row_factory=class_row(Known)) as cursor:
        known = cursor.execute(_KNOWN, [day]).fetchall()
    return meant(said, known, where, "可能没有建账：请核对，或先导入“车辆”表")


def count_vehicles(conn: psycopg.Connection[Any]) -> int:
    """Return how many vehicles the ledger keeps."""
    row = conn.execute(_VEHICLES).fetchone()
    return 0 if row is None else int(row[0])
