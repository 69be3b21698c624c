from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from registry.importing import apply
from registry.snapshot import Snapshot, foreign_profiles, load
from tests.unit.registry.samples import Document, catalogue, device, document, inventory

Conn = psycopg.Connection[Any]
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def bring(conn: Conn, content: Document, now: datetime = NOW) -> None:
    apply(conn, inventory(content), catalogue(), now=now, by="tester")


def polled(snapshot: Snapshot) -> dict[str, list[str]]:
    return {bus.code: [d.code for d in bus.devices] for bus in snapshot.buses}


def test_all_that_a_collector_needs(conn: Conn) -> None:
    content = document()
    content["buses"].append(
        {"code": "gw-0", "transport": "modbus-tcp", "host": "h", "port": 1502, "gap_ms": 30}
    )
    content["devices"].append(device("m-3", 7, interval_s=300, timeout_ms=250) | {"bus": "gw-0"})
    bring(conn, content)
    snapshot = load(conn, NOW)
    assert polled(snapshot) == {"gw-0": ["m-3"], "gw-1": ["m-1", "m-2"]}
    bus = snapshot.buses[0]
    assert (bus.transport, bus.host, bus.port, bus.gap_ms) == ("modbus-tcp", "h", 1502, 30)
    (entry,) = bus.devices
    assert (entry.unit, entry.interval_s, entry.timeout_ms, entry.profile) == (7, 300, 250, "meter")
    assert entry.points == dict(
        conn.execute(
            "SELECT p.name, p.id FROM point p JOIN device d ON d.id = p.device_id "
            "WHERE d.code = 'm-3'"
        ).fetchall()
    )
    assert set(entry.points) == {"energy", "power"}
    assert conn.execute("SELECT id FROM device WHERE code = 'm-3'").fetchone() == (entry.device_id,)
    assert conn.execute("SELECT id, sha256 FROM profile").fetchone() == (
        entry.profile_id,
        entry.profile_sha256,
    )
    assert foreign_profiles(snapshot, catalogue()) == ()
    assert snapshot.terminals == dict(conn.execute("SELECT code, id FROM terminal").fetchall())


def test_what_was_closed_is_not_there_from_that_moment_on(conn: Conn) -> None:
    bring(conn, document())
    content = document()
    content["devices"].pop()
    content["terminals"].clear()
    bring(conn, content)
    just_before = NOW - timedelta(microseconds=1)
    assert polled(load(conn, just_before)) == {"gw-1": ["m-1", "m-2"]}
    assert load(conn, just_before).terminals
    assert polled(load(conn, NOW)) == {"gw-1": ["m-1"]}
    assert not load(conn, NOW).terminals


def test_a_meter_that_was_taken_down_is_not_polled(conn: Conn) -> None:
    content = document()
    content["devices"] = [
        device("m-1", 1, place="p-1", since="2025-01-01T00:00Z", until="2026-02-01T00:00Z"),
        device("m-9", 1, place="p-1", since="2026-02-02T00:00Z"),
        device("m-0", 3),
    ]
    bring(conn, content)
    hour = timedelta(hours=1)
    taken_down, put_up = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 2, 2, tzinfo=UTC)
    assert polled(load(conn, taken_down - hour)) == {"gw-1": ["m-1", "m-0"]}
    assert polled(load(conn, taken_down)) == {"gw-1": ["m-9", "m-0"]}
    assert polled(load(conn, put_up)) == {"gw-1": ["m-9", "m-0"]}


def test_an_empty_registry_is_an_empty_snapshot(conn: Conn) -> None:
    assert load(conn, NOW) == Snapshot(buses=(), terminals={})
