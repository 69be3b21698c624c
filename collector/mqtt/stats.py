"""What the MQTT source has done, as plain counters that an exporter reads."""

from __future__ import annotations

from collections import Counter

from collector.mqtt.decode import Fault


class MqttStats:
    """Counters since the start; written by the source only.

    Attributes:
        connected: whether we are subscribed now.
        connects: connections that reached the subscription.
        disconnects: connections lost or refused, by cause (``refused``, ``unreachable``, ``lost``).
        received: messages that came, redeliveries included.
        unacknowledgeable: of these, messages of QoS 0: lost if we stop before they are on disk.
        spooled: messages that are on disk.
        acknowledged: messages we acknowledged to the broker.
        orphaned: messages on disk whose connection was gone before the acknowledgement; the broker
            sends them again, and the database takes them as duplicates.
        quarantined: messages that went to quarantine, by fault.
        holding: messages held back now because the spool refuses them.
        held: messages that were ever held back; none of them is lost.
        flushes: hand-overs to the spool.
        last_message_us: when the last message came, Unix microseconds.
    """

    def __init__(self) -> None:
        self.connected = False
        self.connects = 0
        self.disconnects: Counter[str] = Counter()
        self.received = 0
        self.unacknowledgeable = 0
        self.spooled = 0
        self.acknowledged = 0
        self.orphaned = 0
        self.quarantined: Counter[Fault] = Counter()
        self.holding = 0
        self.held = 0
        self.flushes = 0
        self.last_message_us: int | None = None
