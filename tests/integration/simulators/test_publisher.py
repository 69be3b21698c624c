"""The publisher against a real broker, and against a scripted one that misbehaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from simulators.mqtt.codec import DUP, V5, V311, Client, Packet, take
from simulators.mqtt.publisher import Broker, Publisher
from tests.brokers import Mosquitto, running_mosquitto
from tests.processes import until

HELLO = bytes.fromhex("20020000")


class Listener:
    """A subscriber that keeps what it hears."""

    def __init__(self, port: int) -> None:
        self.heard: list[bytes] = []
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id="ear", clean_session=False
        )
        self._client.on_connect = lambda client, *_: client.subscribe("t/#", qos=1)
        self._client.on_message = lambda _c, _u, message: self.heard.append(bytes(message.payload))
        self._ready = False
        self._client.on_subscribe = lambda *_: setattr(self, "_ready", True)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    async def ready(self) -> None:
        await until(lambda: self._ready, "subscribed")

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with running_mosquitto(tmp_path) as running:
        yield running


@asynccontextmanager
async def publishing(
    port: int, version: int = V311, window: int = 50
) -> AsyncIterator[tuple[Publisher[int], list[int]]]:
    acked: list[int] = []
    where = Broker("127.0.0.1", port, Client("mouth", version), window)
    publisher: Publisher[int] = Publisher(where, lambda _: None, acked.append)
    stop = asyncio.Event()
    running = asyncio.create_task(publisher.run(stop))
    try:
        yield publisher, acked
    finally:
        stop.set()
        await running


@pytest.mark.needs_mosquitto
@pytest.mark.parametrize("version", [V311, V5])
async def test_everything_arrives_and_is_acknowledged(broker: Mosquitto, version: int) -> None:
    ear = Listener(broker.port)
    await ear.ready()
    async with publishing(broker.port, version) as (publisher, acked):
        for n in range(500):
            await publisher.publish(f"t/{n % 7}", b"%d" % n, n)
            assert publisher.unacknowledged <= 50
        async with asyncio.timeout(60):
            await publisher.settle()
        assert acked == list(range(500))
        await until(lambda: len(ear.heard) >= 500, "all heard")
    ear.close()
    assert ear.heard == [b"%d" % n for n in range(500)]


@pytest.mark.needs_mosquitto
async def test_a_broker_that_restarts_loses_nothing(broker: Mosquitto) -> None:
    ear = Listener(broker.port)
    await ear.ready()
    async with publishing(broker.port) as (publisher, acked):
        sending = asyncio.create_task(_publish(publisher, 400))
        await until(lambda: len(acked) > 50, "well under way")
        await asyncio.to_thread(broker.stop)
        await asyncio.to_thread(broker.start)
        async with asyncio.timeout(60):
            await sending
            await publisher.settle()
        assert publisher.stats.connects == 2
        assert set(acked) == set(range(400))
        await until(lambda: len(set(ear.heard)) == 400, "all heard")
    ear.close()


async def _publish(publisher: Publisher[int], count: int) -> None:
    for n in range(count):
        await publisher.publish("t/1", b"%d" % n, n)
        await asyncio.sleep(0.002)


class Scripted:
    """A broker that keeps silent until told; one list of packets per connection."""

    def __init__(self) -> None:
        self.connections: list[list[Packet]] = []
        self.flags: list[list[int]] = []
        self.writers: list[asyncio.StreamWriter] = []
        self.port = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Scripted]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for writer in self.writers:
                writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        packets: list[Packet] = []
        flags: list[int] = []
        self.connections.append(packets)
        self.flags.append(flags)
        self.writers.append(writer)
        buffer = bytearray()
        while data := await reader.read(4096):
            buffer += data
            while buffer:
                first, packet = buffer[0], take(buffer)
                if packet is None:
                    break
                packets.append(packet)
                flags.append(first & 0x0F)
                if packet.type == 1:
                    writer.write(HELLO)

    def ids(self, connection: int) -> list[int]:
        """Return the packet ids of the publications of one connection."""
        found = [p for p in self.connections[connection] if p.type == 3]
        return [int.from_bytes(p.body[5:7], "big") for p in found]


async def test_the_unacknowledged_are_sent_again_with_dup_in_order() -> None:
    async with Scripted().running() as peer, publishing(peer.port) as (publisher, acked):
        for n in range(5):
            await publisher.publish("t/1", b"x", n)
        await until(lambda: len(peer.connections[0]) == 6, "all sent")
        peer.writers[0].write(bytes.fromhex("40020002"))  # acknowledges the second
        await until(lambda: acked == [1], "acknowledged")
        peer.writers[0].close()
        await until(lambda: len(peer.connections) == 2, "back")
        await until(lambda: len(peer.connections[1]) == 5, "sent again")
        assert peer.ids(0) == [1, 2, 3, 4, 5]
        assert peer.ids(1) == [1, 3, 4, 5]
        assert peer.flags[0][1:] == [2] * 5
        assert peer.flags[1][1:] == [2 | DUP] * 4
        assert publisher.stats.resent == 4


async def test_a_full_window_holds_the_next_message_back() -> None:
    async with Scripted().running() as peer, publishing(peer.port, window=3) as (publisher, acked):
        sending = asyncio.create_task(_publish(publisher, 4))
        await until(lambda: bool(peer.connections) and len(peer.ids(0)) == 3, "three are out")
        await asyncio.sleep(0.1)
        assert len(peer.ids(0)) == 3
        peer.writers[0].write(bytes.fromhex("40020001"))
        await until(lambda: len(peer.ids(0)) == 4, "the fourth follows")
        assert acked == [0]
        await sending


async def test_an_id_still_out_is_not_given_again() -> None:
    async with Scripted().running() as peer, publishing(peer.port) as (publisher, _):
        publisher._next_id = 0xFFFF
        await publisher.publish("t/1", b"x", 0)
        await publisher.publish("t/1", b"x", 1)
        publisher._next_id = 0xFFFF
        await publisher.publish("t/1", b"x", 2)
        await until(lambda: len(peer.connections[0]) == 4, "all sent")
        assert peer.ids(0) == [0xFFFF, 1, 2]


async def test_publishing_waits_for_a_broker_that_is_not_there_yet() -> None:
    async with Scripted().running() as gone:
        port = gone.port
    async with publishing(port) as (publisher, _):
        sending = asyncio.create_task(_publish(publisher, 1))
        await asyncio.sleep(0.3)
        assert not sending.done()
        assert publisher.stats.sent == 0
        sending.cancel()
