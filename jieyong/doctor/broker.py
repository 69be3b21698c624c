"""Check of the broker that vehicles send to."""

from __future__ import annotations

from collections.abc import Iterator

from collector.mqtt.check import check_broker
from collector.settings import MqttSettings
from jieyong.doctor.finding import Finding, Level


def check_mqtt(settings: MqttSettings) -> Iterator[Finding]:
    """Connect, subscribe, and say what the broker tells of itself; leaves no session behind."""
    where = f"broker at {settings.host}:{settings.port}"
    for found in check_broker(settings):
        yield Finding(Level(found.level), found.what, where, found.advice)
