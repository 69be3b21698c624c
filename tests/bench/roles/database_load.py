"""The database load of the limit: as many rows a second as the idle processes beside it receive."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

from storage.records import Batch, Kind, Position, pack_position
from storage.writer import BulkWriter
from tests.bench.packed import slot_of_readings
from tests.bench.roles import asking

FLUSH_S = 0.05
FIRST_TERMINAL = 1_000_000  # beyond those of the load generator
TERMINALS = 4_000


class Load:
    """Writes on its own thread until told to stop.

    Args:
        url: the database.
        positions: rows a second.
        readings: rows a second.
    """

    def __init__(self, url: str, positions: int, readings: int) -> None:
        self.rows = 0
        self.stopping = threading.Event()
        self._writer = BulkWriter(url)
        self._positions = positions
        self._readings = readings

    def run(self) -> None:
        began, seconds = time.monotonic(), 0.0
        while not self.stopping.wait(FLUSH_S):
            before, seconds = seconds, time.monotonic() - began
            self._flush(before, seconds)
        self._writer.close()

    def _flush(self, before_s: float, until_s: float) -> None:
        now_us = time.time_ns() // 1000
        numbers = range(int(before_s * self._positions), int(until_s * self._positions))
        points = int(until_s * self._readings) - int(before_s * self._readings)
        batches = list(slot_of_readings(points, now_us, seed=0)) if points else []
        if numbers:
            rows = [self._row(number, now_us) for number in numbers]
            batches.append(Batch(Kind.POSITION, len(rows), b"".join(rows)))
        if batches:
            self._writer.write(batches)
        self.rows += sum(batch.rows for batch in batches)

    def _row(self, number: int, now_us: int) -> bytes:
        return pack_position(
            Position(
                terminal_id=FIRST_TERMINAL + number % TERMINALS,
                fix_time_us=now_us,
                content_hash=number,
                lat=30.657,
                lon=104.066,
                speed_kmh=42.0,
                course_deg=90.0,
                altitude_m=500.0,
                odometer_km=12_345.6,
                satellites=12,
                acc=True,
                flags=0,
                seq=number // TERMINALS,
                received_us=now_us,
                extra=None,
            )
        )


async def _main(given: dict[str, Any]) -> None:
    load = Load(given["url"], given["positions"], given["readings"])
    thread = threading.Thread(target=load.run, name="load")
    thread.start()
    try:
        await asking.listen(lambda _: {"rows": load.rows, **asking.usage()})
    finally:
        load.stopping.set()
        thread.join()


if __name__ == "__main__":
    asyncio.run(_main(asking.settings()))
