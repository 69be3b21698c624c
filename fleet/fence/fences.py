"""Fences that stand, and the one of a code that holds on a day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import class_row

from fleet.fence.geometry import shape_of
from fleet.fence.passage import Watch
from fleet.fence.shape import Circle, Polygon
from fleet.track.rules import SECOND_US
from registry.refusal import refuse

_STANDING: Final[LiteralString] = """
    SELECT f.id, f.code, f.name, f.purpose, i.code AS institution, f.kind, f.datum, f.original,
        f.wgs84, f.radius_m, f.margin_m, f.dwell_s, f.since, f.until, f.note, f.entered_by
    FROM fleet_fence f LEFT JOIN institution i ON i.id = f.institution_id
    WHERE f.withdrawn_at IS NULL AND (%(codes)s::text[] IS NULL OR f.code = ANY(%(codes)s))
    ORDER BY f.code, f.since
"""


@dataclass(frozen=True)
class Fence:
    """A fence as it was entered; see storage/migrations/0017_fences.sql.

    Attributes:
        institution: code; None: of all.
        since, until: it holds from its day until the day before ``until`` (None: on), and no longer
            than until the next of its code.
    """

    id: int
    code: str
    name: str
    purpose: str
    institution: str | None
    kind: str
    datum: str
    original: str
    wgs84: str
    radius_m: int | None
    margin_m: int
    dwell_s: int
    since: date
    until: date | None
    note: str
    entered_by: str

    @property
    def last(self) -> date | None:
        """The last day that was entered."""
        return None if self.until is None else self.until - timedelta(days=1)

    @cached_property
    def shape(self) -> Circle | Polygon:
        """Where it is."""
        return shape_of(self.wgs84, self.radius_m)

    @cached_property
    def watch(self) -> Watch:
        """The fence as tracks are held against it."""
        return Watch(self.shape, self.margin_m, self.dwell_s * SECOND_US)


def standing(conn: psycopg.Connection[Any], codes: Sequence[str] | None = None) -> list[Fence]:
    """Return the fences that stand, by code and day; of some codes, or all."""
    named = {"codes": None if codes is None else list(codes)}
    with conn.cursor(row_factory=class_row(Fence)) as cursor:
        return cursor.execute(_STANDING, named).fetchall()


def of_day(fences: Iterable[Fence], code: str, day: date) -> Fence | None:
    """Return the fence of a code that holds on a day; ``fences`` by code and day."""
    begun = [one for one in fences if one.code == code and one.since <= day]
    latest = begun[-1] if begun else None
    return latest if latest is not None and (latest.until is None or day < latest.until) else None


def find(conn: psycopg.Connection[Any], code: str, day: date) -> Fence:
    """Return the fence of a code that holds on a day.

    Raises:
        RefusedError: there is none.
    """
    found = of_day(standing(conn, [code]), code, day)
    if found is None:
        refuse(code, f"{day} 没有这个编码的围栏，请用 jieyong fence list 核对")
    return found
