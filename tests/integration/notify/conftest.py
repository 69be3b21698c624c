"""Fixtures of the tests of notes."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.integration.notify.receivers import WebReceiver, web


@pytest.fixture
def conn(database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database, autocommit=True) as conn:
        yield conn


@pytest.fixture
def receiver() -> Iterator[WebReceiver]:
    with web() as receiver:
        yield receiver
