"""The limit of polling: sockets, a transaction id, a length check, and nothing behind them.

No decoding, no schedule, no time-out, no spool: the least a poller on asyncio can do.
"""

from __future__ import annotations

import asyncio
import functools
import json
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import uvloop

from tests.bench.roles import asking

TICK_S = 0.01


@dataclass(slots=True)
class Tally:
    """What the whole poller did."""

    polls: int = 0
    busy: int = 0  # a poll was due while the one before was under way


class Meter(asyncio.Protocol):
    """One connection that asks its blocks one after the other."""

    def __init__(self, blocks: Sequence[tuple[int, int]], tally: Tally, *, free: bool) -> None:
        """Prepare the requests.

        Args:
            blocks: first register and number of registers of each request of one poll.
            tally: shared by all meters.
            free: start the next poll as soon as one is complete.
        """
        self._requests = [struct.pack(">BBHH", 1, 3, at, n) for at, n in blocks]
        self._sizes = [9 + 2 * n for _, n in blocks]
        self._tally = tally
        self._free = free
        self._tid = 0
        self._block = 0
        self._got = b""
        self._busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance

    def connection_lost(self, exc: Exception | None) -> None:
        self._busy = True  # never asked again

    def start(self) -> None:
        """Begin one poll, unless one is under way."""
        if self._busy:
            self._tally.busy += 1
            return
        self._busy = True
        self._block = 0
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._got += data
        if len(self._got) < self._sizes[self._block]:
            return
        if int.from_bytes(self._got[:2], "big") != self._tid:
            raise ValueError("a foreign reply")
        self._got = b""
        self._block += 1
        if self._block < len(self._requests):
            self._ask()
            return
        self._tally.polls += 1
        self._busy = False
        if self._free:
            self.start()

    def _ask(self) -> None:
        self._tid = (self._tid + 1) & 0xFFFF
        self._transport.write(struct.pack(">HHH", self._tid, 0, 6) + self._requests[self._block])


async def _pace(meters: Sequence[Meter], rate: float) -> None:
    """Start ``rate`` polls a second, the meters taking turns."""
    began, started = time.monotonic(), 0
    while True:
        due = int((time.monotonic() - began) * rate)
        while started < due:
            meters[started % len(meters)].start()
            started += 1
        await asyncio.sleep(TICK_S)


async def _main(given: dict[str, Any], ports: Sequence[int]) -> None:
    loop = asyncio.get_running_loop()
    tally, rate = Tally(), given["rate"]
    meters = []
    for port in ports:
        connect = functools.partial(Meter, given["blocks"], tally, free=rate is None)
        _, meter = await loop.create_connection(connect, "127.0.0.1", port)
        meters.append(meter)
    if rate is None:
        for meter in meters:
            meter.start()
    pace = asyncio.ensure_future(_pace(meters, rate)) if rate is not None else None
    await asking.listen(lambda _: {"polls": tally.polls, "busy": tally.busy, **asking.usage()})
    if pace is not None:
        pace.cancel()


def _ports(ready: str) -> list[int]:
    return [device["port"] for device in json.loads(Path(ready).read_text())["devices"]]


if __name__ == "__main__":
    SETTINGS = asking.settings()
    uvloop.run(_main(SETTINGS, _ports(SETTINGS["ready"])))
