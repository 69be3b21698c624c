"""The writer against the least that could do its work.

Ours: ``BulkWriter.write`` with its dirty log, and ``latest`` refreshed once a second: in line
here, so that its cost counts in full, although a collector does it beside. The limit: COPY binary
into a temporary table, then ``INSERT … ON CONFLICT DO NOTHING``, on the same server into the same
table. Their repetitions alternate, so both meet the same index, checkpoints and neighbours.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass

import psycopg

from storage import latest
from storage.records import COLUMNS, COPY_HEADER, COPY_TRAILER, Batch, Kind, split
from storage.writer import BulkWriter
from tests.bench import services
from tests.bench.packed import PROFILE_ID, slot_of_readings
from tests.bench.report import Report, median, rounded, say

FIRST_SLOT_US = 1_780_272_000_000_000  # 2026-06-01, UTC
SLOT_US = 10_000_000
REFRESH_S = 1.0
_COLUMNS = ", ".join(COLUMNS[Kind.READING])
PREFILL = f"""
INSERT INTO reading ({_COLUMNS})
SELECT point, ts, random(), 0::int2, %(profile)s, ts, ts
FROM generate_series(0, %(last)s) AS slot,
     to_timestamp(%(first)s + slot * %(step)s) AS ts,
     generate_series(1, %(rows)s) AS point
"""

Slot = Sequence[Batch]
Write = Callable[[Slot], None]


@dataclass(slots=True)
class Calendar:
    """Hands out slots that were never written before."""

    rows: int
    next_slot: int = 0

    def skip(self, slots: int) -> None:
        self.next_slot += slots

    def take(self, slots: int) -> list[Slot]:
        first = self.next_slot
        self.skip(slots)
        return [
            slot_of_readings(self.rows, FIRST_SLOT_US + at * SLOT_US, seed=at)
            for at in range(first, first + slots)
        ]


class Ours:
    """What the drain does with readings."""

    def __init__(self, url: str, conn: psycopg.Connection) -> None:
        self._writer = BulkWriter(url)
        self._conn = conn
        self._refreshed = time.monotonic()

    def write(self, slot: Slot) -> None:
        self._writer.write(slot)
        if time.monotonic() - self._refreshed >= REFRESH_S:
            self.finish()

    def finish(self) -> None:
        """Bring ``latest`` up to date."""
        latest.refresh(self._conn)
        self._refreshed = time.monotonic()

    def close(self) -> None:
        self._writer.close()


class Bare:
    """The limit."""

    def __init__(self, conn: psycopg.Connection) -> None:
        self._conn = conn
        conn.execute("CREATE TEMP TABLE bare (LIKE reading) ON COMMIT DELETE ROWS")

    def write(self, slot: Slot) -> None:
        with self._conn.transaction(), self._conn.cursor() as cursor:
            with cursor.copy(f"COPY bare ({_COLUMNS}) FROM STDIN (FORMAT binary)") as copy:
                copy.write(b"".join((COPY_HEADER, *(b.body for b in slot), COPY_TRAILER)))
            cursor.execute(
                f"INSERT INTO reading ({_COLUMNS}) SELECT {_COLUMNS} FROM bare"
                " ON CONFLICT DO NOTHING"
            )


@dataclass(frozen=True, slots=True)
class Pair:
    """Rows a second of both, medians over the rounds."""

    ours: float
    limit: float

    def fields(self, name: str) -> dict[str, float]:
        return {
            f"{name}_ours": rounded(self.ours),
            f"{name}_limit": rounded(self.limit),
            f"{name}_ratio": round(self.ours / self.limit, 3),
        }


class Contest:
    """Both ways in turn on one database."""

    def __init__(self, conn: psycopg.Connection, url: str, options: argparse.Namespace) -> None:
        self._conn = conn
        self._options = options
        self._calendar = Calendar(options.rows)
        self._ours = Ours(url, conn)
        self._bare = Bare(conn)

    def close(self) -> None:
        self._ours.close()

    def empty(self) -> Pair:
        """Both into an empty table, emptied again before each repetition."""
        return self._rounds("empty table", self._fresh, self._empty)

    def filled(self) -> Pair:
        """Both into a table that holds ``--prefill`` rows."""
        self._empty()
        self._prefill()
        return self._rounds("filled table", self._fresh, self._settle)

    def replayed(self) -> Pair:
        """Both with nothing but rows that are there already: the slow path of ours."""
        written = self._fresh()
        for slot in written:
            self._bare.write(slot)
        return self._rounds("all duplicates", lambda: written, self._settle)

    def touched(self) -> Pair:
        """Both with one row in each commit that is there already: a whole COPY lost by ours."""
        return self._rounds("one duplicate a commit", self._with_one_duplicate, self._settle)

    def _rounds(
        self, what: str, slots: Callable[[], list[Slot]], prepare: Callable[[], None]
    ) -> Pair:
        ours, limit = [], []
        for turn in range(self._options.rounds + 1):
            prepare()
            fast = self._timed(self._ours.write, slots(), self._ours.finish)
            prepare()
            bare = self._timed(self._bare.write, slots())
            say(f"writer, {what}: ours {fast:,.0f}, limit {bare:,.0f} rows/s")
            if turn:  # the first round warms caches and plans
                ours.append(fast)
                limit.append(bare)
        return Pair(median(ours), median(limit))

    def _timed(
        self, write: Write, slots: Sequence[Slot], finish: Callable[[], None] | None = None
    ) -> float:
        began = time.perf_counter()
        for slot in slots:
            write(slot)
        if finish is not None:
            finish()
        rows: int = len(slots) * self._options.rows
        return rows / (time.perf_counter() - began)

    def _fresh(self) -> list[Slot]:
        return self._calendar.take(self._options.commits)

    def _with_one_duplicate(self) -> list[Slot]:
        slots = self._fresh()
        for slot in slots:
            self._bare.write([Batch(Kind.READING, 1, next(split(slot[0].body)))])
        return slots

    def _empty(self) -> None:
        self._conn.execute("TRUNCATE reading, dirty_log, latest_reading")
        self._settle()

    def _settle(self) -> None:
        latest.refresh(self._conn)
        self._conn.execute("CHECKPOINT")

    def _prefill(self) -> None:
        slots = max(1, self._options.prefill // self._options.rows)
        say(f"writer: filling the table with {slots * self._options.rows:,} rows")
        self._conn.execute(
            PREFILL,
            {
                "profile": PROFILE_ID,
                "last": slots - 1,
                "first": (FIRST_SLOT_US + self._calendar.next_slot * SLOT_US) / 1e6,
                "step": SLOT_US / 1e6,
                "rows": self._options.rows,
            },
        )
        self._calendar.skip(slots)
        self._conn.execute("VACUUM ANALYZE reading")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rows", type=int, default=10_000, help="rows a commit")
    parser.add_argument("--commits", type=int, default=40, help="commits a repetition")
    parser.add_argument("--rounds", type=int, default=5, help="repetitions of each way")
    parser.add_argument(
        "--prefill", type=int, default=2_000_000, help="rows in the table that is not empty"
    )


def hurry(options: argparse.Namespace) -> None:
    """Make it small: enough to see that everything works."""
    options.rows, options.commits, options.rounds, options.prefill = 1_000, 3, 1, 10_000


def run(options: argparse.Namespace, work: services.Workshop) -> Report:
    database = work.database()
    with (
        psycopg.connect(database.url, autocommit=True) as conn,
        closing(Contest(conn, database.url, options)) as contest,
    ):
        empty, filled = contest.empty(), contest.filled()
        replayed, touched = contest.replayed(), contest.touched()
        return Report(
            "writer",
            filled.ours,
            filled.limit,
            "rows/s",
            {
                **empty.fields("empty"),
                **replayed.fields("replay"),
                **touched.fields("one_duplicate"),
                "rows_a_commit": options.rows,
                "prefill_rows": options.prefill,
                "server": database.version(),
            },
        )
