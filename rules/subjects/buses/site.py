"""All that is polled as one subject of rules: when nothing comes of anything, that is one thing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

import numpy as np

from metering.gauge.hold import Holds
from registry.tags import DatedTag
from rules.kinds.model import SiteLayer, Sort
from rules.subjects.devices import due
from rules.subjects.devices.beside import EVERYTHING, Source, held_s, site_lasts
from rules.subjects.devices.heard import Hung, heard, joined
from rules.subjects.devices.looking import looked_at
from rules.subjects.devices.read import Stored
from rules.subjects.model import Basis, Conn, Extents, Inputs, Subjects, Word
from rules.timeline.overlay import Windows
from storage import arrays
from storage.times import OPEN_US, us_of

SITE: Final = 1
"""The one subject."""
_EXTENTS: Final[LiteralString] = """
SELECT asked, min(since), max(until)
FROM unnest(%s::int[]) AS asked
CROSS JOIN LATERAL (
    SELECT edge.ts AS since, edge.ts AS until
    FROM point CROSS JOIN LATERAL (
        (SELECT ts FROM reading WHERE point_id = point.id ORDER BY ts LIMIT 1)
        UNION ALL
        (SELECT ts FROM reading WHERE point_id = point.id ORDER BY ts DESC LIMIT 1)
    ) AS edge
    UNION ALL
    SELECT since, until FROM episode WHERE sort = 'site' AND subject_id = asked
) AS known
GROUP BY asked HAVING min(since) IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class KnownSite:
    """All that is polled: how long it is heard of from a reading on, µs; none: of a single bus."""

    lasts: Mapping[int, int]

    def layers(self) -> Mapping[int, frozenset[str]]:
        """Return what there is, where there are at least two buses."""
        return dict.fromkeys(self.lasts, frozenset(SiteLayer))

    def reach_us(self) -> tuple[int, int]:
        """As long as it is heard of."""
        return (max(self.lasts.values(), default=0),) * 2

    def load(self, conn: Conn, windows: Windows) -> Inputs:
        """Return where anything was heard of within windows."""
        return self.laid(Stored(conn), windows)

    def laid(self, source: Source, windows: Windows) -> Inputs:
        """Return the same of what stands anywhere."""
        looked = looked_at(windows, self.lasts).values()
        found = [_heard(source, begin, end, self.lasts[SITE]) for begin, end in looked]
        return {SiteLayer.HEARD: found}


def _heard(source: Source, begin: int, end: int, lasts: int) -> Holds:
    (hours,) = source.hours_on_buses([(EVERYTHING, begin - lasts, end)])
    one = np.full(len(hours), SITE)
    spans = joined(one, np.array(hours, np.int64), np.full(len(hours), lasts))
    # Nothing was to be heard of before the first reading: who looks behind it need not know when.
    first = begin if hours and hours[0] <= begin else _begun(source, begin)
    return heard([Hung(SITE, first, end)] if first < end else [], spans)


def _begun(source: Source, begin: int) -> int:
    first = source.first()
    return OPEN_US if first is None else max(begin, first)


def _look_up(conn: Conn, sites: Sequence[int], basis: Basis, _wanted: object) -> KnownSite:
    return known_site(Stored(conn), held_s(basis)) if SITE in sites else KnownSite({})


def known_site(source: Source, silence_s: int) -> KnownSite:
    """Return what is known of all that is polled, wherever it stands."""
    lasts = site_lasts(source, silence_s)
    return KnownSite({} if lasts is None else {SITE: lasts})


def _extents(conn: Conn, sites: Iterable[int]) -> Extents:
    rows = conn.execute(_EXTENTS, [arrays.ids(sites)])
    return {site: (us_of(since), us_of(until)) for site, since, until in rows}


def _tags(
    _conn: Conn, _sites: Sequence[int], _since: datetime, _until: datetime
) -> Mapping[int, Sequence[DatedTag]]:
    """None: tags say what places are."""
    return {}


WHOLE: Final = Subjects(
    sort=Sort.SITE,
    queue=due.SITE_QUEUE,
    look_up=_look_up,
    extents=_extents,
    everyone=lambda _: [SITE],
    tags=_tags,
    follow=lambda _: 0,
    mark_all=due.mark_site,
    consumer=None,
    open_ended=True,
    words={SiteLayer.HEARD.value: Word("全部设备数据", {0.0: "没有", 1.0: "有"})},
)
