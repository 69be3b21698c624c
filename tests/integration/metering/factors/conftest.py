from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.integration.metering.factors.world import Conn

WORLD = """
    INSERT INTO institution (code, name) VALUES ('i-1', '试验局'), ('i-2', '试验学校');
    INSERT INTO meter (code, name, energy, unit, formula)
    VALUES ('m-1', '总表', 'electricity', 'kWh', 'm-2'), ('w-1', '水表', 'water', 'm3', 'w-2');
"""


@pytest.fixture
def conn(database: str) -> Iterator[Conn]:
    """An autocommit connection to a database with two institutions and two meters."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(WORLD)
        yield connection
