"""How long rows waited from being accepted to being committed."""

from __future__ import annotations

from typing import Final

BOUNDS_MS: Final = (10, 20, 30, 50, 75, 100, 150, 250, 500, 1_000, 2_500, 5_000, 10_000, 60_000)
"""Upper edges of the buckets, milliseconds; one more bucket takes what is above."""


class LagHistogram:
    """Rows by lag, plain counters that an exporter reads.

    Attributes:
        counts: rows per bucket of :data:`BOUNDS_MS`, and those above the last.
        sum_ms: lag of all rows added up, milliseconds.
    """

    __slots__ = ("counts", "sum_ms")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_MS) + 1)
        self.sum_ms = 0.0

    def add(self, lag_us: int, rows: int) -> None:
        """Count rows that all waited the same time; a clock set back counts as no lag."""
        lag_ms = max(lag_us, 0) / 1000
        self.sum_ms += lag_ms * rows
        for bucket, bound in enumerate(BOUNDS_MS):
            if lag_ms <= bound:
                self.counts[bucket] += rows
                return
        self.counts[-1] += rows

    def quantile_ms(self, share: float) -> float | None:
        """Return the edge of the bucket that holds the quantile; None without rows.

        Above the last edge the answer is infinity.
        """
        total = sum(self.counts)
        if total == 0:
            return None
        left = share * total
        for bucket, rows in enumerate(self.counts):
            left -= rows
            if left <= 0:
                return float(BOUNDS_MS[bucket]) if bucket < len(BOUNDS_MS) else float("inf")
        return float("inf")
