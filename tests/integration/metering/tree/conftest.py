from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.integration.metering.tree.town import Town


@pytest.fixture
def town(database: str) -> Iterator[Town]:
    with psycopg.connect(database, autocommit=True) as conn:
        yield Town(conn)
