"""Metrics of the MQTT source."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.metrics_core import Metric

from collector.mqtt.stats import MqttStats
from jieyong.metrics.families import counter, gauge, items, known


def mqtt_metrics(stats: MqttStats) -> Iterator[Metric]:
    """Yield what the source counted since the start."""
    yield from _connection(stats)
    for name, text, number in (
        ("messages", "Messages that came, redeliveries included.", stats.received),
        ("spooled_messages", "Messages that are on disk.", stats.spooled),
        ("acks", "Messages acknowledged to the broker.", stats.acknowledged),
        (
            "orphaned_messages",
            "Messages on disk whose connection ended before the acknowledgement; they come again.",
            stats.orphaned,
        ),
        (
            "unacknowledgeable_messages",
            "Messages of QoS 0: lost if the collector stops before they are on disk.",
            stats.unacknowledgeable,
        ),
        ("held_messages", "Messages ever held back while the spool refused.", stats.held),
        ("flushes", "Hand-overs to the spool.", stats.flushes),
    ):
        yield counter(f"jieyong_mqtt_{name}", text, (), known(number))
    yield gauge(
        "jieyong_mqtt_holding",
        "Messages held back now because the spool refuses them; none is lost.",
        (),
        known(stats.holding),
    )
    yield counter(
        "jieyong_mqtt_quarantined_messages",
        "Messages that went to quarantine, by fault.",
        ("fault",),
        (((fault,), number) for fault, number in items(stats.quarantined)),
    )


def _connection(stats: MqttStats) -> Iterator[Metric]:
    yield gauge(
        "jieyong_mqtt_connected",
        "1 while the source is subscribed.",
        (),
        known(float(stats.connected)),
    )
    yield counter(
        "jieyong_mqtt_connects",
        "Connections that reached the subscription.",
        (),
        known(stats.connects),
    )
    yield counter(
        "jieyong_mqtt_disconnects",
        "Connections lost or refused, by cause.",
        ("cause",),
        (((cause,), number) for cause, number in items(stats.disconnects)),
    )
    last_us = stats.last_message_us
    yield gauge(
        "jieyong_mqtt_last_message_timestamp_seconds",
        "When the last message came; absent before the first.",
        (),
        known(None if last_us is None else last_us / 1e6),
    )
