"""A thousand meters in one process, for benches: cheap replies, no faults but silence.

A reply is made once for each shape of request and kept until the registers are refreshed; from
then on it costs a dictionary look-up. Dead devices accept connections and never answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

from simulators import almanac, noise
from simulators.modbus import codec
from simulators.modbus.faults import Traits
from simulators.modbus.profile import Profile
from simulators.modbus.server import Clock
from simulators.modbus.unit import Device, Unit
from simulators.models import equipment

_BACKLOG: Final = 16
_READ_BYTES: Final = 12
_HISTORY_DAYS: Final = 30
_TURNS: Final = 200


@dataclass(frozen=True, slots=True)
class Load:
    """What to serve.

    Attributes:
        ports: number of TCP ports.
        units: devices behind each port, unit ids from 1.
        base_port: first port; 0 takes free ones.
        latency_s: time every reply takes.
        dead: share of the devices that never answer, spread evenly.
        refresh_s: registers stand still for so long.
        seed: of the meters.
    """

    ports: int
    units: int = 1
    base_port: int = 0
    latency_s: float = 0.0
    dead: float = 0.0
    refresh_s: float = 30.0
    seed: int = 1


class Meter:
    """One meter; ``kept`` maps a request without its transaction id to the rest of its reply."""

    __slots__ = ("code", "dead", "kept", "received", "replied", "unit")

    def __init__(self, load: Load, profile: Profile, number: int, since_day: int) -> None:
        self.code = f"load-{number:05d}"
        self.dead = int((number + 1) * load.dead) > int(number * load.dead)
        self.received = 0
        self.replied = 0
        self.kept: dict[bytes, bytes] = {}
        seed = noise.derive(load.seed, number)
        model = equipment.build("office", 1.0, load.seed, seed, since_day)
        self.unit = Unit(Device(self.code, profile, model, Traits()))

    def make(self, request: codec.Request, now_us: int) -> bytes:
        """Return the reply to a request without its transaction id."""
        frame = self.unit.answer(request, now_us, 0.0).frame
        assert frame is not None  # noqa: S101  a unit without faults answers everything
        return frame[2:]


class Farm:
    """All meters of a load.

    Args:
        load: what to serve.
        profile: map of every meter; an electricity meter's.
        clock: time of the registers, µs since the Unix epoch.
    """

    def __init__(self, load: Load, profile: Profile, clock: Clock) -> None:
        self.load = load
        self.clock = clock
        self.ports: list[int] = []
        self._servers: list[asyncio.Server] = []
        self._refreshing: asyncio.TimerHandle | None = None
        since = almanac.day_of(clock()) - _HISTORY_DAYS
        self.meters = [
            Meter(load, profile, number, since) for number in range(load.ports * load.units)
        ]

    async def start(self) -> None:
        """Listen everywhere; ``ports`` then holds where.

        Raises:
            OSError: a port is taken, or the process may not open so many files.
        """
        for n in range(self.load.ports):
            await self._listen(n)
        self._refresh(0)

    def stop(self) -> None:
        """Stop listening."""
        if self._refreshing is not None:
            self._refreshing.cancel()
        for server in self._servers:
            server.close()

    def counts(self) -> Mapping[str, tuple[int, int]]:
        """Return requests received and replies sent by device code."""
        return {m.code: (m.received, m.replied) for m in self.meters}

    def devices(self) -> list[dict[str, object]]:
        """Return where each meter is: code, port, unit, dead."""
        units = self.load.units
        return [
            {"code": m.code, "port": self.ports[n // units], "unit": n % units + 1, "dead": m.dead}
            for n, m in enumerate(self.meters)
        ]

    async def _listen(self, n: int) -> None:
        units = dict(enumerate(self.meters[n * self.load.units :][: self.load.units], 1))
        port = self.load.base_port + n if self.load.base_port else 0
        server = await asyncio.get_running_loop().create_server(
            lambda: _Client(units, self), "127.0.0.1", port, backlog=_BACKLOG
        )
        self._servers.append(server)
        self.ports.append(server.sockets[0].getsockname()[1])

    def _refresh(self, turn: int) -> None:
        """Forget the replies of one meter in ``_TURNS``: all at once would be felt as a stall."""
        for meter in self.meters[turn::_TURNS]:
            meter.kept.clear()
        pause = self.load.refresh_s / _TURNS
        following = (turn + 1) % _TURNS
        loop = asyncio.get_running_loop()
        self._refreshing = loop.call_later(pause, self._refresh, following)


class _Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, units: Mapping[int, Meter], farm: Farm) -> None:
        self._units = units
        self._clock = farm.clock
        self._latency = farm.load.latency_s
        self._call_later = asyncio.get_running_loop().call_later
        self._buffer = bytearray()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast: uvloop's transports are no asyncio.Transport by name.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if len(data) == _READ_BYTES and not self._buffer:
            meter = self._units.get(data[6])
            body = None if meter is None or meter.dead else meter.kept.get(data[2:])
            if body is not None and meter is not None:
                meter.received += 1
                self._send(meter, data[:2] + body)
                return
        self._slowly(data)

    def _slowly(self, data: bytes) -> None:
        """Take any bytes apart, as :class:`modbus.server.Gateway` does."""
        self._buffer += data
        try:
            while (request := codec.take(self._buffer)) is not None:
                self._serve(request)
        except codec.FramingError:
            self._transport.close()

    def _serve(self, request: codec.Request) -> None:
        meter = self._units.get(request.unit)
        if meter is None:
            return
        meter.received += 1
        if meter.dead:
            return
        whole = codec.frame(request.transaction, request.unit, request.pdu)
        body = meter.kept[whole[2:]] = meter.make(request, self._clock())
        self._send(meter, whole[:2] + body)

    def _send(self, meter: Meter, frame: bytes) -> None:
        if self._latency:
            self._call_later(self._latency, self._write, meter, frame)
        else:
            self._write(meter, frame)

    def _write(self, meter: Meter, frame: bytes) -> None:
        if not self._transport.is_closing():
            meter.replied += 1
            self._transport.write(frame)
