from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from registry.importing import apply
from registry.lookup import place_of, room_of, vehicle_of
from tests.unit.registry.samples import catalogue, device, document, inventory

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = datetime(2026, 2, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)


@pytest.fixture
def ids(conn: psycopg.Connection[Any]) -> dict[str, int]:
    content = document()
    dates = [
        {"since": FIRST.isoformat(), "until": SECOND.isoformat()},
        {"since": SECOND.isoformat()},
    ]
    content["devices"] = [
        device(
            "m-1", 1, places=[{"place": p} | d for p, d in zip(("p-1", "p-2"), dates, strict=True)]
        )
    ]
    content["terminals"] = [
        {
            "code": "t-1",
            "vehicles": [{"vehicle": v} | d for v, d in zip(("v-1", "v-2"), dates, strict=True)],
        }
    ]
    apply(conn, inventory(content), catalogue(), now=SECOND, by="tester")
    tables = ("device", "place", "room", "terminal", "vehicle")
    return {
        code: number
        for table in tables
        for code, number in conn.execute(f"SELECT code, id FROM {table}").fetchall()
    }


@pytest.mark.parametrize(
    ("at", "place", "vehicle"),
    [
        (FIRST - TICK, None, None),
        (FIRST, "p-1", "v-1"),
        (SECOND - TICK, "p-1", "v-1"),
        (SECOND, "p-2", "v-2"),
        (SECOND + timedelta(days=9999), "p-2", "v-2"),
    ],
)
def test_since_is_inside_and_until_is_not(
    conn: psycopg.Connection[Any],
    ids: dict[str, int],
    at: datetime,
    place: str | None,
    vehicle: str | None,
) -> None:
    assert place_of(conn, ids["m-1"], at) == (ids[place] if place else None)
    assert vehicle_of(conn, ids["t-1"], at) == (ids[vehicle] if vehicle else None)


def test_a_place_is_in_its_room(conn: psycopg.Connection[Any], ids: dict[str, int]) -> None:
    assert room_of(conn, ids["p-2"], FIRST) == ids["r-2"]


def test_a_time_without_zone_is_refused(conn: psycopg.Connection[Any], ids: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="no zone"):
        place_of(conn, ids["m-1"], FIRST.replace(tzinfo=None))
