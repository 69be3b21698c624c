"""Vehicles of the inventory as subjects of rules.

Tracks are read here by a program, as fleet's own workers read them: nobody is shown anything, so
the audit log takes no note. Whoever looks at a doubt that tells where or when a vehicle was says
why, and is noted (:mod:`jieyong.commands.doubt`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from rules.kinds.model import Sort
from rules.subjects.model import Basis, Conn, Subjects
from rules.subjects.vehicles import due
from rules.subjects.vehicles.extents import extents
from rules.subjects.vehicles.looking import BY_MONTH, KnownVehicles
from rules.subjects.vehicles.many import Many
from rules.subjects.vehicles.settling import settle
from rules.subjects.vehicles.tags import tags
from rules.subjects.vehicles.told import told
from rules.subjects.vehicles.words import WORDS


def _look_up(
    _conn: Conn, vehicles: Sequence[int], basis: Basis, wanted: Collection[str]
) -> KnownVehicles:
    return KnownVehicles(tuple(vehicles), basis, frozenset(wanted), Many(basis))


def _everyone(conn: Conn) -> list[int]:
    return [vehicle for (vehicle,) in conn.execute("SELECT id FROM vehicle ORDER BY id")]


VEHICLES: Final = Subjects(
    sort=Sort.VEHICLE,
    queue=due.QUEUE,
    look_up=_look_up,
    extents=extents,
    everyone=_everyone,
    tags=tags,
    follow=due.follow,
    mark_all=due.mark_all,
    consumer=None,
    words=WORDS,
    compared=told,
    slow=True,
    settle=settle,
    apart=BY_MONTH,
)
