"""What rules had found before they knew more than places stays what it was."""

from __future__ import annotations

from pathlib import Path

import psycopg

from rules.cases.life import State
from rules.cases.listing import doubt
from rules.kinds.model import Sort
from rules.work.backlog import failing
from storage.migrate import DIRECTORY, migrate
from tests.integration.rules.world import START, Conn, add_room, load_rules, look

_FOUND = """
INSERT INTO episode (rule_id, place_id, since, confirmed_at, until, stood_us, behind)
SELECT id, %(place)s, %(at)s, %(at)s, %(at)s + interval '1 hour', 1, 'false' FROM rule
WHERE code = 'cold'
"""
_TOLD = """
INSERT INTO doubt (rule_code, place_id, since, until, opened_at, state, changed_at)
VALUES ('cold', %(place)s, %(at)s, %(at)s + interval '1 hour', %(at)s, 'asked', %(at)s)
"""
_DUE = """
INSERT INTO rules_due (place_id, ts_from, ts_to, why)
VALUES (%(place)s, '-infinity', 'infinity', 'test')
"""
_FAILED = """
INSERT INTO rules_failure (place_id, error, failures, first_at, last_at, retry_at)
VALUES (%(lamp)s, 'broken', 3, %(at)s, %(at)s, %(at)s)
"""


def test_what_was_found_of_places_goes_on(blank_database: str, tmp_path: Path) -> None:
    for file in DIRECTORY.glob("*.sql"):
        if file.name < "0027":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    migrate(blank_database, tmp_path)
    with psycopg.connect(blank_database, autocommit=True) as conn:
        room = add_room(conn)
        _rules_of_then(conn)
        for statement in (_FOUND, _TOLD, _DUE, _FAILED):
            conn.execute(statement, {"place": room.aircon, "lamp": room.lamp, "at": START})
        migrate(blank_database)
        found = doubt(conn, 1)
        assert (found.sort, found.subject, found.state) == (Sort.PLACE, "ac", State.ASKED)
        assert (found.room, found.institution) == ("301 室", "i")
        assert [one.subject for one in failing(conn, 1)] == ["lamp"]
        assert look(conn) == 0
        # Nothing was measured: what was found is not found any more, and nobody asks for it.
        assert conn.execute("SELECT count(*) FROM episode").fetchone() == (0,)
        assert doubt(conn, 1).state is State.WITHDRAWN


def _rules_of_then(conn: Conn) -> None:
    """Rules as they were loaded then: their table is what it was, what was due is not."""
    conn.execute("ALTER TABLE rules_due ADD COLUMN subject int, ADD COLUMN kind text")
    conn.execute("ALTER TABLE rules_due ALTER place_id DROP NOT NULL")
    later = ("answer_days int", "answer_route text", "reading_unit text")
    for column in later:
        conn.execute(f"ALTER TABLE rule ADD COLUMN {column}".encode())
    load_rules(conn)
    for column in later:
        conn.execute(f"ALTER TABLE rule DROP COLUMN {column.split()[0]}".encode())
    conn.execute("TRUNCATE rules_due")
    conn.execute("ALTER TABLE rules_due ALTER place_id SET NOT NULL, DROP subject, DROP kind")
