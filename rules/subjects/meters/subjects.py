"""Meters as subjects of rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

from registry.tags import DatedTag, tags_at
from rules.kinds.metered import Metered
from rules.kinds.model import Sort
from rules.subjects.meters import due, layers
from rules.subjects.meters.days import LEARNED
from rules.subjects.meters.odd import odd
from rules.subjects.meters.words import WORDS
from rules.subjects.model import Basis, Conn, Extents, Inputs, Subjects
from rules.timeline.overlay import Windows
from storage import arrays
from storage.times import DAY_US, us_of

_METERS: Final[LiteralString] = """
SELECT id, energy, unit, direction, place_id IS NOT NULL, EXISTS (
    SELECT FROM meter_main WHERE main_id = meter.id AND NOT isempty(valid)
)
FROM meter WHERE id = ANY(%s::int[])
"""
# A local day lies within the day of its date in UTC and those before and behind it.
_EXTENTS: Final[LiteralString] = """
WITH wanted AS MATERIALIZED (SELECT meter FROM unnest(%s::int[]) AS meter), known AS (
    SELECT meter, oldest.day::timestamp AT TIME ZONE 'UTC' - interval '1 day' AS since,
           newest.day::timestamp AT TIME ZONE 'UTC' + interval '2 days' AS until
    FROM wanted
    CROSS JOIN LATERAL (
        SELECT day FROM consumption_day WHERE meter_id = meter ORDER BY day LIMIT 1
    ) AS oldest
    CROSS JOIN LATERAL (
        SELECT day FROM consumption_day WHERE meter_id = meter ORDER BY day DESC LIMIT 1
    ) AS newest
    UNION ALL
    SELECT meter, since, until FROM wanted JOIN episode ON sort = 'meter' AND subject_id = meter
)
SELECT meter, min(since), max(until) FROM known GROUP BY meter
"""
_EVERYONE: Final[LiteralString] = "SELECT id FROM meter ORDER BY id"
_PLACES: Final[LiteralString] = """
SELECT id, place_id FROM meter WHERE id = ANY(%s::int[]) AND place_id IS NOT NULL
"""
_REACH_US: Final = (LEARNED + 2) * DAY_US
"""A figure is usual for the 28 days behind it; and holds its whole day, whose night belongs to the
day before."""
_BACK_US: Final = 2 * DAY_US
"""Back it reaches to the begin of its day, or of an hour that lies near."""


@dataclass(frozen=True, slots=True)
class KnownMeters:
    """Some meters, and which layers there are of each."""

    asked: layers.Asked

    def layers(self) -> Mapping[int, frozenset[str]]:
        """Return which figures each meter has."""
        return self.asked.having

    def reach_us(self) -> tuple[int, int]:
        """A figure is usual for some weeks."""
        return _BACK_US, _REACH_US

    def load(self, conn: Conn, windows: Windows) -> Inputs:
        """Return figures beside what is usual, within windows."""
        found = dict(layers.load(conn, self.asked, windows))
        if any(Metered.ODD in names for names in self.asked.having.values()):
            found[Metered.ODD] = [odd(conn, windows)]
        return found


def _look_up(
    conn: Conn, meters: Sequence[int], basis: Basis, wanted: Collection[str]
) -> KnownMeters:
    rows = conn.execute(_METERS, [arrays.ids(meters)]).fetchall()
    having = {id_: having_of(*facts) & set(wanted) for id_, *facts in rows}
    energies = {id_: energy for id_, energy, *_ in rows}
    asked = layers.Asked(basis.calendar, basis.zone, having, energies)
    return KnownMeters(asked)


def having_of(energy: str, unit: str, direction: str, hangs: bool, is_main: bool) -> frozenset[str]:
    """What is fed in or generated is no use of the institution: only of what comes in is spoken."""
    names: list[str] = [*layers.BALANCE] if is_main else []
    if hangs:
        names.append(Metered.ODD)
    if direction == "in":
        names += [*layers.DAY, *layers.IDLE]
        if energy == "water":
            names += [*layers.WATER_NIGHT, *layers.WATER_HOUR]
        if (energy, unit) == ("electricity", "kWh"):
            names += layers.LOAD_NIGHT
    return frozenset(names)


def _extents(conn: Conn, meters: Iterable[int]) -> Extents:
    rows = conn.execute(_EXTENTS, [arrays.ids(meters)])
    return {meter: (us_of(first), us_of(last)) for meter, first, last in rows}


def _everyone(conn: Conn) -> list[int]:
    return [meter for (meter,) in conn.execute(_EVERYONE)]


def _tags(
    conn: Conn, meters: Sequence[int], since: datetime, until: datetime
) -> Mapping[int, Sequence[DatedTag]]:
    """Tags of the place where a meter hangs; a virtual one has none."""
    at: dict[int, list[int]] = defaultdict(list)
    for meter, place in conn.execute(_PLACES, [arrays.ids(meters)]):
        at[place].append(meter)
    found = tags_at(conn, "place", list(at), since, until)
    return {meter: tags for place, tags in found.items() for meter in at[place]}


def _unit(conn: Conn, meter: int) -> str:
    row = conn.execute("SELECT unit FROM meter WHERE id = %s", [meter]).fetchone()
    return "" if row is None else str(row[0])


METERS: Final = Subjects(
    sort=Sort.METER,
    queue=due.QUEUE,
    look_up=_look_up,
    extents=_extents,
    everyone=_everyone,
    tags=_tags,
    follow=due.follow,
    mark_all=due.mark_all,
    consumer=due.CONSUMER,
    words=WORDS,
    unit=_unit,
)
