from __future__ import annotations

import psycopg
import pytest

from storage.engine import (
    Engine,
    EngineKind,
    EngineTooOldError,
    apply_features,
    decompress_freely,
    probe,
)
from storage.migrate import migrate
from storage.prepare import prepare
from storage.settings import DatabaseSettings
from storage.writer import BulkWriter
from tests.unit.storage.samples import HOUR_US, NOON_US, position, positions, reading, readings

CHUNKS = """
SELECT hypertable_name, time_interval FROM timescaledb_information.dimensions ORDER BY 1 DESC
"""


def test_prepare_may_be_run_any_number_of_times(blank_database: str) -> None:
    first = prepare(blank_database, DatabaseSettings())
    assert prepare(blank_database, DatabaseSettings()) == first


def test_raw_tables_are_hypertables_exactly_where_the_engine_has_them(database: str) -> None:
    with psycopg.connect(database) as conn:
        engine = probe(conn)
        if not engine.is_timescale:
            assert engine.timescale_version is None
            return
        found = [(name, interval.days) for name, interval in conn.execute(CHUNKS)]
    assert found == [("reading", 7), ("position", 1)]


def test_tables_that_hold_rows_are_converted_with_them(blank_database: str) -> None:
    migrate(blank_database)
    writer = BulkWriter(blank_database)
    slots = [NOON_US + week * 7 * 24 * HOUR_US for week in range(3)]
    writer.write([readings(*(reading(1, ts) for ts in slots)), positions(position(1), position(2))])
    writer.close()

    engine = prepare(blank_database, DatabaseSettings())

    query = "SELECT (SELECT count(*) FROM reading), (SELECT count(*) FROM position)"
    with psycopg.connect(blank_database) as conn:
        assert conn.execute(query).fetchone() == (3, 2)
        if engine.is_timescale:
            chunks = "SELECT count(*) FROM show_chunks('reading')"
            assert conn.execute(chunks).fetchone() == (3,)


def test_timescale_can_be_turned_off(blank_database: str) -> None:
    engine = prepare(blank_database, DatabaseSettings(timescale="off"))
    assert engine.kind is EngineKind.PLAIN


def test_the_bound_on_unpacked_rows_is_lifted_where_there_is_one(database: str) -> None:
    name = "timescaledb.max_tuples_decompressed_per_dml_transaction"
    with psycopg.connect(database, autocommit=True) as conn:
        probe(conn)
        known = conn.execute("SELECT setting FROM pg_settings WHERE name = %s", [name]).fetchone()
        now = "SELECT current_setting(%s, true)"
        with conn.transaction():
            decompress_freely(conn, local=True)
            assert conn.execute(now, [name]).fetchone() == ("0" if known else None,)
        assert conn.execute(now, [name]).fetchone() == (known or (None,))
        decompress_freely(conn, local=False)
        assert conn.execute(now, [name]).fetchone() == ("0" if known else None,)


def test_an_old_timescale_is_refused(database: str) -> None:
    old = Engine(EngineKind.TIMESCALE_APACHE, "15.0", "2.9.1")
    with (
        psycopg.connect(database, autocommit=True) as conn,
        pytest.raises(EngineTooOldError, match=r"TimescaleDB 2.9.1 is too old"),
    ):
        apply_features(conn, old, DatabaseSettings())
