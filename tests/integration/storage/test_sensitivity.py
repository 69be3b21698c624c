"""Who is sensitive when: one view, of vehicles and of what else burns fuel."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest

from fleet.ledger.sensitive import sensitive_codes
from storage.migrate import DIRECTORY, migrate

EVER = date.min, date.max
_FACT = """
INSERT INTO consumer_fact (consumer_id, name, value, since, key, content, entered_by, entered_at,
    withdrawn_by, withdrawn_at)
SELECT id, 'secrecy', %s, %s, %s, '', 'test', now(), %s, %s FROM fuel_consumer
WHERE code = %s AND withdrawn_at IS NULL
"""


def told(conn: psycopg.Connection[Any]) -> None:
    """A is sensitive by the inventory, B twice, the boiler and the unlisted C from a day on."""
    conn.execute("INSERT INTO institution (code, name) VALUES ('i', '局')")
    for code in "ABN":
        conn.execute(
            "INSERT INTO vehicle (code, plate, institution_id, energy, sensitive)"
            " SELECT %s, %s, id, 'petrol', %s FROM institution",
            [code, f"川{code}", code == "A"],
        )
    for code, kind in (("B", "vehicle"), ("N", "vehicle"), ("boiler", "boiler"), ("C", "vessel")):
        conn.execute(
            "INSERT INTO fuel_consumer (code, kind, institution_id, vehicle_id, key, content,"
            " entered_by, entered_at) SELECT %s, %s, i.id,"
            " (SELECT id FROM vehicle WHERE code = %s), %s, '', 'test', now() FROM institution i",
            [code, kind, code, code],
        )
    for number, (code, value, since, gone) in enumerate(
        (
            ("B", "sensitive", date(2026, 2, 1), False),
            ("B", "ordinary", date(2026, 2, 10), False),
            ("B", "sensitive", date(2026, 5, 1), False),
            ("B", "ordinary", date(2026, 5, 3), True),
            ("N", "sensitive", date(2026, 1, 1), True),
            ("N", "ordinary", date(2026, 1, 1), False),
            ("boiler", "sensitive", date(2026, 3, 1), False),
            ("C", "sensitive", date(2026, 3, 1), False),
        )
    ):
        by = ("test", "2026-06-01Z") if gone else (None, None)
        conn.execute(_FACT, [value, since, str(number), *by, code])
    conn.execute(
        "UPDATE fuel_consumer SET withdrawn_by = 'test', withdrawn_at = now() WHERE code = 'C'"
    )


def of_vehicles(conn: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    query = "SELECT v.code, s.since::text, s.until::text FROM vehicle_sensitivity s"
    return conn.execute(
        f"{query} JOIN vehicle v ON v.id = vehicle_id ORDER BY 1, 2".encode()
    ).fetchall()


def test_what_was_known_stays_and_other_consumers_join_it(
    blank_database: str, tmp_path: Path
) -> None:
    """From 0023, with data in it."""
    for file in DIRECTORY.glob("*.sql"):
        if file.name < "0024":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    migrate(blank_database, tmp_path)
    with psycopg.connect(blank_database, autocommit=True) as conn:
        told(conn)
        known = of_vehicles(conn)
        migrate(blank_database)
        assert of_vehicles(conn) == known
        assert known == [
            ("A", "-infinity", "infinity"),
            ("B", "2026-02-01", "2026-02-10"),
            ("B", "2026-05-01", "infinity"),
        ]
        assert sensitive_codes(conn, *EVER) == {"A", "B", "boiler"}


@pytest.mark.parametrize(
    ("first", "last", "sensitive"),
    [
        (date(2026, 1, 1), date(2026, 1, 31), {"A"}),
        (date(2026, 1, 1), date(2026, 2, 1), {"A", "B"}),
        (date(2026, 2, 9), date(2026, 2, 28), {"A", "B"}),
        (date(2026, 2, 10), date(2026, 2, 28), {"A"}),
        (date(2026, 2, 10), date(2026, 3, 1), {"A", "boiler"}),
        (date(2027, 1, 1), date(2027, 1, 1), {"A", "B", "boiler"}),
    ],
)
def test_whoever_is_sensitive_on_a_day_of_some_is_found(
    database: str, first: date, last: date, sensitive: set[str]
) -> None:
    with psycopg.connect(database, autocommit=True) as conn:
        told(conn)
        assert sensitive_codes(conn, first, last) == sensitive


_LEDGER = """
INSERT INTO fuel_consumer (code, kind, institution_id, key, content, entered_by, entered_at)
SELECT 'L', 'vehicle', id, 'L', '', 'test', now() FROM institution
"""
_INVENTORY = """
INSERT INTO vehicle (code, plate, institution_id, energy) SELECT 'L', '川L', id, 'petrol'
FROM institution
"""
_OF_L = "SELECT count(*) FROM vehicle_sensitivity s JOIN vehicle v ON v.id = s.vehicle_id"
_TO_WITHHOLD = "SELECT count(*) FROM withhold_due"


def _ledger(conn: psycopg.Connection[Any]) -> None:
    conn.execute("INSERT INTO institution (code, name) VALUES ('i', '局')")
    conn.execute(_LEDGER)
    conn.execute(_FACT, ["sensitive", date(2026, 2, 1), "L", None, None, "L"])


def test_a_vehicle_that_the_ledger_knew_first_is_as_sensitive(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as conn:
        _ledger(conn)
        conn.execute(_INVENTORY)
        assert conn.execute(_OF_L).fetchone() == (1,)
        assert conn.execute(_TO_WITHHOLD).fetchone() != (0,)


def test_those_that_were_never_linked_are(blank_database: str, tmp_path: Path) -> None:
    """From 0031, with data in it."""
    for file in DIRECTORY.glob("*.sql"):
        if file.name < "0032":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    migrate(blank_database, tmp_path)
    with psycopg.connect(blank_database, autocommit=True) as conn:
        _ledger(conn)
        conn.execute(_INVENTORY)
        assert conn.execute(_OF_L).fetchone() == (0,)
        migrate(blank_database)
        assert conn.execute(_OF_L).fetchone() == (1,)
        assert conn.execute(_TO_WITHHOLD).fetchone() != (0,)
