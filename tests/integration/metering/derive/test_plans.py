"""What a tick asks for is looked up by key, however long the histories are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
import pytest

from metering.derive import readings, rollup
from storage import arrays
from storage.times import us_of
from tests.integration.metering.derive.world import START, at

METERS = 200
QUARTERS = 1_000
FILL = """
INSERT INTO reading
SELECT point, %(start)s::timestamptz + slot * interval '15 minutes', slot, 0, 1, now(), now()
FROM generate_series(1, %(quarters)s) AS slot, generate_series(1, %(meters)s) AS point
"""
FILL_CONSUMPTION = """
INSERT INTO consumption SELECT point_id, ts, 1, 0, 900, 0 FROM reading
"""


@pytest.fixture(params=["analysed", "never analysed"])
def filled(conn: psycopg.Connection, request: pytest.FixtureRequest) -> psycopg.Connection:
    conn.execute(FILL, {"start": START, "quarters": QUARTERS, "meters": METERS})
    conn.execute(FILL_CONSUMPTION)
    if request.param == "analysed":
        conn.execute("ANALYZE")
    return conn


def scans(conn: psycopg.Connection, statement: str, values: Mapping[str, object]) -> dict[str, int]:
    """Table → rows that the plan really looked at, sorted out ones included."""
    query = b"EXPLAIN (ANALYZE, FORMAT JSON, TIMING off) " + statement.encode()
    with conn.transaction(force_rollback=True):
        row = conn.execute(query, values, prepare=False).fetchone()
    assert row is not None
    seen: dict[str, int] = {}
    for node in nodes(row[0][0]["Plan"]):
        table = node.get("Relation Name")
        if table is not None and node["Node Type"] != "ModifyTable":
            name = "reading" if "_chunk" in table else table
            rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            seen[name] = seen.get(name, 0) + int(rows * node["Actual Loops"])
    return seen


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from nodes(child)


@pytest.mark.parametrize("when", [QUARTERS, QUARTERS // 2])
def test_readings_around_a_change_are_found_by_index(filled: psycopg.Connection, when: int) -> None:
    change = [us_of(at(when))] * METERS
    values = {
        "points": arrays.ids(range(1, METERS + 1)),
        "befores": arrays.times(change),
        "froms": arrays.times(change),
        "tos": arrays.times(change),
        "aheads": arrays.times([us + 1 for us in change]),
        "oldest": at(when),
        "newest": at(when),
        "most": 20,
    }

    # TimescaleDB's own frame around the chunks' scans counts the same rows once more.
    assert scans(filled, readings.AROUND, values)["reading"] <= METERS * 41 * 2


def test_hours_are_summed_from_the_quarters_touched(filled: psycopg.Connection) -> None:
    values = {
        "meters": arrays.ids(range(1, METERS + 1)),
        "froms": arrays.times([us_of(at(500))] * METERS),
        "tos": arrays.times([us_of(at(504))] * METERS),
    }

    assert scans(filled, rollup.HOURS, values)["consumption"] <= METERS * 8
