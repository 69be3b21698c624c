"""Vehicles whose papers and tracks were there before rules knew of vehicles."""

from __future__ import annotations

from pathlib import Path

import psycopg

from rules.subjects.vehicles import due
from storage.migrate import DIRECTORY, migrate
from tests.integration.fleet.joining.world import settle
from tests.integration.rules.vehicles import LONG_AGO, RULES, begin, episodes, look
from tests.integration.rules.world import load_rules
from tests.unit.fleet.joining.scene import Car, filling, in_may, subject


def test_what_was_there_is_looked_at_and_what_changes_is_noted(
    blank_database: str, tmp_path: Path
) -> None:
    for file in DIRECTORY.glob("*.sql"):
        if file.name < "0031":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    migrate(blank_database, tmp_path)
    with psycopg.connect(blank_database, autocommit=True) as conn:
        settle(conn, subject(Car("v", {}), filling(4, in_may(16), "13:00", ml=70_000)))
        migrate(blank_database)
        assert conn.execute("SELECT count(*) FROM rules_vehicle_change").fetchone() == (0,)
        vehicles = conn.execute("SELECT count(*) FROM vehicle").fetchone()
        assert (due.follow(conn),) == vehicles, "with the first month that begins"
        load_rules(conn, RULES.read_text("utf-8"), LONG_AGO)
        look(conn, begin(6, 20))
        assert ("overfill", "v", "05-16 13:00") in episodes(conn)
        for table in ("trip", "vehicle_stop", "fleet_spending", "fuel_card_fact"):
            conn.execute("TRUNCATE rules_vehicle_change")
            conn.execute(f"DELETE FROM {table}".encode())
            noted = conn.execute("SELECT count(DISTINCT vehicle_id) FROM rules_vehicle_change")
            assert noted.fetchone() == vehicles, table
