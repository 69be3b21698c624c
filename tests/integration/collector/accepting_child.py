"""A small collector to be killed: accepts numbered readings, says which, and drains.

``python accepting_child.py SPOOL RUN DATABASE``: readings of point RUN, one microsecond apart,
numbered from 0. A line `accepted NEXT` follows each batch that is on disk.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from collector.drain import Drain, DrainThread
from collector.settings import SpoolSettings
from collector.spool import Spool
from storage.records import Batch, Kind, pack_reading
from storage.writer import BulkWriter

EPOCH_US = 1_795_320_000_000_000
ROWS = 25


def batch(run: int, first: int) -> Batch:
    """Return rows ``first`` … of a run."""
    rows = [
        pack_reading(run, EPOCH_US + number, float(number), 0, 1, EPOCH_US, EPOCH_US)
        for number in range(first, first + ROWS)
    ]
    return Batch(Kind.READING, ROWS, b"".join(rows))


def main() -> None:
    """Accept until killed."""
    path, run, database = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    settings = SpoolSettings(drain_ms=5, handoff_bytes=50_000)
    spool = Spool(path, settings)
    drain = Drain(
        spool, BulkWriter(database).write, settings, now_us=lambda: time.time_ns() // 1000
    )
    DrainThread(drain, spool).start()
    number = 0
    while True:
        spool.put([batch(run, number)])
        number += ROWS
        sys.stdout.write(f"accepted {number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
