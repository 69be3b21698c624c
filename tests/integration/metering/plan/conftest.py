from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.integration.metering.quality.world import Conn, build


@pytest.fixture
def conn(database: str) -> Iterator[Conn]:
    """An autocommit connection to a database with an institution and a room."""
    with psycopg.connect(database, autocommit=True) as connection:
        build(connection)
        yield connection
