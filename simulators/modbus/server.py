"""Serves devices on TCP ports: many ports in one process, several units behind each."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, cast

import structlog

from simulators.modbus import codec
from simulators.modbus.faults import Fault, Kind
from simulators.modbus.unit import Answer, Unit
from simulators.truth import ModbusReply, TruthLog

_LOG: Final = structlog.get_logger()
_LINGER_NONE: Final = struct.pack("ii", 1, 0)
_WATCH_S: Final = 0.05

Clock = Callable[[], int]
"""Gives the time of the registers: µs since the Unix epoch."""


@dataclass(frozen=True, slots=True)
class Port:
    """One gateway.

    Attributes:
        code: the bus's code.
        units: unit id → device.
        port: TCP port; 0 takes a free one.
        host: address to listen on.
        latency_s: time a reply takes at least.
        min_gap_s: a request that comes sooner after the last reply is not answered.
        one_connection: further connections are closed as soon as they are made.
        faults: of the bus as a whole; only ``refuse`` counts here.
    """

    code: str
    units: Mapping[int, Unit]
    port: int = 0
    host: str = "127.0.0.1"
    latency_s: float = 0.0
    min_gap_s: float = 0.0
    one_connection: bool = False
    faults: Sequence[Fault] = ()


class Gateway:
    """Listens for one :class:`Port`.

    Attributes:
        connections: how many were taken.
        turned_away: how many were closed because there was one already.
        port: where it listens, once started.
    """

    def __init__(self, port: Port, clock: Clock, truth: TruthLog) -> None:
        self.spec = port
        self.port = port.port
        self.connections = 0
        self.turned_away = 0
        self.clock = clock
        self.truth = truth
        self.open: set[_Connection] = set()
        self._refusals = [f for f in port.faults if f.kind is Kind.REFUSE]
        self._server: asyncio.Server | None = None
        self._watch: asyncio.Task[None] | None = None
        self._started = 0.0

    @property
    def elapsed_s(self) -> float:
        """Seconds since :meth:`start`."""
        return asyncio.get_running_loop().time() - self._started

    async def start(self) -> None:
        """Listen; with a refusal due at once, only the port is found.

        Raises:
            OSError: the port is taken.
        """
        self._started = asyncio.get_running_loop().time()
        await self._listen()
        if self._refusals:
            await self._obey()
            self._watch = asyncio.create_task(self._obey_for_ever())

    async def stop(self) -> None:
        """Stop listening and drop every connection."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        await self._refuse()

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        host = self.spec.host
        server = await loop.create_server(lambda: _Connection(self), host, self.port, backlog=64)
        self.port = server.sockets[0].getsockname()[1]
        self._server = server

    async def _refuse(self) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for connection in list(self.open):
            connection.reset()
        await server.wait_closed()

    async def _obey(self) -> None:
        refused = any(f.within(self.elapsed_s) for f in self._refusals)
        if refused and self._server is not None:
            await self._refuse()
        elif not refused and self._server is None:
            await self._listen()

    async def _obey_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_WATCH_S)
            try:
                await self._obey()
            except OSError as error:
                _LOG.warning("port is taken, trying again", bus=self.spec.code, error=str(error))


class _Connection(asyncio.Protocol):
    """One client."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._spec = gateway.spec
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._last_reply = -1e9
        self._busy_until = 0.0
        self._waiting: dict[int, tuple[Answer, asyncio.TimerHandle]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast: uvloop's transports are no asyncio.Transport by name.
        self._transport = wire = cast("asyncio.Transport", transport)
        self._gateway.connections += 1
        if self._spec.one_connection and self._gateway.open:
            self._gateway.turned_away += 1
            wire.close()
            return
        self._gateway.open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._gateway.open.discard(self)
        self._transport = None
        self._give_up()
        if exc is not None:
            _LOG.debug("connection lost", bus=self._spec.code, error=repr(exc))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        try:
            while self in self._gateway.open:
                request = codec.take(self._buffer)
                if request is None:
                    return
                self._serve(request)
        except codec.FramingError as error:
            _LOG.warning("not Modbus TCP, closed", bus=self._spec.code, error=str(error))
            self._close()

    def reset(self) -> None:
        """Cut the connection with RST, as a device that loses power does."""
        transport = self._transport
        if transport is None:
            return
        wire = transport.get_extra_info("socket")
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NONE)
        self._gateway.open.discard(self)
        self._give_up()
        transport.abort()

    def _serve(self, request: codec.Request) -> None:
        unit = self._spec.units.get(request.unit)
        if unit is None:
            return  # nobody of that number: a serial line stays silent
        now = self._loop.time()
        clock = self._gateway.clock()
        if now - self._last_reply < self._spec.min_gap_s:
            answer = unit.silence(request, clock, "gap")
        else:
            answer = unit.answer(request, clock, self._gateway.elapsed_s)
        if answer.frame is not None:
            self._schedule(answer, now)
            return
        self._tell(answer.record)
        if answer.reset:
            self.reset()

    def _schedule(self, answer: Answer, now: float) -> None:
        wait = self._spec.latency_s + answer.delay_s
        due = now + wait
        if not answer.overtaken:
            due = self._busy_until = max(due, self._busy_until)
        if due <= now:
            self._send(answer)
        else:
            timer = self._loop.call_at(due, self._send, answer)
            self._waiting[id(answer)] = answer, timer

    def _send(self, answer: Answer) -> None:
        self._waiting.pop(id(answer), None)
        if self._transport is None or self._transport.is_closing() or answer.frame is None:
            self._tell(replace(answer.record, outcome="gone"))
            return
        self._tell(answer.record)
        self._last_reply = self._loop.time()
        self._transport.write(answer.frame)

    def _give_up(self) -> None:
        """Tell of the replies that nobody is there for any more."""
        for answer, timer in self._waiting.values():
            timer.cancel()
            self._tell(replace(answer.record, outcome="gone"))
        self._waiting.clear()

    def _tell(self, record: ModbusReply) -> None:
        if self._gateway.truth.full:
            self._gateway.truth.write(record)
            self._gateway.truth.flush()

    def _close(self) -> None:
        self._gateway.open.discard(self)
        if self._transport is not None:
            self._transport.close()
