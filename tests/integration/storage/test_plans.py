"""The statements that run every second look rows up by key, however large the tables are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import psycopg
import pytest

from storage import latest, slow_path
from storage.records import COPY_HEADER, COPY_TRAILER, Kind
from storage.writer import BulkWriter
from tests.unit.storage.samples import HOUR_US, NOON_US, reading, readings

POINTS = 1_000
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
# A quarter of a million rows over ten weeks, and so in ten chunks or more.
FILL: LiteralString = """
INSERT INTO reading
SELECT point, ts, 1.0, 0, 3, ts, ts
FROM generate_series(1, %(points)s) AS point, generate_series(1, 250) AS slot,
     LATERAL (SELECT %(noon)s::timestamptz - slot * interval '7 hours' AS ts) AS at
"""


@pytest.fixture(params=["analysed", "never analysed"])
def conn(database: str, request: pytest.FixtureRequest) -> Iterator[psycopg.Connection]:
    """A connection to a database of which PostgreSQL may or may not know the sizes yet."""
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute(FILL, {"points": POINTS, "noon": NOON})
        if request.param == "analysed":
            conn.execute("ANALYZE reading")
        latest.refresh(conn)
        slot = readings(*(reading(point) for point in range(1, POINTS + 1)))
        with closing(BulkWriter(database)) as writer:
            writer.write([slot])
        yield conn


def plan(
    conn: psycopg.Connection, statement: str, values: dict[str, object]
) -> list[dict[str, Any]]:
    """All nodes of the plan of a statement that is really run."""
    query = b"EXPLAIN (ANALYZE, FORMAT JSON, TIMING off) " + statement.encode()
    row = conn.execute(query, values, prepare=False).fetchone()
    assert row is not None
    return list(nodes(row[0][0]["Plan"]))


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from nodes(child)


def raw_scans(found: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """How reading, or a chunk of it, is looked at, and how often."""
    return [
        (node["Node Type"], node["Actual Loops"])
        for node in found
        if node["Node Type"] != "Custom Scan"  # TimescaleDB's frame around the chunks' own scans
        and (node.get("Relation Name") == "reading" or "_chunk" in node.get("Relation Name", ""))
    ]


def check_latest(conn: psycopg.Connection) -> None:
    span = {"begin": "2026-06-01T11:00:00Z", "end": "2026-06-01T13:00:00Z"}
    window = {"kind": "reading", "since": 0, "upto": 2**62}
    with conn.transaction(force_rollback=True):
        found = plan(conn, latest.REFRESH["reading"], {**window, **span})
    assert raw_scans(found) == [("Index Scan", POINTS)]
    assert latest.refresh(conn) == POINTS


def check_conflicts(conn: psycopg.Connection) -> None:
    rows = [reading(point, NOON_US - 700 * HOUR_US, 2.0) for point in range(1, POINTS + 1)]
    at = NOON - timedelta(hours=700)
    with conn.transaction(force_rollback=True), conn.cursor() as cursor:
        cursor.execute(slow_path.STAGE[Kind.READING])
        with cursor.copy("COPY incoming_reading FROM STDIN (FORMAT binary)") as copy:
            copy.write(b"".join((COPY_HEADER, *rows, COPY_TRAILER)))
        found = plan(conn, slow_path.CONFLICTS, {"oldest": at, "newest": at})
        assert cursor.execute("SELECT count(*) FROM reading_conflict").fetchone() == (POINTS,)
    assert raw_scans(found) == [("Index Scan", POINTS)]


def test_rows_are_looked_up_by_key_and_in_the_chunk_concerned_alone(
    conn: psycopg.Connection,
) -> None:
    check_latest(conn)
    check_conflicts(conn)
