"""A yard, and vehicles that are in it at night or not."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from fleet.yards import entry
from registry.audit import Act
from tests.integration.fleet.world import add_terminal, add_vehicle, bind, write
from tests.unit.fleet.drives import LAT, LON, MINUTE, NOON, Drive

Conn = psycopg.Connection[Any]
ZONE = ZoneInfo("Asia/Shanghai")
ACT = Act("王会计", datetime(2026, 6, 5, 8, tzinfo=UTC))
YARD = {
    "code": "Y1",
    "name": "机关大院",
    "purpose": "定点停放",
    "datum": "天地图",
    "lon": str(LON),
    "lat": str(LAT),
    "radius": "300",
    "since": "2026-01-01",
}
SEALED = {"days": "节假日", "since": "2026-01-01", "reason": "节假日封存通知"}


def add(conn: Conn, code: str, *, sensitive: bool = False) -> int:
    """Add a vehicle with a terminal of the same code; return the terminal."""
    terminal = add_terminal(conn, f"t-{code}")
    bind(conn, terminal, add_vehicle(conn, code, sensitive=sensitive))
    return terminal


def bring(database: str, terminal: int, drive: Drive) -> None:
    write(database, drive.rows, {1: terminal})


def stays(start_us: int = NOON, **how: Any) -> Drive:  # noqa: ANN401
    """Stands in the yard for four days."""
    return Drive(start_us, every_s=300, **how).park(4 * 24 * 60)


def goes_out(start_us: int = NOON, **how: Any) -> Drive:  # noqa: ANN401
    """Drives 20 km away at 20:00, and comes back at 02:00; then stands for days."""
    drive = Drive(start_us, every_s=60, **how).park(8 * 60).go(20_000)
    drive.park((start_us + 14 * 60 * MINUTE - drive.now_us) / MINUTE, acc=1).go(-20_000)
    drive.every_s = 300
    return drive.park(3 * 24 * 60)


def enter(conn: Conn, kind: str, **said: str) -> int | None:
    return entry.enter(conn, ACT, kind, said, ZONE)


def text(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8")
    return path
