"""Computing again what nothing changed of."""

from __future__ import annotations

import psycopg
import pytest

from metering.derive.again import compute_everything_again, compute_meter_again
from metering.derive.due import QUEUES, DueKind
from metering.derive.settings import MeteringSettings
from tests.integration.metering.derive.world import (
    Recorder,
    add_meter,
    at,
    derived,
    kwh,
    make_worker,
    one,
    work,
    write,
)
from tests.integration.storage.due_world import kill_workers


def test_everything_again_is_what_it_was(conn: psycopg.Connection, database: str) -> None:
    meters = [add_meter(conn, code) for code in ("m", "n")]
    power = one(conn, "SELECT min(id) FROM point WHERE name = 'power'")
    for meter in meters:
        write(database, meter.point, [(at(quarter), 0.5 * quarter) for quarter in range(200)])
    write(database, power, [(at(3), 1.0), (at(8), 2.0)])
    work(conn)
    before = derived(conn)
    conn.execute("TRUNCATE consumption, consumption_hour, consumption_day, consumption_month")

    assert compute_everything_again(conn, at(0)) == (2, 1)

    recorder = Recorder([], [])
    points = conn.execute("SELECT ts_from, ts_to FROM metering_due WHERE kind = 'point'").fetchall()
    assert points == [(at(3), at(8))], "of its readings' time, not of all time"
    work(conn, make_worker(conn, recorder=recorder))
    assert derived(conn) == before
    assert recorder.points == [power]


def test_a_setting_that_changed_is_applied_to_a_meters_past(
    conn: psycopg.Connection, database: str
) -> None:
    meter, other = add_meter(conn, "m"), add_meter(conn, "n")
    for one_meter in (meter, other):
        dip = [(at(q), 0.0 if 50 <= q < 53 else 100.0 + q) for q in range(100)]
        write(database, one_meter.point, dip)
    work(conn)
    assert kwh(conn, meter.id) == 99.0

    compute_meter_again(conn, meter.id, at(0))

    hasty = MeteringSettings(confirm_readings=2, confirm_minutes_least=1, confirm_hours=1)
    work(conn, make_worker(conn, hasty))
    assert kwh(conn, meter.id) == 49.0 + 153.0 + 46.0
    assert kwh(conn, other.id) == 99.0


@pytest.mark.parametrize("everything", [False, True])
def test_a_meter_that_was_set_aside_is_tried_once_more(
    conn: psycopg.Connection, database: str, everything: bool
) -> None:
    meter = add_meter(conn, "m")
    write(database, meter.point, [(at(quarter), 0.5 * quarter) for quarter in range(30)])
    kill_workers(conn, QUEUES[DueKind.METER], meter.id, at(0))
    work(conn)
    assert kwh(conn, meter.id) == 0, "nobody touches it"

    if everything:
        compute_everything_again(conn, at(0))
    else:
        compute_meter_again(conn, meter.id, at(0))

    work(conn)
    assert kwh(conn, meter.id) == 14.5
    assert one(conn, "SELECT count(*) FROM metering_failure") == 0
