"""From readings of a counter to doubts about its meter: what metering makes of them counts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.integration.metering.derive.world import (
    Meter,
    add_device,
    add_meter,
    enter,
    hang,
    settle,
    work,
    write,
)
from tests.integration.rules.figures import found, load_rules, midnight
from tests.integration.rules.world import Conn, look

DAYS = 42
QUARTERS = 96
RULES = (
    "code: load, kind: electricity.base_load, for: 53h, silence: 2d",
    "code: step, kind: consumption.step, for: 5d, gap: 3d, silence: 3d",
)


def power(day: int, quarter: int, on: range) -> float:
    """kW of a quarter hour: at work on workdays; on some nights something stays on."""
    load = 20.0 if day % 7 < 5 and 32 <= quarter < 72 else 4.0 + 0.2 * ((7 * day + quarter) % 3)
    return load + (8.0 if day in on else 0.0)


def counter(first: int, last: int, start: float, on: range) -> list[tuple[int, float]]:
    """Readings by number of the quarter hour since the first midnight."""
    value, rows = start, []
    for number in range(first * QUARTERS, last * QUARTERS + 1):
        rows.append((number, round(value, 2)))
        value += power(number // QUARTERS, number % QUARTERS, on) / 4
    return rows


def send(url: str, point: int, rows: list[tuple[int, float]]) -> None:
    begin, quarter = midnight(0), timedelta(minutes=15)
    write(url, point, [(begin + number * quarter, value) for number, value in rows])


@pytest.fixture
def meter(conn: Conn) -> Meter:
    settle(conn)
    made = add_meter(conn, "m", since=midnight(0))
    load_rules(conn, *RULES)
    return made


def settled(conn: Conn) -> list[tuple[str, str, float, float]]:
    work(conn)
    look(conn)
    return found(conn)


def test_what_stays_on_is_found_from_readings(conn: Conn, database: str, meter: Meter) -> None:
    send(database, meter.point, counter(0, DAYS, 100, range(34, 39)))
    assert settled(conn) == [("load", "m", 34.0, 39.0), ("step", "m", 34.0, 39.0)]


def test_a_meter_that_is_replaced_is_no_doubt(conn: Conn, database: str, meter: Meter) -> None:
    first = counter(0, 33, 100, range(0))
    send(database, meter.point, first)
    enter(conn, meter, midnight(33), "final", first[-1][1])
    conn.execute(
        "UPDATE device_place SET valid = tstzrange(lower(valid), %s) WHERE device_id = %s",
        [midnight(33), meter.device],
    )
    device, point = add_device(conn, "new")
    hang(conn, device, meter.place, midnight(33), None)
    enter(conn, Meter(meter.id, meter.place, device, point), midnight(33), "initial", 0)
    send(database, point, counter(33, DAYS, 0, range(0)))
    assert settled(conn) == []


def test_what_came_in_catching_up_gives_what_it_would_have_given_in_time(
    conn: Conn, database: str, meter: Meter
) -> None:
    rows = counter(0, DAYS, 100, range(34, 39))
    silent = range(33 * QUARTERS + 20, 40 * QUARTERS + 30)
    send(database, meter.point, [row for row in rows if row[0] not in silent])
    assert settled(conn) == []
    send(database, meter.point, [row for row in rows if row[0] in silent])
    assert settled(conn) == [("load", "m", 34.0, 39.0), ("step", "m", 34.0, 39.0)]


def test_a_counter_that_shows_zeros_for_a_while_is_no_doubt(
    conn: Conn, database: str, meter: Meter
) -> None:
    rows = counter(0, DAYS, 100, range(0))
    zeros = range(35 * QUARTERS + 8, 35 * QUARTERS + 10)
    send(database, meter.point, [(n, 0.0 if n in zeros else value) for n, value in rows])
    assert settled(conn) == []
