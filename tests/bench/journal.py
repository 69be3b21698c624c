"""What the JT/T 808 load did with each position, held against the database.

A position is named by its terminal and the whole second of its fix: the load sends no two of a
terminal in one second. Nothing our collector says of itself enters.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import psycopg
from numpy.typing import NDArray

Column = NDArray[np.int64]

STORED: Final = """
SELECT terminal_id - 1, extract(epoch FROM fix_time)::bigint,
       (extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000000)::bigint
FROM position
"""
_SECONDS: Final = 1 << 34
"""More than any Unix second: terminal and second make one number."""


@dataclass(frozen=True, slots=True)
class Stored:
    """The rows of ``position``: terminal (from 0), second of the fix, µs of the commit."""

    terminal: Column
    second: Column
    committed_us: Column


@dataclass(frozen=True, slots=True)
class Fate:
    """What the database says of the positions.

    Attributes:
        lost: answered to their terminal with 0x8001, and not in the database.
        duplicated: rows beyond the first of a position.
        committed_p50_ms: sent → committed, median.
        committed_p99_ms: 99th percentile.
    """

    lost: int
    duplicated: int
    committed_p50_ms: float
    committed_p99_ms: float


@dataclass(frozen=True, slots=True)
class Journal:
    """One entry for each position: µs since the Unix epoch; 0 in the last two: never."""

    terminal: Column
    second: Column
    sent_us: Column
    acked_us: Column

    @property
    def answered(self) -> int:
        """Positions answered."""
        return int(np.count_nonzero(self.acked_us))

    def since(self, since_us: int) -> Self:
        """Return the positions sent from then on."""
        kept = self.sent_us >= since_us
        return type(self)(
            self.terminal[kept], self.second[kept], self.sent_us[kept], self.acked_us[kept]
        )

    def ack_ms(self) -> NDArray[np.float64]:
        """Return sent → 0x8001 received, milliseconds."""
        known = self.acked_us > 0
        return (self.acked_us[known] - self.sent_us[known]) / 1000.0

    def fate(self, stored: Stored, since_us: int = 0) -> Fate:
        """Compare with what is stored.

        Args:
            stored: all rows of this run.
            since_us: ages are those of positions sent from then on.

        Raises:
            ValueError: none of them is stored.
        """
        names = self.terminal * _SECONDS + self.second
        held = stored.terminal * _SECONDS + stored.second
        unique, first = np.unique(held, return_index=True)
        lost = np.count_nonzero(~np.isin(names[self.acked_us > 0], unique))
        aged = (self.sent_us >= max(since_us, 1)) & np.isin(names, unique)
        if not aged.any():
            raise ValueError("no position of the measured time is in the database")
        row = first[np.searchsorted(unique, names[aged])]
        age_ms = (stored.committed_us[row] - self.sent_us[aged]) / 1000.0
        p50, p99 = np.percentile(age_ms, (50, 99))
        return Fate(int(lost), len(held) - len(unique), float(p50), float(p99))


def read_journal(path: Path) -> Journal:
    """Read what ``simulators jt808-load`` wrote."""
    with np.load(path, allow_pickle=False) as archive:
        return Journal(
            archive["terminal"].astype(np.int64),
            archive["second"],
            archive["sent_us"],
            archive["acked_us"],
        )


def stored_positions(conn: psycopg.Connection[Any]) -> Stored:
    """Return the rows of this run; the database holds no other."""
    rows = np.array(conn.execute(STORED).fetchall(), dtype=np.int64).reshape(-1, 3)
    return Stored(rows[:, 0], rows[:, 1], rows[:, 2])
