"""Vehicles whose papers and tracks were there before rules knew of vehicles."""

from __future__ import annotations

from pathlib import Path

import psycopg

from storage.migrate import DIRECTORY, migrate
from tests.integration.fleet.joining.world import settle
from tests.integration.rules.vehicles import LONG_AGO, RULES, begin, episodes, look
from tests.integration.rules.world import load_rules
from tests.unit.fleet.joining.scene import Car, filling, in_may, subject

_WATCHED = {"trip": True, "vehicle_stop": True, "fleet_spending": False, "fuel_card_fact": False}
"""Table → whether it tells of ways."""


def migrated(url: str, directory: Path, before: str) -> None:
    """Migrate a database by the files that come before one."""
    for file in DIRECTORY.glob("*.sql"):
        if file.name < before:
            (directory / file.name).write_bytes(file.read_bytes())
    migrate(url, directory)


def test_what_was_there_is_looked_at_and_what_changes_is_noted(
    blank_database: str, tmp_path: Path
) -> None:
    migrated(blank_database, tmp_path, "0031")
    with psycopg.connect(blank_database, autocommit=True) as conn:
        settle(conn, subject(Car("v", {}), filling(4, in_may(16), "13:00", ml=70_000)))
        migrate(blank_database)
        assert conn.execute("SELECT count(*) FROM rules_vehicle_change").fetchone() == (0,)
        vehicles = conn.execute("SELECT count(*) FROM vehicle").fetchone()
        assert (
            conn.execute("SELECT count(*) FROM rules_due WHERE kind = 'vehicle'").fetchone()
            == vehicles
        )
        load_rules(conn, RULES.read_text("utf-8"), LONG_AGO)
        look(conn, begin(6, 20))
        assert ("overfill", "v", "05-16 13:00") in episodes(conn)
        for table in ("trip", "vehicle_stop", "fleet_spending", "fuel_card_fact"):
            conn.execute("TRUNCATE rules_vehicle_change")
            conn.execute(f"DELETE FROM {table}".encode())
            noted = conn.execute("SELECT count(DISTINCT vehicle_id) FROM rules_vehicle_change")
            assert noted.fetchone() == vehicles, table


def test_what_was_followed_once_a_month_is_looked_at_and_followed(
    blank_database: str, tmp_path: Path
) -> None:
    migrated(blank_database, tmp_path, "0037")
    with psycopg.connect(blank_database, autocommit=True) as conn:
        settle(conn, subject(Car("v", {}), filling(4, in_may(16), "13:00", ml=70_000)))
        conn.execute("INSERT INTO rules_vehicle_month (month) VALUES ('2026-05-01')")
        conn.execute("TRUNCATE rules_due")
        conn.execute(
            "DELETE FROM rules_vehicle_change WHERE id > (SELECT min(id) FROM rules_vehicle_change)"
        )
        migrate(blank_database)
        waiting = conn.execute("SELECT ways FROM rules_vehicle_change").fetchall()
        assert waiting == [(False,)], "what waits is followed as far as it was"
        due_ = conn.execute(
            "SELECT count(DISTINCT subject), min(ts_from)::text, max(ts_to)::text FROM rules_due"
            " WHERE kind = 'vehicle'"
        ).fetchone()
        (count,) = conn.execute("SELECT count(*) FROM vehicle").fetchone() or (0,)
        assert due_ == (count, "-infinity", "infinity")
        load_rules(conn, RULES.read_text("utf-8"), LONG_AGO)
        look(conn, begin(6, 20))
        assert ("overfill", "v", "05-16 13:00") in episodes(conn)
        for table, ways in _WATCHED.items():
            conn.execute("TRUNCATE rules_vehicle_change, rules_vehicle_paper")
            conn.execute(f"DELETE FROM {table}".encode())
            told = conn.execute("SELECT DISTINCT ways FROM rules_vehicle_change").fetchall()
            papers = conn.execute("SELECT count(*) FROM rules_vehicle_paper").fetchone()
            assert told == [(ways,)], table
            assert papers == (0 if ways else 1,), table
