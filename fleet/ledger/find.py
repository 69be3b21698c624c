"""Which vehicle of the ledger people mean."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final, LiteralString

import psycopg

from fleet.ledger.sensitive import sensitive_codes
from registry.vehicles import meant

_KNOWN: Final[LiteralString] = """
    SELECT DISTINCT ON (c.code) c.code, CASE WHEN c.withdrawn_at IS NULL THEN coalesce((
        SELECT value FROM consumer_fact
        WHERE consumer_id = c.id AND withdrawn_at IS NULL AND name = 'plate' AND since <= %(day)s
        ORDER BY since DESC LIMIT 1
    ), v.plate, '') ELSE '' END AS plate
    FROM fuel_consumer c LEFT JOIN vehicle v ON v.id = c.vehicle_id
    WHERE c.withdrawn_at IS NULL OR %(withdrawn)s
    ORDER BY c.code, c.withdrawn_at DESC NULLS FIRST
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
    conn: psycopg.Connection[Any],
    said: str,
    day: date,
    where: str = "车辆",
    *,
    withdrawn: bool = False,
) -> Known:
    """Return the vehicle of the ledger that somebody means by a code, or the plate of a day.

    Args:
        conn: in any state.
        said: a code or a plate, in any spelling.
        day: whose plates.
        where: option, for the refusal.
        withdrawn: those that stand no more are meant, too, by their code.

    Raises:
        RefusedError: there is none, or there are several.
    """
    named = {"day": day, "withdrawn": withdrawn}
    hidden = sensitive_codes(conn, day, day)
    known = [Known(code, plate, code in hidden) for code, plate in conn.execute(_KNOWN, named)]
    return meant(said, known, where, "可能没有建账：请核对，或先导入“车辆”表")


def count_vehicles(conn: psycopg.Connection[Any]) -> int:
    """Return how many vehicles the ledger keeps."""
    row = conn.execute(_VEHICLES).fetchone()
    return 0 if row is None else int(row[0])
