"""A backup comes back as it was, into a database that was just created."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from jieyong.embedded.binaries import BIN_IN_PACKAGE, wheel_package
from registry.audit import Act, record
from storage.backup import programs
from storage.backup.backup import backup, manifest_of, read_manifest, restore
from storage.backup.programs import BackupError
from storage.backup.sums import sums, tables
from storage.migrate import migrate
from storage.prepare import prepare
from storage.settings import DatabaseSettings
from tests.integration.rules.world import add_room, store

Conn = psycopg.Connection[Any]
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
PLACES = [*programs.usual_places(), wheel_package() / BIN_IN_PACKAGE]


@pytest.fixture
def conn(database: str) -> Iterator[Conn]:
    """Some rows of what is polled, entered and done."""
    with psycopg.connect(database, autocommit=True) as connection:
        room = add_room(connection)
        store(connection, room.points["run"], [(minute, minute / 3) for minute in range(500)])
        store(connection, room.points["mode"], [(5, float("nan"))])
        record(connection, Act("王会计", NOW), "bill.enter", "510001", {"amount": "80.50"})
        connection.execute("INSERT INTO institution (code, name) VALUES ('x', E'换\\n行\\t\\\\')")
        yield connection


def test_it_comes_back_as_it_was_and_works(
    conn: Conn, database: str, blank_database: str, tmp_path: Path
) -> None:
    file = tmp_path / "节用.dump"
    ticks = list[int]()
    told = backup(database, file, NOW, PLACES, lambda: ticks.append(1))
    assert len(ticks) == len(told.tables) == len(tables(conn))
    assert {one.name: one.rows for one in told.tables}["reading"] == 501
    assert restore(blank_database, file, PLACES) == told
    with psycopg.connect(blank_database, autocommit=True) as back:
        with back.transaction():
            assert sums(back) == told.tables
        # It goes on where it was: nothing is left to migrate, ids go on, triggers work.
        prepare(blank_database, DatabaseSettings())
        (row,) = back.execute(
            "INSERT INTO institution (code, name) VALUES ('y', 'y') RETURNING id"
        ).fetchall()
        (highest,) = conn.execute("SELECT max(id) FROM institution").fetchall()
        assert row[0] == highest[0] + 1
        with pytest.raises(psycopg.errors.RaiseException):
            back.execute("DELETE FROM audit_log")
    with psycopg.connect(blank_database) as later:
        assert later.execute("SHOW jit").fetchone() == ("off",)


def test_what_is_written_meanwhile_is_in_the_next_one(
    conn: Conn, database: str, blank_database: str, tmp_path: Path
) -> None:
    def write() -> None:
        conn.execute(
            "INSERT INTO institution (code, name) VALUES (gen_random_uuid()::text, 'meanwhile')"
        )

    told = backup(database, tmp_path / "x", NOW, PLACES, write)
    restore(blank_database, tmp_path / "x", PLACES)
    with psycopg.connect(blank_database) as back:
        found = back.execute("SELECT count(*) FROM institution WHERE name = 'meanwhile'").fetchone()
    assert found == (0,)
    assert {one.name: one.rows for one in told.tables}["institution"] == 2


def test_a_damaged_one_is_refused(
    conn: Conn, database: str, blank_database: str, tmp_path: Path
) -> None:
    file = tmp_path / "x"
    backup(database, file, NOW, PLACES)
    with pytest.raises(BackupError, match="is there already"):
        backup(database, file, NOW, PLACES)
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(BackupError, match="not what was written"):
        restore(blank_database, file, PLACES)
    file.write_bytes(whole)
    manifest_of(file).write_text("{}", "utf-8")
    with pytest.raises(BackupError, match="cannot be read"):
        read_manifest(file)
    manifest_of(file).unlink()
    with pytest.raises(BackupError, match="belongs to the dump"):
        restore(blank_database, file, PLACES)


def test_a_database_with_tables_is_refused(conn: Conn, database: str, tmp_path: Path) -> None:
    backup(database, tmp_path / "x", NOW, PLACES)
    with pytest.raises(BackupError, match=r"the database has \d+ tables"):
        restore(database, tmp_path / "x", PLACES)
    assert conn.execute("SELECT count(*) FROM institution").fetchone() == (2,)


def test_what_came_back_otherwise_is_told(
    conn: Conn, database: str, blank_database: str, tmp_path: Path
) -> None:
    file = tmp_path / "x"
    backup(database, file, NOW, PLACES)
    told = manifest_of(file).read_text("utf-8")
    (line,) = [one for one in told.splitlines() if '"name": "audit_log"' in one] or [""]
    assert line
    place = told.index('"audit_log"')
    rows = told.index('"rows": 1', place)
    manifest_of(file).write_text(told[:rows] + '"rows": 2' + told[rows + 9 :], "utf-8")
    with pytest.raises(BackupError, match="not what was there, in audit_log"):
        restore(blank_database, file, PLACES)


def test_without_a_fitting_program_it_says_what_to_install(
    conn: Conn, database: str, tmp_path: Path
) -> None:
    with pytest.raises(BackupError, match="install postgresql-client"):
        backup(database, tmp_path / "x", NOW, [tmp_path])
    assert [*tmp_path.iterdir()] == []


def test_one_that_fails_leaves_nothing(conn: Conn, database: str, tmp_path: Path) -> None:
    conn.execute("CREATE ROLE nobody_else LOGIN PASSWORD 'x'")
    try:
        with pytest.raises((BackupError, psycopg.Error)):
            backup(
                psycopg.conninfo.make_conninfo(database, user="nobody_else", password="x"),
                tmp_path / "x",
                NOW,
                PLACES,
            )
    finally:
        conn.execute("DROP ROLE nobody_else")
    assert [*tmp_path.iterdir()] == []


def test_an_older_state_of_the_schema_is_brought_up_to_date_afterwards(
    database: str, blank_database: str, tmp_path: Path
) -> None:
    backup(database, tmp_path / "x", NOW, PLACES)
    restore(blank_database, tmp_path / "x", PLACES)
    assert migrate(blank_database) == migrate(database)
