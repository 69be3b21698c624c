from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from fleet.dashboard import readings
from fleet.dashboard.compare import compared
from registry.audit import Act, lines
from registry.refusal import RefusedError
from registry.vehicles import Vehicle, find_vehicle
from tests.integration.fleet.world import add_terminal, add_vehicle, bind, work, write
from tests.unit.fleet.drives import Drive

ACT = Act("王会计", datetime(2026, 11, 29, tzinfo=UTC))


def at(day: int, hour: int = 0) -> datetime:
    return datetime(2026, 6, day, hour, tzinfo=UTC)


@pytest.fixture
def car(conn: psycopg.Connection[Any]) -> Vehicle:
    add_vehicle(conn, "v")
    return find_vehicle(conn, "v")


def test_a_vehicle_is_found_by_code_and_by_plate(
    conn: psycopg.Connection[Any], car: Vehicle
) -> None:
    assert find_vehicle(conn, "川A·v") == car
    with pytest.raises(RefusedError, match="没有编码或车牌"):
        find_vehicle(conn, "x")
    add_vehicle(conn, "京A12345", sensitive=True)
    with pytest.raises(RefusedError, match=r"相近的有 京A12345$"):
        find_vehicle(conn, "京A12346")
    conn.execute("UPDATE vehicle SET plate = '川A·0'")
    add_vehicle(conn, "w")
    conn.execute("UPDATE vehicle SET plate = '川A·0'")
    with pytest.raises(RefusedError, match="多辆车：v（川A·0）、w（川A·0）"):
        find_vehicle(conn, "川A·0")


def test_three_mileages_stand_side_by_side(
    conn: psycopg.Connection[Any], database: str, car: Vehicle
) -> None:
    terminal = add_terminal(conn, "t")
    bind(conn, terminal, car.id)
    drive = Drive(odometer_km=100.0).park(30).go(20_000).park(30)
    write(database, drive.rows, {1: terminal})
    work(conn)
    readings.enter(conn, ACT, car, at(1), Decimal(5000))
    readings.enter(conn, ACT, car, at(2), Decimal("5020.5"))
    (pair,) = compared(conn, car.id)
    assert pair.dashboard_mm == 20_500_000
    assert pair.gps_mm == pytest.approx(20_000_000, rel=0.01)
    assert pair.terminal_mm == 20_000_000


def test_what_the_terminal_counted_without_an_antenna_was_driven_too(
    conn: psycopg.Connection[Any], database: str, car: Vehicle
) -> None:
    terminal = add_terminal(conn, "t")
    bind(conn, terminal, car.id)
    drive = Drive(odometer_km=100.0).park(30).go(20_000).park(5)
    assert drive.odometer_km is not None
    drive.odometer_km += 80  # in a basement where nothing is received
    drive.silent(60).park(5)
    write(database, drive.rows, {1: terminal})
    work(conn)
    assert conn.execute("SELECT count(*) FROM trip").fetchone() == (1,)
    readings.enter(conn, ACT, car, at(1), Decimal(5000))
    readings.enter(conn, ACT, car, at(6), Decimal(5100))
    (pair,) = compared(conn, car.id)
    assert pair.terminal_mm == 100_000_000


def test_what_one_trip_of_several_counted_is_not_what_the_terminal_counted(
    conn: psycopg.Connection[Any], database: str, car: Vehicle
) -> None:
    terminal = add_terminal(conn, "t")
    bind(conn, terminal, car.id)
    drive = Drive(odometer_km=100.0).park(30).go(20_000).park(30)
    drive.odometer_km = None
    drive.go(10_000).park(30)
    write(database, drive.rows, {1: terminal})
    work(conn)
    readings.enter(conn, ACT, car, at(1), Decimal(5000))
    readings.enter(conn, ACT, car, at(6), Decimal(5030))
    (pair,) = compared(conn, car.id)
    assert pair.terminal_mm is None, "unknown is not zero"


def test_a_trip_under_way_at_a_reading_counts_by_its_time(
    conn: psycopg.Connection[Any], database: str, car: Vehicle
) -> None:
    terminal = add_terminal(conn, "t")
    bind(conn, terminal, car.id)
    drive = Drive().park(30).go(20_000, kmh=20).park(30)
    write(database, drive.rows, {1: terminal})
    work(conn)
    whole = conn.execute("SELECT distance_mm FROM trip").fetchone()
    assert whole is not None
    for number, when in enumerate((at(1), at(1, 5), at(2))):
        readings.enter(conn, ACT, car, when, Decimal(number))
    first, second = compared(conn, car.id)
    assert first.gps_mm == pytest.approx(whole[0] / 2, rel=0.02)
    assert 0 <= whole[0] - first.gps_mm - second.gps_mm <= 1
    assert first.terminal_mm is None, "unknown is not zero"


def test_vehicle_case_12_a_corrected_reading_is_kept_and_the_old_one_stays(
    conn: psycopg.Connection[Any], car: Vehicle
) -> None:
    wrong = readings.enter(conn, ACT, car, at(1), Decimal(50000))
    right = readings.enter(conn, ACT, car, at(1), Decimal(5000), instead_of=wrong)
    assert [one.id for one in readings.standing(conn, car.id)] == [right]
    assert conn.execute("SELECT count(*) FROM dashboard_reading").fetchone() == (2,)
    actions = [line.action for line in lines(conn, "v")]
    assert actions == ["odometer.enter", "odometer.withdraw", "odometer.enter"]


def test_vehicle_case_12_another_dashboard_begins_anew(
    conn: psycopg.Connection[Any], car: Vehicle
) -> None:
    readings.enter(conn, ACT, car, at(1), Decimal(50000))
    with pytest.raises(RefusedError, match="换表请加 --restarts"):
        readings.enter(conn, ACT, car, at(2), Decimal(12))
    readings.enter(conn, ACT, car, at(2), Decimal(12), restarts=True)
    readings.enter(conn, ACT, car, at(3), Decimal(40))
    assert [one.dashboard_mm for one in compared(conn, car.id)] == [28_000_000]


@pytest.mark.parametrize(
    ("when", "km", "words"),
    [
        (datetime(2027, 1, 1, tzinfo=UTC), "1", "晚于现在"),
        (at(2), "1.25", "最多一位小数"),
        (at(2), "10000000", "最多一位小数"),
        (at(1), "5000", "已有读数"),
        (at(2), "4999", "小于此前"),
        (datetime(2026, 5, 1, tzinfo=UTC), "5001", "大于此后"),
    ],
)
def test_what_cannot_be_true_is_refused(
    conn: psycopg.Connection[Any], car: Vehicle, when: datetime, km: str, words: str
) -> None:
    readings.enter(conn, ACT, car, at(1), Decimal(5000))
    with pytest.raises(RefusedError, match=words):
        readings.enter(conn, ACT, car, when, Decimal(km))
    assert len(readings.standing(conn, car.id)) == 1


def test_only_what_stands_can_be_withdrawn(conn: psycopg.Connection[Any], car: Vehicle) -> None:
    number = readings.enter(conn, ACT, car, at(1), Decimal(5000))
    readings.withdraw(conn, ACT, number)
    with pytest.raises(RefusedError, match="已经撤销"):
        readings.withdraw(conn, ACT, number)
