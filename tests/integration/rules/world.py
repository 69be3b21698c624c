"""A room with an air conditioner and a lighting circuit, in a real database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from metering.gauge.settings import GaugeSettings
from registry.audit import Act
from rules.ruleset.reading import read_rule_set
from rules.ruleset.store import Loaded, load
from rules.subjects import catalogue
from rules.work.settings import RulesSettings
from rules.work.worker import Worker

Conn = psycopg.Connection[Any]
ZONE = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 7, 6, 0, 0, tzinfo=ZONE).astimezone(UTC)
"""A Monday's midnight."""
ACT = Act("rules@test", START)
PROFILES = Path(__file__).parents[3] / "collector" / "profiles"
GAUGES = GaugeSettings(gauge_silence_s=900, state_silence_s=3600)

RULES = """
code: tests
title: 测试
hours:
  - {code: office, workday: [08:00-18:00], weekend: [], holiday: []}
rules:
  - {code: cold, kind: aircon.cooling, title: 制冷, for: 15m, gap: 5m, silence: 30m,
     severity: notice, source: 42号}
  - {code: night, kind: aircon.outside_hours, title: 夜间, hours: office, for: 30m,
     severity: notice, source: 惯例}
  - {code: lamp, kind: lighting.nobody, title: 无人亮灯, for: 20m, gap: 5m, silence: 30m,
     severity: notice, source: 惯例}
"""


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


@dataclass(frozen=True)
class Room:
    """Ids of its places, and of points by name."""

    aircon: int
    lamp: int
    points: dict[str, int]


def add_room(conn: Conn) -> Room:
    conn.execute("INSERT INTO institution (code, name) VALUES ('i', '局')")
    conn.execute("INSERT INTO building (code, name, institution_id) VALUES ('b', '楼', 1)")
    conn.execute("INSERT INTO room (code, name, building_id) VALUES ('r', '301 室', 1)")
    conn.execute("INSERT INTO bus (code, transport, host, port) VALUES ('u', 'tcp', 'h', 502)")
    points: dict[str, int] = {}
    aircon = _add_place(conn, "ac", "reference-ac-unit", points)
    lamp = _add_place(conn, "lamp", "reference-lighting-circuit", points)
    return Room(aircon, lamp, points)


def _add_place(conn: Conn, code: str, profile: str, points: dict[str, int]) -> int:
    body = (PROFILES / f"{profile}.yaml").read_text("utf-8")
    place = _id(conn, "INSERT INTO place (code, name, measures) VALUES (%s, %s, 'x')", code, code)
    conn.execute("INSERT INTO place_room VALUES (%s, 1, '[,)')", [place])
    of = _id(
        conn,
        "INSERT INTO profile (code, version, sha256, body) VALUES (%s, 1, 'x', %s)",
        code,
        body,
    )
    device = _id(
        conn,
        "INSERT INTO device (code, name, profile_id, bus_id, unit, interval_s, timeout_ms)"
        " VALUES (%s, %s, %s, 1, 1, 60, 500)",
        code,
        code,
        of,
    )
    conn.execute("INSERT INTO device_place VALUES (%s, %s, '[,)')", [device, place])
    names = ("run", "mode", "set_point") if code == "ac" else ("relay", "occupancy")
    for name in names:
        points[name] = _id(
            conn,
            "INSERT INTO point (device_id, name, label, unit, class) VALUES (%s, %s, %s, '', %s)",
            device,
            name,
            name,
            "gauge" if name == "set_point" else "state",
        )
    return place


def add_point(conn: Conn, device: str, name: str, place: int, since: datetime) -> int:
    """Hang another device at a place, unless it hangs there; return its point."""
    conn.execute(
        "INSERT INTO device (code, name, profile_id, bus_id, unit, interval_s, timeout_ms)"
        " SELECT %s, %s, id, 1, 2, 60, 500 FROM profile WHERE code = 'lamp'"
        " ON CONFLICT DO NOTHING",
        [device, device],
    )
    bound = _id(conn, "UPDATE device SET name = name WHERE code = %s", device)
    conn.execute(
        "INSERT INTO device_place SELECT %s, %s, tstzrange(%s, NULL) WHERE NOT EXISTS"
        " (SELECT FROM device_place WHERE device_id = %s)",
        [bound, place, since, bound],
    )
    insert = "INSERT INTO point (device_id, name, label, unit, class) VALUES (%s, %s, %s, '', %s)"
    return _id(conn, insert, bound, name, name, "state")


def _id(conn: Conn, query: str, *values: object) -> int:
    row = conn.execute(f"{query} RETURNING id".encode(), values).fetchone()
    assert row is not None
    return int(row[0])


def store(conn: Conn, point: int, readings: Iterable[tuple[float, float | None]]) -> None:
    """Readings at minutes after the start, with their entry in the dirty log."""
    rows = [(point, at(m), value, int(value is None), 1, at(m), at(m)) for m, value in readings]
    with conn.transaction():
        for row in rows:
            conn.execute(
                "INSERT INTO reading VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                row,
            )
            conn.execute(
                "INSERT INTO dirty_log (kind, subjects, ts_from, ts_to)"
                " VALUES ('reading', %s, %s, %s)",
                [[point], row[1], row[1]],
            )


def load_rules(conn: Conn, text: str = RULES, now: datetime = START) -> Loaded:
    return load(conn, Act("rules@test", now), read_rule_set(text, "rules.yaml", ZONE))


def look(conn: Conn, now: datetime = START) -> int:
    """Follow the log and compute what is due; returns how many episodes were written."""
    catalogue.follow(conn)
    worker = Worker(conn, RulesSettings(), GAUGES, ZONE, lambda: now)
    while True:
        outcome = worker.step()
        assert not outcome.failed
        if not outcome.done:
            return worker.episodes


def episodes(conn: Conn) -> list[tuple[str, str, float, float, float, str]]:
    """Rule, place, and since, confirmed and until in minutes after the start, and what follows."""
    rows = conn.execute(
        "SELECT rule.code, place.code, since, confirmed_at, until, behind FROM episode"
        " JOIN rule ON rule.id = rule_id JOIN place ON sort = 'place' AND place.id = subject_id"
        " ORDER BY 1, 2, 3"
    )
    minute = timedelta(minutes=1)
    return [
        (rule, place, *((moment - START) / minute for moment in moments), behind)
        for rule, place, *moments, behind in rows
    ]
