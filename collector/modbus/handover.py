"""Hands polled readings to the spool, many at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import structlog

from collector.damper import Damper
from collector.intake import Accept, Refused
from collector.modbus.rows import Reply, pack
from storage.records import Batch, Kind

log = structlog.get_logger(__name__)

BATCH_ROWS: Final = 20_000
"""Rows of one batch, unless a single poll has more."""

BACKLOG: Final = "backlog"
"""Reason for rows turned away here, because the spool does not keep up."""


class Handover:
    """Gathers replies and flushes them as packed rows; the poller never waits for it.

    Args:
        accept: the spool's door.
        clock: now, µs UTC.
        flush_s: how long replies are gathered.
        max_rows: rows that may wait here; more are refused and counted.
    """

    def __init__(
        self, accept: Accept, clock: Callable[[], int], *, flush_s: float, max_rows: int
    ) -> None:
        self._accept = accept
        self._clock = clock
        self._flush_s = flush_s
        self._max_rows = max_rows
        self._pending: list[Reply] = []
        self._rows = 0
        self._finished = asyncio.Event()
        self._damper = Damper()

    def add(self, reply: Reply) -> None:
        """Take a reply; when too many wait, its rows are refused and counted."""
        rows = len(reply.codec.ids)
        if self._rows + rows > self._max_rows:
            self._refuse([reply], BACKLOG, f"{self._rows} rows wait: the spool does not keep up")
            return
        self._pending.append(reply)
        self._rows += rows

    def finish(self) -> None:
        """Let :meth:`run` flush what waits and return."""
        self._finished.set()

    async def run(self) -> None:
        """Flush until finished.

        Raises:
            Exception: what the spool raised besides :class:`Refused`.
        """
        while not self._finished.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(self._flush_s):
                    await self._finished.wait()
            await self._flush()

    async def _flush(self) -> None:
        while self._pending:
            taken = []
            while self._pending:
                taken.append(self._take())
            # Side by side: the spool commits them together, and a busy loop is waited for once.
            await asyncio.gather(*(self._hand_over(*chunk) for chunk in taken))

    async def _hand_over(self, replies: list[Reply], rows: int) -> None:
        body = pack(replies, self._clock())
        try:
            await self._accept([Batch(Kind.READING, rows, body)])
        except Refused as refused:
            self._refuse(replies, refused.reason, str(refused))
        else:
            for reply in replies:
                reply.codec.stats.rows += len(reply.codec.ids)
        finally:
            self._rows -= rows  # until then they count as waiting

    def _take(self) -> tuple[list[Reply], int]:
        rows = 0
        for count, reply in enumerate(self._pending, start=1):
            rows += len(reply.codec.ids)
            if rows >= BATCH_ROWS:
                taken, self._pending = self._pending[:count], self._pending[count:]
                return taken, rows
        taken, self._pending = self._pending, []
        return taken, rows

    def _refuse(self, replies: list[Reply], reason: str, advice: str) -> None:
        rows = 0
        for reply in replies:
            reply.codec.stats.refused_rows[reason] += len(reply.codec.ids)
            rows += len(reply.codec.ids)
        told = self._damper.add(reason, rows, asyncio.get_running_loop().time())
        if told:
            log.error("readings_refused", rows=told, reason=reason, advice=advice)
