from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from jieyong.embedded.broker import Broker, BrokerKind, find_mosquitto, prepare
from jieyong.supervise import Supervisor
from tests.processes import until

TOPIC = "jieyong/v1/car-1/position"


@pytest.fixture
def mosquitto() -> BrokerKind:
    if find_mosquitto() is None:
        if "mosquitto" in os.environ.get("JIEYONG_REQUIRE", ""):
            pytest.fail("mosquitto is required by JIEYONG_REQUIRE and not installed")
        pytest.skip("mosquitto is not installed")
    return BrokerKind.MOSQUITTO


@dataclass
class Seen:
    """What a client was told."""

    subscribed: bool = False
    payloads: list[bytes] = field(default_factory=list)
    acknowledged: int = 0


@contextmanager
def client(broker: Broker, name: str) -> Iterator[tuple[paho.Client, Seen]]:
    """A client with a session that outlives its connection, subscribed when it is the reader."""
    seen = Seen()
    five = broker.protocol == "5"
    version = MQTTProtocolVersion.MQTTv5 if five else MQTTProtocolVersion.MQTTv311
    clean = None if five else False
    mqtt = paho.Client(
        CallbackAPIVersion.VERSION2, client_id=name, protocol=version, clean_session=clean
    )
    mqtt.max_inflight_messages_set(1000)

    def connected(*_: object) -> None:
        if name == "reader":
            mqtt.subscribe(TOPIC, qos=1)

    def acknowledged(*_: object) -> None:
        seen.acknowledged += 1

    mqtt.on_connect = connected
    mqtt.on_publish = acknowledged
    mqtt.on_subscribe = lambda *_: setattr(seen, "subscribed", True)
    mqtt.on_message = lambda _client, _data, message: seen.payloads.append(bytes(message.payload))
    if five:
        keep = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        keep.SessionExpiryInterval = 3600
        mqtt.connect(broker.host, broker.port, clean_start=False, properties=keep)
    else:
        mqtt.connect(broker.host, broker.port)
    mqtt.loop_start()
    try:
        yield mqtt, seen
    finally:
        mqtt.disconnect()
        mqtt.loop_stop()


async def publish(broker: Broker, payloads: list[bytes]) -> None:
    with client(broker, "writer") as (writer, seen):
        for payload in payloads:
            writer.publish(TOPIC, payload, qos=1)
        await until(lambda: seen.acknowledged == len(payloads), "every message acknowledged")


async def exchange(broker: Broker, count: int) -> list[bytes]:
    with client(broker, "reader") as (_, reader):
        await until(lambda: reader.subscribed, "subscribed")
        await publish(broker, [b"%d" % n for n in range(count)])
        await until(lambda: len(reader.payloads) >= count, "all messages")
        return reader.payloads


@pytest.mark.needs_mosquitto
async def test_mosquitto_carries_messages_in_order(tmp_path: Path, mosquitto: BrokerKind) -> None:
    broker = prepare(tmp_path / "var", kind=mosquitto)
    async with Supervisor([broker.child()], tmp_path / "logs"):
        assert await exchange(broker, 300) == [b"%d" % n for n in range(300)]


@pytest.mark.needs_mosquitto
async def test_mosquitto_keeps_more_than_its_default_queue_over_a_clean_restart(
    tmp_path: Path, mosquitto: BrokerKind
) -> None:
    broker = prepare(tmp_path / "var", kind=mosquitto)
    sent = [b"%d" % n for n in range(1500)]  # its default would drop all beyond 1000
    async with Supervisor([broker.child()], tmp_path / "logs"):
        assert await exchange(broker, 1) == [b"0"]
        await publish(broker, sent)
    async with Supervisor([broker.child()], tmp_path / "logs"):
        with client(broker, "reader") as (_, reader):
            await until(lambda: len(reader.payloads) >= len(sent), "the queue of the session")
            assert reader.payloads == sent


@pytest.mark.needs_mosquitto
async def test_mosquitto_prepared_again_finds_its_sessions(
    tmp_path: Path, mosquitto: BrokerKind
) -> None:
    # Preparing again must neither lose the sessions nor fail on what is there.
    first = prepare(tmp_path / "var", kind=mosquitto)
    async with Supervisor([first.child()], tmp_path / "logs"):
        assert await exchange(first, 1) == [b"0"]
        await publish(first, [b"kept"])
    second = prepare(tmp_path / "var", kind=mosquitto)
    async with Supervisor([second.child()], tmp_path / "logs"):
        with client(second, "reader") as (_, reader):
            await until(lambda: bool(reader.payloads), "the message kept")
            assert reader.payloads == [b"kept"]


async def test_amqtt_carries_messages_without_a_warning(tmp_path: Path) -> None:
    broker = prepare(tmp_path / "var", kind=BrokerKind.AMQTT)
    # Deprecated settings would end it: the interpreter makes warnings errors.
    strict = replace(broker.child(), env={"PYTHONWARNINGS": "error"})
    async with Supervisor([strict], tmp_path / "logs") as supervisor:
        assert sorted(await exchange(broker, 200), key=int) == [b"%d" % n for n in range(200)]
    (status,) = supervisor.status()
    assert (status.restarts, status.last_exit) == (0, 0)
    said = (tmp_path / "logs" / "broker.log").read_text(encoding="utf-8")
    assert "eprecat" not in said
    assert "Traceback" not in said


async def test_amqtt_serves_a_client_that_comes_back_at_once(tmp_path: Path) -> None:
    # Without jieyong/embedded/amqtt_broker.py some of these connections stay mute for ever.
    broker = prepare(tmp_path / "var", kind=BrokerKind.AMQTT)
    async with Supervisor([broker.child()], tmp_path / "logs"):
        for _ in range(12):
            assert len(await exchange(broker, 20)) == 20


async def test_amqtt_keeps_messages_for_a_client_that_is_away(tmp_path: Path) -> None:
    broker = prepare(tmp_path / "var", kind=BrokerKind.AMQTT)
    async with Supervisor([broker.child()], tmp_path / "logs"):
        assert await exchange(broker, 1) == [b"0"]
        await publish(broker, [b"%d" % n for n in range(50)])
        with client(broker, "reader") as (_, reader):
            await until(lambda: len(reader.payloads) >= 50, "what was kept")
            assert sorted(reader.payloads, key=int) == [b"%d" % n for n in range(50)]


async def test_amqtt_lets_a_second_connection_of_one_name_take_over(tmp_path: Path) -> None:
    broker = prepare(tmp_path / "var", kind=BrokerKind.AMQTT)
    async with Supervisor([broker.child()], tmp_path / "logs"):
        with client(broker, "reader") as (first, seen):
            await until(lambda: seen.subscribed, "subscribed")
            first.loop_stop()  # as after a kill -9: the old connection just stands there
            assert sorted(await exchange(broker, 20)) == sorted(b"%d" % n for n in range(20))
