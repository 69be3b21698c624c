"""The MQTT source: vehicle positions from the broker to the spool, for as long as it runs."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog

from collector.intake import Accept
from collector.mqtt.connection import BrokerRefusedError, Connection, subscription
from collector.mqtt.decode import PositionDecoder
from collector.mqtt.gather import Gatherer
from collector.mqtt.stats import MqttStats
from collector.settings import MqttSettings

log = structlog.get_logger()

_FIRST_RETRY_S: Final = 0.2
_STABLE_S: Final = 10.0
"""A connection that lasted so long was sound: the next attempt does not wait."""

_STOP_FLUSH_S: Final = 2.0
_WINDOWS_IN_HAND: Final = 4
"""Brokers overrun the window we ask for: reading stops at so many times of it."""


def _now_us() -> int:
    return time.time_ns() // 1000


class MqttSource:
    """Receives positions and acknowledges what is on disk.

    The session at the broker outlives connections and restarts: what we do not acknowledge comes
    again. While the spool refuses, messages are held and the window fills; a lost connection is not
    opened again before they are on disk.

    Args:
        settings: where to and how.
        terminals: wire identity → terminal id.
        accept: makes rows durable.
        now_us: the clock, Unix microseconds.

    Attributes:
        stats: counters for an exporter.
    """

    def __init__(
        self,
        settings: MqttSettings,
        terminals: Mapping[str, int],
        accept: Accept,
        *,
        now_us: Callable[[], int] = _now_us,
    ) -> None:
        self._settings = settings
        self._decoder = PositionDecoder(settings.topic, terminals, settings.max_payload_bytes)
        self._gatherer = Gatherer(
            self._decoder,
            accept,
            now_us,
            flush_s=settings.flush_ms / 1000,
            bound=_WINDOWS_IN_HAND * settings.receive_maximum,
        )
        self.stats: MqttStats = self._gatherer.stats

    def update(self, terminals: Mapping[str, int]) -> None:
        """Take the registry's present terminals; messages in hand are judged by them."""
        self._decoder.update(terminals)

    async def run(self, stop: asyncio.Event) -> None:
        """Receive until ``stop`` is set; what is in hand then is spooled and acknowledged."""
        flushing = asyncio.create_task(self._gatherer.run())
        serving = asyncio.create_task(self._serve(stop))
        try:
            # Neither ends by itself: whichever does has failed, and says how.
            done, _ = await asyncio.wait((flushing, serving), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (flushing, serving):
                task.cancel()
            await asyncio.gather(flushing, serving, return_exceptions=True)

    async def _serve(self, stop: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        while not stop.is_set():
            began = loop.time()
            await self._session(stop)
            failures = 0 if loop.time() - began > _STABLE_S else failures + 1
            pause = min(_FIRST_RETRY_S * 2.0 ** min(failures, 16), self._settings.reconnect_max_s)
            await _first(asyncio.sleep(pause), stop)

    async def _session(self, stop: asyncio.Event) -> None:
        """Serve one connection until it is lost or we are stopped."""
        # Of an earlier connection; waits for as long as the spool refuses.
        await _first(self._gatherer.flush(), stop)
        if stop.is_set():
            return
        try:
            connection = Connection(self._settings, self._gatherer.deliver)
        except OSError as error:
            self._failed("unreachable", error, "check the files named under [mqtt]")
            return
        self._gatherer.attach(connection)
        try:
            if await _first(connection.open(), stop):
                await self._connected(connection, stop)
        except BrokerRefusedError as error:
            self._failed("refused", error, "check log-in, rights and topic at the broker")
        except OSError as error:
            self._failed("unreachable", error, "check mqtt.host, mqtt.port and the broker")
        finally:
            self.stats.connected = False
            await connection.close()

    async def _connected(self, connection: Connection, stop: asyncio.Event) -> None:
        self.stats.connected = True
        self.stats.connects += 1
        resumed = connection.ready.result()
        log.info(
            "mqtt_subscribed",
            broker=f"{self._settings.host}:{self._settings.port}",
            subscription=subscription(self._settings),
            session_resumed=resumed,
        )
        if self.stats.connects > 1 and not resumed:
            log.warning(
                "mqtt_session_lost",
                advice="the broker forgot our session: what it queued meanwhile is gone; check its "
                "persistence and session expiry",
            )
        if await _first(asyncio.shield(connection.closed), stop):
            self.stats.disconnects["lost"] += 1
            log.warning("mqtt_connection_lost", why=connection.closed.result())
            return
        connection.pause()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._gatherer.flush(), _STOP_FLUSH_S)

    def _failed(self, cause: str, error: Exception, advice: str) -> None:
        self.stats.disconnects[cause] += 1
        log.error(
            "mqtt_not_connected",
            broker=f"{self._settings.host}:{self._settings.port}",
            why=str(error),
            advice=advice,
        )


async def _first(work: Awaitable[object], stop: asyncio.Event) -> bool:
    """Wait for work or the stop; tell whether the work was done, and cancel it if not."""
    working = asyncio.ensure_future(work)
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
            return True
        return False
    finally:
        for task in (working, stopping):
            task.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)
