"""What a broker says of itself, in words: for `jieyong doctor`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from collector.mqtt.connection import prepare
from collector.settings import MqttSettings

_WITHIN_S: Final = 5.0
_VERSION_TOPIC: Final = "$SYS/broker/version"
_PROBE_GROUP: Final = "jieyong-doctor"
"""Never the real group: its messages would come to us instead of to a collector."""

_CONF: Final = "collector/mqtt/mosquitto.conf"


@dataclass(frozen=True, slots=True)
class BrokerFinding:
    """One thing learnt.

    Attributes:
        level: how bad it is.
        what: what was found.
        advice: what to do; empty when all is well.
    """

    level: Literal["ok", "warning", "problem"]
    what: str
    advice: str = ""


def check_broker(settings: MqttSettings, within_s: float = _WITHIN_S) -> list[BrokerFinding]:
    """Connect, subscribe, and say what was learnt; nothing is published and no session is left.

    Uses a client id of its own, so that a running collector keeps its connection.

    Args:
        settings: the collector's.
        within_s: how long each answer may take, seconds.
    """
    probe = _Probe(settings, within_s)
    try:
        return list(_findings(probe, settings))
    except _BrokerError as error:
        return [BrokerFinding("problem", str(error), error.advice)]
    except OSError as error:
        address = f"{settings.host}:{settings.port}"
        advice = "check mqtt.host, mqtt.port and mqtt.tls, and whether the broker runs"
        return [BrokerFinding("problem", f"{address} cannot be reached: {error}", advice)]
    finally:
        probe.leave()


class _BrokerError(Exception):
    def __init__(self, what: str, advice: str) -> None:
        super().__init__(what)
        self.advice = advice


class _Probe:
    """A client that asks and waits for the answer."""

    def __init__(self, settings: MqttSettings, within_s: float) -> None:
        five = settings.protocol == "5"
        self.settings = settings
        self.properties: dict[str, Any] = {}
        self.version: str | None = None
        self._within_s = within_s
        self._accepted: ReasonCode | None = None
        self._subscribed: ReasonCode | None = None
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"{settings.client_id}-doctor",
            clean_session=None if five else True,
            protocol=MQTTProtocolVersion.MQTTv5 if five else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message

    def enter(self) -> None:
        """Connect and log in."""
        prepare(self._client, self.settings)
        properties = None
        if self.settings.protocol == "5":
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = self.settings.session_expiry_s
        self._client.connect(
            self.settings.host,
            self.settings.port,
            self.settings.keepalive_s,
            clean_start=True if properties else 3,
            properties=properties,
        )
        accepted = self._wait(lambda: self._accepted, "the connection")
        if accepted.is_failure:
            advice = "check mqtt.username and the password, and the broker's rights"
            if "protocol" in str(accepted).lower():
                advice = 'set mqtt.protocol = "3.1.1"'
            raise _BrokerError(f"the broker refuses us: {accepted}", advice)

    def subscribe(self, topic: str) -> ReasonCode:
        """Subscribe and return the broker's answer."""
        self._subscribed = None
        self._client.subscribe(topic, qos=1)
        return self._wait(lambda: self._subscribed, f"the subscription {topic!r}")

    def await_version(self) -> None:
        """Wait a moment for the broker's name; many do not tell it."""
        end = time.monotonic() + min(1.0, self._within_s)
        while self.version is None and time.monotonic() < end:
            self._client.loop(0.1)

    def leave(self) -> None:
        """Disconnect and leave no session."""
        properties = None
        if self.settings.protocol == "5":
            properties = Properties(PacketTypes.DISCONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = 0
        self._client.disconnect(properties=properties)
        self._client.loop(0.1)

    def _wait(self, answer: Callable[[], ReasonCode | None], what: str) -> ReasonCode:
        end = time.monotonic() + self._within_s
        while time.monotonic() < end:
            result = self._client.loop(0.1)
            answered = answer()
            if answered is not None:
                return answered
            if result != MQTTErrorCode.MQTT_ERR_SUCCESS:
                advice = "look at the broker's log; TLS on one side only looks like this, too"
                raise _BrokerError(f"the broker ended the connection before {what}", advice)
        advice = "is it an MQTT broker that listens there, and not overloaded?"
        if self.settings.protocol == "5":  # some brokers of 3.1.1 do not even say no
            advice += ' If it speaks only 3.1.1, set mqtt.protocol = "3.1.1"'
        raise _BrokerError(f"no answer to {what} in {self._within_s:g} s", advice)

    def _on_connect(
        self,
        _client: object,
        _data: object,
        _flags: object,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        self._accepted = reason
        self.properties = {} if properties is None else properties.json()  # type: ignore[no-untyped-call]

    def _on_subscribe(
        self, _client: object, _data: object, _mid: object, reasons: list[ReasonCode], _: object
    ) -> None:
        self._subscribed = reasons[0]

    def _on_message(self, _client: object, _data: object, message: MQTTMessage) -> None:
        if message.topic == _VERSION_TOPIC:
            self.version = bytes(message.payload).decode(errors="replace")


def _findings(probe: _Probe, settings: MqttSettings) -> Iterator[BrokerFinding]:
    probe.enter()
    probe.subscribe(_VERSION_TOPIC)
    probe.await_version()
    yield BrokerFinding(
        "ok", f"{probe.version or 'the broker'} lets us in (MQTT {settings.protocol})"
    )
    yield _subscription(probe, settings.topic)
    if settings.share_group is not None:
        yield _shared(probe, settings.topic)
    if settings.protocol == "5":
        yield from limits(probe.properties, settings)
    else:
        yield BrokerFinding("ok", "MQTT 3.1.1 tells no limits")
    yield BrokerFinding(
        "ok",
        "not to be learnt from outside: whether the broker keeps sessions on disk and how much it "
        f"queues for us while we are away; compare its configuration with {_CONF}",
    )


def _subscription(probe: _Probe, topic: str) -> BrokerFinding:
    answer = probe.subscribe(topic)
    if answer.is_failure:
        return BrokerFinding(
            "problem",
            f"subscription {topic!r} is refused: {answer}",
            "give our user the right to read it (ACL), or correct mqtt.topic",
        )
    if answer.value != 1:
        return BrokerFinding(
            "problem",
            f"subscription {topic!r} is granted at QoS 0 only: messages would be lost",
            "allow QoS 1 at the broker",
        )
    return BrokerFinding("ok", f"subscription {topic!r} is granted at QoS 1")


def _shared(probe: _Probe, topic: str) -> BrokerFinding:
    answer = probe.subscribe(f"$share/{_PROBE_GROUP}/{topic}")
    if answer.is_failure:
        return BrokerFinding(
            "problem",
            f"shared subscriptions are refused: {answer}",
            "remove mqtt.share_group, or use a broker that has them (Mosquitto 2, EMQX)",
        )
    return BrokerFinding("ok", "shared subscriptions are granted")


def limits(properties: dict[str, Any], settings: MqttSettings) -> Iterator[BrokerFinding]:
    """Judge the limits that a broker of MQTT 5 names as it accepts a connection.

    Args:
        properties: of the CONNACK, by the names of the specification without spaces.
        settings: what the collector wants.
    """
    if properties.get("MaximumQoS", 2) < 1:
        yield BrokerFinding(
            "problem", "the broker has QoS 0 only: messages would be lost", "allow QoS 1"
        )
    if properties.get("WildcardSubscriptionAvailable", 1) == 0:
        yield BrokerFinding(
            "problem",
            "the broker has no wildcard subscriptions",
            "allow them: mqtt.topic has a `+`",
        )
    if settings.share_group is not None and properties.get("SharedSubscriptionAvailable", 1) == 0:
        yield BrokerFinding(
            "problem", "the broker has no shared subscriptions", "remove mqtt.share_group"
        )
    kept = properties.get("SessionExpiryInterval", settings.session_expiry_s)
    if kept < settings.session_expiry_s:
        yield BrokerFinding(
            "warning",
            f"the broker keeps our queue for {kept} s, not for {settings.session_expiry_s} s",
            "raise its session expiry, or lower mqtt.session_expiry_s to what it grants",
        )
    packet = properties.get("MaximumPacketSize")
    if packet is not None and packet < settings.max_payload_bytes:
        yield BrokerFinding(
            "warning",
            f"the broker takes packets up to {packet} bytes; longer messages never reach us",
            "raise its packet limit, or lower mqtt.max_payload_bytes to it",
        )
    told = ", ".join(
        f"{words} {properties[name]}" for name, words in _TOLD.items() if name in properties
    )
    yield BrokerFinding("ok", f"limits it names: {told or 'none'}")


_TOLD: Final = {
    "MaximumQoS": "highest QoS",
    "ReceiveMaximum": "messages in flight from one sender",
    "MaximumPacketSize": "bytes in a packet",
    "RetainAvailable": "retained messages",
    "SharedSubscriptionAvailable": "shared subscriptions",
    "WildcardSubscriptionAvailable": "wildcards",
    "SessionExpiryInterval": "session kept for seconds",
    "ServerKeepAlive": "keep-alive seconds",
}
