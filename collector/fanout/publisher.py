"""Publishes packed positions at QoS 1; done when the broker has acknowledged every one."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Final

import structlog
from paho.mqtt.client import Client, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from collector.fanout.message import message
from collector.fanout.open_terminals import OpenTerminals
from collector.fanout.stats import FanoutStats
from collector.mqtt.connection import prepare
from collector.settings import FanoutSettings, MqttSettings
from storage.errors import StorageUnavailable
from storage.records import Batch, Kind, split, unpack_position
from storage.writer import Outcome

log = structlog.get_logger()

_CONNECT_S: Final = 10.0
_INFLIGHT: Final = 1000


class Publisher:
    """The other end of the fan-out's drain; for one thread.

    Args:
        broker: where to, and the log-in.
        settings: topic and patience.
        terminals: whose positions may be published.
        stats: counters.
    """

    def __init__(
        self,
        broker: MqttSettings,
        settings: FanoutSettings,
        terminals: OpenTerminals,
        stats: FanoutStats,
    ) -> None:
        self._broker = broker
        self._settings = settings
        self._terminals = terminals
        self._stats = stats
        self._client: Client | None = None

    def write(self, batches: Sequence[Batch]) -> Outcome:
        """Publish the positions of batches.

        Raises:
            StorageUnavailable: the broker did not acknowledge all of them, or it is not known
                whose may be published: all of them are published again.
        """
        messages = list(self._messages(batches))
        if messages:
            try:
                self._publish(messages)
            except (OSError, RuntimeError, ValueError) as error:
                self.close()
                raise StorageUnavailable(f"the broker took not all of it: {error}") from error
        self._stats.published += len(messages)
        return Outcome({Kind.POSITION: sum(batch.rows for batch in batches)})

    def close(self) -> None:
        """Leave the broker; what it has not acknowledged is published again."""
        client, self._client = self._client, None
        if client is not None:
            client.disconnect()
            client.loop_stop()

    def _messages(self, batches: Sequence[Batch]) -> Iterator[tuple[str, bytes]]:
        codes = self._terminals.codes()
        for batch in batches:
            for row in split(batch.body):
                try:
                    position = unpack_position(row)
                except struct.error:
                    log.exception("fanout_position_not_read")
                    continue
                code = codes.get(position.terminal_id)
                if code is None:
                    self._stats.withheld += 1
                else:
                    yield self._settings.topic.replace("+", code), message(position)

    def _publish(self, messages: Sequence[tuple[str, bytes]]) -> None:
        client = self._connected()
        deadline = time.monotonic() + self._settings.within_s
        sent: list[MQTTMessageInfo] = []
        for topic, payload in messages:
            info = client.publish(topic, payload, qos=1)
            if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
                raise OSError(f"publishing failed: {info.rc.name}")
            sent.append(info)
        for info in sent:
            info.wait_for_publish(max(0.0, deadline - time.monotonic()))
            if not info.is_published():
                raise TimeoutError(f"no acknowledgement within {self._settings.within_s:g} s")

    def _connected(self) -> Client:
        if self._client is not None:
            return self._client
        version = (
            MQTTProtocolVersion.MQTTv5
            if self._broker.protocol == "5"
            else MQTTProtocolVersion.MQTTv311
        )
        client = Client(
            CallbackAPIVersion.VERSION2, f"{self._broker.client_id}-fanout", protocol=version
        )
        client.max_inflight_messages_set(_INFLIGHT)
        client.max_queued_messages_set(0)
        prepare(client, self._broker)
        answered = threading.Event()
        refusals: list[str] = []

        def connected(*given: object) -> None:
            reason = given[3]
            if getattr(reason, "is_failure", False):
                refusals.append(str(reason))
            answered.set()

        client.on_connect = connected
        client.connect(self._broker.host, self._broker.port, self._broker.keepalive_s)
        self._client = client
        client.loop_start()
        if not answered.wait(_CONNECT_S) or refusals:
            raise OSError(f"no connection: {', '.join(refusals) or 'no answer'}")
        return client
