"""A platform on a socket for simulated terminals to connect to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from simulators.jt808 import frame
from simulators.jt808.frame import FrameError, Splitter
from simulators.jt808.header import HeaderError
from tests.unit.simulators.platforms import Platform


class Gateway:
    """Answers every terminal; what one connection hears is one :class:`Platform`.

    Attributes:
        platforms: one for each connection that said something or not, in order.
        bodies: what all of them took.
        broken: frames that were none.
        deaf: it answers nothing.
        refusing: it closes every connection.
    """

    def __init__(self) -> None:
        self.port = 0
        self.platforms: list[Platform] = []
        self.bodies: list[bytes] = []
        self.broken = 0
        self.deaf = self.refusing = False
        self.writers: list[asyncio.StreamWriter] = []

    @property
    def numbers(self) -> list[int]:
        """Numbers of the positions taken."""
        return Platform(bodies=self.bodies).numbers

    def drop(self) -> None:
        """Cut every connection."""
        for writer in self.writers:
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.writers.append(writer)
        if self.refusing:
            writer.close()
            return
        platform = Platform(bodies=self.bodies)
        self.platforms.append(platform)
        splitter = Splitter()
        try:
            while data := await reader.read(4096):
                for inside in splitter.feed(data):
                    self._answer(platform, inside, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    def _answer(self, platform: Platform, inside: bytes, writer: asyncio.StreamWriter) -> None:
        if self.deaf:
            return
        try:
            answers = platform.hear(frame.unwrap(inside))
        except (FrameError, HeaderError):
            self.broken += 1
            return
        writer.write(b"".join(map(frame.wrap, answers)))


@asynccontextmanager
async def listening() -> AsyncIterator[Gateway]:
    """Run a gateway on a free port."""
    gateway = Gateway()
    server = await asyncio.start_server(gateway.serve, "127.0.0.1", 0)
    gateway.port = server.sockets[0].getsockname()[1]
    try:
        yield gateway
    finally:
        server.close()
        for writer in gateway.writers:
            writer.close()
