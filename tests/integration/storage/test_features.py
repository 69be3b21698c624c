"""What follows from the engine: compression where it has them, nothing elsewhere.

The community edition is in no Debian package: it is run by pointing JIEYONG_TIMESCALE_ROOT at a
root directory that has one built from source. Everything here holds on every engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from storage import latest
from storage.engine import Engine, EngineKind, apply_features, enable_timescale, probe
from storage.migrate import DIRECTORY, migrate
from storage.prepare import prepare
from storage.records import Batch, Kind
from storage.settings import DatabaseSettings
from storage.withhold import Span
from storage.withhold_stored import withhold_stored
from storage.writer import BulkWriter
from tests.unit.storage.samples import HOUR_US, NOON_US, position, positions, reading, readings

WEEK_US = 7 * 24 * HOUR_US
POINTS = range(1, 401)
JOBS = """
SELECT proc_name, hypertable_name, config ->> 'compress_after', config ->> 'drop_after'
FROM timescaledb_information.jobs WHERE proc_name IN ('policy_compression', 'policy_retention')
ORDER BY 1, 2
"""


@pytest.fixture
def conn(database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database, autocommit=True) as conn:
        yield conn


def policies(conn: psycopg.Connection, settings: DatabaseSettings) -> list[tuple[str, ...]]:
    engine = probe(conn)
    for _ in range(2):
        apply_features(conn, engine, settings)
    return conn.execute(JOBS).fetchall() if engine.is_timescale else []


def expected(engine: Engine, after_days: int) -> list[tuple[object, ...]]:
    if engine.kind is not EngineKind.TIMESCALE_COMMUNITY:
        return []
    after = f"{after_days} days"
    return [
        ("policy_compression", "position", after, None),
        ("policy_compression", "reading", after, None),
    ]


def test_policies_are_those_of_the_settings_and_follow_them(conn: psycopg.Connection) -> None:
    engine = probe(conn)
    assert policies(conn, DatabaseSettings()) == expected(engine, 30)
    changed = DatabaseSettings(compress_after_days=60, position_retention_days=365)
    assert policies(conn, changed) == expected(engine, 60)
    assert policies(conn, DatabaseSettings()) == expected(engine, 30)


def test_a_retention_policy_of_earlier_versions_goes_away(conn: psycopg.Connection) -> None:
    """It knew nothing of trips that are still to be computed."""
    engine = probe(conn)
    if engine.kind is EngineKind.TIMESCALE_COMMUNITY:
        conn.execute("SELECT add_retention_policy('position', interval '90 days')")
    settings = DatabaseSettings(position_retention_days=90)
    assert policies(conn, settings) == expected(engine, 30)


def compress_where_possible(conn: psycopg.Connection) -> None:
    if probe(conn).kind is EngineKind.TIMESCALE_COMMUNITY:
        for table in ("reading", "position"):
            conn.execute("SELECT compress_chunk(chunk) FROM show_chunks(%s) AS chunk", [table])


def slots(offset_us: int, value: float = 1.0) -> list[Batch]:
    """A row of each point in each of 300 quarter hours of a week."""
    times = [NOON_US + offset_us + slot * HOUR_US // 4 for slot in range(300)]
    return [readings(*(reading(point, ts, value) for point in POINTS)) for ts in times]


def test_late_replayed_and_contradicting_rows_reach_chunks_that_are_compressed(
    database: str, conn: psycopg.Connection
) -> None:
    with closing(BulkWriter(database)) as writer:
        writer.write(slots(0))
        writer.write([positions(*(position(at, NOON_US, at) for at in POINTS))])
        latest.refresh(conn)
        compress_where_possible(conn)
        # 120 000 rows each: more than a transaction may decompress unless it is told otherwise.
        replayed = writer.write([*slots(0), positions(position(1, NOON_US, 1))])
        assert replayed.duplicates == {Kind.READING: 120_000, Kind.POSITION: 1}
        assert writer.write(slots(0, 2.0)).conflicts == {Kind.READING: 120_000}
        late = writer.write([*slots(HOUR_US // 8), positions(position(1, NOON_US, 2))])
        assert late.inserted == {Kind.READING: 120_000, Kind.POSITION: 1}
    assert latest.refresh(conn) == len(POINTS) + 1
    counts = "SELECT (SELECT count(*) FROM reading), (SELECT count(*) FROM reading_conflict)"
    assert conn.execute(counts).fetchone() == (240_000, 120_000)


def test_new_rows_beside_compressed_ones_take_the_fast_path(
    database: str, conn: psycopg.Connection
) -> None:
    with closing(BulkWriter(database)) as writer:
        writer.write(slots(0))
        compress_where_possible(conn)
        writer.write(slots(HOUR_US // 8))
        writer.write(slots(-4 * WEEK_US))
        assert (writer.fast_writes, writer.slow_writes) == (3, 0)


def test_latest_values_are_found_in_compressed_chunks_when_looked_up_anew(
    database: str, conn: psycopg.Connection
) -> None:
    with closing(BulkWriter(database)) as writer:
        writer.write(slots(0)[:3])
        writer.write([positions(*(position(at, NOON_US, at) for at in POINTS))])
    compress_where_possible(conn)
    assert latest.refresh(conn) == 2 * len(POINTS)
    newest = "SELECT DISTINCT ts = (SELECT max(ts) FROM reading) FROM latest_reading"
    assert conn.execute(newest).fetchall() == [(True,)]


def test_places_can_be_withheld_in_a_database_that_was_compressed_before(
    blank_database: str, tmp_path: Path
) -> None:
    """The migration of privacy meets hypertables of an earlier version, with rows in them."""
    for file in DIRECTORY.glob("*.sql"):
        if file.name < "0018":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    settings = DatabaseSettings()
    with psycopg.connect(blank_database, autocommit=True) as conn:
        enable_timescale(conn, settings)
    migrate(blank_database, tmp_path)
    with psycopg.connect(blank_database, autocommit=True) as conn:
        apply_features(conn, probe(conn), settings)
        conn.execute(
            "INSERT INTO position (terminal_id, fix_time, content_hash, lat, lon, flags,"
            " received_at) SELECT 1, '2026-06-01Z'::timestamptz + n * interval '6 hours', n, 30,"
            " 104, 0, now() FROM generate_series(1, 40) AS n"
        )
        compress_where_possible(conn)
    prepare(blank_database, settings)
    with psycopg.connect(blank_database, autocommit=True) as conn:
        assert policies(conn, settings) == expected(probe(conn), 30)
        compress_where_possible(conn)
        span = Span(1, 1, "t", 0, 36_500 * 24 * HOUR_US)
        with conn.transaction():
            assert withhold_stored(conn, [span]).positions == 40
        left = conn.execute("SELECT count(*), count(lat), bool_and(flags = 256) FROM position")
        assert left.fetchall() == [(40, 0, True)]
