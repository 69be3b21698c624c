from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.integration.fleet.world import work


@pytest.fixture
def conn(database: str) -> Iterator[psycopg.Connection]:
    """A connection to a database whose dirty log has been followed so far."""
    with psycopg.connect(database, autocommit=True) as conn:
        work(conn)
        yield conn
