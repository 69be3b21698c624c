from __future__ import annotations

import threading
from pathlib import Path

import psycopg
import pytest

from storage.migrate import DIRECTORY, LOCK_KEY, MigrationError, migrate, pending, read


def put(directory: Path, name: str, sql: str, options: str = "") -> None:
    (directory / name).write_text(f"-- migrate:up{options}\n{sql}\n", encoding="utf-8")


def rows(conninfo: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(conninfo) as conn:
        return conn.execute(query.encode()).fetchall()


def test_the_schema_comes_about_and_a_second_run_does_nothing(blank_database: str) -> None:
    names = tuple(migration.name for migration in read(DIRECTORY))
    assert migrate(blank_database) == names
    assert migrate(blank_database) == ()
    applied = rows(blank_database, "SELECT name FROM schema_migration ORDER BY version")
    assert tuple(name for (name,) in applied) == names


def test_a_later_file_changes_a_table_that_holds_data(blank_database: str, tmp_path: Path) -> None:
    put(
        tmp_path,
        "0001_thing.sql",
        "CREATE TABLE thing (id int); INSERT INTO thing VALUES (1), (2);",
    )
    migrate(blank_database, tmp_path)
    put(
        tmp_path,
        "0002_double.sql",
        "ALTER TABLE thing ADD twice int;\nUPDATE thing SET twice = id * 2;",
    )

    assert migrate(blank_database, tmp_path) == ("0002_double.sql",)

    assert rows(blank_database, "SELECT id, twice FROM thing ORDER BY id") == [(1, 2), (2, 4)]


def test_a_failing_file_leaves_nothing_of_itself_and_all_before_it(
    blank_database: str, tmp_path: Path
) -> None:
    put(tmp_path, "0001_good.sql", "CREATE TABLE good ();")
    put(tmp_path, "0002_bad.sql", "CREATE TABLE half ();\n\nSELECT nothing FROM nowhere;")
    put(tmp_path, "0003_never.sql", "CREATE TABLE never ();")

    with pytest.raises(MigrationError, match=r'0002_bad.sql:4: relation "nowhere" does not exist'):
        migrate(blank_database, tmp_path)

    query = "SELECT to_regclass('good') IS NULL, to_regclass('half') IS NULL"
    assert rows(blank_database, query) == [(False, True)]
    put(tmp_path, "0002_bad.sql", "CREATE TABLE half ();")
    assert migrate(blank_database, tmp_path) == ("0002_bad.sql", "0003_never.sql")


def test_an_applied_file_that_was_changed_is_refused_by_name(
    blank_database: str, tmp_path: Path
) -> None:
    put(tmp_path, "0001_a.sql", "SELECT 1;")
    migrate(blank_database, tmp_path)
    put(tmp_path, "0001_a.sql", "SELECT 2;")
    with pytest.raises(MigrationError, match=r"0001_a.sql was changed after it had been applied"):
        migrate(blank_database, tmp_path)


def test_a_database_newer_than_the_code_is_refused(blank_database: str, tmp_path: Path) -> None:
    put(tmp_path, "0001_a.sql", "SELECT 1;")
    put(tmp_path, "0002_b.sql", "SELECT 1;")
    migrate(blank_database, tmp_path)
    (tmp_path / "0002_b.sql").unlink()
    with pytest.raises(MigrationError, match=r"0002_b.sql applied, which this code does not know"):
        migrate(blank_database, tmp_path)


def test_a_file_below_the_newest_applied_one_is_refused(
    blank_database: str, tmp_path: Path
) -> None:
    put(tmp_path, "0002_b.sql", "SELECT 1;")
    migrate(blank_database, tmp_path)
    put(tmp_path, "0001_late.sql", "SELECT 1;")
    with pytest.raises(MigrationError, match=r"0001_late.sql was added below 0002"):
        migrate(blank_database, tmp_path)


def test_pending_says_what_is_missing_and_changes_nothing(
    blank_database: str, tmp_path: Path
) -> None:
    put(tmp_path, "0001_a.sql", "SELECT 1;")
    with psycopg.connect(blank_database) as conn:
        assert [m.name for m in pending(conn, read(tmp_path))] == ["0001_a.sql"]
    migrate(blank_database, tmp_path)
    put(tmp_path, "0002_b.sql", "SELECT 1;")
    with psycopg.connect(blank_database) as conn:
        assert [m.name for m in pending(conn, read(tmp_path))] == ["0002_b.sql"]


def test_runners_at_the_same_time_apply_each_file_once(blank_database: str, tmp_path: Path) -> None:
    put(tmp_path, "0001_count.sql", "CREATE TABLE run (); SELECT pg_sleep(0.3);")
    put(tmp_path, "0002_one.sql", "INSERT INTO run DEFAULT VALUES;")
    # Waits for every older snapshot: a runner waiting inside a statement would be a deadlock.
    put(
        tmp_path,
        "0003_index.sql",
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS run_i ON run ((1));",
        " transaction:false",
    )
    applied: list[tuple[str, ...]] = []
    runners = [
        threading.Thread(target=lambda: applied.append(migrate(blank_database, tmp_path)))
        for _ in range(4)
    ]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join(60)

    names = ("0001_count.sql", "0002_one.sql", "0003_index.sql")
    assert sorted(applied) == [(), (), (), names]
    assert rows(blank_database, "SELECT count(*) FROM run") == [(1,)]


def test_a_runner_gives_up_on_a_lock_that_stays_taken(blank_database: str, tmp_path: Path) -> None:
    put(tmp_path, "0001_a.sql", "SELECT 1;")
    with psycopg.connect(blank_database) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [LOCK_KEY])
        with pytest.raises(MigrationError, match=r"has been migrating this database for 0 s"):
            migrate(blank_database, tmp_path, lock_wait_s=0.2)
    assert migrate(blank_database, tmp_path) == ("0001_a.sql",)


def test_a_lost_connection_is_not_called_a_faulty_file(blank_database: str, tmp_path: Path) -> None:
    put(tmp_path, "0001_a.sql", "SELECT pg_terminate_backend(pg_backend_pid());")
    with pytest.raises(psycopg.OperationalError):
        migrate(blank_database, tmp_path)
