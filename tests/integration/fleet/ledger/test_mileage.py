"""Kilometres of the ledger from real positions and entered readings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from fleet.dashboard import readings
from fleet.ledger.account import Account, accounts
from fleet.ledger.events import Stretch
from fleet.ledger.mileage import in_turn
from fleet.ledger.mileage_doubts import all_doubts
from fleet.ledger.window import months
from fleet.ledger.words import words
from registry.audit import Act
from registry.vehicles import find_vehicle
from tests.integration.fleet.ledger.world import SPENDING, ZONE, Conn, bring, cars, spent
from tests.integration.fleet.world import add_terminal, bind, one, work, write
from tests.unit.fleet.drives import Drive

JUNE = months(date(2026, 6, 1), 1)
Accounts = Callable[[], dict[str, Account]]


def settle(conn: Conn, database: str, tmp_path: Path, odometer_km: float | None) -> None:
    """A01 drives 200 km on 1 June, seen by its terminal; 14 L are filled that evening."""
    filled = spent("T1", "A01", None, "2026-06-01 21:00", "加油", "92号汽油", 14, 100)
    bring(conn, tmp_path / "a.xlsx", 车辆=cars(), 费用=[SPENDING, filled])
    terminal = add_terminal(conn, "t")
    bind(conn, terminal, one(conn, "SELECT id FROM vehicle WHERE code = 'A01'"))
    work(conn)
    drive = Drive(odometer_km=odometer_km).park(30).go(100_000).park(60).go(-100_000).park(30)
    write(database, drive.rows, {1: terminal})
    work(conn)


def of_june(conn: Conn) -> Account:
    found = accounts(conn, JUNE, ZONE, words(), codes=["A01"], mileage=in_turn(conn, JUNE, ZONE))
    return found[0]


def enter(conn: Conn, km: str, at: datetime) -> None:
    act = Act("王会计", datetime(2026, 7, 1, tzinfo=UTC))
    readings.enter(conn, act, find_vehicle(conn, "A01"), at, Decimal(km))


def test_without_a_reading_the_terminal_counts_and_fuel_over_the_same_days(
    conn: Conn, database: str, tmp_path: Path
) -> None:
    settle(conn, database, tmp_path, 5_000.0)
    found = of_june(conn)
    assert isinstance(found.stretch, Stretch)
    assert (found.stretch.source, found.stretch.hm) == ("terminal", 2_000)
    assert found.yuan_per_km == Decimal("0.50")


def test_without_a_terminal_that_counts_the_positions_do(
    conn: Conn, database: str, tmp_path: Path
) -> None:
    settle(conn, database, tmp_path, None)
    found = of_june(conn)
    assert isinstance(found.stretch, Stretch)
    assert found.stretch.source == "gps"
    assert 1_990 < found.stretch.hm < 2_010


def test_readings_entered_by_hand_count_first_and_what_contradicts_them_is_a_question(
    conn: Conn, database: str, tmp_path: Path
) -> None:
    settle(conn, database, tmp_path, 5_000.0)
    enter(conn, "8000", datetime(2026, 6, 1, 9, tzinfo=ZONE))
    enter(conn, "8350", datetime(2026, 6, 2, 20, tzinfo=ZONE))
    found = of_june(conn)
    assert isinstance(found.stretch, Stretch)
    assert (found.stretch.source, found.stretch.hm) == ("odometer", 3_500)
    asked = all_doubts(conn, [found], ZONE, 10, 20)
    assert asked["A01"].startswith("里程待核对（疑点）：同期终端里程 200.0 km、卫星定位 ")
    assert asked["A01"].endswith("（其间 1 天没有定位）")
    assert all_doubts(conn, [found], ZONE, 90, 20) == {}
