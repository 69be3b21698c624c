"""All sorts of subjects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rules.kinds.model import Sort
from rules.subjects.devices.subjects import DEVICES
from rules.subjects.institutions.subjects import INSTITUTIONS
from rules.subjects.meters.subjects import METERS
from rules.subjects.model import Conn, Subjects
from rules.subjects.places.subjects import PLACES
from rules.subjects.vehicles.subjects import VEHICLES

SUBJECTS: Final[Mapping[Sort, Subjects]] = {
    one.sort: one for one in (PLACES, DEVICES, METERS, INSTITUTIONS, VEHICLES)
}


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
