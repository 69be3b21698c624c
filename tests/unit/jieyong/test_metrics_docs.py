from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client.metrics_core import Metric

from collector.drain_stats import DrainStats
from collector.fanout.stats import FanoutStats
from collector.jt808.frame import FrameFault
from collector.jt808.rows import Fault as Jt808Fault
from collector.jt808.stats import Jt808Stats
from collector.modbus.stats import BusStats, DeviceStats
from collector.mqtt.decode import Fault
from collector.mqtt.stats import MqttStats
from collector.spool_model import Fate, SpoolStats
from jieyong.metrics.fanout import fanout_metrics
from jieyong.metrics.jt808 import jt808_metrics
from jieyong.metrics.modbus import modbus_metrics
from jieyong.metrics.mqtt import mqtt_metrics
from jieyong.metrics.rules import file_metrics, learning_metrics, rule_metrics
from jieyong.metrics.spool import drain_metrics, spool_metrics
from jieyong.metrics.workers import FLEET, METERING, NOTIFY, RULES, worker_metrics
from jieyong.workers.tally import Done
from metering.derive.due import DueKind
from rules.work.health import Standing
from rules.work.learning import NotLearned
from storage.backlog import Backlog
from storage.records import Kind

PAGE = Path(__file__).resolve().parents[3] / "docs" / "metrics.md"
ROW = re.compile(r"^\| `(jieyong_\w+)` \| (\w+) \| ([\w, ]*?) ?\| (.+) \|$", re.MULTILINE)


def exported() -> Iterator[Metric]:
    """Every family, each label used."""
    yield from spool_metrics(
        SpoolStats(1, 1, 1, {"bound": 1}, 1, None, {(Kind.READING, Fate.ACCEPTED): 1}), 1
    )
    drain = DrainStats()
    for counts in (drain.delivered, drain.rejected, drain.duplicates, drain.conflicts):
        counts[Kind.READING] = 1
    drain.failed("database_away")
    drain.last_commit_us = 1
    yield from drain_metrics(drain)
    device = DeviceStats("meter", "bus", last_ok_us=1)
    for causes in (device.polls_failed, device.errors, device.missed, device.refused_rows):
        causes["cause"] = 1
    bus = BusStats("bus")
    bus.connect_failures["refused"] = 1
    yield from modbus_metrics([device], [bus])
    mqtt = MqttStats()
    mqtt.disconnects["lost"] = 1
    mqtt.quarantined[next(iter(Fault))] = 1
    mqtt.last_message_us = 1
    yield from mqtt_metrics(mqtt)
    yield from jt808_metrics(jt808())
    yield from fanout_metrics(FanoutStats(), SpoolStats(1, 1, 1, {}, 1, None, {}), 1)
    waiting = Backlog({DueKind.METER: 1}, 1, None)
    for nouns in (METERING, FLEET, NOTIFY, RULES):
        yield from worker_metrics(nouns, Done(1, 1, 1, 1, 1, 1), waiting, datetime.now(UTC))
    now = datetime.now(UTC)
    yield from rule_metrics([Standing(1, "r", True, now, 1, 1, 1, 1, 1, now, "", now, now)])
    yield from file_metrics([])
    yield from learning_metrics([NotLearned("vehicle", now, now, "")])


def jt808() -> Jt808Stats:
    stats = Jt808Stats()
    for counts in (stats.turned_away, stats.closed, stats.frames, stats.refusals):
        counts["label"] = 1
    stats.bad_frames[FrameFault.CHECKSUM] = 1
    stats.quarantined[Jt808Fault.TIME] = stats.dropped[Jt808Fault.TIME] = 1
    stats.last_frame_us = 1
    return stats


def _described(metric: Metric) -> tuple[str, str, str]:
    name = f"{metric.name}_total" if metric.type == "counter" else metric.name
    labels = dict.fromkeys(key for s in metric.samples for key in s.labels if key != "le")
    return name, metric.type, ", ".join(labels)


def test_the_page_lists_what_is_exported_with_its_type_and_labels() -> None:
    documented = [(name, kind, labels) for name, kind, labels, _ in ROW.findall(_page())]
    assert sorted(documented) == sorted(map(_described, exported()))


def test_alarms_name_metrics_that_exist() -> None:
    known = {name for name, _, _ in map(_described, exported())}
    alarms = _page().partition("## What to raise an alarm on")[2]
    assert set(re.findall(r"jieyong_\w+", alarms)) <= known


def test_every_metric_says_something() -> None:
    for metric in exported():
        assert metric.documentation.endswith("."), metric.name


def _page() -> str:
    return PAGE.read_text(encoding="utf-8")
