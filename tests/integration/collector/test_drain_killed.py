"""kill -9 of a collector at random moments: what it said it accepted is in the database, once."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import psycopg

from collector.drain import Drain
from collector.settings import SpoolSettings
from collector.spool import Spool
from collector.spool_model import Fate
from storage.records import Kind
from storage.writer import BulkWriter
from tests.integration.collector import accepting_child

KILLS = 20


def run_and_kill(spool: Path, run: int, database: str, after_s: float) -> int:
    """Return how many rows the child said were accepted."""
    child = subprocess.Popen(
        [sys.executable, "-m", accepting_child.__name__, str(spool), str(run), database],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    )
    said = 0
    with child:
        assert child.stdout is not None
        for line in child.stdout:
            # The last line may be cut by the kill.
            if line.startswith(b"accepted ") and line.endswith(b"\n"):
                if not said:
                    time.sleep(after_s)
                    child.kill()
                said = int(line.split()[1])
    return said


def test_twenty_kills_lose_nothing_and_double_nothing(tmp_path: Path, database: str) -> None:
    chance = random.Random(20261122)
    path = tmp_path / "spool.db"
    said = {
        run: run_and_kill(path, run, database, chance.uniform(0.0, 0.25))
        for run in range(1, KILLS + 1)
    }
    assert all(said.values()), "every child accepted something"

    spool = Spool(path, SpoolSettings())
    writer = BulkWriter(database)
    drain = Drain(spool, writer.write, SpoolSettings(), now_us=lambda: 0)
    while drain.turn() is not None:
        assert not drain.failing
    writer.close()
    tally = spool.tally()
    spool.close()

    with psycopg.connect(database) as conn:
        stored: dict[int, int] = dict(
            conn.execute("SELECT point_id, count(*) FROM reading GROUP BY point_id").fetchall()
        )
        ends: dict[int, int] = dict(
            conn.execute(
                "SELECT point_id, max(value)::bigint + 1 FROM reading GROUP BY point_id"
            ).fetchall()
        )
    assert stored == ends, "no number is missing in between"
    assert {run: rows for run, rows in said.items() if stored[run] < rows} == {}
    # In flight at the kill: at most one batch more than was said.
    assert all(stored[run] - rows in (0, accepting_child.ROWS) for run, rows in said.items())
    assert tally == {
        (Kind.READING, Fate.ACCEPTED): sum(stored.values()),
        (Kind.READING, Fate.DELIVERED): sum(stored.values()),
    }
