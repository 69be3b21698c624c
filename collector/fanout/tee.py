"""The fork behind the drain: what the database has goes into a second spool, to be published.

A batch leaves the first spool only when it is in the second: whatever ends in between does both
again. Nothing here can hold up what is stored, or the acknowledgement long before it: what the
second spool refuses is not published, and counted.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

import structlog

from collector.damper import Damper
from collector.delivery import Write
from collector.fanout.stats import FanoutStats
from collector.intake import Refused
from collector.spool import Spool
from storage.records import Batch, Kind
from storage.writer import Outcome

log = structlog.get_logger()


def forked(write: Write, spool: Spool, stats: FanoutStats, now_s: Callable[[], float]) -> Write:
    """Return what writes batches and then puts their positions into a spool.

    Args:
        write: writes them.
        spool: of what is to be published.
        stats: counts what it refused.
        now_s: any steady clock, seconds.
    """
    damper = Damper()

    def both(batches: Sequence[Batch]) -> Outcome:
        outcome = write(batches)
        positions = [batch for batch in batches if batch.kind is Kind.POSITION]
        if not positions:
            return outcome
        try:
            spool.put(positions)
        except (Refused, RuntimeError, sqlite3.Error) as error:
            rows = sum(batch.rows for batch in positions)
            stats.dropped += rows
            told = damper.add("dropped", rows, now_s())
            if told:
                log.warning(
                    "fanout_positions_dropped",
                    rows=told,
                    why=str(error),
                    advice="they are stored, and will not be published; look at the broker",
                )
        return outcome

    return both
