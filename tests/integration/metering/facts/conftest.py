from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.integration.metering.facts.world import Conn, bring_world


@pytest.fixture
def conn(database: str) -> Iterator[Conn]:
    """An autocommit connection to a database that knows the small world."""
    with psycopg.connect(database, autocommit=True) as connection:
        bring_world(connection)
        yield connection
