"""What was found of devices before their buses were known is looked at again."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from rules.cases.life import State
from rules.cases.listing import Wanted, doubts
from rules.subjects.devices import due
from storage import dirty
from storage.migrate import DIRECTORY, migrate
from tests.integration.rules.test_silent import RULES, polled
from tests.integration.rules.world import Conn, add_point, add_room, at, load_rules, look, store

_TOLD = """
INSERT INTO episode (rule_id, sort, subject_id, since, confirmed_at, until, stood_us, behind)
SELECT rule.id, 'device', device.id, %(since)s, %(until)s, %(until)s, 1, 'edge' FROM rule, device;
"""
_ASKED = """
INSERT INTO doubt (rule_code, sort, subject_id, since, until, opened_at, state, changed_at)
SELECT 'silent', 'device', id, %(since)s, %(until)s, %(until)s, 'asked', %(until)s FROM device
"""


def test_a_silence_of_the_whole_bus_is_asked_about_no_more(
    blank_database: str, tmp_path: Path
) -> None:
    for file in DIRECTORY.glob("*.sql"):
        if file.name < "0033":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    migrate(blank_database, tmp_path)
    with psycopg.connect(blank_database, autocommit=True) as conn:
        room = add_room(conn)
        points = [room.points["run"], add_point(conn, "meter", "x", room.lamp, at(0))]
        load_rules(conn, RULES)
        for point in points:
            store(conn, point, polled(range(6)))
        for statement in (_TOLD, _ASKED):
            conn.execute(statement, {"since": at(7 * 60), "until": at(40 * 60)})
        _nothing_due(conn)
        migrate(blank_database)
        look(conn, at(40 * 60))
        found = doubts(conn, Wanted(at(0), at(100 * 60)))
        assert [(one.subject, one.state) for one in found] == [
            (code, State.WITHDRAWN) for code in ("meter", "lamp", "ac")
        ]


@pytest.mark.parametrize("several", [True, False])
def test_buses_that_were_there_before_the_migration_make_nothing_due(
    blank_database: str, tmp_path: Path, *, several: bool
) -> None:
    for file in DIRECTORY.glob("*.sql"):
        if file.name < "0038":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    migrate(blank_database, tmp_path)
    with psycopg.connect(blank_database, autocommit=True) as conn:
        add_room(conn)
        if several:
            conn.execute(
                "INSERT INTO bus (code, transport, host, port) VALUES ('v', 'tcp', 'g', 1)"
            )
            conn.execute("UPDATE device SET bus_id = 2 WHERE code = 'lamp'")
        load_rules(conn, RULES)
        _nothing_due(conn)
        migrate(blank_database)
        assert due.follow(conn) == 0


def _nothing_due(conn: Conn) -> None:
    """All that the log says is known, and nothing of it is due."""
    dirty.follow(conn, due.CONSUMER, due.LOCK, lambda *_: 0)
    conn.execute("TRUNCATE rules_due")
