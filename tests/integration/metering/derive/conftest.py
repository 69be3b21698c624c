from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.integration.metering.derive import world


@pytest.fixture
def conn(database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database, autocommit=True) as conn:
        world.settle(conn)
        yield conn
