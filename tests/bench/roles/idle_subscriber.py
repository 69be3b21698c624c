"""The limit of MQTT intake: paho inside asyncio, QoS 1, acknowledged by paho itself, no work done.

It parses the time of one message in sixteen, to say how old messages are when they arrive: that
costs 2 % of what it does and is counted against the limit, in our disfavour.
"""

from __future__ import annotations

import asyncio
import socket
import time
from datetime import datetime
from typing import Any

import paho.mqtt.client as mqtt
import uvloop
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from tests.bench.report import quantile
from tests.bench.roles import asking

SAMPLE_EVERY = 16


class Idler:
    """Counts messages and keeps some of their ages."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.messages = 0
        self.ages_ms: list[float] = []
        self.subscribed = asyncio.Event()
        self._loop = loop

    def connect(self, port: int, topic: str) -> mqtt.Client:
        """Connect to the broker on this machine, with a session that lasts as ours does."""
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, "idle", clean_session=False, protocol=mqtt.MQTTv311
        )
        client.on_connect = lambda *_: client.subscribe(topic, 1)
        client.on_subscribe = lambda *_: self.subscribed.set()
        client.on_message = self._on_message
        client.on_socket_open = lambda *given: self._on_open(client, given[2])
        client.on_socket_register_write = lambda *given: self._loop.add_writer(
            given[2], client.loop_write
        )
        client.on_socket_unregister_write = lambda *given: self._loop.remove_writer(given[2])
        client.connect("127.0.0.1", port)
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

    def _on_open(self, client: mqtt.Client, sock: socket.socket) -> None:
        self._loop.add_reader(sock, self._read, client)

    def _read(self, client: mqtt.Client) -> None:
        before = -1
        while before != self.messages:  # until no message comes: fewer trips through the loop
            before = self.messages
            if client.loop_read(1) is not MQTTErrorCode.MQTT_ERR_SUCCESS:
                raise ConnectionError("the broker ended the connection")

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        self.messages += 1
        if self.messages % SAMPLE_EVERY == 0:
            self.ages_ms.append(_age_ms(message.payload))


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
