"""Devices as subjects of rules."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final, LiteralString

import numpy as np

from registry.tags import DatedTag, tags_at
from rules.kinds.model import DeviceLayer, Sort
from rules.subjects.devices import due
from rules.subjects.devices.beside import beside_devices, hanging, held_s
from rules.subjects.devices.heard import Hung, heard, joined
from rules.subjects.devices.looking import looked_at, silences, within
from rules.subjects.devices.own import own
from rules.subjects.model import Basis, Conn, Extents, Inputs, Subjects, Word
from rules.timeline.overlay import Windows
from storage import arrays
from storage.times import ALWAYS_US, us_of

# A look-up for each hour from the first reading of a window to the last, which ends with the first
# reading of the hour: more of it changes nothing.
_HOURS: Final[LiteralString] = """
SELECT device, (extract(epoch FROM hour) * 1000000)::int8
FROM unnest(%(devices)s::int[], %(begins)s::timestamptz[], %(ends)s::timestamptz[])
    AS w (device, begin_, end_)
CROSS JOIN LATERAL (
    SELECT min(oldest.ts) AS first, max(newest.ts) AS last
    FROM point
    CROSS JOIN LATERAL (
        SELECT ts FROM reading
        WHERE point_id = point.id AND ts >= begin_ AND value IS NOT NULL ORDER BY ts LIMIT 1
    ) AS oldest
    CROSS JOIN LATERAL (
        SELECT ts FROM reading
        WHERE point_id = point.id AND ts >= begin_ AND ts < end_ AND value IS NOT NULL
        ORDER BY ts DESC LIMIT 1
    ) AS newest
    WHERE point.device_id = device
) AS edge
CROSS JOIN LATERAL generate_series(
    date_trunc('hour', edge.first, 'UTC'), edge.last, interval '1 hour'
) AS hour
WHERE EXISTS (
    SELECT FROM point CROSS JOIN LATERAL (
        SELECT FROM reading
        WHERE point_id = point.id AND ts >= hour AND ts < hour + interval '1 hour'
          AND value IS NOT NULL
        LIMIT 1
    ) AS one
    WHERE point.device_id = device
)
ORDER BY device, hour
"""
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


# What was heard last before some moment: of a silence that goes back beyond what is looked at.
_LAST: Final[LiteralString] = """
SELECT n, (extract(epoch FROM date_trunc('hour', last.ts, 'UTC')) * 1000000)::int8
FROM unnest(%s::int[], %s::timestamptz[]) WITH ORDINALITY AS asked (device, moment, n)
CROSS JOIN LATERAL (
    SELECT max(newest.ts) AS ts FROM point CROSS JOIN LATERAL (
        SELECT ts FROM reading
        WHERE point_id = point.id AND ts < moment AND value IS NOT NULL ORDER BY ts DESC LIMIT 1
    ) AS newest
    WHERE point.device_id = device
) AS last
WHERE last.ts IS NOT NULL
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
        looked = looked_at(windows, self.lasts)
        before = max(self.lasts.values(), default=0)
        values = {
            "devices": arrays.ids(looked),
            "begins": arrays.times([max(a - before, ALWAYS_US) for a, _ in looked.values()]),
            "ends": arrays.times([b for _, b in looked.values()]),
        }
        rows = np.array(conn.execute(_HOURS, values).fetchall(), np.int64).reshape(-1, 2)
        lasts = np.array([self.lasts[device] for device in rows[:, 0].tolist()], np.int64)
        found = heard(within(self.hung, looked), joined(rows[:, 0], rows[:, 1], lasts))
        layers = {DeviceLayer.HEARD.value: [found]}
        if DeviceLayer.OWN in self.wanted:
            silent = silences(found, self.hung, self.lasts, partial(_last_hour, conn))
            beside = beside_devices(conn, silent, self.silence_s)
            layers[DeviceLayer.OWN.value] = [own(found, beside)]
        return layers


def _last_hour(conn: Conn, asked: Sequence[tuple[int, int]]) -> dict[int, int]:
    values = [arrays.ids(d for d, _ in asked), arrays.times([moment for _, moment in asked])]
    return {n - 1: hour for n, hour in conn.execute(_LAST, values)}


def _look_up(
    conn: Conn, devices: Sequence[int], basis: Basis, wanted: Collection[str]
) -> KnownDevices:
    silence_s = held_s(basis)
    found = hanging(conn, devices, silence_s)
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
