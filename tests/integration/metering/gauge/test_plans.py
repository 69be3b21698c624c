"""The statements of a tick look rows up by key, however large the tables are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg
import pytest

from metering.gauge import store
from metering.gauge.windows import PointSpan
from tests.integration.metering.gauge.world import SETTINGS, Conn, add_device, at, recompute

POINTS = 500
WEEKS = 10
NOW_S = WEEKS * 7 * 86_400
ADD_POINTS: LiteralString = """
INSERT INTO point (device_id, name, label, unit, class)
SELECT %(device)s, 'p' || n, 'x', 'kW', CASE WHEN n %% 2 = 0 THEN 'gauge' ELSE 'state' END
FROM generate_series(1, %(points)s) AS n
"""
FILL: LiteralString = """
INSERT INTO reading
SELECT point.id, ts, 1, 0, 1, ts, ts
FROM point, generate_series(%(since)s::timestamptz, %(until)s::timestamptz, '7 hours') AS ts
"""
TABLES = {"reading", "gauge", "state_time"}


@pytest.fixture(params=["analysed", "never analysed"])
def spans(conn: Conn, request: pytest.FixtureRequest) -> list[PointSpan]:
    """A tick in a database of which PostgreSQL may or may not know the sizes yet."""
    conn.execute(ADD_POINTS, {"device": add_device(conn), "points": POINTS})
    conn.execute(FILL, {"since": at(0), "until": at(NOW_S)})
    points = [point for (point,) in conn.execute("SELECT id FROM point")]
    recompute(conn, *((point, 0, NOW_S) for point in points))
    if request.param == "analysed":
        conn.execute("ANALYZE")
    return [PointSpan(point, at(NOW_S - 60), at(NOW_S)) for point in points]


def scans(conn: Conn, statement: str, values: dict[str, object]) -> set[str]:
    """How our tables, or their chunks, are looked at by a statement that is really run."""
    with conn.transaction(force_rollback=True):
        query = b"EXPLAIN (ANALYZE, FORMAT JSON, TIMING off) " + statement.encode()
        row = conn.execute(query, values, prepare=False).fetchone()
    assert row is not None
    return {
        node["Node Type"]
        for node in nodes(row[0][0]["Plan"])
        if node["Node Type"] != "Custom Scan"  # TimescaleDB's frame around the chunks' own scans
        and (node.get("Relation Name") in TABLES or "_chunk" in node.get("Relation Name", ""))
        and node["Node Type"] != "ModifyTable"
    }


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from nodes(child)


def test_a_tick_reads_no_table_whole(conn: psycopg.Connection[Any], spans: list[PointSpan]) -> None:
    points = store._points(conn, [span.point_id for span in spans], SETTINGS)
    windows = store._windows(conn, spans, points)
    values = store._values(store._spans(windows))
    by_key = {"Index Scan", "Index Only Scan", "Bitmap Heap Scan", "Tid Scan"}
    for statement, given in (
        (store.FOLLOWING, store._following_values(spans, points)),
        (store.READINGS, values),
        (store.DELETE_GAUGES, values),
        (store.DELETE_STATES, values),
    ):
        found = scans(conn, statement, given)
        assert found, statement
        assert found <= by_key, statement
