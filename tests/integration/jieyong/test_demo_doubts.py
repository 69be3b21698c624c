"""The demo's past holds what air conditioners and lights did, and rules find doubts in it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg

from collector.profile import catalogue
from jieyong.collect import PROFILES
from jieyong.demo import doubts, past
from metering.facts.sync import bring_inventory
from registry.audit import Act
from registry.reading import read_inventory
from simulators.county import Size, county
from simulators.inventory import inventory_yaml
from simulators.scenario import with_ports

WEEK = [date(2026, 7, 6) + timedelta(days=number) for number in range(5)]
"""Five workdays of a summer."""
END = datetime(2026, 7, 11, tzinfo=ZoneInfo("Asia/Shanghai")).astimezone(UTC)


def test_a_week_of_summer_has_doubts_of_air_conditioners_and_lights(
    database: str, tmp_path: Path
) -> None:
    size = Size(institutions=2, meters=2, ac=12, lights=12, vehicles=1)
    plan = county(3, date(2026, 7, 1), size)
    plan = with_ports(plan, {bus.code: 5020 + n for n, bus in enumerate(plan.buses)})
    file = tmp_path / "inventory.yaml"
    file.write_text(inventory_yaml(plan), encoding="utf-8")
    profiles = catalogue(PROFILES)
    with psycopg.connect(database) as conn:
        bring_inventory(conn, Act("demo", END), read_inventory(file, profiles), profiles)
    made = past.make(plan, WEEK, round(END.timestamp() * 1e6), tmp_path / "past.npz")
    past.bring(database, made, round(END.timestamp() * 1e6), lambda *_: None)
    doubts.bring_rules(database, END, len(WEEK))
    doubts.bring_rules(database, END, len(WEEK))
    doubts.compute(database)
    with psycopg.connect(database) as conn:
        counts = conn.execute("SELECT rule_code, count(*) FROM doubt GROUP BY 1").fetchall()
        found: dict[str, int] = dict(counts)
        assert doubts.told(conn) == sum(found.values())
        assert conn.execute("SELECT count(*) FROM rule_set").fetchone() == (1,)
    assert any(code.startswith("lighting") for code in found), found
    assert any(code.startswith(("cooling", "aircon")) for code in found), found
