"""The limit of MQTT intake: paho inside asyncio, QoS 1, acknowledged by paho itself, no work done.

It parses the time of one message in sixteen, to say how old messages are when they arrive: that
costs 2 % of what it does and is counted against the limit, in our disfavour.
"""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

import uvloop
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from tests.bench.report import quantile
from tests.bench.roles import asking

if TYPE_CHECKING:
    from paho.mqtt.client import SocketLike  # exists for type checkers only

SAMPLE_EVERY = 16


class Idler:
    """Counts messages and keeps some of their ages."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.messages = 0
        self.ages_ms: list[float] = []
        self.subscribed = asyncio.Event()
        self._loop = loop

    def connect(self, port: int, topic: str) -> mqtt.Client:
        """Connect to the broker on this machine; the session ends with the connection."""
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, "idle", clean_session=True, protocol=mqtt.MQTTv311
        )
        client.on_subscribe = lambda *_: self.subscribed.set()
        client.on_message = self._on_message
        client.on_socket_open = self._on_open
        client.on_socket_register_write = self._on_register_write
        client.on_socket_unregister_write = self._on_unregister_write
        client.connect("127.0.0.1", port)
        client.subscribe(topic, 1)
        return client

    def answer(self, request: str) -> dict[str, Any]:
        """``mark`` begins a measurement, anything else reads it."""
        if request == "mark":
            self.ages_ms.clear()
        ages = sorted(self.ages_ms)
        return {
            "messages": self.messages,
            "p99_ms": quantile(ages, 0.99) if ages else None,
            **asking.usage(),
        }

    def _on_open(self, client: mqtt.Client, _data: object, sock: SocketLike) -> None:
        self._loop.add_reader(sock, self._read, client)

    def _on_register_write(self, client: mqtt.Client, _data: object, sock: SocketLike) -> None:
        self._loop.add_writer(sock, client.loop_write)

    def _on_unregister_write(self, _client: mqtt.Client, _data: object, sock: SocketLike) -> None:
        self._loop.remove_writer(sock)

    def _read(self, client: mqtt.Client) -> None:
        before = -1
        while before != self.messages:  # until no message comes: fewer trips through the loop
            before = self.messages
            if client.loop_read(1) is not MQTTErrorCode.MQTT_ERR_SUCCESS:
                raise ConnectionError("the broker ended the connection")

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        self.messages += 1
        if self.messages % SAMPLE_EVERY == 0:
            self.ages_ms.append(_age_ms(bytes(message.payload)))


def _age_ms(payload: bytes) -> float:
    start = payload.index(b'"ts":"') + 6
    sent = datetime.fromisoformat(payload[start : payload.index(b'"', start)].decode())
    return (time.time() - sent.timestamp()) * 1000


async def _main(given: dict[str, Any]) -> None:
    idler = Idler(asyncio.get_running_loop())
    client = idler.connect(given["port"], given["topic"])
    await idler.subscribed.wait()
    await asking.listen(idler.answer)
    client.disconnect()


if __name__ == "__main__":
    uvloop.run(_main(asking.settings()))
