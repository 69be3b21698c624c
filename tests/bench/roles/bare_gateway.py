"""The limit of JT/T 808 intake: a bare asyncio protocol that answers and keeps nothing.

It checks neither checksum nor log-in; what it must do to be understood, it does: unescape, find
id, phone and serial, and answer each frame with a checksum of its own.
"""

from __future__ import annotations

import asyncio
import resource
import struct
from typing import Any, cast

import uvloop

from simulators.jt808 import frame, messages
from tests.bench.roles import asking

PHONE = slice(4, 10)
SERIAL = slice(10, 12)


class Counts:
    """What all connections have seen."""

    connections = 0
    received = 0


class Bare(asyncio.Protocol):
    """One terminal of 2011 or 2013."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._rest = b""
        self._serial = 0
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._counts.connections += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self._counts.connections -= 1

    def data_received(self, data: bytes) -> None:
        *whole, self._rest = (self._rest + data).split(frame.FLAG)
        answers = [self._answer(frame.unescape(inside)) for inside in whole if inside]
        self._transport.write(b"".join(answers))

    def _answer(self, content: bytes) -> bytes:
        message = int.from_bytes(content[:2])
        self._counts.received += message == messages.LOCATION
        if message == messages.REGISTER:
            body = content[SERIAL] + b"\0bare"
            reply = messages.REGISTERED
        else:
            body = content[SERIAL] + content[:2] + b"\0"
            reply = messages.GENERAL_ANSWER
        head = struct.pack(">HH6sH", reply, len(body), content[PHONE], self._serial)
        self._serial = (self._serial + 1) & 0xFFFF
        return frame.wrap(head + body)


async def _main(_given: dict[str, Any]) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    counts = Counts()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Bare(counts), "127.0.0.1", 0, backlog=1024)
    port = server.sockets[0].getsockname()[1]
    await asking.listen(
        lambda _: {
            "port": port,
            "connections": counts.connections,
            "received": counts.received,
            **asking.usage(),
        }
    )
    server.close()


if __name__ == "__main__":
    uvloop.run(_main(asking.settings()))
