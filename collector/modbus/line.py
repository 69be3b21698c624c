"""The way to a bus: connects, reconnects, backs off, and keeps the gap between requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from collector.modbus.frame import Request
from collector.modbus.link import Link, LinkLostError, RequestError
from collector.modbus.stats import BusStats

log = structlog.get_logger(__name__)


class ConnectError(RequestError):
    """The gateway cannot be reached: cause ``refused`` or ``disconnected``."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a bus is and how to treat it; times in seconds.

    Attributes:
        gap_s: least pause between an answer and the next request.
        connect_timeout_s: how long to wait for the connection.
        backoff_s: pause added by each failed connection in a row.
        backoff_max_s: longest pause.
    """

    host: str
    port: int
    gap_s: float
    connect_timeout_s: float
    backoff_s: float
    backoff_max_s: float


class Line:
    """At most one connection, made when it is needed.

    Args:
        endpoint: where and how.
        stats: counts connections.
        on_foreign: called with the unit of each discarded frame.
    """

    def __init__(
        self, endpoint: Endpoint, stats: BusStats, on_foreign: Callable[[int], None]
    ) -> None:
        self._at = endpoint
        self._stats = stats
        self._on_foreign = on_foreign
        self._loop = asyncio.get_running_loop()
        self._link: Link | None = None
        self._transaction = 0
        self._free_at = 0.0
        self._retry_at = 0.0
        self._failures = 0

    @property
    def is_open(self) -> bool:
        """Whether the connection stands."""
        return self._link is not None and self._link.is_open

    @property
    def pause_s(self) -> float:
        """How long not to try to connect."""
        return 0.0 if self.is_open else max(0.0, self._retry_at - self._loop.time())

    async def open(self) -> None:
        """Connect, unless connected.

        Raises:
            ConnectError: the gateway cannot be reached; ask again after :attr:`pause_s`.
        """
        if self.is_open:
            return
        await self._drop()
        try:
            async with asyncio.timeout(self._at.connect_timeout_s):
                _, self._link = await self._loop.create_connection(
                    lambda: Link(self._transaction, self._on_foreign), self._at.host, self._at.port
                )
        except ConnectionRefusedError as error:
            raise self._failed("refused", error) from error
        except OSError as error:  # TimeoutError is one
            raise self._failed("disconnected", error) from error
        if self._failures:
            log.info("bus_connected", bus=self._stats.code, after_failures=self._failures)
        self._failures = 0
        self._stats.connects += 1
        self._stats.connected = True

    async def ask(self, request: Request, timeout_s: float) -> bytes:
        """Send a request over the one connection and return the reply frame.

        A connection that was idle may have been closed by the other side unseen; then the request
        goes once more over a new one.

        Raises:
            RequestError: as :meth:`Link.ask`, or :class:`ConnectError`.
        """
        while True:
            if not self.is_open:
                await self.open()
            link = self._link
            if link is None:
                raise LinkLostError
            if self._at.gap_s:
                await self._keep_gap()
            used = link.used
            try:
                return await link.ask(request, timeout_s)
            except LinkLostError:
                if not used:
                    raise
            finally:
                self._transaction = link.transaction
                self._free_at = self._loop.time() + self._at.gap_s

    async def _keep_gap(self) -> None:
        wait_s = self._free_at - self._loop.time()
        if wait_s > 0:
            await asyncio.sleep(wait_s)

    async def close(self) -> None:
        """Close the connection and wait until it is closed."""
        await self._drop()

    async def _drop(self) -> None:
        link, self._link = self._link, None
        self._stats.connected = False
        if link is not None:
            link.close()
            await link.wait_closed()

    def _failed(self, cause: str, error: OSError) -> ConnectError:
        self._failures += 1
        pause_s = min(self._failures * self._at.backoff_s, self._at.backoff_max_s)
        self._retry_at = self._loop.time() + pause_s
        self._stats.connect_failures[cause] += 1
        if self._failures == 1:
            log.warning(
                "bus_unreachable",
                bus=self._stats.code,
                host=self._at.host,
                port=self._at.port,
                error=str(error) or type(error).__name__,
                advice="check power and network of the gateway, and host and port in the inventory",
            )
        return ConnectError(cause)
