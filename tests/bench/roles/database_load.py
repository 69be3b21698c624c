"""The database load of the limit: as many positions a second as the subscriber beside it receives."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

from storage.records import Batch, Kind, Position, pack_position
from storage.writer import BulkWriter
from tests.bench.roles import asking

FLUSH_S = 0.05
FIRST_TERMINAL = 1_000_000  # beyond those of the load generator


class Load:
    """Writes on its own thread until told to stop."""

    def __init__(self, url: str, rate: int, terminals: int) -> None:
        self.rows = 0
        self.stopping = threading.Event()
        self._writer = BulkWriter(url)
        self._rate = rate
        self._terminals = terminals

    def run(self) -> None:
        began = time.monotonic()
        while not self.stopping.wait(FLUSH_S):
            due = int((time.monotonic() - began) * self._rate)
            self._writer.write([self._batch(due)])
            self.rows = due
        self._writer.close()

    def _batch(self, due: int) -> Batch:
        now_us = time.time_ns() // 1000
        rows = [self._row(number, now_us) for number in range(self.rows, due)]
        return Batch(Kind.POSITION, len(rows), b"".join(rows))

    def _row(self, number: int, now_us: int) -> bytes:
        return pack_position(
            Position(
                terminal_id=FIRST_TERMINAL + number % self._terminals,
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
                seq=number // self._terminals,
                received_us=now_us,
                extra=None,
            )
        )


async def _main(given: dict[str, Any]) -> None:
    load = Load(given["url"], given["rate"], given["terminals"])
    thread = threading.Thread(target=load.run, name="load")
    thread.start()
    try:
        await asking.listen(lambda _: {"rows": load.rows, **asking.usage()})
    finally:
        load.stopping.set()
        thread.join()


if __name__ == "__main__":
    asyncio.run(_main(asking.settings()))
