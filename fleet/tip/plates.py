"""Who bore a plate when: plates are dated facts of the ledger, and move from vehicle to vehicle."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import class_row

from fleet.ledger.sensitive import sensitive_codes
from registry.vehicles import SIGNS, plain

# The inventory's plate has no dates: it holds where the ledger says nothing of the day.
_BORNE: Final[LiteralString] = """
    WITH fact AS (
        SELECT c.id AS consumer_id, c.code, c.institution_id, c.vehicle_id, f.value AS plate,
            f.since, lead(f.since) OVER (PARTITION BY c.id ORDER BY f.since) AS until
        FROM fuel_consumer c JOIN consumer_fact f ON f.consumer_id = c.id
        WHERE c.withdrawn_at IS NULL AND f.withdrawn_at IS NULL AND f.name = 'plate'
    ), borne AS (
        SELECT consumer_id, code, institution_id, vehicle_id, plate, since, until FROM fact
        UNION ALL
        SELECT c.id, v.code, v.institution_id, v.id, v.plate, NULL,
            (SELECT min(since) FROM fact WHERE fact.vehicle_id = v.id)
        FROM vehicle v LEFT JOIN fuel_consumer c ON c.vehicle_id = v.id AND c.withdrawn_at IS NULL
    )
    SELECT b.consumer_id, b.vehicle_id, b.code, b.plate, b.since, b.until,
        i.name AS institution, b.code = ANY(%(secret)s) AS sensitive,
        coalesce(said.value, 'used') AS state, said.since AS state_since
    FROM borne b JOIN institution i ON i.id = b.institution_id
    LEFT JOIN LATERAL (
        SELECT value, since FROM consumer_fact
        WHERE consumer_id = b.consumer_id AND name = 'state' AND withdrawn_at IS NULL
            AND since <= %(day)s
        ORDER BY since DESC LIMIT 1
    ) said ON true
    WHERE translate(upper(normalize(b.plate, NFKC)), %(signs)s, '') = %(plate)s
    ORDER BY b.since NULLS FIRST, b.code
"""


@dataclass(frozen=True, slots=True)
class Bearer:
    """A vehicle that bore a plate.

    Attributes:
        consumer_id: in the ledger; None: it is not kept there.
        vehicle_id: in the inventory; None: it has no terminal that we know.
        code: of the vehicle.
        plate: as it is written in the books.
        since: the first day; None: not dated.
        until: the day after the last; None: it still bears it.
        institution: name of whose it is.
        sensitive: then or now: its track is not for anybody's eyes.
        state: on the day of the report: ``used``, ``sealed`` or ``disposed``; ``used`` where
            nothing is said.
        state_since: from which day on; None: nothing is said.
    """

    consumer_id: int | None
    vehicle_id: int | None
    code: str
    plate: str
    since: date | None
    until: date | None
    institution: str
    sensitive: bool
    state: str = "used"
    state_since: date | None = None

    def on(self, day: date) -> bool:
        """Tell whether it bore the plate on a day."""
        return (self.since is None or self.since <= day) and (
            self.until is None or day < self.until
        )


def bearers(
    conn: psycopg.Connection[Any], plate: str, days: tuple[date, date, date], today: date
) -> list[Bearer]:
    """Return everyone who ever bore a plate, by time.

    Args:
        conn: in any state.
        plate: however it is written.
        days: of the report: the first that is looked at, its own, and the last: whether a vehicle
            was sensitive from the first to the last counts,
        today: and whether it is now.
    """
    first, day, last = days
    secret = sensitive_codes(conn, first, last) | sensitive_codes(conn, today, today)
    named = {"plate": plain(plate), "signs": SIGNS, "secret": list(secret), "day": day}
    with conn.cursor(row_factory=class_row(Bearer)) as cursor:
        return cursor.execute(_BORNE, named).fetchall()
