"""Random histories of meters: what counters show, and what people say about them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg

from metering.derive.due import DueKind, mark
from tests.integration.metering.derive.world import (
    Meter,
    add_device,
    add_meter,
    at,
    enter,
    hang,
    one,
    set_ratio,
    write,
)

QUARTERS = 500
"""How long a history is."""

Action = Callable[[], object]
Shown = tuple[int, datetime, float | None]


@dataclass(frozen=True, slots=True)
class Device:
    """A device that will hang at a meter, or hangs there."""

    meter: Meter
    id: int
    point: int


class History:
    """Draws meters and everything that happens to them, from one seed.

    Args:
        conn: a connection in autocommit.
        url: of the same database, for the writer.
        seed: what all randomness comes from.
    """

    def __init__(self, conn: psycopg.Connection, url: str, seed: int) -> None:
        self._conn = conn
        self._url = url
        self._random = random.Random(seed)
        self._devices: list[Device] = []
        for number in range(3):
            meter = add_meter(conn, f"m{number}")
            self._devices.append(Device(meter, meter.device, meter.point))
            spare, point = add_device(conn, f"spare{number}")
            self._devices.append(Device(meter, spare, point))

    def actions(self) -> Iterator[Action]:
        """Yield what happens, in the order in which we hear of it."""
        shown = [row for device in self._devices for row in self._counter(device)]
        shown += self._random.sample(shown, len(shown) // 10)
        shown += [
            (point, ts, (value or 0) + 1) for point, ts, value in self._random.sample(shown, 20)
        ]
        shown.sort(key=self._heard)
        happenings: list[Action] = [self._happening() for _ in range(14)]
        while shown:
            size = self._random.choice([1, 5, 30, 200, 400])
            yield self._written(shown[:size])
            shown = shown[size:]
            if happenings and self._random.random() < 0.7:
                yield happenings.pop()
        yield from happenings

    def _heard(self, row: Shown) -> datetime:
        late = self._random.choice([0, 0, 0, 0, 1, 5, 40, 300])
        return row[1] + late * timedelta(minutes=15)

    def _written(self, rows: list[Shown]) -> Action:
        points = dict.fromkeys(point for point, _, _ in rows)
        return lambda: [
            write(self._url, point, [(ts, value) for other, ts, value in rows if other == point])
            for point in points
        ]

    def _counter(self, device: Device) -> Iterator[Shown]:
        """What a counter of 1,000 units shows that dips, jumps, is reset and is away at times."""
        draw = self._random
        true = draw.choice([0.0, 5.0, 990.0, 400.0])
        offset = draw.choice([0.0, 0.0, 0.2])
        every = draw.choice([1, 1, 2, 5])
        trouble, left = "", 0
        for quarter in range(0, QUARTERS, every):
            true = (true + draw.choice([0, 0.01, 0.5, 1.23])) % 1000
            if left == 0:
                trouble = draw.choices(
                    ["", "dip", "spike", "away", "null", "reset"], [60, 1, 1, 1, 1, 1]
                )[0]
                left = 1 if trouble == "" else draw.choice([1, 2, 3, 4, 5, 30])
            left -= 1
            if trouble == "reset":
                true, trouble = 0.0, ""
            value = {"dip": 0.0, "spike": true + 900_000, "null": None}.get(trouble, true)
            if trouble != "away":
                yield device.point, at(quarter + offset), value

    def _happening(self) -> Action:
        kinds = [
            self._entry,
            self._entry,
            self._withdrawal,
            self._ratio,
            self._swap,
            self._register,
        ]
        return self._random.choice(kinds)

    def _when(self) -> datetime:
        return at(self._random.choice([0, 0.2, 0.5]) + self._random.randrange(QUARTERS))

    def _marked(self, meter: int, since: datetime, until: datetime | None) -> None:
        mark(self._conn, DueKind.METER, meter, since, until, "test")

    def _entry(self) -> None:
        device, ts = self._random.choice(self._devices), self._when()
        kind = self._random.choice(["reading", "reading", "initial", "final", "reset"])
        value = self._random.choice(["0", "12.34", "500", "999.999"])
        hung = Meter(device.meter.id, device.meter.place, device.id, device.point)
        known = one(
            self._conn,
            "SELECT count(*) FROM counter_entry WHERE device_id = %s AND ts = %s AND kind = %s"
            " AND withdrawn_at IS NULL",
            [device.id, ts, kind],
        )
        if not known:
            with self._conn.transaction():
                enter(self._conn, hung, ts, kind, value)
                self._marked(device.meter.id, ts, ts)

    def _withdrawal(self) -> None:
        found = self._conn.execute(
            "SELECT counter_entry.id, ts, meter.id FROM counter_entry"
            " JOIN device_place USING (device_id) JOIN meter USING (place_id)"
            " WHERE withdrawn_at IS NULL ORDER BY 1 LIMIT 1"
        ).fetchone()
        if found is not None:
            with self._conn.transaction():
                self._conn.execute(
                    "UPDATE counter_entry SET withdrawn_by = 't', withdrawn_at = now()"
                    " WHERE id = %s",
                    [found[0]],
                )
                self._marked(found[2], found[1], found[1])

    def _ratio(self) -> None:
        meter, since = self._random.choice(self._devices).meter, self._when()
        with self._conn.transaction():
            old = self._conn.execute(
                "UPDATE meter_ratio SET withdrawn_by = 't', withdrawn_at = now()"
                " WHERE meter_id = %s AND withdrawn_at IS NULL RETURNING lower(valid)",
                [meter.id],
            ).fetchone()
            set_ratio(self._conn, meter, self._random.choice([2, 40]), since)
            self._marked(meter.id, _earlier(old, since), None)

    def _swap(self) -> None:
        """The spare device takes the place from some time on; heard of late, or corrected."""
        spare = self._random.choice(self._devices[1::2])
        since = self._when()
        with self._conn.transaction():
            old = self._conn.execute(
                "DELETE FROM device_place WHERE place_id = %s RETURNING upper(valid)",
                [spare.meter.place],
            ).fetchone()
            hang(self._conn, spare.meter.device, spare.meter.place, at(0), since)
            if self._random.random() < 0.5:
                hang(self._conn, spare.id, spare.meter.place, since, None)
            else:
                hang(self._conn, spare.id, spare.meter.place, since + timedelta(minutes=7), None)
            self._marked(spare.meter.id, _earlier(old, since), None)

    def _register(self) -> None:
        device, since = self._random.choice(self._devices), self._when()
        with self._conn.transaction():
            old = self._conn.execute(
                "UPDATE device_register SET withdrawn_by = 't', withdrawn_at = now()"
                " WHERE device_id = %s AND withdrawn_at IS NULL RETURNING lower(valid)",
                [device.id],
            ).fetchone()
            self._conn.execute(
                "INSERT INTO device_register (device_id, register, resolution, capacity,"
                " reversible, valid, entered_by, entered_at)"
                " VALUES (%s, 'energy', %s, 1000, %s, tstzrange(%s, NULL), 't', now())",
                [
                    device.id,
                    self._random.choice(["0.01", "0.1"]),
                    self._random.random() < 0.2,
                    since,
                ],
            )
            self._marked(device.meter.id, _earlier(old, since), None)


def _earlier(old: tuple[datetime | None] | None, since: datetime) -> datetime:
    return since if old is None or old[0] is None else min(old[0], since)
