"""Buses as subjects of rules: a gateway that is down is one thing, however much is behind it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

import numpy as np

from registry.tags import DatedTag
from rules.kinds.model import BusLayer, Sort
from rules.subjects.devices import due
from rules.subjects.devices.beside import Hanging, Source, beside_all, held_s, peers
from rules.subjects.devices.heard import Hung, heard, joined
from rules.subjects.devices.looking import looked_at, silences, within
from rules.subjects.devices.own import own, several
from rules.subjects.devices.read import Stored
from rules.subjects.model import Basis, Conn, Extents, Inputs, Subjects, Word
from rules.timeline.overlay import Windows
from storage import arrays
from storage.times import us_of

_EXTENTS: Final[LiteralString] = """
SELECT asked, min(since), max(until)
FROM unnest(%s::int[]) AS asked
CROSS JOIN LATERAL (
    SELECT edge.ts AS since, edge.ts AS until
    FROM device JOIN point ON point.device_id = device.id CROSS JOIN LATERAL (
        (SELECT ts FROM reading WHERE point_id = point.id ORDER BY ts LIMIT 1)
        UNION ALL
        (SELECT ts FROM reading WHERE point_id = point.id ORDER BY ts DESC LIMIT 1)
    ) AS edge
    WHERE device.bus_id = asked
    UNION ALL
    SELECT lower(bound.valid), lower(bound.valid)
    FROM device JOIN device_place AS bound ON bound.device_id = device.id
    WHERE device.bus_id = asked AND NOT lower_inf(bound.valid)
    UNION ALL
    SELECT since, until FROM episode WHERE sort = 'bus' AND subject_id = asked
) AS known
GROUP BY asked HAVING min(since) IS NOT NULL
"""
_EVERYONE: Final[LiteralString] = """
SELECT DISTINCT device.bus_id FROM device JOIN device_place ON device_id = device.id ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class KnownBuses:
    """Some buses.

    Attributes:
        hung: when at least two devices on a bus hung somewhere, by bus and time.
        lasts: how long a bus is heard of from the hour of a reading on, µs.
        silence_s: how long values hold.
        wanted: names of layers.
    """

    hung: tuple[Hung, ...]
    lasts: Mapping[int, int]
    silence_s: int
    wanted: Collection[str]

    def layers(self) -> Mapping[int, frozenset[str]]:
        """Return the same for all on which two devices ever hung at once."""
        return {one.subject: frozenset(BusLayer) for one in self.hung}

    def reach_us(self) -> tuple[int, int]:
        """As long as it is heard of."""
        return (max(self.lasts.values(), default=0),) * 2

    def load(self, conn: Conn, windows: Windows) -> Inputs:
        """Return where buses were heard of within windows, and whose their silences are."""
        return self.laid(Stored(conn), windows)

    def laid(self, source: Source, windows: Windows) -> Inputs:
        """Return the same of what stands anywhere."""
        looked = looked_at(windows, self.lasts)
        asked = [(bus, begin - self.lasts[bus], end) for bus, (begin, end) in looked.items()]
        rows = np.array(
            [
                (bus, hour, self.lasts[bus])
                for (bus, *_), hours in zip(asked, source.hours_on_buses(asked), strict=True)
                for hour in hours
            ],
            np.int64,
        ).reshape(-1, 3)
        found = heard(within(self.hung, looked), joined(*rows.T))
        layers = {BusLayer.HEARD.value: [found]}
        if BusLayer.OWN in self.wanted:
            silent = silences(found, self.hung, self.lasts, source.last_of_buses)
            spans = [(one.since, one.until) for one in silent]
            beside = beside_all(source, spans, self.silence_s)
            parts = [(one, beside[span]) for one, span in zip(silent, spans, strict=True)]
            layers[BusLayer.OWN.value] = [own(found, parts)]
        return layers


def _look_up(conn: Conn, buses: Sequence[int], basis: Basis, wanted: Collection[str]) -> KnownBuses:
    return known_buses(Stored(conn), buses, held_s(basis), wanted)


def known_buses(
    source: Source, buses: Iterable[int], silence_s: int, wanted: Collection[str]
) -> KnownBuses:
    """Return what is known of buses, wherever it stands."""
    on_bus: dict[int, list[Hanging]] = defaultdict(list)
    for one in source.hanging(buses, silence_s, buses=True):
        on_bus[one.bus].append(one)
    hung = [
        Hung(bus, since, until)
        for bus in sorted(on_bus)
        for since, until in several((one.hung.since, one.hung.until) for one in peers(on_bus[bus]))
    ]
    lasts = {bus: min(one.lasts for one in those) for bus, those in on_bus.items()}
    return KnownBuses(tuple(hung), lasts, silence_s, wanted)


def _extents(conn: Conn, buses: Iterable[int]) -> Extents:
    rows = conn.execute(_EXTENTS, [arrays.ids(buses)])
    return {bus: (us_of(since), us_of(until)) for bus, since, until in rows}


def _everyone(conn: Conn) -> list[int]:
    return [bus for (bus,) in conn.execute(_EVERYONE)]


def _tags(
    _conn: Conn, _buses: Sequence[int], _since: datetime, _until: datetime
) -> Mapping[int, Sequence[DatedTag]]:
    """None: tags say what places are, and a bus serves many."""
    return {}


BUSES: Final = Subjects(
    sort=Sort.BUS,
    queue=due.BUS_QUEUE,
    look_up=_look_up,
    extents=_extents,
    everyone=_everyone,
    tags=_tags,
    follow=lambda _: 0,
    mark_all=due.mark_all_buses,
    consumer=None,
    open_ended=True,
    words={
        BusLayer.HEARD.value: Word("总线数据", {0.0: "没有", 1.0: "有"}),
        BusLayer.OWN.value: Word("仅本总线无数据", {0.0: "否", 1.0: "是"}),
    },
)
