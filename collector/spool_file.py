"""The spool's statements: everything that touches its SQLite file, one transaction at a time."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from collector.spool_model import Fate, Settlement, Stored, Tally
from storage.records import Batch, Kind

_VACUUM_PAGES: Final = 1024
"""Free pages given back to the file system at a time: 8 MiB, so that no turn is long."""


@dataclass(frozen=True, slots=True)
class Content:
    """What an opened file holds.

    Attributes:
        rows: rows that wait.
        size: bytes of their bodies.
        last_id: the newest batch that waits, 0 when none does.
        next_id: never used before.
        tally: rows by kind and fate.
    """

    rows: int
    size: int
    last_id: int
    next_id: int
    tally: Counter[tuple[Kind, Fate]]


class SpoolFile:
    """An open spool file: one connection that writes, one that reads back.

    Reading back never waits for a commit. Writes must come from one thread at a time.

    Attributes:
        damaged: where a damaged predecessor was moved at this start, if one was found.
    """

    def __init__(
        self,
        writer: sqlite3.Connection,
        reader: sqlite3.Connection,
        lock: int,
        damaged: Path | None,
    ) -> None:
        self.damaged = damaged
        self._writer = writer
        self._reader = reader
        self._reading = threading.Lock()
        self._lock = lock
        self._page_size: int = writer.execute("PRAGMA page_size").fetchone()[0]

    def content(self) -> Content:
        """Return what the file holds."""
        run = self._writer.execute
        rows, size, last = run(
            "SELECT coalesce(sum(rows), 0), coalesce(sum(length(body)), 0), coalesce(max(id), 0)"
            " FROM batch"
        ).fetchone()
        (ever,) = run(
            "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'batch'"
        ).fetchone()
        tally = Counter(
            {
                (Kind(kind), Fate(fate)): count
                for kind, fate, count in run("SELECT kind, fate, rows FROM tally")
            }
        )
        return Content(rows, size, last, max(ever, last) + 1, tally)

    def write(
        self, stored: Sequence[Stored], settlements: Sequence[Settlement], counts: Tally
    ) -> None:
        """Write one transaction; it is on disk when this returns.

        Raises:
            sqlite3.Error: nothing was written.
        """
        run, run_many = self._writer.execute, self._writer.executemany
        run("BEGIN IMMEDIATE")
        try:
            # Deletes first: what is stored now can take their pages.
            if settlements:
                run("DELETE FROM batch WHERE id <= ?", (max(s.upto for s in settlements),))
            run_many(
                "INSERT INTO aside (kind, reason, body) VALUES (?, ?, ?)",
                [(row.kind, row.reason, row.body) for s in settlements for row in s.aside],
            )
            run_many(
                "INSERT INTO batch (id, kind, rows, received_us, body) VALUES (?, ?, ?, ?, ?)",
                [(s.id, s.batch.kind, s.batch.rows, s.received_us, s.batch.body) for s in stored],
            )
            run_many(
                "INSERT INTO tally (kind, fate, rows) VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET rows = rows + excluded.rows",
                [(kind, fate, rows) for (kind, fate), rows in counts.items()],
            )
            run("COMMIT")
        except BaseException:
            # When the disk is full SQLite may have rolled back by itself.
            if self._writer.in_transaction:
                run("ROLLBACK")
            raise

    def read(self, after: int, upto: int, max_rows: int, max_bytes: int) -> list[Stored]:
        """Read batches in order: ids above ``after``, up to ``upto``; at least one if there is one.

        Raises:
            sqlite3.Error: the file cannot be read.
        """
        taken: list[Stored] = []
        with self._reading:
            cursor = self._reader.execute(
                "SELECT id, kind, rows, received_us, body FROM batch"
                " WHERE id > ? AND id <= ? ORDER BY id",
                (after, upto),
            )
            try:
                for id_, kind, rows, received_us, body in cursor:
                    max_rows, max_bytes = max_rows - rows, max_bytes - len(body)
                    if taken and (max_rows < 0 or max_bytes < 0):
                        break
                    taken.append(Stored(id_, Batch(Kind(kind), rows, body), received_us))
            finally:
                # An open cursor would keep the log from being checkpointed.
                cursor.close()
        return taken

    def oldest_us(self, after: int) -> int | None:
        """Return when the oldest batch above an id was accepted."""
        with self._reading:
            row = self._reader.execute(
                "SELECT received_us FROM batch WHERE id > ? ORDER BY id LIMIT 1", (after,)
            ).fetchone()
        return None if row is None else int(row[0])

    def reusable_bytes(self) -> int:
        """Return how much of the file is free for new batches."""
        return self._free_pages() * self._page_size

    def _free_pages(self) -> int:
        (free,) = self._writer.execute("PRAGMA freelist_count").fetchone()
        return int(free)

    def shrink(self) -> None:
        """Give some free pages back to the file system, if there are many."""
        if self._free_pages() > 8 * _VACUUM_PAGES:
            # `execute` would take one step of it, which is one page.
            self._writer.executescript(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})")

    def close(self) -> None:
        """Close both connections and give up the lock."""
        with self._reading:
            self._reader.close()
        self._writer.close()
        os.close(self._lock)
