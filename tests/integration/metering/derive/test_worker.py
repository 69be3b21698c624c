"""From readings to quarter hours, hours, days and months, in the database."""

from __future__ import annotations

from datetime import date, datetime

import psycopg

from metering.counter.model import Flag
from metering.derive import due
from tests.integration.metering.derive.world import (
    Meter,
    add_device,
    add_meter,
    anew,
    at,
    derived,
    enter,
    hang,
    kwh,
    make_worker,
    one,
    rows,
    set_ratio,
    work,
    write,
)


def steady(
    quarters: range, *, base: float = 100.0, step: float = 0.5
) -> list[tuple[datetime, float]]:
    return [(at(quarter), base + step * quarter) for quarter in quarters]


def test_quarters_add_up_to_last_minus_first_on_every_level(
    conn: psycopg.Connection, database: str
) -> None:
    meter = add_meter(conn, "m")
    write(database, meter.point, steady(range(300)))

    work(conn)

    assert len(rows(conn, "consumption")) == 299
    for table in ("consumption", "consumption_hour", "consumption_day", "consumption_month"):
        total = one(conn, f"SELECT sum(micro) FROM {table}")
        assert total == 299 * 500_000, table
    days = {row[1]: row[4] for row in rows(conn, "consumption_day")}
    assert days[date(2026, 5, 30)] == 64 * 900, "the day of Shanghai begins at 16:00 UTC"
    assert days[date(2026, 5, 31)] == 86_400
    assert [row[1] for row in rows(conn, "consumption_month")] == [
        date(2026, 5, 1),
        date(2026, 6, 1),
    ]
    assert one(conn, "SELECT count(*) FROM metering_due") == 0


def test_a_tick_replaces_only_the_end(conn: psycopg.Connection, database: str) -> None:
    meter = add_meter(conn, "m")
    write(database, meter.point, steady(range(200)))
    work(conn)
    before = conn.execute("SELECT xmin::text, slot FROM consumption ORDER BY slot").fetchall()

    write(database, meter.point, steady(range(200, 201)))
    work(conn)

    after = conn.execute("SELECT xmin::text, slot FROM consumption ORDER BY slot").fetchall()
    assert len(after) == 200
    assert after[:180] == before[:180], "rows far from the change are not touched"
    assert kwh(conn, meter.id) == 100.0


def test_ratios_apply_from_their_time_on(conn: psycopg.Connection, database: str) -> None:
    meter = add_meter(conn, "m")
    write(database, meter.point, steady(range(41)))
    set_ratio(conn, meter, 40, at(20))

    work(conn)

    assert kwh(conn, meter.id) == 20 * 0.5 + 20 * 0.5 * 40


def test_a_ratio_entered_later_is_computed_when_it_is_marked(
    conn: psycopg.Connection, database: str
) -> None:
    meter = add_meter(conn, "m")
    write(database, meter.point, steady(range(41)))
    work(conn)
    with conn.transaction():
        set_ratio(conn, meter, 40, at(20))
        due.mark(conn, due.DueKind.METER, meter.id, at(20), None, "ratio")

    work(conn)

    assert kwh(conn, meter.id) == 20 * 0.5 + 20 * 0.5 * 40


def test_a_replaced_device_goes_on_where_the_old_one_ended(
    conn: psycopg.Connection, database: str
) -> None:
    meter = add_meter(conn, "m", until=at(20.4))
    device, point = add_device(conn, "new")
    hang(conn, device, meter.place, at(20.4), None)
    write(database, meter.point, steady(range(21)))
    write(database, point, [(at(quarter), 7.0 + quarter) for quarter in range(21, 41)])
    enter(conn, meter, at(20.4), "final", "110.2")
    enter(conn, meter.__class__(meter.id, meter.place, device, point), at(20.4), "initial", "27.4")

    work(conn)

    assert kwh(conn, meter.id) == 20 * 0.5 + 0.2 + (7 + 40 - 27.4)
    changed = {row[1]: row[5] for row in rows(conn, "consumption")}[at(20)]
    assert isinstance(changed, int)
    assert changed & Flag.REPLACED
    assert changed & Flag.ENTERED
    incremental = derived(conn)
    anew(conn)
    assert derived(conn) == incremental


def test_a_meter_of_another_register_counts_that_one(
    conn: psycopg.Connection, database: str
) -> None:
    meter = add_meter(conn, "m")
    export = one(conn, "SELECT id FROM point WHERE name = 'export'")
    conn.execute("UPDATE meter SET register = 'export'")
    write(database, meter.point, steady(range(20)))
    write(database, export, steady(range(20), step=2.0))

    work(conn)

    assert kwh(conn, meter.id) == 38.0


def test_units_of_the_register_become_those_of_the_meter(
    conn: psycopg.Connection, database: str
) -> None:
    meter = add_meter(conn, "m")
    conn.execute("UPDATE point SET unit = 'Wh'")
    write(database, meter.point, steady(range(20), step=100.0))

    work(conn)

    assert kwh(conn, meter.id) == 1.9


def test_a_gap_is_estimated_and_loses_nothing(conn: psycopg.Connection, database: str) -> None:
    meter = add_meter(conn, "m")
    write(database, meter.point, steady(range(20)))
    write(database, meter.point, steady(range(400, 420)))

    work(conn)

    assert kwh(conn, meter.id) == 419 * 0.5
    assert one(conn, "SELECT sum(estimated) FROM consumption") == 381 * 500_000
    assert [row[4] for row in rows(conn, "counter_finding")] == ["first", "gap"]


def test_late_readings_fill_the_gap(conn: psycopg.Connection, database: str) -> None:
    meter = add_meter(conn, "m")
    write(database, meter.point, steady(range(20)))
    write(database, meter.point, steady(range(400, 420)))
    work(conn)

    write(database, meter.point, steady(range(20, 400)))
    work(conn)

    assert kwh(conn, meter.id) == 419 * 0.5
    assert one(conn, "SELECT sum(estimated) FROM consumption") == 0
    assert [row[4] for row in rows(conn, "counter_finding")] == ["first"]


def test_nothing_left_in_a_window_leaves_no_row_on_any_level(
    conn: psycopg.Connection, database: str
) -> None:
    meter = add_meter(conn, "m")
    write(database, meter.point, steady(range(200)))
    work(conn)
    with conn.transaction():
        conn.execute("UPDATE device_place SET valid = tstzrange(%s, %s)", [at(0), at(40)])
        due.mark(conn, due.DueKind.METER, meter.id, at(40), None, "binding")

    work(conn)

    assert kwh(conn, meter.id) == 39 * 0.5
    for table in ("consumption_hour", "consumption_day", "consumption_month"):
        assert one(conn, f"SELECT sum(micro) FROM {table}") == 39 * 500_000
    assert len(rows(conn, "consumption_day")) == 1


def test_readings_outside_every_binding_are_nobodys(
    conn: psycopg.Connection, database: str
) -> None:
    meter = add_meter(conn, "m", since=at(10), until=at(20))
    write(database, meter.point, steady(range(40)))

    work(conn)

    assert kwh(conn, meter.id) == 4.5


def test_readings_without_a_value_are_none(conn: psycopg.Connection, database: str) -> None:
    meter = add_meter(conn, "m")
    values: list[tuple[datetime, float | None]] = [*steady(range(40))]
    values[10:12] = [(at(10), None), (at(11), None)]
    write(database, meter.point, values)

    work(conn)

    assert kwh(conn, meter.id) == 19.5
    assert one(conn, "SELECT sum(estimated) FROM consumption") == 1_500_000


def test_a_reset_of_the_register_facts_is_felt_from_its_time_on(
    conn: psycopg.Connection, database: str
) -> None:
    meter = add_meter(conn, "m")
    write(database, meter.point, [(at(q), (9_990 + q) % 10_000) for q in range(40)])
    work(conn)
    assert kwh(conn, meter.id) == 38.0, "without a capacity the step to 0 is a reset"
    with conn.transaction():
        conn.execute(
            "INSERT INTO device_register (device_id, register, resolution, capacity, valid,"
            " entered_by, entered_at)"
            " VALUES (%s, 'energy', 1, 10000, tstzrange(%s, NULL), 't', %s)",
            [meter.device, at(5), at(0)],
        )
        due.mark(conn, due.DueKind.METER, meter.id, at(5), None, "register")

    work(conn)

    assert kwh(conn, meter.id) == 39.0
    incremental = derived(conn)
    anew(conn)
    assert derived(conn) == incremental


def test_a_spike_just_before_the_register_facts_change_loses_nothing(
    conn: psycopg.Connection, database: str
) -> None:
    meter = add_meter(conn, "m")
    shown = steady(range(40))
    shown[19] = (at(19), 900_000.0)
    write(database, meter.point, shown)
    work(conn)
    with conn.transaction():
        conn.execute(
            "INSERT INTO device_register (device_id, register, resolution, max_per_hour, valid,"
            " entered_by, entered_at)"
            " VALUES (%s, 'energy', 0.1, 400, tstzrange(%s, NULL), 't', %s)",
            [meter.device, at(19.5), at(0)],
        )
        due.mark(conn, due.DueKind.METER, meter.id, at(19.5), None, "register")

    work(conn)

    assert kwh(conn, meter.id) == 19.5
    incremental = derived(conn)
    anew(conn)
    assert derived(conn) == incremental


def test_after_a_restored_dump_everything_is_computed_anew(
    conn: psycopg.Connection, database: str
) -> None:
    meter = add_meter(conn, "m")
    write(database, meter.point, steady(range(50)))
    work(conn)
    conn.execute("DELETE FROM dirty_mark")
    conn.execute("DELETE FROM dirty_log")
    conn.execute("TRUNCATE consumption, consumption_hour, consumption_day, consumption_month")

    work(conn)

    assert kwh(conn, meter.id) == 24.5


def test_months_in_parts_equal_months_in_one_go(conn: psycopg.Connection, database: str) -> None:
    meter = add_meter(conn, "m")
    values = [(at(q * 4), 10.0 * (q % 300)) for q in range(3000)]
    for start in range(0, 3000, 700):
        write(database, meter.point, values[start : start + 700])
        work(conn)
    incremental = derived(conn)

    anew(conn, make_worker(conn))

    assert derived(conn) == incremental
    assert len(rows(conn, "consumption_month")) == 6


def test_rollover_new_ratio_and_replacement_on_one_day(
    conn: psycopg.Connection, database: str
) -> None:
    """By hand: 24.5 quarters at 1, 5.9 and 9.2 at 40; half a kWh each; 0.4 quarters unread."""
    meter = add_meter(conn, "m", until=at(30.4))
    device, point = add_device(conn, "new")
    hang(conn, device, meter.place, at(30.8), None)
    new = Meter(meter.id, meter.place, device, point)
    conn.execute(
        "INSERT INTO device_register (device_id, register, resolution, capacity, valid,"
        " entered_by, entered_at) VALUES (%s, 'energy', 0.01, 1000, '[,)', 't', %s)",
        [meter.device, at(0)],
    )
    set_ratio(conn, meter, 40, at(24.5))
    write(database, meter.point, [(at(q), (990 + 0.5 * q) % 1000) for q in range(31)])
    write(database, point, [(at(q), 500 + 0.5 * (q - 30.8)) for q in range(31, 41)])
    enter(conn, meter, at(30.4), "final", "5.2")
    enter(conn, new, at(30.8), "initial", "500")

    work(conn)

    assert kwh(conn, meter.id) == 24.5 * 0.5 + (5.9 + 9.2) * 0.5 * 40
    quarters = {row[1]: row[2:] for row in rows(conn, "consumption")}
    assert quarters[at(24)] == (10_250_000, 0, 900, Flag.RATIO_CHANGED)
    assert quarters[at(30)] == (12_000_000, 0, 540, Flag.REPLACED | Flag.ENTERED)
    assert [row[1:5] for row in rows(conn, "consumption_day")] == [
        (date(2026, 5, 30), 314_250_000, 0, 40 * 900 - 360)
    ]
    assert [row[4] for row in rows(conn, "counter_finding")] == ["first", "rollover", "first"]
    incremental = derived(conn)
    anew(conn)
    assert derived(conn) == incremental
