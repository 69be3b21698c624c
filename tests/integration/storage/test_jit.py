"""The server does not compile our statements."""

from __future__ import annotations

import psycopg

from storage.migrate import read
from storage.prepare import prepare
from storage.settings import DatabaseSettings


def jit_of(conninfo: str) -> str:
    with psycopg.connect(conninfo) as conn:
        return str(conn.execute("SELECT current_setting('jit')").fetchall()[0][0])


def test_a_prepared_database_does_not_compile(blank_database: str) -> None:
    assert jit_of(blank_database) == "on"
    prepare(blank_database, DatabaseSettings())
    assert jit_of(blank_database) == "off"


def test_who_does_not_own_the_database_is_not_kept_from_migrating(blank_database: str) -> None:
    [step] = [one for one in read() if one.name.startswith("0022")]
    with psycopg.connect(blank_database) as conn:
        conn.execute("SET ROLE pg_monitor")
        conn.execute(step.sql)
        told = conn.execute("SELECT current_setting('jit')").fetchall()
    assert told == [("on",)]
    assert jit_of(blank_database) == "on"
