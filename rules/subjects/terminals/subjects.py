"""Terminals of vehicles as subjects of rules.

What an hour of reports tells holds for that hour of the terminal's own time; reports that were
refused for their time count in the hour in which they came.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

from registry.tags import DatedTag
from rules.kinds.model import Sort, TerminalLayer
from rules.subjects.model import Basis, Conn, Extents, Inputs, Subjects, Word
from rules.subjects.terminals import due
from rules.subjects.terminals.hours import HOUR_US, laid
from rules.subjects.vehicles.tags import tags as tags_of_vehicles
from rules.timeline.overlay import Windows
from storage import arrays
from storage.times import ALWAYS_US, at_us, us_of

_HOUR_S: Final = 3_600
_CLOCKS: Final[LiteralString] = """
SELECT terminal, (extract(epoch FROM hour) * 1000000)::int8, off_s
FROM unnest(%s::int[], %s::timestamptz[], %s::timestamptz[]) AS w (terminal, begin_, end_)
CROSS JOIN LATERAL (
    SELECT hour, off_s FROM terminal_clock
    WHERE terminal_id = terminal AND hour > begin_ - interval '1 hour' AND hour < end_ OFFSET 0
) AS clock
ORDER BY 1, 2
"""
_EXTENTS: Final[LiteralString] = """
SELECT asked, min(since), max(until)
FROM unnest(%s::int[]) AS asked
CROSS JOIN LATERAL (
    SELECT min(hour) AS since, max(hour) + interval '1 hour' AS until FROM terminal_clock
    WHERE terminal_id = asked
    UNION ALL
    SELECT since, until FROM episode WHERE sort = 'terminal' AND subject_id = asked
) AS known
GROUP BY asked HAVING min(since) IS NOT NULL
"""
_KNOWN: Final[LiteralString] = "SELECT id FROM terminal WHERE id = ANY(%s::int[])"
_EVERYONE: Final[LiteralString] = "SELECT id FROM terminal ORDER BY id"
_VEHICLES: Final[LiteralString] = """
SELECT terminal_id, vehicle_id FROM terminal_vehicle
WHERE terminal_id = ANY(%s::int[]) AND valid && tstzrange(%s, %s, '[]')
"""
_OFF: Final[LiteralString] = """
SELECT count(*), min(off_s), max(off_s),
       (SELECT count(DISTINCT other.terminal_id) FROM terminal_clock AS other
        WHERE other.hour >= %(since)s AND other.hour < %(until)s AND other.terminal_id <> %(id)s
          AND (other.off_s > %(ahead)s OR other.off_s < -%(behind)s))
FROM terminal_clock
WHERE terminal_id = %(id)s AND hour >= %(since)s AND hour < %(until)s
  AND (off_s > %(ahead)s OR off_s < -%(behind)s)
"""


@dataclass(frozen=True, slots=True)
class KnownTerminals:
    """Some terminals of the inventory."""

    ids: frozenset[int]

    def layers(self) -> Mapping[int, frozenset[str]]:
        """Return the same for all."""
        return dict.fromkeys(self.ids, frozenset(TerminalLayer))

    def reach_us(self) -> tuple[int, int]:
        """An hour is due by its begin."""
        return 0, HOUR_US

    def load(self, conn: Conn, windows: Windows) -> Inputs:
        """Return how far clocks were off within windows."""
        rows = [
            row
            for row in zip(
                windows.subject.tolist(), windows.begin.tolist(), windows.end.tolist(), strict=True
            )
            if row[0] in self.ids
        ]
        values = [
            arrays.ids(subject for subject, _, _ in rows),
            arrays.times([max(begin, ALWAYS_US) for _, begin, _ in rows]),
            arrays.times([end for *_, end in rows]),
        ]
        return laid(conn.execute(_CLOCKS, values))


def _look_up(
    conn: Conn, terminals: Sequence[int], _basis: Basis, _wanted: Collection[str]
) -> KnownTerminals:
    rows = conn.execute(_KNOWN, [arrays.ids(terminals)])
    return KnownTerminals(frozenset(id_ for (id_,) in rows))


def _extents(conn: Conn, terminals: Iterable[int]) -> Extents:
    rows = conn.execute(_EXTENTS, [arrays.ids(terminals)])
    return {id_: (us_of(since), us_of(until)) for id_, since, until in rows}


def _everyone(conn: Conn) -> list[int]:
    return [id_ for (id_,) in conn.execute(_EVERYONE)]


def _tags(
    conn: Conn, terminals: Sequence[int], since: datetime, until: datetime
) -> Mapping[int, Sequence[DatedTag]]:
    """Tags of the vehicles that terminals were in then."""
    rows = conn.execute(_VEHICLES, [arrays.ids(terminals), since, until]).fetchall()
    of_vehicle = tags_of_vehicles(conn, sorted({vehicle for _, vehicle in rows}), since, until)
    found: dict[int, list[DatedTag]] = {}
    for terminal, vehicle in rows:
        found.setdefault(terminal, []).extend(of_vehicle.get(vehicle, ()))
    return found


def _compared(conn: Conn, basis: Basis, id_: int, since: int, until: int) -> list[str]:
    """Tell how far the clock was off, and how many others were, too: no times of anybody's way."""
    told: list[str] = []
    for one in basis.versions:
        values = one.rule.values
        if not {"ahead", "behind"} <= values.keys():
            continue
        asked = {"id": id_, "since": at_us(since), "until": at_us(until), **values}
        row = conn.execute(_OFF, asked).fetchone()
        if row is not None and row[0]:
            count, least, most, others = row
            told.append(
                f"{count} 个小时内，上报时间比接收时间{_range(least, most)}；"
                f"同一时期另有 {others} 台终端如此"
            )
    return told


def _range(least_s: float, most_s: float) -> str:
    said = dict.fromkeys((_said(least_s), _said(most_s)))
    return "至".join(said)


def _said(off_s: float) -> str:
    """In words; what was refused for its time is off by so much at least."""
    return ("超前 " if off_s > 0 else "滞后 ") + _lasting(abs(off_s))


def _lasting(seconds: float) -> str:
    if seconds < 2 * _HOUR_S:
        return f"{seconds / 60:.0f} 分钟"
    if seconds < 48 * _HOUR_S:
        return f"{seconds / _HOUR_S:.1f} 小时"
    return f"{seconds / (24 * _HOUR_S):.0f} 天"


TERMINALS: Final = Subjects(
    sort=Sort.TERMINAL,
    queue=due.QUEUE,
    look_up=_look_up,
    extents=_extents,
    everyone=_everyone,
    tags=_tags,
    follow=due.follow,
    mark_all=due.mark_all,
    consumer=due.CONSUMER,
    words={TerminalLayer.CLOCK.value: Word("时钟偏差 秒（正为超前）")},
    compared=_compared,
)
