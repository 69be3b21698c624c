"""What a version of the program tells otherwise than the one before is looked at again."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from storage.migrate import DIRECTORY, migrate
from tests.integration.rules.world import add_room, load_rules

DUE = "SELECT kind, count(*) FROM rules_due WHERE why = 'told otherwise' GROUP BY 1 ORDER BY 1"


@pytest.mark.parametrize("asked", [True, False])
def test_all_of_whom_something_may_have_been_found_are_due(
    blank_database: str, tmp_path: Path, asked: bool
) -> None:
    for file in DIRECTORY.glob("*.sql"):
        if file.name < "0036":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    migrate(blank_database, tmp_path)
    with psycopg.connect(blank_database, autocommit=True) as conn:
        add_room(conn)
        if asked:
            load_rules(conn)
        migrate(blank_database)
        found = conn.execute(DUE).fetchall()
    assert found == ([("bus", 1), ("device", 2), ("institution", 1)] if asked else [])
