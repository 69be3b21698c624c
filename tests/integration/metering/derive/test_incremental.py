"""However readings and facts come in, the result is that of computing everything once."""

from __future__ import annotations

import random

import psycopg
import pytest

from metering.derive import due
from metering.derive.settings import MeteringSettings
from tests.integration.metering.derive.histories import QUARTERS, History
from tests.integration.metering.derive.world import anew, at, derived, make_worker, work


@pytest.mark.parametrize("seed", range(8))
def test_random_histories_in_random_order_give_what_one_computation_gives(
    conn: psycopg.Connection, database: str, seed: int
) -> None:
    draw = random.Random(seed)
    settings = MeteringSettings(confirm_readings=draw.choice([2, 4]), confirm_hours=6, batch=20)
    # What is new, and so comes first, changes all the time.
    worker = make_worker(conn, settings, now=lambda: at(draw.randrange(QUARTERS)))
    for action in History(conn, database, seed).actions():
        action()
        if draw.random() < 0.7:
            due.follow(conn)
        if draw.random() < 0.7:
            worker.step()
    work(conn, worker)
    assert worker.failed == 0
    incremental = derived(conn)

    anew(conn, make_worker(conn, settings))

    full = derived(conn)
    assert full["consumption"], "a history without consumption says nothing"
    for table, rows in full.items():
        assert incremental[table] == rows, table
