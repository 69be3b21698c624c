from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.integration.metering.bills.world import settle


@pytest.fixture
def conn(database: str) -> Iterator[psycopg.Connection[Any]]:
    """Two institutions that report: czj and jgj."""
    with psycopg.connect(database, autocommit=True) as connection:
        settle(connection)
        yield connection
