"""Cases from the field, from what devices send to days and months, numbered as in the notes.

Cases 30 to 33 are the collector's (tests/integration/collector, tests/integration/storage); what
judging makes of single readings is in tests/unit/metering/counter/cases.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest

from collector.modbus.decode import Layout
from collector.modbus.plan import plan
from collector.profile import parse_profile
from metering.derive import due
from metering.derive.settings import MeteringSettings
from metering.derive.worker import Worker
from storage.writer import Outcome
from tests.integration.metering.derive.world import (
    QUARTER,
    START,
    Meter,
    Recorder,
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

WATT_HOURS = """
code: wh
version: 1
brand: test
model: test
measures: electricity
source: a test
points:
  - {name: energy, label: 电能, unit: Wh, class: counter, table: holding, address: 0, type: u32,
     scale: 10}
"""
Row = tuple[datetime, float | None]


def steady(quarters: range, base: float = 100.0) -> list[Row]:
    return [(at(quarter), base + 0.5 * quarter) for quarter in quarters]


def totals(conn: psycopg.Connection) -> set[float]:
    """What each level adds up to, kWh."""
    levels = ("consumption", "consumption_hour", "consumption_day", "consumption_month")
    sums = (one(conn, f"SELECT coalesce(sum(micro), 0)::int8 FROM {level}") for level in levels)
    return {micro / 1e6 for micro in sums}


def by(conn: psycopg.Connection, level: str) -> dict[date, float]:
    found = conn.execute(f"SELECT {level}, micro FROM consumption_{level} ORDER BY 1").fetchall()
    return {day: micro / 1e6 for day, micro in found}


def same_as_anew(conn: psycopg.Connection) -> None:
    incremental = derived(conn)
    anew(conn)
    assert derived(conn) == incremental


def test_case_21_a_new_transformer_multiplies_from_its_day_on_and_history_stays(
    conn: psycopg.Connection, database: str
) -> None:
    meter = add_meter(conn, "m")
    with conn.transaction():
        set_ratio(conn, meter, 40, START, at(64))
    write(database, meter.point, steady(range(161)))
    work(conn)
    before = by(conn, "day")
    with conn.transaction():
        set_ratio(conn, meter, 80, at(64))
        due.mark(conn, due.DueKind.METER, meter.id, at(64), None, "ratio")

    work(conn)

    assert by(conn, "day") == {date(2026, 5, 30): 64 * 20.0, date(2026, 5, 31): 96 * 40.0}
    assert before[date(2026, 5, 30)] == 64 * 20.0
    same_as_anew(conn)


def decoded(ticks: int) -> float:
    """What the collector makes of two registers."""
    profile = parse_profile(WATT_HOURS, "wh.yaml")
    (block,) = plan(profile, profile.points)
    header = struct.pack(">HHHBBB", 1, 0, 7, 1, 3, 4)
    values, flags = Layout(block).decode([header + struct.pack(">I", ticks)])
    assert flags.tolist() == [[0]]
    return float(values[0, 0])


def test_case_22_scale_unit_and_ratio_apply_once_each(
    conn: psycopg.Connection, database: str
) -> None:
    # Tens of Wh in the register, kWh at the meter, 40 behind the transformer: 0.4 kWh a tick.
    meter = add_meter(conn, "m")
    with conn.transaction():
        conn.execute("UPDATE point SET unit = 'Wh'")
        conn.execute("UPDATE profile SET body = %s", [WATT_HOURS])
        set_ratio(conn, meter, 40, START)
    values = [decoded(1_234_500 + 5 * quarter) for quarter in range(41)]
    assert values[0] == 12_345_000, "the reading is what the register shows, in the point's unit"
    write(database, meter.point, [(at(q), value) for q, value in enumerate(values)])

    work(conn)

    assert totals(conn) == {40 * 5 * 0.4}
    first = one(conn, "SELECT after FROM counter_finding WHERE kind = 'first'")
    assert first == 12_345_000, "findings speak in the unit of the register"


def test_case_23_a_momentary_zero_books_what_was_used_and_not_the_counter(
    conn: psycopg.Connection, database: str
) -> None:
    meter = add_meter(conn, "m")
    shown = steady(range(200), base=13_400.0)
    for quarter in (64, 65):  # at midnight
        shown[quarter] = (at(quarter), 0.0)
    for begin, stop in ((0, 65), (65, 66), (66, 200)):  # a worker sees each state of it
        write(database, meter.point, shown[begin:stop])
        work(conn)

    assert totals(conn) == {99.5}
    assert by(conn, "day")[date(2026, 5, 30)] == 32.0
    same_as_anew(conn)


def test_case_23_a_zero_read_every_minute_for_an_hour_is_left_out_in_the_end(
    conn: psycopg.Connection, database: str
) -> None:
    meter = add_meter(conn, "m")
    minute = timedelta(minutes=1)
    shown = [(START + n * minute, 13_400 + n / 50) for n in range(300)]
    shown[150:210] = [(ts, 0.0) for ts, _ in shown[150:210]]
    for begin in range(0, 300, 30):
        write(database, meter.point, shown[begin : begin + 30])
        work(conn)
        resets = one(conn, "SELECT count(*) FROM counter_finding WHERE kind = 'reset'")
        assert resets == (begin == 180), "believed after 51 minutes, until time tells"

    assert totals(conn) == {5.98}
    same_as_anew(conn)


def replaced(conn: psycopg.Connection, database: str) -> Meter:
    """A device that is replaced in the night to June, half an hour before midnight."""
    meter = add_meter(conn, "m", until=at(158))
    new, point = add_device(conn, "new")
    hang(conn, new, meter.place, at(158), None)
    write(database, meter.point, steady(range(158)))
    write(database, point, steady(range(159, 200), base=7000.0))
    return Meter(meter.id, meter.place, new, point)


def test_case_25_a_replaced_device_leaves_every_total_right(
    conn: psycopg.Connection, database: str
) -> None:
    new = replaced(conn, database)
    old = one(conn, "SELECT id FROM device WHERE code = 'device-m'")
    enter(conn, Meter(new.id, new.place, old, 0), at(158), "final", "179.1")
    enter(conn, new, at(158), "initial", "7079.2")

    work(conn)

    # The old one from 100.0 to 179.1, the new one from 7,079.2 to 7,099.5.
    assert totals(conn) == {99.4}
    assert by(conn, "month") == {date(2026, 5, 1): 79.9, date(2026, 6, 1): 19.5}
    same_as_anew(conn)


def test_case_25_without_values_nothing_is_made_up(conn: psycopg.Connection, database: str) -> None:
    replaced(conn, database)

    work(conn)

    assert totals(conn) == {157 * 0.5 + 40 * 0.5}
    assert (
        one(
            conn,
            "SELECT count(*) FROM consumption WHERE slot >= %s AND slot < %s",
            [at(157), at(159)],
        )
        == 0
    )
    same_as_anew(conn)


def test_case_26_weeks_offline_are_allotted_once_and_the_sum_goes_on(
    conn: psycopg.Connection, database: str
) -> None:
    meter = add_meter(conn, "m")
    write(database, meter.point, steady(range(50)))
    work(conn)
    for quarter in range(50 + 21 * 96, 100 + 21 * 96):
        write(database, meter.point, steady(range(quarter, quarter + 1)))
        work(conn)

    assert totals(conn) == {(99 + 21 * 96) * 0.5}
    assert one(conn, "SELECT sum(estimated) FROM consumption") == (21 * 96 + 1) * 500_000
    assert one(conn, "SELECT count(*) FROM counter_finding WHERE kind = 'gap'") == 1
    same_as_anew(conn)


def test_case_27_a_silent_device_has_no_row_on_any_level(
    conn: psycopg.Connection, database: str
) -> None:
    meter = add_meter(conn, "m")
    silent: list[Row] = [(at(quarter), None) for quarter in range(65, 300)]
    write(database, meter.point, [*steady(range(65)), *silent])

    work(conn)

    assert by(conn, "day") == {date(2026, 5, 30): 32.0}
    assert by(conn, "month") == {date(2026, 5, 1): 32.0}
    assert len(rows(conn, "consumption")) == 64


def test_case_28_a_worker_has_no_state_that_a_restart_could_lose(
    conn: psycopg.Connection, database: str
) -> None:
    meter = add_meter(conn, "m")
    for quarter in range(0, 60, 3):
        write(database, meter.point, steady(range(quarter, quarter + 3)))
        work(conn, make_worker(conn))  # another one each time

    assert totals(conn) == {29.5}
    same_as_anew(conn)


def test_case_34_35_late_rows_in_any_order_give_what_they_give_in_order(
    conn: psycopg.Connection, database: str
) -> None:
    meter = add_meter(conn, "m")
    shown = [(at(quarter), 10 + (quarter * quarter % 37) / 100 + quarter) for quarter in range(200)]
    for begin in (150, 50, 199, 0, 100):
        write(database, meter.point, shown[begin : begin + 50][::-1])
        write(database, meter.point, shown[begin : begin + 50])  # and once more
        work(conn)

    assert totals(conn) == {round(shown[-1][1] - shown[0][1], 2)}
    assert one(conn, "SELECT sum(estimated) FROM consumption") == 0
    same_as_anew(conn)


def test_case_36_of_two_rows_of_one_time_the_first_counts_and_the_other_is_kept(
    conn: psycopg.Connection, database: str
) -> None:
    meter = add_meter(conn, "m")
    outcome: Outcome = write(database, meter.point, steady(range(50)))
    assert sum(outcome.conflicts.values()) == 0

    write(database, meter.point, [(ts, (value or 0) + 3) for ts, value in steady(range(50))])
    work(conn)

    assert totals(conn) == {24.5}
    assert one(conn, "SELECT count(*) FROM reading_conflict") == 50


@pytest.mark.parametrize("offset", [0.0, 0.3])
def test_case_37_hours_days_and_months_are_the_difference_of_the_counter(
    conn: psycopg.Connection, database: str, offset: float
) -> None:
    meter = add_meter(conn, "m")
    shown = [(at(q + offset), q + (q * 7 % 100) / 100) for q in range(400)]
    write(database, meter.point, shown)

    work(conn)

    assert totals(conn) == {round(shown[-1][1] - shown[0][1], 2)}


def calendar(
    conn: psycopg.Connection, database: str, zone: str, begin: datetime, days: int
) -> Meter:
    """A kWh each quarter hour, computed for a site in a zone."""
    meter = add_meter(conn, "m", since=None)
    shown = [(begin + n * QUARTER, float(n)) for n in range(days * 96 + 1)]
    write(database, meter.point, shown)
    due.follow(conn)
    worker = Worker(
        conn, MeteringSettings(), ZoneInfo(zone), Recorder([], []).parts(), lambda: START
    )
    while worker.step().done:
        pass
    return meter


def test_case_38_a_month_is_one_of_the_calendar(conn: psycopg.Connection, database: str) -> None:
    calendar(conn, database, "Asia/Shanghai", datetime(2026, 1, 31, 16, tzinfo=UTC), 59)

    assert by(conn, "month") == {date(2026, 2, 1): 28 * 96.0, date(2026, 3, 1): 31 * 96.0}


def test_case_39_a_day_begins_at_midnight_of_the_site(
    conn: psycopg.Connection, database: str
) -> None:
    calendar(conn, database, "Asia/Shanghai", datetime(2026, 6, 1, tzinfo=UTC), 2)

    assert list(by(conn, "day").values()) == [64.0, 96.0, 32.0]


@pytest.mark.parametrize(
    ("begin", "quarters"),
    [(datetime(2026, 3, 28, tzinfo=UTC), 92.0), (datetime(2026, 10, 24, tzinfo=UTC), 100.0)],
)
def test_case_40_a_day_may_have_23_or_25_hours(
    conn: psycopg.Connection, database: str, begin: datetime, quarters: float
) -> None:
    meter = calendar(conn, database, "Europe/Berlin", begin, 3)

    assert by(conn, "day")[begin.date() + timedelta(days=1)] == quarters
    assert sum(by(conn, "day").values()) == kwh(conn, meter.id) == 288


@pytest.mark.parametrize("reading_day", [1, 15, 26])
def test_case_41_from_any_day_to_any_day_days_are_what_the_counter_gained(
    conn: psycopg.Connection, database: str, reading_day: int
) -> None:
    calendar(conn, database, "Asia/Shanghai", datetime(2026, 1, 31, 16, tzinfo=UTC), 59)

    first, behind = date(2026, 2, reading_day), date(2026, 3, reading_day)
    billed: Sequence[float] = [
        value for day, value in by(conn, "day").items() if first <= day < behind
    ]
    assert sum(billed) == 28 * 96
