"""What of a vehicle's days changed before rules took note of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, Final, LiteralString

import psycopg
import pytest

from rules.subjects.vehicles import due
from rules.work.learning import not_learned
from storage.migrate import migrate
from tests.integration.rules.test_vehicles_migration import migrated

Conn = psycopg.Connection[Any]
_SHARE: Final[LiteralString] = """
INSERT INTO vehicle_share (vehicle_id, day, owner_at, kind, trips, terminal_mm, fixes, left_out)
VALUES (1, (now() - %(ago)s)::date, now() - %(ago)s, %(kind)s, 0, 5000000, 2, 0)
"""
_NOTED: Final = "SELECT count(*), bool_and(ways) FROM rules_vehicle_change"
_DUE: Final = "SELECT DISTINCT subject FROM rules_due WHERE kind = 'vehicle'"


@pytest.fixture
def old(blank_database: str, tmp_path: Path) -> str:
    """A database of before, in which rules took note of all that they knew of."""
    migrated(blank_database, tmp_path, "0041")
    with psycopg.connect(blank_database, autocommit=True) as conn:
        conn.execute("INSERT INTO institution (code, name) VALUES ('i', '局')")
        conn.execute(
            "INSERT INTO vehicle (code, plate, institution_id, energy)"
            " VALUES ('v', 'v', 1, 'petrol')"
        )
        conn.execute("TRUNCATE rules_vehicle_change, rules_vehicle_paper, rules_due")
    return blank_database


@pytest.mark.parametrize(
    ("kind", "days", "noted"), [("rest", 3, 1), ("rest", 300, 0), ("trip", 3, 0)]
)
def test_what_changed_alone_before_is_looked_at_where_its_track_is_there(
    old: str, kind: str, days: int, noted: int
) -> None:
    with psycopg.connect(old, autocommit=True) as conn:
        conn.execute(_SHARE, {"ago": timedelta(days=days), "kind": kind})
        migrate(old)
        assert conn.execute(_NOTED).fetchone() == (noted, True if noted else None)
        assert not_learned(conn) == []


def test_what_a_vehicle_drove_on_a_day_makes_it_due(old: str) -> None:
    migrate(old)
    with psycopg.connect(old, autocommit=True) as conn:
        for change, rows in (
            (_SHARE, 1),
            ("UPDATE vehicle_share SET terminal_mm = NULL", 2),
            ("DELETE FROM vehicle_share", 1),
        ):
            conn.execute(change, {"ago": timedelta(days=3), "kind": "rest"})
            assert conn.execute(_NOTED).fetchone() == (rows, True), change
            assert due.follow(conn, timedelta(0)) == 1
            assert conn.execute(_DUE).fetchall() == [(1,)]
            conn.execute("TRUNCATE rules_due")
