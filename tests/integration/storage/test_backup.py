"""A backup comes back as it was, into a database that was just created."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

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


def test_nobody_else_reads_it(conn: Conn, database: str, tmp_path: Path) -> None:
    (tmp_path / "x.part").write_text("of one that was killed")
    (tmp_path / "x.part").chmod(0o644)
    backup(database, tmp_path / "x", NOW, PLACES)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o600


def test_one_that_is_broken_off_leaves_nothing(
    conn: Conn, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken_off(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(programs, "run", broken_off)
    with pytest.raises(KeyboardInterrupt):
        backup(database, tmp_path / "x", NOW, PLACES)
    assert [*tmp_path.iterdir()] == []


def test_a_place_that_is_not_there_is_told_at_once(
    conn: Conn, database: str, tmp_path: Path
) -> None:
    ticks = list[int]()
    with pytest.raises(FileNotFoundError):
        backup(database, tmp_path / "no" / "x", NOW, PLACES, lambda: ticks.append(1))
    assert ticks == []


def test_a_server_that_ends_idle_transactions_does_not_end_it(
    conn: Conn, database: str, tmp_path: Path
) -> None:
    place = tmp_path / "bin"
    place.mkdir()
    real = programs.find("pg_dump", conn.info.server_version // 10_000, PLACES)
    slow = place / "pg_dump"
    slow.write_text(f'#!/bin/sh\n"{real}" "$@" && sleep 1\n')
    slow.chmod(0o755)
    conn.execute(
        sql.SQL("ALTER DATABASE {} SET idle_in_transaction_session_timeout = 300").format(
            sql.Identifier(conn.info.dbname)
        )
    )
    backup(database, tmp_path / "x", NOW, [place])
    assert read_manifest(tmp_path / "x").tables


def test_settings_that_are_lists_come_back(
    conn: Conn, database: str, blank_database: str, tmp_path: Path
) -> None:
    conn.execute(
        sql.SQL('ALTER DATABASE {} SET search_path = public, "$user"').format(
            sql.Identifier(conn.info.dbname)
        )
    )
    backup(database, tmp_path / "x", NOW, PLACES)
    restore(blank_database, tmp_path / "x", PLACES)
    with psycopg.connect(blank_database) as back:
        assert back.execute("SHOW search_path").fetchone() == ('public, "$user"',)


def test_a_connection_may_be_a_service(
    conn: Conn, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = psycopg.conninfo.conninfo_to_dict(database)
    lines = [f"{key}={value}" for key, value in told.items()]
    (tmp_path / "services").write_text("\n".join(["[here]", *lines]))
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    assert backup("service=here", tmp_path / "x", NOW, PLACES).tables


def test_of_several_programs_the_servers_own_or_the_next_is_taken(
    conn: Conn, database: str, blank_database: str, tmp_path: Path
) -> None:
    for name in ("pg_dump", "pg_restore"):
        (tmp_path / name).write_text("#!/bin/sh\necho 'x (PostgreSQL) 99.1'\n")
        (tmp_path / name).chmod(0o755)
    backup(database, tmp_path / "x", NOW, [tmp_path, *PLACES])
    told = manifest_of(tmp_path / "x").read_text("utf-8")
    (version,) = [line for line in told.splitlines() if '"server"' in line]
    manifest_of(tmp_path / "x").write_text(told.replace(version, ' "server": "99.1",'), "utf-8")
    with pytest.raises(BackupError, match=r"the backup is of PostgreSQL 99\.1"):
        restore(blank_database, tmp_path / "x", PLACES)


def test_one_that_does_not_come_back_says_what_to_do(
    conn: Conn, database: str, blank_database: str, tmp_path: Path
) -> None:
    backup(database, tmp_path / "x", NOW, PLACES)
    with psycopg.connect(blank_database, autocommit=True) as other:
        other.execute("CREATE TYPE institution AS (one int)")
    with pytest.raises(BackupError, match="drop this database and create it anew"):
        restore(blank_database, tmp_path / "x", PLACES)
