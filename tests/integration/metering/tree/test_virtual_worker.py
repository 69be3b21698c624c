"""Virtual meters through the worker: random order of readings and facts, two workers at once."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence

import psycopg
import pytest

from metering.derive import due
from metering.derive.rollup import Window
from metering.derive.settings import MeteringSettings
from metering.derive.worker import Parts, Worker
from metering.tree.virtual import recompute_virtual
from storage.due import Claim
from tests.integration.metering.derive import world
from tests.integration.metering.derive.histories import History

FORMULAS = {"sum": "{m0} + {m1}", "rest": "2.5 * {m0} - {sum}", "all": "{rest} + {sum} + {m1}"}


def make_worker(conn: psycopg.Connection) -> Worker:
    settings = MeteringSettings(confirm_readings=2, confirm_hours=6, batch=3)
    return Worker(conn, settings, world.ZONE, Parts(_points, _virtual), lambda: world.START)


def _points(_conn: psycopg.Connection, _claims: Sequence[Claim]) -> None:
    """Gauges are none of this test's business."""


def _virtual(conn: psycopg.Connection, windows: Sequence[Window]) -> None:
    recompute_virtual(conn, windows, world.ZONE)


@pytest.mark.parametrize("seed", range(3))
def test_random_histories_and_two_workers_give_what_one_computation_gives(
    database: str, seed: int
) -> None:
    print(f"seed {seed}")
    draw = random.Random(seed)
    with psycopg.connect(database, autocommit=True) as conn:
        world.settle(conn)
        history = History(conn, database, seed)
        for code, formula in FORMULAS.items():
            conn.execute(
                "INSERT INTO meter (code, name, energy, unit, formula)"
                " VALUES (%s, '', 'electricity', 'kWh', %s)",
                [code, formula],
            )
        for action in history.actions():
            action()
            if draw.random() < 0.3:
                due.follow(conn)
                _side_by_side(database)
        due.follow(conn)
        _side_by_side(database)
        incremental = world.derived(conn)

        world.anew(conn, make_worker(conn))

        full = world.derived(conn)
        _check_virtual(conn)
    assert incremental == full


def _side_by_side(database: str) -> None:
    """Two workers until nothing is due."""
    errors: list[BaseException] = []
    threads = [threading.Thread(target=_work, args=(database, errors)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()
    assert errors == []


def _work(database: str, errors: list[BaseException]) -> None:
    try:
        with psycopg.connect(database, autocommit=True) as conn:
            worker = make_worker(conn)
            while conn.execute("SELECT FROM metering_due").fetchone() is not None:
                worker.step()
            assert worker.failed == 0
    except BaseException as error:  # noqa: BLE001 - it is the test's to judge
        errors.append(error)


# Of whole factors no quarter is rounded: what has all inputs is their sum.
_EXPECTED = """
SELECT slot, a.micro + b.micro FROM consumption a JOIN consumption b USING (slot)
JOIN meter m ON m.id = a.meter_id AND m.code = 'm0'
JOIN meter n ON n.id = b.meter_id AND n.code = 'm1' ORDER BY slot
"""
_GOT = """
SELECT slot, micro FROM consumption JOIN meter ON id = meter_id WHERE code = %s ORDER BY slot
"""


def _check_virtual(conn: psycopg.Connection) -> None:
    expected = conn.execute(_EXPECTED).fetchall()
    assert expected, "a history in which the meters never meet says nothing"
    assert conn.execute(_GOT, ["sum"]).fetchall() == expected
    # 2.5 a − (a + b) + (a + b) + b
    assert len(conn.execute(_GOT, ["all"]).fetchall()) == len(expected)
