"""What stands behind whom, said later: all whom it concerns are looked at again."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from storage.migrate import migrate
from tests.integration.metering.tree.town import Town
from tests.integration.rules.figures import found, load_rules, put
from tests.integration.rules.test_meters import STILL, STUCK, usual
from tests.integration.rules.test_vehicles_migration import migrated
from tests.integration.rules.world import Conn, look

_DUE = """
SELECT meter.code FROM rules_due JOIN meter ON meter.id = subject WHERE kind = 'meter'
GROUP BY 1 ORDER BY 1
"""


@pytest.fixture
def town(conn: Conn) -> Town:
    """A main meter, and two meters of its rooms that nobody hung behind it."""
    town = Town(conn)
    town.house("i")
    for code in ("power", "sub", "other"):
        town.meter(code, "r-i", energy="electricity", unit="kWh")
    return town


def test_hung_behind_a_main_afterwards_a_meter_says_what_a_fresh_look_says(
    conn: Conn, town: Town
) -> None:
    load_rules(conn, STUCK, STILL)
    main = usual(65, 4.0, 30.0)
    sub, other = main * 0.5, main * 0.4
    sub[20:32] = 0
    for code, hours in (("power", main), ("sub", sub), ("other", other)):
        put(town, code, 0, hours)
    look(conn)
    assert found(conn) == [("still", "sub", 20.0, 32.0)]
    town.hang("sub", "power")
    town.hang("other", "power")
    look(conn)
    assert [row[:2] for row in found(conn)] == [("stuck", "sub")]
    # Without its sibling nobody tells what of the main was for it.
    conn.execute("DELETE FROM meter_main WHERE meter_id = %s", [town.ids["other"]])
    look(conn)
    later = found(conn)
    conn.execute("TRUNCATE episode")
    conn.execute("UPDATE meter_main SET valid = valid")
    look(conn)
    assert found(conn) == later


def test_hung_or_taken_off_the_main_the_meter_and_its_siblings_are_due(
    conn: Conn, town: Town
) -> None:
    load_rules(conn, STUCK)
    town.hang("other", "power")
    conn.execute("TRUNCATE rules_due")
    town.hang("sub", "power")
    assert conn.execute(_DUE).fetchall() == [("other",), ("power",), ("sub",)]
    conn.execute("TRUNCATE rules_due")
    conn.execute("DELETE FROM meter_main WHERE meter_id = %s", [town.ids["sub"]])
    assert conn.execute(_DUE).fetchall() == [("other",), ("power",), ("sub",)]


def test_what_hung_before_the_migration_is_looked_at(blank_database: str, tmp_path: Path) -> None:
    migrated(blank_database, tmp_path, "0043")
    with psycopg.connect(blank_database, autocommit=True) as conn:
        town = Town(conn)
        town.house("i")
        for code in ("power", "sub", "alone"):
            town.meter(code, "r-i", energy="electricity", unit="kWh")
        load_rules(conn, STUCK)
        town.hang("sub", "power")
        conn.execute("TRUNCATE rules_due")
        migrate(blank_database)
        assert conn.execute(_DUE).fetchall() == [("sub",)]
