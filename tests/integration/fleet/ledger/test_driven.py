"""Kilometres of many windows at once are those that the account of each window has."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import numpy as np
import psycopg
import pytest
from numpy.random import Generator

from fleet.ledger.account import accounts
from fleet.ledger.events import Stretch
from fleet.ledger.mileage import in_turn
from fleet.ledger.window import later, rolling
from fleet.ledger.words import words
from fleet.norms.upkeep import LEAST_HM, Kept, kept
from storage.times import midnight
from tests.bench import fleet_books
from tests.integration.fleet.ledger.world import ZONE

FIRST: Final = date(2025, 1, 6)
MONTHS: Final = [later(FIRST, n) for n in range(10, 18)]
VEHICLES: Final = 12
Conn = psycopg.Connection[Any]


@pytest.fixture
def conn(database: str) -> Iterator[Conn]:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("INSERT INTO institution (code, name) VALUES ('i', '')")
        fleet_books.furnish(connection, VEHICLES, FIRST, FIRST + timedelta(days=420))
        yield connection


def disturb(conn: Conn, rng: Generator) -> None:
    """Misread some readings, leave out times, set some anew, lose what terminals saw."""
    lost = [int(one) for one in rng.integers(1, 100_000, 3)]
    conn.execute(
        "UPDATE dispatch_order SET odometer_back_hm = odometer_back_hm"
        " + CASE WHEN id %% 499 = %s THEN 90000 WHEN id %% 97 = %s THEN -3 ELSE 0 END,"
        " out_at = CASE WHEN id %% 89 = %s THEN NULL ELSE out_at END",
        [lost[0] % 499, lost[1] % 97, lost[2] % 89],
    )
    conn.execute("DELETE FROM dispatch_order WHERE consumer_id % 4 = 2 AND id % 3 > 0")
    conn.execute(
        "UPDATE vehicle_share SET terminal_mm = NULL"
        " WHERE vehicle_id %% 3 = 1 AND distance_mm %% 53 = %s",
        [lost[0] % 53],
    )
    for vehicle in range(1, VEHICLES + 1, 3):
        at = datetime.combine(FIRST, datetime.min.time(), UTC) + timedelta(
            hours=int(rng.integers(0, 9_000))
        )
        conn.execute(
            "INSERT INTO dashboard_reading (vehicle_id, read_at, km, restarts, entered_by,"
            " entered_at) VALUES (%s, %s, %s, %s, 'x', now())",
            [vehicle, at, int(rng.integers(0, 150_000)), bool(rng.integers(0, 2))],
        )


def by_accounts(conn: Conn, month: date) -> list[Kept]:
    window = rolling(month)[2]
    found = []
    for one in accounts(conn, window, ZONE, words(), mileage=in_turn(conn, window, ZONE)):
        way, facts = one.stretch, one.consumer.facts
        if isinstance(way, Stretch) and way.hm >= LEAST_HM and way.until >= midnight(month, ZONE):
            group = f"{facts['energy']} {facts['class']}"
            lines = [e.fen or 0 for e in one.events if e.kind == "maintenance"]
            fen, dearest = one.fen.get("maintenance", 0), max([0, *lines])
            found.append(Kept(one.consumer.code, group, fen - dearest, way.hm, dearest))
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_they_are_those_of_the_accounts(conn: Conn, seed: int) -> None:
    disturb(conn, np.random.default_rng(seed))
    found = kept(conn, MONTHS, ZONE)
    for month in MONTHS:
        assert sorted(found[month], key=repr) == sorted(by_accounts(conn, month), key=repr)
    assert 0 < sum(map(len, found.values())) < VEHICLES * len(MONTHS), "some are known, some not"
    some = kept(conn, MONTHS, ZONE, ["V1", "V2"])
    assert some == {
        month: [one for one in its if one.code in {"V1", "V2"}] for month, its in found.items()
    }
