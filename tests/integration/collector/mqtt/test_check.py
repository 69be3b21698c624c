from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from collector.mqtt.check import BrokerFinding, check_broker, limits
from collector.settings import MqttSettings
from tests.brokers import Mosquitto, free_port, running_mosquitto
from tests.integration.collector.mqtt.scripted import scripted_broker


def settings(port: int, **changes: object) -> MqttSettings:
    return MqttSettings.model_validate({"port": port} | changes)


def bad(findings: list[BrokerFinding]) -> list[BrokerFinding]:
    return [finding for finding in findings if finding.level != "ok"]


@contextmanager
def mute_listener() -> Iterator[int]:
    """Takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@contextmanager
def answering(reply: bytes) -> Iterator[int]:
    """Answers the first packet with fixed bytes."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            peer, _ = server.accept()
            with peer:
                peer.recv(1024)
                peer.sendall(reply)
                if reply:
                    peer.recv(1024)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


@pytest.mark.needs_mosquitto
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_sound_broker_is_named_and_has_nothing_wrong(mosquitto: Mosquitto, protocol: str) -> None:
    findings = check_broker(settings(mosquitto.port, protocol=protocol, share_group="g"))
    assert bad(findings) == []
    told = " ".join(finding.what for finding in findings)
    assert "mosquitto version 2" in told
    assert "granted at QoS 1" in told
    assert "shared subscriptions are granted" in told


@pytest.mark.needs_mosquitto
def test_the_limits_of_mqtt_5_are_told(tmp_path: Path) -> None:
    extra = "max_packet_size 2000\nretain_available false\n"
    with running_mosquitto(tmp_path, extra) as broker:
        findings = check_broker(settings(broker.port))
    (finding,) = bad(findings)
    assert finding.level == "warning"
    assert "2000 bytes" in finding.what
    assert "retained messages 0" in " ".join(finding.what for finding in findings)


@pytest.mark.needs_mosquitto
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_refused_log_in_says_what_to_check(tmp_path: Path, protocol: str) -> None:
    with running_mosquitto(tmp_path) as broker:
        conf = tmp_path / "mosquitto.conf"
        text = conf.read_text(encoding="utf-8").replace("anonymous true", "anonymous false")
        broker.stop()
        conf.write_text(text, encoding="utf-8")
        broker.start()
        (finding,) = check_broker(settings(broker.port, protocol=protocol))
    assert finding.level == "problem"
    assert "refuses us" in finding.what
    assert "mqtt.username" in finding.advice


@pytest.mark.parametrize(
    ("code", "says"), [(0x87, "is refused: Not authorized"), (0x00, "at QoS 0 only")]
)
def test_a_subscription_that_is_not_granted_is_a_problem(code: int, says: str) -> None:
    with scripted_broker(lambda topic: 1 if topic.startswith("$SYS") else code) as port:
        (finding,) = bad(check_broker(settings(port)))
    assert finding.level == "problem"
    assert says in finding.what


def test_shared_subscriptions_that_are_not_granted_are_a_problem() -> None:
    with scripted_broker(lambda topic: 0x9E if topic.startswith("$share/") else 1) as port:
        (finding,) = bad(check_broker(settings(port, share_group="g")))
    assert "mqtt.share_group" in finding.advice


def test_the_probe_never_joins_the_real_group() -> None:
    asked: list[str] = []

    def grant(topic: str) -> int:
        asked.append(topic)
        return 1

    with scripted_broker(grant) as port:
        check_broker(settings(port, share_group="real"))
    assert [topic for topic in asked if topic.startswith("$share/")]
    assert not [topic for topic in asked if topic.startswith("$share/real/")]


def test_nobody_there() -> None:
    (finding,) = check_broker(settings(free_port()))
    assert finding.level == "problem"
    assert "cannot be reached" in finding.what


def test_somebody_else_there() -> None:
    with mute_listener() as port:
        (finding,) = check_broker(settings(port), within_s=0.5)
    assert "no answer to the connection in 0.5 s" in finding.what
    assert 'mqtt.protocol = "3.1.1"' in finding.advice


def test_a_broker_that_hangs_up() -> None:
    with answering(b"") as port:
        (finding,) = check_broker(settings(port), within_s=5)
    assert "ended the connection" in finding.what


def test_a_broker_that_knows_only_3_1_1() -> None:
    with answering(b"\x20\x03\x00\x84\x00") as port:  # CONNACK, unsupported protocol version
        (finding,) = check_broker(settings(port), within_s=5)
    assert finding.advice == 'set mqtt.protocol = "3.1.1"'


@pytest.mark.parametrize(
    ("properties", "level", "says"),
    [
        ({"MaximumQoS": 0}, "problem", "QoS 0 only"),
        ({"WildcardSubscriptionAvailable": 0}, "problem", "wildcard"),
        ({"SharedSubscriptionAvailable": 0}, "problem", "shared"),
        ({"SessionExpiryInterval": 3600}, "warning", "3600 s, not for 604800 s"),
        ({"MaximumPacketSize": 1024}, "warning", "1024 bytes"),
    ],
)
def test_each_limit_that_harms_is_judged(properties: dict[str, int], level: str, says: str) -> None:
    first, told = limits(properties, settings(1883, share_group="g"))
    assert (first.level, told.level) == (level, "ok")
    assert says in first.what
    assert first.advice
