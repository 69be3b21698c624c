"""Places as subjects of rules."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

from registry.tags import DatedTag, tags_at
from rules.kinds.model import Input, Sort
from rules.subjects.model import Basis, Conn, Inputs, Subjects
from rules.subjects.places import due
from rules.subjects.places.extents import extents
from rules.subjects.places.inputs import load_inputs
from rules.subjects.places.modes import Modes
from rules.subjects.places.sources import Sources
from rules.subjects.places.words import WORDS
from rules.timeline.overlay import Windows

_EVERYONE: Final[LiteralString] = """
SELECT DISTINCT bound.place_id
FROM device_place AS bound
JOIN point ON point.device_id = bound.device_id AND point.class <> 'counter'
ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class KnownPlaces:
    """Some places with the points that speak of them."""

    sources: Sources
    modes: Modes

    def layers(self) -> Mapping[int, frozenset[str]]:
        """Return what is measured at each place."""
        return self.sources.measured()

    def reach_us(self) -> tuple[int, int]:
        """A value holds for its silence at most."""
        return 0, int(self.sources.silence.max(initial=0))

    def load(self, conn: Conn, windows: Windows) -> Inputs:
        """Return what was measured within windows."""
        return load_inputs(conn, self.sources, windows, self.modes)


def _look_up(
    conn: Conn, places: Sequence[int], basis: Basis, wanted: Collection[str]
) -> KnownPlaces:
    names = [Input(name) for name in sorted(wanted)]
    return KnownPlaces(Sources.load(conn, list(places), basis.gauges, names), basis.modes)


def _everyone(conn: Conn) -> list[int]:
    return [place for (place,) in conn.execute(_EVERYONE)]


def _tags(
    conn: Conn, places: Sequence[int], since: datetime, until: datetime
) -> Mapping[int, Sequence[DatedTag]]:
    return tags_at(conn, "place", places, since, until)


PLACES: Final = Subjects(
    sort=Sort.PLACE,
    queue=due.QUEUE,
    look_up=_look_up,
    extents=extents,
    everyone=_everyone,
    tags=_tags,
    follow=due.follow,
    mark_all=due.mark_all,
    consumer=due.CONSUMER,
    words=WORDS,
)
