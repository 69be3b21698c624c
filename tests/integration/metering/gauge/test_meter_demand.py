from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from psycopg.types.range import Range

from metering.gauge.demand import maximum_demand
from metering.gauge.meter_demand import Asked, meter_demand
from metering.gauge.windows import micros
from tests.integration.metering.gauge.world import (
    START,
    Conn,
    add_device,
    add_point,
    at,
    only,
    recompute,
    store,
)

LATER = START + timedelta(days=400)
EVER = Range[datetime](None, None)


def add_meter(conn: Conn) -> tuple[int, int]:
    """Ids of a meter and its place."""
    place = only(
        conn, "INSERT INTO place (code, name, measures) VALUES ('P', 'P', 'x') RETURNING id"
    )
    meter = only(
        conn,
        "INSERT INTO meter (code, name, energy, unit, place_id)"
        " VALUES ('P', 'P', 'electricity', 'kWh', %s) RETURNING id",
        place,
    )
    return meter, place


def add_power(
    conn: Conn, code: str, place: int, valid: Range[datetime], *readings: tuple[float, float | None]
) -> None:
    device = add_device(conn, code)
    point = add_point(conn, device, "power_total")
    conn.execute("INSERT INTO device_place VALUES (%s, %s, %s)", [device, place, valid])
    store(conn, point, readings)
    recompute(conn, (point, readings[0][0], readings[-1][0]))


def add_ratio(conn: Conn, meter: int, ct: int, valid: Range[datetime]) -> None:
    conn.execute(
        "INSERT INTO meter_ratio (meter_id, ct, pt, valid, entered_by, entered_at)"
        " VALUES (%s, %s, 1, %s, 'tester', %s)",
        [meter, ct, valid, START],
    )


def demands_of(conn: Conn, meter: int, now: datetime = LATER) -> list[tuple[int, float, int]]:
    """Number of the quarter, demand, covered seconds."""
    found = meter_demand(conn, meter, "power_total", Asked(START, at(86_400), now))
    numbers = (found.slot - micros(START)) // 900_000_000
    return list(zip(numbers.tolist(), found.value.tolist(), found.covered_s.tolist(), strict=True))


def test_case_21_the_ratio_of_its_time_multiplies_power_too(conn: Conn) -> None:
    meter, place = add_meter(conn)
    add_power(conn, "d1", place, EVER, (0, 1.0), (900, 2.0), (1800, 3.0), (2700, None))
    add_ratio(conn, meter, 80, Range(None, at(900)))
    add_ratio(conn, meter, 100, Range(at(900), at(1800)))
    assert demands_of(conn, meter) == [(0, 80.0, 900), (1, 200.0, 900), (2, 3.0, 900)]


def test_a_quarter_in_which_the_ratio_changes_has_no_demand(conn: Conn) -> None:
    meter, place = add_meter(conn)
    add_power(conn, "d1", place, EVER, (0, 1.0), (900, 2.0), (1800, None))
    add_ratio(conn, meter, 80, Range(None, at(300)))
    add_ratio(conn, meter, 100, Range(at(300), None))
    assert demands_of(conn, meter) == [(1, 200.0, 900)]


def test_a_withdrawn_ratio_does_not_count(conn: Conn) -> None:
    meter, place = add_meter(conn)
    add_power(conn, "d1", place, EVER, (0, 1.0), (900, None))
    add_ratio(conn, meter, 80, EVER)
    conn.execute("UPDATE meter_ratio SET withdrawn_by = 'tester', withdrawn_at = now()")
    assert demands_of(conn, meter) == [(0, 1.0, 900)]


def test_case_25_the_devices_of_a_place_follow_one_another(conn: Conn) -> None:
    meter, place = add_meter(conn)
    add_power(conn, "old", place, Range(None, at(300)), (0, 10.0), (300, None))
    add_power(conn, "new", place, Range(at(300), None), (300, 40.0), (900, 7.0), (1800, None))
    assert demands_of(conn, meter) == [(0, 30.0, 900), (1, 7.0, 900)]


def test_two_devices_at_once_make_no_quarter_longer_than_it_is(conn: Conn) -> None:
    meter, place = add_meter(conn)
    add_power(conn, "d1", place, EVER, (0, 10.0), (900, None))
    add_power(conn, "d2", place, EVER, (0, 30.0), (900, None))
    assert demands_of(conn, meter) == [(0, 20.0, 900)]


def test_what_a_device_measured_elsewhere_does_not_count(conn: Conn) -> None:
    meter, place = add_meter(conn)
    valid = Range(at(900), at(1800))
    add_power(conn, "d1", place, valid, (0, 1.0), (900, 2.0), (1800, 3.0), (2700, None))
    assert demands_of(conn, meter) == [(1, 2.0, 900)]


def test_the_maximum_demand_of_a_meter(conn: Conn) -> None:
    meter, place = add_meter(conn)
    add_power(conn, "d1", place, EVER, (0, 1.0), (900, 2.0), (1800, 9.0), (1900, None))
    add_ratio(conn, meter, 30, EVER)
    found = meter_demand(conn, meter, "power_total", Asked(START, at(2700), LATER))
    peak = maximum_demand(found, micros(START), micros(at(2700)), 600)
    assert (peak.value, peak.slot, peak.counted) == (60.0, micros(at(900)), 2)
    assert [gap.covered_s for gap in peak.left_out] == [100]


def test_without_readings_there_is_no_demand(conn: Conn) -> None:
    meter, _ = add_meter(conn)
    assert demands_of(conn, meter) == []


def test_a_time_without_zone_is_refused(conn: Conn) -> None:
    with pytest.raises(ValueError, match="no zone"):
        Asked(datetime(2026, 6, 1), START, START)  # noqa: DTZ001


def test_a_quarter_that_is_not_over_has_no_demand_yet(conn: Conn) -> None:
    meter, place = add_meter(conn)
    add_power(conn, "d1", place, EVER, (0, 1.0), (900, 2.0))  # the last one holds on and on
    assert [quarter for quarter, *_ in demands_of(conn, meter, now=at(1799))] == [0]
    assert [quarter for quarter, *_ in demands_of(conn, meter, now=at(1800))] == [0, 1]
