"""Devices as subjects of rules."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

import numpy as np

from registry.tags import DatedTag, tags_at
from rules.kinds.model import DeviceLayer, Sort
from rules.subjects.devices import due
from rules.subjects.devices.beside import Source, beside_devices, held_s
from rules.subjects.devices.heard import Hung, heard, joined
from rules.subjects.devices.looking import looked_at, silences, within
from rules.subjects.devices.own import own
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
    FROM point CROSS JOIN LATERAL (
        (SELECT ts FROM reading WHERE point_id = point.id ORDER BY ts LIMIT 1)
        UNION ALL
        (SELECT ts FROM reading WHERE point_id = point.id ORDER BY ts DESC LIMIT 1)
    ) AS edge
    WHERE point.device_id = asked
    UNION ALL
    SELECT lower(valid), lower(valid) FROM device_place
    WHERE device_id = asked AND NOT lower_inf(valid)
    UNION ALL
    SELECT since, until FROM episode WHERE sort = 'device' AND subject_id = asked
) AS known
GROUP BY asked HAVING min(since) IS NOT NULL
"""
_EVERYONE: Final = "SELECT DISTINCT device_id FROM device_place ORDER BY 1"
_PLACES: Final[LiteralString] = """
SELECT device_id, place_id FROM device_place
WHERE device_id = ANY(%s::int[]) AND valid && tstzrange(%s, %s, '[]')
"""


@dataclass(frozen=True, slots=True)
class KnownDevices:
    """Some devices: when they hung somewhere; how long one is heard of from a reading on, µs.

    Attributes:
        hung: by device and time.
        lasts: how long a device is heard of from the hour of a reading on, µs.
        silence_s: how long values hold.
        wanted: names of layers.
    """

    hung: tuple[Hung, ...]
    lasts: Mapping[int, int]
    silence_s: int
    wanted: Collection[str]

    def layers(self) -> Mapping[int, frozenset[str]]:
        """Return the same for all that ever hung somewhere."""
        return {one.subject: frozenset(DeviceLayer) for one in self.hung}

    def reach_us(self) -> tuple[int, int]:
        """As long as one is heard of."""
        return (max(self.lasts.values(), default=0),) * 2

    def load(self, conn: Conn, windows: Windows) -> Inputs:
        """Return where devices were heard of within windows, and whose their silences are."""
        return self.laid(Stored(conn), windows)

    def laid(self, source: Source, windows: Windows) -> Inputs:
        """Return the same of what stands anywhere."""
        looked = looked_at(windows, self.lasts)
        before = max(self.lasts.values(), default=0)
        rows = source.hours_of_devices({one: (a - before, b) for one, (a, b) in looked.items()})
        lasts = np.array([self.lasts[device] for device in rows[:, 0].tolist()], np.int64)
        found = heard(within(self.hung, looked), joined(rows[:, 0], rows[:, 1], lasts))
        layers = {DeviceLayer.HEARD.value: [found]}
        if DeviceLayer.OWN in self.wanted:
            silent = silences(found, self.hung, self.lasts, source.last_of_devices)
            beside = beside_devices(source, silent, self.lasts, self.silence_s)
            layers[DeviceLayer.OWN.value] = [own(found, beside)]
        return layers


def _look_up(
    conn: Conn, devices: Sequence[int], basis: Basis, wanted: Collection[str]
) -> KnownDevices:
    return known_devices(Stored(conn), devices, held_s(basis), wanted)


def known_devices(
    source: Source, devices: Iterable[int], silence_s: int, wanted: Collection[str]
) -> KnownDevices:
    """Return what is known of devices, wherever it stands."""
    found = source.hanging(devices, silence_s)
    lasts = {one.hung.subject: one.lasts for one in found}
    return KnownDevices(tuple(one.hung for one in found), lasts, silence_s, wanted)


def _extents(conn: Conn, devices: Iterable[int]) -> Extents:
    rows = conn.execute(_EXTENTS, [arrays.ids(devices)])
    return {device: (us_of(since), us_of(until)) for device, since, until in rows}


def _everyone(conn: Conn) -> list[int]:
    return [device for (device,) in conn.execute(_EVERYONE)]


def _tags(
    conn: Conn, devices: Sequence[int], since: datetime, until: datetime
) -> Mapping[int, Sequence[DatedTag]]:
    """Tags of the places where devices hung then."""
    rows = conn.execute(_PLACES, [arrays.ids(devices), since, until]).fetchall()
    of_place = tags_at(conn, "place", sorted({place for _, place in rows}), since, until)
    found: dict[int, list[DatedTag]] = {}
    for device, place in rows:
        found.setdefault(device, []).extend(of_place.get(place, ()))
    return found


DEVICES: Final = Subjects(
    sort=Sort.DEVICE,
    queue=due.QUEUE,
    look_up=_look_up,
    extents=_extents,
    everyone=_everyone,
    tags=_tags,
    follow=due.follow,
    mark_all=due.mark_all,
    consumer=due.CONSUMER,
    open_ended=True,
    words={
        DeviceLayer.HEARD.value: Word("数据", {0.0: "没有", 1.0: "有"}),
        DeviceLayer.OWN.value: Word("仅本设备无数据", {0.0: "否", 1.0: "是"}),
    },
)
