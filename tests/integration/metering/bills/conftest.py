from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from metering.bills.entry import enter_bill
from tests.integration.metering.bills.reports import FEBRUARY, JANUARY
from tests.integration.metering.bills.world import ACT, Conn, bill, open_account, settle


@pytest.fixture
def conn(database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database, autocommit=True) as connection:
        settle(connection)
        yield connection


@pytest.fixture
def three(conn: Conn) -> Conn:
    """czj has 510001, jgj 510002, each with a bill of January; xfj has nothing."""
    conn.execute("INSERT INTO institution (code, name) VALUES ('xfj', '信访局')")
    for number, whose, quantity in (("510001", "czj", "310"), ("510002", "jgj", "31")):
        open_account(conn, number, institution=whose)
        enter_bill(conn, ACT, bill(JANUARY, FEBRUARY, quantity, account=number))
    return conn
