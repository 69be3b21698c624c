"""What comes late, doubled and in disorder, and what changes of bindings, ends as if it had not."""

from __future__ import annotations

import random
from dataclasses import replace

import psycopg
import pytest

from fleet.derive import due
from fleet.derive.settings import TripSettings
from fleet.derive.worker import Worker
from simulators.models.route import City
from simulators.models.vehicle import OFFICIAL, PATROL, Vehicle
from simulators.mqtt.terminal import Schedule
from storage.times import at_us
from tests.integration.fleet.world import (
    NOW,
    ZONE,
    add_terminal,
    add_vehicle,
    anew,
    bind,
    derived,
    one,
    work,
    write,
)
from tests.unit.fleet.drives import NOON, Drive, Fix
from tests.unit.fleet.trips.test_recompute import history

DAY = 86_400_000_000


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_pieces_late_doubled_and_disordered(
    conn: psycopg.Connection, database: str, seed: int
) -> None:
    dice = random.Random(seed)
    numbers = {1: add_terminal(conn, "t1"), 2: add_terminal(conn, "t2")}
    vehicle, other = add_vehicle(conn, "v"), add_vehicle(conn, "w")
    bind(conn, numbers[1], vehicle)
    bind(conn, numbers[2], vehicle)
    rows = [row for n in range(3) for row in _later(history(seed * 10 + n, 15), n)]
    pieces = _pieces(rows)
    dice.shuffle(pieces)
    for number, piece in enumerate(pieces):
        write(database, piece, numbers)
        if dice.random() < 0.3:
            write(database, dice.choice(pieces[: number + 1]), numbers)
        if dice.random() < 0.1:
            _rebind(conn, dice, numbers, (vehicle, other))
        _work_at_some(conn, dice)
    _rebind(conn, dice, numbers, (vehicle, other))
    work(conn)
    found = derived(conn)
    assert found["trip"]
    assert found == anew(conn)
    assert one(conn, "SELECT count(*) FROM fleet_due") == 0
    assert one(conn, "SELECT count(*) FROM fleet_failure") == 0


def _pieces(rows: list[Fix]) -> list[list[Fix]]:
    """Return some fifty pieces, however many rows there are."""
    size = max(40, len(rows) // 50)
    return [rows[n : n + size] for n in range(0, len(rows), size)]


def _work_at_some(conn: psycopg.Connection, dice: random.Random) -> None:
    """Compute what is new at some time, or what is oldest, and leave the rest due."""
    due.follow(conn)
    now = at_us(NOON + dice.randrange(4 * DAY))
    worker = Worker(conn, TripSettings(batch=dice.choice([1, 3])), ZONE, lambda: now)
    for _ in range(dice.randrange(4)):
        worker.step()


def _later(rows: list[Fix], days: int) -> list[Fix]:
    return [replace(row, t_us=row.t_us + days * DAY) for row in rows]


def _rebind(
    conn: psycopg.Connection, dice: random.Random, numbers: dict[int, int], cars: tuple[int, int]
) -> None:
    terminal = dice.choice(list(numbers.values()))
    since = NOON + dice.randrange(3 * DAY)
    at = f"to_timestamp({since / 1e6})"
    with conn.transaction():
        conn.execute("DELETE FROM terminal_vehicle WHERE terminal_id = %s", [terminal])
        first, second = dice.sample(cars, 2)
        statement = (
            f"INSERT INTO terminal_vehicle VALUES ({terminal}, {first}, tstzrange(NULL, {at})),"
            f" ({terminal}, {second}, tstzrange({at}, NULL))"
        )
        conn.execute(statement.encode())


def simulated(days: int, *, patrol: bool) -> list[Fix]:
    """Days of a simulated vehicle, as its terminal reports them."""
    vehicle = Vehicle(PATROL if patrol else OFFICIAL, City(30.66, 104.06), 7, 20_600)
    begin = 20_600 * DAY - 8 * 3_600_000_000
    table = Schedule(vehicle, 10, 30, 3).table(begin, begin + days * DAY)
    return [
        Fix(t, lat, lon, speed, odometer, int(acc), hash=n)
        for n, (t, lat, lon, speed, odometer, acc) in enumerate(
            zip(
                table.t_us.tolist(),
                table.lat.tolist(),
                table.lon.tolist(),
                table.speed.tolist(),
                table.odometer.tolist(),
                table.acc.tolist(),
                strict=True,
            )
        )
    ]


@pytest.mark.parametrize("patrol", [False, True])
def test_simulated_days_shuffled_doubled_and_a_day_late(
    conn: psycopg.Connection, database: str, patrol: bool
) -> None:
    rows = simulated(3, patrol=patrol)
    terminal, vehicle = add_terminal(conn, "t"), add_vehicle(conn, "v")
    bind(conn, terminal, vehicle)
    dice = random.Random(5)
    blocks = [rows[n : n + 20] for n in range(0, len(rows), 20)]
    late = [block for block in blocks if dice.random() < 0.05]
    in_time = [row for block in blocks if block not in late for row in block]
    for n in range(0, len(in_time), 1_000):
        part = in_time[n : n + 1_000]
        dice.shuffle(part)
        write(database, part, {1: terminal})
        work(conn)
    for block in reversed(late):
        write(database, [*block, *block], {1: terminal})
    work(conn)
    found = derived(conn)
    assert len(found["trip"]) > 1
    assert found == anew(conn)
    gps, terminal_mm = conn.execute(
        "SELECT sum(gps_mm), sum(terminal_mm) FROM vehicle_day"
    ).fetchone() or (0, 0)
    assert float(gps) == pytest.approx(float(terminal_mm), rel=0.02), "the simulator's own truth"


def test_vehicle_case_09_what_is_uploaded_newest_first_is_computed_all_the_same(
    conn: psycopg.Connection, database: str
) -> None:
    terminal, vehicle = add_terminal(conn, "t"), add_vehicle(conn, "v")
    bind(conn, terminal, vehicle)
    rows = Drive().park(40).go(15_000).park(40).rows
    for n in range(len(rows), 0, -50):
        write(database, rows[max(0, n - 50) : n][::-1], {1: terminal})
        work(conn)
    found = derived(conn)
    assert len(found["trip"]) == 1
    assert found == anew(conn)


def test_only_the_piece_that_late_data_touches_is_computed(
    conn: psycopg.Connection, database: str
) -> None:
    terminal, vehicle = add_terminal(conn, "t"), add_vehicle(conn, "v")
    bind(conn, terminal, vehicle)
    drive = Drive(every_s=30)
    for _ in range(20):
        drive.park(60).go(5000)
    drive.park(60)
    late = drive.rows.pop(1000)
    write(database, drive.rows, {1: terminal})
    assert work(conn) == len(drive.rows)
    kept = conn.execute("SELECT xmin::text, started_at FROM trip").fetchall()
    write(database, [late], {1: terminal})
    assert work(conn) < len(drive.rows) / 8
    again = conn.execute("SELECT xmin::text, started_at FROM trip").fetchall()
    assert len(set(kept) & set(again)) >= 18


@pytest.mark.parametrize("seed", [4, 5, 6])
def test_what_is_stored_while_others_compute_is_set_right_in_its_turn(
    conn: psycopg.Connection, database: str, seed: int
) -> None:
    dice = random.Random(seed)
    terminal, vehicle = add_terminal(conn, "t"), add_vehicle(conn, "v")
    bind(conn, terminal, vehicle)
    rows = [replace(row, terminal=1) for row in history(seed, 30)]
    pieces = _pieces(rows)
    dice.shuffle(pieces)
    worker = Worker(conn, TripSettings(), ZONE, lambda: NOW)
    for piece in pieces:
        half = dice.randrange(len(piece) + 1)
        write(database, piece[:half], {1: terminal})
        due.follow(conn)
        write(database, piece[half:], {1: terminal})
        assert worker.step().failed == 0
    work(conn)
    found = derived(conn)
    assert found["trip"]
    assert found == anew(conn)
