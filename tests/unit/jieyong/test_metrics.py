from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from collector.drain_stats import DrainStats
from collector.jt808.frame import FrameFault
from collector.jt808.rows import Fault as Jt808Fault
from collector.jt808.stats import Jt808Stats
from collector.modbus.stats import BusStats, DeviceStats, State
from collector.mqtt.decode import Fault
from collector.mqtt.stats import MqttStats
from collector.spool_model import Fate, SpoolStats
from jieyong.metrics import make_registry
from jieyong.metrics.jt808 import jt808_metrics
from jieyong.metrics.modbus import modbus_metrics
from jieyong.metrics.mqtt import mqtt_metrics
from jieyong.metrics.spool import drain_metrics, spool_metrics
from storage.records import Kind

NOW_US = 1_800_000_000_000_000


def spool(**changes: object) -> SpoolStats:
    values: dict[str, object] = {
        "rows": 0,
        "bytes": 0,
        "oldest_us": None,
        "refused": {},
        "commits": 0,
        "damaged": None,
        "tally": {},
        **changes,
    }
    return SpoolStats(**values)  # type: ignore[arg-type]


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(name, labels)


def test_the_spools_depth_age_and_tally() -> None:
    stats = spool(
        rows=12,
        bytes=900,
        oldest_us=NOW_US - 2_500_000,
        refused={"bound": 4},
        commits=3,
        tally={(Kind.READING, Fate.ACCEPTED): 100, (Kind.POSITION, Fate.REFUSED): 4},
    )
    registry = make_registry(lambda: spool_metrics(stats, NOW_US))

    assert value(registry, "jieyong_spool_rows") == 12
    assert value(registry, "jieyong_spool_bytes") == 900
    assert value(registry, "jieyong_spool_oldest_age_seconds") == 2.5
    assert value(registry, "jieyong_spool_refused_rows_total", reason="bound") == 4
    assert value(registry, "jieyong_spool_commits_total") == 3
    assert value(registry, "jieyong_spool_damaged") == 0
    tally = "jieyong_spool_tally_rows_total"
    assert value(registry, tally, kind="reading", fate="accepted") == 100
    assert value(registry, tally, kind="position", fate="refused") == 4


@pytest.mark.parametrize(
    ("oldest_us", "age_s"), [(None, 0), (NOW_US + 1, 0)], ids=["empty", "clock set back"]
)
def test_nothing_waits_negative_seconds(oldest_us: int | None, age_s: float) -> None:
    registry = make_registry(lambda: spool_metrics(spool(oldest_us=oldest_us), NOW_US))
    assert value(registry, "jieyong_spool_oldest_age_seconds") == age_s


def test_a_damaged_spool_shows() -> None:
    registry = make_registry(lambda: spool_metrics(spool(damaged=Path("x")), NOW_US))
    assert value(registry, "jieyong_spool_damaged") == 1


def test_what_the_drain_did() -> None:
    stats = DrainStats()
    stats.delivered.update({Kind.READING: 90, Kind.QUARANTINE: 2})
    stats.rejected[Kind.READING] = 2
    stats.duplicates[Kind.READING] = 5
    stats.conflicts[Kind.READING] = 1
    stats.commits = 7
    stats.db_up = True
    stats.last_commit_us = NOW_US
    stats.failed("database_away")
    stats.lag.add(15_000, rows=40)
    stats.lag.add(90_000_000, rows=50)
    registry = make_registry(lambda: drain_metrics(stats))

    assert value(registry, "jieyong_delivered_rows_total", kind="reading") == 90
    assert value(registry, "jieyong_delivered_rows_total", kind="quarantine") == 2
    assert value(registry, "jieyong_rejected_rows_total", kind="reading") == 2
    assert value(registry, "jieyong_duplicate_rows_total", kind="reading") == 5
    assert value(registry, "jieyong_conflict_rows_total", kind="reading") == 1
    assert value(registry, "jieyong_drain_commits_total") == 7
    assert value(registry, "jieyong_drain_failures_total", cause="database_away") == 1
    assert value(registry, "jieyong_database_up") == 0
    assert value(registry, "jieyong_last_commit_timestamp_seconds") == NOW_US / 1e6
    lag = "jieyong_commit_lag_seconds"
    assert value(registry, f"{lag}_bucket", le="0.01") == 0
    assert value(registry, f"{lag}_bucket", le="0.02") == 40
    assert value(registry, f"{lag}_bucket", le="60.0") == 40
    assert value(registry, f"{lag}_bucket", le="+Inf") == 90
    assert value(registry, f"{lag}_count") == 90
    assert value(registry, f"{lag}_sum") == pytest.approx(40 * 0.015 + 50 * 90)


def test_unknown_is_not_zero() -> None:
    registry = make_registry(lambda: drain_metrics(DrainStats()))
    assert value(registry, "jieyong_database_up") is None
    assert value(registry, "jieyong_last_commit_timestamp_seconds") is None


def devices() -> list[DeviceStats]:
    good = DeviceStats("meter-1", "bus-1", polls_ok=10, polls_partial=1, rows=210)
    good.state, good.last_ok_us = State.ALIVE, NOW_US
    good.errors.update(illegal_address=1)
    good.latency.add(0.02)
    dead = DeviceStats("meter-2", "bus-1", state=State.BACKOFF, late_replies=2)
    dead.polls_failed.update(timeout=3, closed=1)
    dead.missed.update(backoff=6)
    dead.refused_rows.update(bound=20)
    dead.latency.add(0.3)
    return [good, dead]


def test_polls_by_device_and_outcome_and_faults_by_cause() -> None:
    registry = make_registry(lambda: modbus_metrics(devices(), []))

    polls = "jieyong_polls_total"
    assert value(registry, polls, device="meter-1", outcome="ok") == 10
    assert value(registry, polls, device="meter-1", outcome="partial") == 1
    assert value(registry, polls, device="meter-1", outcome="failed") == 0
    assert value(registry, polls, device="meter-2", outcome="failed") == 4
    failures = "jieyong_poll_failures_total"
    assert value(registry, failures, device="meter-2", cause="timeout") == 3
    errors = "jieyong_request_errors_total"
    assert value(registry, errors, device="meter-1", cause="illegal_address") == 1
    assert value(registry, "jieyong_missed_slots_total", device="meter-2", cause="backoff") == 6
    refused = "jieyong_refused_readings_total"
    assert value(registry, refused, device="meter-2", reason="bound") == 20
    assert value(registry, "jieyong_late_replies_total", device="meter-2") == 2
    assert value(registry, "jieyong_readings_total", device="meter-1") == 210


def test_states_count_devices_and_a_silent_one_has_no_last_answer() -> None:
    registry = make_registry(lambda: modbus_metrics(devices(), []))

    assert value(registry, "jieyong_devices", state="alive") == 1
    assert value(registry, "jieyong_devices", state="backoff") == 1
    assert value(registry, "jieyong_devices", state="unknown") == 0
    last = "jieyong_device_last_answer_timestamp_seconds"
    assert value(registry, last, device="meter-1") == NOW_US / 1e6
    assert value(registry, last, device="meter-2") is None


def test_latency_is_added_up_by_bus() -> None:
    registry = make_registry(lambda: modbus_metrics(devices(), []))
    latency = "jieyong_reply_latency_seconds"
    assert value(registry, f"{latency}_bucket", bus="bus-1", le="0.025") == 1
    assert value(registry, f"{latency}_bucket", bus="bus-1", le="0.5") == 2
    assert value(registry, f"{latency}_count", bus="bus-1") == 2
    assert value(registry, f"{latency}_sum", bus="bus-1") == pytest.approx(0.32)


def test_buses() -> None:
    up = BusStats("bus-1", connected=True, connects=2, foreign_replies=1)
    down = BusStats("bus-2", connect_failures=Counter(refused=9))
    registry = make_registry(lambda: modbus_metrics([], [up, down]))

    assert value(registry, "jieyong_bus_connected", bus="bus-1") == 1
    assert value(registry, "jieyong_bus_connected", bus="bus-2") == 0
    assert value(registry, "jieyong_bus_connects_total", bus="bus-1") == 2
    failures = "jieyong_bus_connect_failures_total"
    assert value(registry, failures, bus="bus-2", cause="refused") == 9
    assert value(registry, "jieyong_bus_foreign_replies_total", bus="bus-1") == 1


def test_prometheus_can_read_it_all() -> None:
    drain = DrainStats()
    registry = make_registry(
        lambda: spool_metrics(spool(), NOW_US),
        lambda: drain_metrics(drain),
        lambda: modbus_metrics(devices(), [BusStats('总线 "1"')]),
    )
    text = generate_latest(registry).decode()
    families = {family.name for family in text_string_to_metric_families(text)}
    assert {"jieyong_polls", "jieyong_commit_lag_seconds", "process_cpu_seconds"} <= families


def test_what_the_mqtt_source_did() -> None:
    stats = MqttStats()
    stats.connected = True
    stats.connects = 2
    stats.disconnects["lost"] = 1
    stats.received, stats.spooled, stats.acknowledged = 100, 99, 98
    stats.orphaned, stats.unacknowledgeable, stats.held, stats.holding = 1, 2, 30, 3
    stats.quarantined[Fault.MALFORMED] = 4
    stats.last_message_us = NOW_US
    registry = make_registry(lambda: mqtt_metrics(stats))

    numbers = {
        "connected": 1,
        "connects_total": 2,
        "messages_total": 100,
        "spooled_messages_total": 99,
        "acks_total": 98,
        "orphaned_messages_total": 1,
        "unacknowledgeable_messages_total": 2,
        "held_messages_total": 30,
        "holding": 3,
        "last_message_timestamp_seconds": NOW_US / 1e6,
    }
    assert {name: value(registry, f"jieyong_mqtt_{name}") for name in numbers} == numbers
    assert value(registry, "jieyong_mqtt_disconnects_total", cause="lost") == 1
    quarantined = "jieyong_mqtt_quarantined_messages_total"
    assert value(registry, quarantined, fault=Fault.MALFORMED) == 4


def test_what_the_gateway_of_terminals_did() -> None:
    stats = Jt808Stats()
    stats.listening = True
    stats.connections, stats.authenticated, stats.connects = 7, 5, 9
    stats.positions, stats.answered, stats.orphaned = 100, 90, 2
    stats.held, stats.holding, stats.throttled, stats.given_up = 30, 3, 4, 1
    stats.turned_away["address"] = 2
    stats.closed["idle"] = 1
    stats.frames["0x0200"] = 101
    stats.bad_frames[FrameFault.CHECKSUM] = 6
    stats.refusals["code"] = 8
    stats.quarantined[Jt808Fault.TIME] = 10
    stats.dropped[Jt808Fault.UNKNOWN_TERMINAL] = 11
    stats.last_frame_us = NOW_US
    registry = make_registry(lambda: jt808_metrics(stats))

    numbers = {
        "listening": 1,
        "connections": 7,
        "authenticated": 5,
        "connects_total": 9,
        "positions_total": 100,
        "answers_total": 90,
        "orphaned_answers_total": 2,
        "held_rows_total": 30,
        "holding": 3,
        "throttled_total": 4,
        "given_up_messages_total": 1,
        "last_frame_timestamp_seconds": NOW_US / 1e6,
    }
    assert {name: value(registry, f"jieyong_jt808_{name}") for name in numbers} == numbers
    assert value(registry, "jieyong_jt808_turned_away_total", bound="address") == 2
    assert value(registry, "jieyong_jt808_closed_total", cause="idle") == 1
    assert value(registry, "jieyong_jt808_frames_total", message="0x0200") == 101
    assert value(registry, "jieyong_jt808_bad_frames_total", fault="checksum") == 6
    assert value(registry, "jieyong_jt808_refusals_total", cause="code") == 8
    assert value(registry, "jieyong_jt808_quarantined_pieces_total", fault="time") == 10
    assert value(registry, "jieyong_jt808_dropped_pieces_total", fault="unknown_terminal") == 11


def test_a_gateway_nobody_spoke_to_says_nothing_of_the_last_frame() -> None:
    registry = make_registry(lambda: jt808_metrics(Jt808Stats()))
    assert value(registry, "jieyong_jt808_last_frame_timestamp_seconds") is None
