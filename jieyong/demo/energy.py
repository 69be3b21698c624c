"""What a demo makes of its counters: consumption, held against the registers themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg

from jieyong.settings import Settings
from jieyong.workers.metering import parts_of
from metering.derive import due
from metering.derive.worker import Worker

WHO: Final = "demo"

# Without metering's own code: the first counter of the device at each place, newest less oldest.
# The county replaces no meter and has no CT, and every counter has the unit of its meter.
_COUNTED: Final = """
SELECT meter.code, meter.unit, newest.value::text::numeric - oldest.value::text::numeric,
       coalesce(sum(consumption.micro), 0) / 1000000.0
FROM meter
JOIN device_place USING (place_id)
CROSS JOIN LATERAL (
    SELECT id FROM point
    WHERE point.device_id = device_place.device_id AND class = 'counter' ORDER BY id LIMIT 1
) AS counter
CROSS JOIN LATERAL (
    SELECT value FROM reading WHERE point_id = counter.id AND value IS NOT NULL
    ORDER BY ts LIMIT 1
) AS oldest
CROSS JOIN LATERAL (
    SELECT value FROM reading WHERE point_id = counter.id AND value IS NOT NULL
    ORDER BY ts DESC LIMIT 1
) AS newest
LEFT JOIN consumption ON consumption.meter_id = meter.id
GROUP BY meter.code, meter.unit, newest.value, oldest.value
"""


@dataclass(frozen=True, slots=True)
class Energy:
    """What the meters counted, and whether it adds up.

    Attributes:
        meters: how many have readings.
        used: unit → consumption in the database, earlier runs and the past included.
        unbalanced: codes of meters whose quarter hours do not add up to the newest reading less the
            oldest.
    """

    meters: int
    used: Mapping[str, float]
    unbalanced: tuple[str, ...]


def some_meter(conn: psycopg.Connection[Any]) -> str:
    """Return the code of a meter to look at."""
    row = conn.execute("SELECT min(code) FROM meter").fetchone()
    return str(row[0]) if row else ""


def compute(conninfo: str) -> None:
    """Compute whatever is due, to the last reading."""
    settings = Settings()
    with psycopg.connect(conninfo, autocommit=True) as conn:
        worker = Worker(
            conn,
            settings.metering,
            ZoneInfo(settings.time_zone),
            parts_of(settings),
            lambda: datetime.now(UTC),
        )
        while due.follow(conn) or worker.step().done:
            pass


def balance(conn: psycopg.Connection[Any]) -> Energy:
    """Hold every meter's consumption against its register."""
    rows = conn.execute(_COUNTED).fetchall()
    used: dict[str, Decimal] = {}
    for _, unit, _, quantity in rows:
        used[unit] = used.get(unit, Decimal(0)) + quantity
    return Energy(
        meters=len(rows),
        used={unit: float(round(quantity, 3)) for unit, quantity in sorted(used.items())},
        unbalanced=tuple(sorted(code for code, _, counted, sum_ in rows if counted != sum_)),
    )
