"""Devices as subjects of rules."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

import numpy as np

from registry.tags import DatedTag, tags_at
from rules.kinds.model import DeviceLayer, Sort
from rules.subjects.devices import due
from rules.subjects.devices.heard import HOUR_US, Hung, heard, joined
from rules.subjects.model import Basis, Conn, Extents, Inputs, Subjects, Word
from rules.timeline.overlay import Windows
from storage import arrays
from storage.times import ALWAYS_US, NEVER_US, OPEN_US, us_of

MISSED: Final = 3
"""So many readings in a row may fail before a device is not heard of any more."""

# While it hangs somewhere; where nobody said since when, since its first reading.
_HUNG: Final[LiteralString] = """
SELECT bound.device_id, lower(span), upper(span), first.ts, device.interval_s
FROM unnest(%s::int[]) AS asked
JOIN device_place AS bound ON bound.device_id = asked
JOIN device ON device.id = asked
CROSS JOIN LATERAL (SELECT bound.valid * device.valid AS span) AS hung
LEFT JOIN LATERAL (
    SELECT min(oldest.ts) AS ts FROM point CROSS JOIN LATERAL (
        SELECT ts FROM reading
        WHERE point_id = point.id AND value IS NOT NULL ORDER BY ts LIMIT 1
    ) AS oldest
    WHERE point.device_id = asked AND lower_inf(span)
) AS first ON true
WHERE NOT isempty(span)
ORDER BY bound.device_id, lower(span) NULLS FIRST
"""
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


@dataclass(frozen=True, slots=True)
class KnownDevices:
    """Some devices: when they hung somewhere; how long one is heard of from a reading on, µs."""

    hung: tuple[Hung, ...]
    lasts: Mapping[int, int]

    def layers(self) -> Mapping[int, frozenset[str]]:
        """Return the same for all that ever hung somewhere."""
        return {one.device: frozenset(DeviceLayer) for one in self.hung}

    def load(self, conn: Conn, windows: Windows) -> Inputs:
        """Return where devices were heard of within windows."""
        looked = {
            device: (begin, min(end, OPEN_US))
            for device, begin, end in zip(
                windows.subject.tolist(), windows.begin.tolist(), windows.end.tolist(), strict=True
            )
            if device in self.lasts
        }
        before = max(self.lasts.values(), default=0)
        values = {
            "devices": arrays.ids(looked),
            "begins": arrays.times([max(a - before, ALWAYS_US) for a, _ in looked.values()]),
            "ends": arrays.times([b for _, b in looked.values()]),
        }
        rows = np.array(conn.execute(_HOURS, values).fetchall(), np.int64).reshape(-1, 2)
        lasts = np.array([self.lasts[device] for device in rows[:, 0].tolist()], np.int64)
        spans = joined(rows[:, 0], rows[:, 1], lasts)
        return {DeviceLayer.HEARD: [heard(self._within(looked), spans)]}

    def _within(self, looked: Mapping[int, tuple[int, int]]) -> Iterator[Hung]:
        """When they hung, cut to what is looked at."""
        for one in self.hung:
            first, last = looked.get(one.device, (0, 0))
            since, until = max(one.since, first), min(one.until, last)
            if since < until:
                yield Hung(one.device, since, until)


def _look_up(
    conn: Conn, devices: Sequence[int], basis: Basis, _wanted: Collection[str]
) -> KnownDevices:
    hung: list[Hung] = []
    lasts: dict[int, int] = {}
    silence_s = max(basis.gauges.gauge_silence_s, basis.gauges.state_silence_s)
    for device, since, until, first, interval_s in conn.execute(_HUNG, [arrays.ids(devices)]):
        lasts[device] = _lasts(max(MISSED * interval_s, silence_s))
        begin = since or first
        if begin is not None:
            end = NEVER_US if until is None else us_of(until)
            hung.append(Hung(device, us_of(begin), end))
    return KnownDevices(tuple(hung), lasts)


def _lasts(silence_s: int) -> int:
    """The hour of a reading, and whole hours for as long as values hold."""
    return (1 + -(-silence_s // 3600)) * HOUR_US


def _extents(conn: Conn, devices: Iterable[int]) -> Extents:
    rows = conn.execute(_EXTENTS, [arrays.ids(devices)])
    return {device: (us_of(since), us_of(until)) for device, since, until in rows}


def _reach_us(basis: Basis) -> int:
    """A reading is heard for its hour and as long as values hold; longer only by its interval."""
    return _lasts(max(basis.gauges.gauge_silence_s, basis.gauges.state_silence_s))


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
    reach_us=_reach_us,
    everyone=_everyone,
    tags=_tags,
    follow=due.follow,
    mark_all=due.mark_all,
    consumer=due.CONSUMER,
    open_ended=True,
    words={DeviceLayer.HEARD.value: Word("数据", {0.0: "没有", 1.0: "有"})},
)
