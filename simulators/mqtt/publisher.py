"""A publisher that loses nothing: bounded window, reconnect, unacknowledged messages again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar, cast

import structlog

from simulators.mqtt import codec

_LOG: Final = structlog.get_logger()
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 5.0
_HANDSHAKE_S: Final = 10.0
_MOST_IDS: Final = 0xFFFF
_REFUSED: Final = 0x80

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Broker:
    """Where to publish and how.

    Attributes:
        client: who we are there.
        window: most messages sent and not yet acknowledged.
    """

    host: str
    port: int
    client: codec.Client
    window: int = 200


@dataclass(slots=True)
class Stats:
    """Counts since the start."""

    sent: int = 0
    resent: int = 0
    acked: int = 0
    refused: int = 0
    connects: int = 0


class Publisher(Generic[T]):
    """One client.

    Args:
        broker: where to.
        before_send: called with a message's token just before its first bytes leave.
        on_ack: called with its token when the broker has taken it over.
    """

    def __init__(
        self, broker: Broker, before_send: Callable[[T], None], on_ack: Callable[[T], None]
    ) -> None:
        self.stats = Stats()
        self._broker = broker
        self._before_send = before_send
        self._on_ack = on_ack
        self._open: dict[int, tuple[bytes, T]] = {}
        self._next_id = 1
        self._window = min(broker.window, _MOST_IDS)
        self._wire: _Wire | None = None
        self._moved = asyncio.Event()

    @property
    def unacknowledged(self) -> int:
        """Messages sent and not yet acknowledged."""
        return len(self._open)

    async def publish(self, topic: str, payload: bytes, token: T) -> None:
        """Send one message; waits while the broker is away or the window is full."""
        await self._until(self._may_send)
        packet_id = self._take_id()
        packet = codec.publish(topic, payload, packet_id, self._broker.client.version)
        self._open[packet_id] = packet, token
        self._before_send(token)
        self.stats.sent += 1
        if self._wire is not None:
            self._wire.write(packet)

    async def settle(self) -> None:
        """Wait until everything sent has been acknowledged."""
        await self._until(lambda: not self._open)

    async def run(self, stop: asyncio.Event) -> None:
        """Keep a connection until ``stop`` is set, then say good-bye."""
        pause = _FIRST_PAUSE_S
        stopping = asyncio.create_task(stop.wait())
        while not stop.is_set():
            before = self.stats.connects
            try:
                await self._session(stopping)
            except (OSError, TimeoutError, codec.ProtocolError) as error:
                _LOG.warning(
                    "broker is away", client=self._broker.client.client_id, error=repr(error)
                )
            finally:
                self._wire = None
            pause = _FIRST_PAUSE_S if self.stats.connects > before else pause
            if not stop.is_set():
                await asyncio.wait({stopping}, timeout=pause)
                pause = min(pause * 2, _LONGEST_PAUSE_S)

    async def _session(self, stopping: asyncio.Task[bool]) -> None:
        loop = asyncio.get_running_loop()
        broker = self._broker
        _, wire = await loop.create_connection(
            lambda: _Wire(broker, self._acknowledged), broker.host, broker.port
        )
        try:
            async with asyncio.timeout(_HANDSHAKE_S):
                hello = await wire.greet()
            self._window = min(broker.window, hello.receive_maximum)
            self.stats.connects += 1
            self._resume(wire)
            await wire.serve(stopping)
        finally:
            wire.close()

    def _resume(self, wire: _Wire) -> None:
        for packet, _ in list(self._open.values()):
            wire.write(codec.repeated(packet))
            self.stats.resent += 1
        self._wire = wire
        self._moved.set()

    def _acknowledged(self, packet_id: int, reason: int) -> None:
        found = self._open.pop(packet_id, None)
        if found is None:
            return
        if reason >= _REFUSED:
            self.stats.refused += 1
            _LOG.error("broker refused a message", reason=reason)
        else:
            self.stats.acked += 1
            self._on_ack(found[1])
        self._moved.set()

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._moved.clear()
            await self._moved.wait()

    def _may_send(self) -> bool:
        return self._wire is not None and len(self._open) < self._window

    def _take_id(self) -> int:
        while self._next_id in self._open:
            self._next_id = self._next_id % _MOST_IDS + 1
        taken = self._next_id
        self._next_id = taken % _MOST_IDS + 1
        return taken


class _Wire(asyncio.Protocol):
    """One connection to the broker."""

    def __init__(self, broker: Broker, on_puback: Callable[[int, int], None]) -> None:
        loop = asyncio.get_running_loop()
        self._broker = broker
        self._on_puback = on_puback
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._hello: asyncio.Future[codec.Hello] = loop.create_future()
        self._lost: asyncio.Future[None] = loop.create_future()
        self._heard = loop.time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast: uvloop's transports are no asyncio.Transport by name.
        self._transport = wire = cast("asyncio.Transport", transport)
        wire.write(codec.connect(self._broker.client))

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._fail(exc or ConnectionResetError("the broker closed the connection"))

    def data_received(self, data: bytes) -> None:
        self._heard = asyncio.get_running_loop().time()
        self._buffer += data
        try:
            while (packet := codec.take(self._buffer)) is not None:
                self._handle(packet)
        except codec.ProtocolError as error:
            self._fail(error)
            self.close()

    async def greet(self) -> codec.Hello:
        """Wait for the broker's answer to CONNECT.

        Raises:
            ProtocolError: it refused.
        """
        hello = await self._hello
        if hello.reason:
            raise codec.ProtocolError(f"the broker refused the connection: reason {hello.reason}")
        return hello

    async def serve(self, stopping: asyncio.Task[bool]) -> None:
        """Keep the connection alive until it is lost or the publisher stops."""
        while True:
            waiting: set[asyncio.Future[bool] | asyncio.Future[None]] = {stopping, self._lost}
            await asyncio.wait(
                waiting,
                timeout=self._broker.client.keepalive_s / 2,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if stopping.done():
                self.write(codec.DISCONNECT)
                return
            if self._lost.done():
                self._lost.result()
            silent = asyncio.get_running_loop().time() - self._heard
            if silent > self._broker.client.keepalive_s * 1.5:
                raise TimeoutError(f"nothing heard from the broker for {silent:.0f} s")
            self.write(codec.PINGREQ)

    def write(self, packet: bytes) -> None:
        if self._transport is not None:
            self._transport.write(packet)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
        for waiting in (self._hello, self._lost):
            if waiting.done() and not waiting.cancelled():
                waiting.exception()
            waiting.cancel()

    def _handle(self, packet: codec.Packet) -> None:
        if packet.type == codec.PUBACK:
            self._on_puback(*codec.parse_puback(packet.body))
        elif packet.type == codec.CONNACK and not self._hello.done():
            self._hello.set_result(codec.parse_connack(packet.body, self._broker.client.version))
        elif packet.type == codec.BYE:
            raise codec.ProtocolError(f"the broker said good-bye: {packet.body.hex()}")

    def _fail(self, error: Exception) -> None:
        for waiting in (self._hello, self._lost):
            if not waiting.done():
                waiting.set_exception(error)
