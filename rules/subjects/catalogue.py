"""All sorts of subjects."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, LiteralString

from rules.kinds.model import Sort
from rules.subjects.buses.site import WHOLE
from rules.subjects.buses.subjects import BUSES
from rules.subjects.devices.subjects import DEVICES
from rules.subjects.institutions.subjects import INSTITUTIONS
from rules.subjects.meters.subjects import METERS
from rules.subjects.model import Conn, Subjects
from rules.subjects.places.subjects import PLACES
from rules.subjects.respondents.subjects import RESPONDENTS
from rules.subjects.terminals.subjects import TERMINALS
from rules.subjects.vehicles.subjects import VEHICLES
from storage import arrays

SUBJECTS: Final[Mapping[Sort, Subjects]] = {
    one.sort: one
    for one in (
        *(PLACES, DEVICES, BUSES, WHOLE, METERS, TERMINALS),
        *(INSTITUTIONS, VEHICLES, RESPONDENTS),
    )
}

_FROM: Final[LiteralString] = """
INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
SELECT %s, subject, %s, 'infinity', %s FROM unnest(%s::int[]) AS subject
"""


def follow(conn: Conn) -> int:
    """Turn what changed of any subject into due rows; see :class:`rules.subjects.model.Subjects`.

    Args:
        conn: an autocommit connection.

    Returns:
        How many due rows were written.

    Raises:
        psycopg.Error: nothing is lost: the next call does it.
    """
    return sum(one.follow(conn) for one in SUBJECTS.values())


def mark_all(conn: Conn, why: str) -> int:
    """Make everything due, in the transaction that changes what everything rests on."""
    return sum(one.mark_all(conn, why) for one in SUBJECTS.values())


def mark_from(conn: Conn, sort: Sort, since: datetime, why: str) -> int:
    """Make all of a sort due from some time on, in the transaction that changes what that rests on.

    What was found before stays without anybody looking at years again.
    """
    everyone = arrays.ids(SUBJECTS[sort].everyone(conn))
    return conn.execute(_FROM, [sort.value, since, why, everyone]).rowcount
