"""Runs amqtt in the foreground: ``python -m jieyong.embedded.amqtt_server HOST PORT``.

MQTT 3.1.1 only; sessions and messages in memory only. For the demo where mosquitto is absent.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Sequence
from typing import Any

from jieyong import logs
from jieyong.embedded.amqtt_broker import Everybody, TakeOverBroker


def configuration(host: str, port: int) -> dict[str, Any]:
    """Return amqtt's settings: one listener, everybody may enter, no plugin logs every packet."""
    return {
        "listeners": {"default": {"type": "tcp", "bind": f"{host}:{port}"}},
        "plugins": {f"{Everybody.__module__}.{Everybody.__qualname__}": {}},
    }


async def serve(host: str, port: int) -> None:
    """Serve until TERM or INT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    broker = TakeOverBroker(configuration(host, port))
    await broker.start()
    try:
        await stop.wait()
    finally:
        await broker.shutdown()


def main(arguments: Sequence[str]) -> None:
    """Serve on the host and port given."""
    host, port = arguments
    logs.configure("info")
    asyncio.run(serve(host, int(port)))


if __name__ == "__main__":
    main(sys.argv[1:])
