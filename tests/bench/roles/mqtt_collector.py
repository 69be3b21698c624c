"""Our MQTT intake in a process of its own: the real source, spool and drain into the database."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
import uvloop

from collector.intake import Accept
from collector.mqtt.source import MqttSource
from collector.settings import MqttSettings
from jieyong import interpreter, logs
from storage.records import PG_EPOCH_US, Batch, Kind
from tests.bench.roles import asking, intake

FIX_TIME_AT = 14  # bytes before the fix time in a packed position


class AckAges:
    """Stands in the spool's door and notes how old messages are when they may be acknowledged.

    The source acknowledges as soon as the door lets it go, before anything else runs.
    """

    def __init__(self, accept: Accept) -> None:
        self._accept = accept
        self._ages: list[np.ndarray[Any, np.dtype[np.int64]]] = []

    async def accept(self, batches: Sequence[Batch]) -> None:
        await self._accept(batches)
        now_us = intake.now_us()
        for batch in batches:
            if batch.kind is Kind.POSITION:
                self._ages.append(now_us - PG_EPOCH_US - _fix_times(batch))

    def clear(self) -> None:
        self._ages.clear()

    def p99_ms(self) -> float | None:
        """The 99th percentile since the last :meth:`clear`; None when nothing came."""
        if not self._ages:
            return None
        return float(np.percentile(np.concatenate(self._ages), 99)) / 1000


def _fix_times(batch: Batch) -> np.ndarray[Any, np.dtype[np.int64]]:
    size, rest = divmod(len(batch.body), batch.rows)
    if rest:
        raise ValueError("positions of different sizes: the load sends only one kind")
    times = np.ndarray((batch.rows,), ">i8", batch.body, FIX_TIME_AT, (size,))
    return times.astype(np.int64)


async def _main(given: dict[str, Any]) -> None:
    logs.configure("warning")
    interpreter.tune()
    settings = MqttSettings(port=given["port"], client_id=given["client_id"])
    terminals = {f"{given['prefix']}{n:05d}": n + 1 for n in range(given["terminals"])}
    stop = asyncio.Event()
    with intake.opened(given) as into:
        ages = AckAges(into.accept)
        source = MqttSource(settings, terminals, ages.accept)

        def answer(request: str) -> dict[str, Any]:
            if request == "mark":
                ages.clear()
            return {
                "received": source.stats.received,
                "acknowledged": source.stats.acknowledged,
                "quarantined": sum(source.stats.quarantined.values()),
                "held": source.stats.held,
                "ack_p99_ms": ages.p99_ms(),
                **into.figures(),
            }

        receiving = asyncio.create_task(source.run(stop))
        while not source.stats.connected:
            if receiving.done():
                receiving.result()
            await asyncio.sleep(0.02)
        await asking.listen(answer)
        stop.set()
        await receiving


if __name__ == "__main__":
    uvloop.run(_main(asking.settings()))
