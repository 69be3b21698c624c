from __future__ import annotations

import psycopg
import pytest

from tests.integration.fleet.fence.world import (
    YARD,
    add,
    bring,
    enter,
    goes_out,
    stays,
)
from tests.integration.fleet.world import work


@pytest.fixture
def fleet(conn: psycopg.Connection, database: str) -> psycopg.Connection:
    """One vehicle that stays in the yard, one that goes out, one that says nothing."""
    bring(database, add(conn, "in"), stays())
    bring(database, add(conn, "out"), goes_out())
    add(conn, "mute")
    work(conn)
    enter(conn, "fences", **YARD)
    enter(conn, "yards", fence="Y1", institution="i", since="2026-01-01")
    return conn
