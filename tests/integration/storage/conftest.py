"""Fixtures of the tests of queues."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from storage.due import Queue
from tests.integration.storage.due_world import QUEUES


@pytest.fixture
def conn(database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database, autocommit=True) as conn:
        yield conn


@pytest.fixture(params=QUEUES, ids=lambda queue: queue.name)
def queue(request: pytest.FixtureRequest) -> Queue:
    found: Queue = request.param
    return found
