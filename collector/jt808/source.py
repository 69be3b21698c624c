"""The JT/T 808 source: a port that terminals connect to, for as long as it runs."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

import structlog

from collector.intake import Accept
from collector.jt808.descriptors import make_room
from collector.jt808.gather import Gatherer
from collector.jt808.office import Office
from collector.jt808.server import Server
from collector.jt808.stats import Jt808Stats
from collector.jt808.terminals import Codes, Terminals, secret_of
from collector.settings import Jt808Settings

log = structlog.get_logger()

_RETRY_S: Final = 2.0
_STOP_FLUSH_S: Final = 2.0


def _now_us() -> int:
    return time.time_ns() // 1000


class Jt808Source:
    """Receives positions from terminals and acknowledges what is on disk.

    Args:
        settings: where to listen, and limits.
        terminals: number of a terminal, as the inventory writes it → terminal id.
        accept: makes rows durable.
        state_dir: the collector's directory; the secret of its codes is kept there.
        now_us: the clock, Unix microseconds.

    Attributes:
        stats: counters for an exporter.
        port: the port it listens on; 0 while it does not.

    Raises:
        OSError: the secret can neither be read nor made.
    """

    def __init__(
        self,
        settings: Jt808Settings,
        terminals: Mapping[str, int],
        accept: Accept,
        *,
        state_dir: Path,
        now_us: Callable[[], int] = _now_us,
    ) -> None:
        self.stats = Jt808Stats()
        self.port = 0
        self._settings = settings
        self._terminals = Terminals(terminals)
        office = Office(
            self._terminals,
            Codes(secret_of(state_dir)),
            self.stats,
            strangers=settings.strangers_per_hour,
            kept_per_hour=settings.refused_per_hour,
        )
        self._server = Server(settings, office, now_us)
        self._gatherer = Gatherer(
            accept, self.stats, flush_s=settings.flush_ms / 1000, gate=self._server.gate
        )
        self._server.attach(self._gatherer)

    def update(self, terminals: Mapping[str, int]) -> None:
        """Take the registry's present terminals; what comes from now on is judged by them."""
        self._terminals.update(terminals)

    async def run(self, stop: asyncio.Event) -> None:
        """Receive until ``stop`` is set; what is in hand then is spooled and acknowledged."""
        make_room(self._settings.connections)
        parts = (self._gatherer.run(), self._server.sweep(), self._serve(stop))
        tasks = [asyncio.ensure_future(part) for part in parts]
        try:
            # Only the last ends by itself: another that does has failed, and says how.
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._server.close()

    async def _serve(self, stop: asyncio.Event) -> None:
        listener = await self._listening(stop)
        if listener is None:
            return
        self.port = listener.sockets[0].getsockname()[1]
        self.stats.listening = True
        log.info("jt808_listening", host=self._settings.host, port=self.port)
        try:
            await stop.wait()
        finally:
            self.stats.listening = False
            self.port = 0
            listener.close()
        self._server.gate(False)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._gatherer.flush(), _STOP_FLUSH_S)

    async def _listening(self, stop: asyncio.Event) -> asyncio.Server | None:
        """Open the port, again and again: an earlier process may still be leaving it."""
        told = False
        while not stop.is_set():
            try:
                return await self._server.listen()
            except OSError as error:
                if not told:
                    log.error(  # noqa: TRY400 - the reason says it all
                        "jt808_cannot_listen",
                        host=self._settings.host,
                        port=self._settings.port,
                        why=str(error),
                        advice="check jt808.host and jt808.port, and who else has the port; it is "
                        "tried again",
                    )
                told = True
            await _within(stop.wait(), _RETRY_S)
        return None


async def _within(work: Awaitable[object], seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(work, seconds)
