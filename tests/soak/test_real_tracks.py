"""Real taxi tracks, a day late, doubled and in disorder: the same trips to the millimetre.

The tracks are other people's and not in this repository. ``JIEYONG_TEST_TRACKS`` names a directory
with one file a taxi, of Cabspotting (``lat lon occupied epoch``) or T-Drive
(``id,YYYY-MM-DD HH:MM:SS,lon,lat``, in Beijing's time).
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg
import pytest

from tests.integration.fleet.world import add_terminal, add_vehicle, bind, one, work, write
from tests.unit.fleet.drives import Fix

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]

BLOCK: Final = 20
LATE: Final = 0.05
DAY_US: Final = 86_400_000_000
WHAT: Final = {
    "trip": "started_at",
    "vehicle_stop": "seen_from",
    "vehicle_share": "day, owner_at, kind",
}


def tracks() -> list[Path]:
    named = os.environ.get("JIEYONG_TEST_TRACKS")
    return sorted(Path(named).rglob("*.txt")) if named else []


def fixes(path: Path) -> list[Fix]:
    """Read a file; a taxi that says the same twice has said it once."""
    lines = path.read_text(encoding="ascii").splitlines()
    read = _tdrive if "," in lines[0] else _cabspotting
    seen = sorted({read(line) for line in lines})
    return [Fix(t, lat, lon, hash=n) for n, (t, lat, lon) in enumerate(seen)]


def _cabspotting(line: str) -> tuple[int, float, float]:
    lat, lon, _, epoch = line.split()
    return int(epoch) * 1_000_000, float(lat), float(lon)


def _tdrive(line: str) -> tuple[int, float, float]:
    _, at, lon, lat = line.split(",")
    when = datetime.fromisoformat(at).replace(tzinfo=ZoneInfo("Asia/Shanghai"))
    return int(when.timestamp()) * 1_000_000, float(lat), float(lon)


def deliveries(rows: list[Fix], dice: random.Random) -> Iterator[list[Fix]]:
    """Yield each day's fixes shuffled, some twice; what was withheld a day later, last first."""
    held: list[list[Fix]] = []
    for _, group in groupby(rows, lambda row: row.t_us // DAY_US):
        day = list(group)
        blocks = [day[n : n + BLOCK] for n in range(0, len(day), BLOCK)]
        withheld = [block for block in blocks if dice.random() < LATE]
        in_time = [row for block in blocks if block not in withheld for row in block]
        in_time += dice.sample(in_time, len(in_time) // 10)
        dice.shuffle(in_time)
        yield in_time
        for block in reversed(held):
            yield [*reversed(block), *block]
        held = withheld
    for block in reversed(held):
        yield [*reversed(block), *block]


def stored(conn: psycopg.Connection[Any], vehicle: int) -> dict[str, list[str]]:
    """Return all that is derived of a vehicle, but for its number."""
    return {
        table: [
            text
            for (text,) in conn.execute(
                f"SELECT (to_jsonb(t) - 'vehicle_id')::text FROM {table} AS t"
                f" WHERE vehicle_id = %s ORDER BY {order}".encode(),
                [vehicle],
            )
        ]
        for table, order in WHAT.items()
    }


@pytest.mark.skipif(not tracks(), reason="JIEYONG_TEST_TRACKS names no directory with tracks")
@pytest.mark.parametrize("path", tracks(), ids=lambda path: path.stem)
def test_a_disordered_stream_gives_what_the_ordered_one_gives(path: Path, database: str) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    rows = fixes(path)
    with psycopg.connect(database, autocommit=True) as conn:
        cars = [add_vehicle(conn, code) for code in ("ordered", "disordered")]
        boxes = [add_terminal(conn, code) for code in ("t1", "t2")]
        for box, car in zip(boxes, cars, strict=True):
            bind(conn, box, car)
        for n in range(0, len(rows), 2_000):
            write(database, rows[n : n + 2_000], {1: boxes[0]})
            work(conn)
        for part in deliveries(rows, random.Random(seed)):
            write(database, part, {1: boxes[1]})
            work(conn)
        ordered, disordered = (stored(conn, car) for car in cars)
        assert one(conn, "SELECT count(*) FROM fleet_failure") == 0
        print(f"{len(rows)} fixes, {len(ordered['trip'])} trips")
        assert ordered["vehicle_stop"]  # a taxi that stood all the while has no trip
        assert disordered == ordered
