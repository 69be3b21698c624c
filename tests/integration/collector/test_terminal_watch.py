from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping

import psycopg
import pytest

from collector.terminal_watch import TerminalWatch
from registry.snapshot import load_terminals
from tests.integration.fleet.world import NOW
from tests.processes import PATIENCE_S


@pytest.fixture
def conn(database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database, autocommit=True) as conn:
        yield conn


class Told:
    def __init__(self) -> None:
        self.terminals: Mapping[str, int] = {}
        self.came = threading.Event()

    def __call__(self, terminals: Mapping[str, int]) -> None:
        self.terminals = terminals
        self.came.set()

    def wait(self) -> Mapping[str, int]:
        assert self.came.wait(PATIENCE_S)
        self.came.clear()
        return self.terminals


def test_changes_are_told_and_a_database_that_is_away_changes_nothing(
    conn: psycopg.Connection, database: str
) -> None:
    told = Told()
    away = threading.Event()
    tried = threading.Event()

    def connect() -> psycopg.Connection:
        if away.is_set():
            tried.set()
            raise psycopg.OperationalError("away")
        return psycopg.connect(database, autocommit=True)

    watch = TerminalWatch(connect, lambda conn: load_terminals(conn, NOW), told, {}, 0.01)
    watch.start()
    try:
        conn.execute("INSERT INTO terminal (code) VALUES ('a')")
        assert set(told.wait()) == {"a"}
        away.set()
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert tried.wait(PATIENCE_S)
        conn.execute("UPDATE terminal SET valid = '[,2026-01-01Z)'")
        assert not told.came.is_set(), "what was known holds"
        away.clear()
        assert told.wait() == {}
    finally:
        watch.stop()
    assert watch.changes == 2
    assert watch.failures >= 1
