"""What the drain has done, as plain counters that an exporter reads."""

from __future__ import annotations

from collections import Counter

from collector.lag import LagHistogram
from collector.spool_model import Settlement
from storage.records import Kind
from storage.writer import Outcome


class DrainStats:
    """Counters since the start; written by the drain's thread only.

    Attributes:
        delivered: rows the database has, by kind.
        rejected: rows it will never take, by kind.
        duplicates: delivered rows that were there already, by kind.
        conflicts: delivered rows whose key was there with another value, by kind.
        commits: transactions.
        failures: attempts that failed, by cause.
        db_up: whether the last attempt reached the database; None before the first.
        last_commit_us: when the last commit was, Unix microseconds.
        lag: rows by time from accepted to committed.
    """

    def __init__(self) -> None:
        self.delivered: Counter[Kind] = Counter()
        self.rejected: Counter[Kind] = Counter()
        self.duplicates: Counter[Kind] = Counter()
        self.conflicts: Counter[Kind] = Counter()
        self.commits = 0
        self.failures: Counter[str] = Counter()
        self.db_up: bool | None = None
        self.last_commit_us: int | None = None
        self.lag = LagHistogram()

    def commit(self, outcome: Outcome, now_us: int) -> None:
        """Count one transaction."""
        self.commits += 1
        self.db_up = True
        self.last_commit_us = now_us
        self.duplicates.update(outcome.duplicates)
        self.conflicts.update(outcome.conflicts)

    def count(self, settlement: Settlement) -> None:
        """Count rows whose fate is known."""
        self.delivered.update(settlement.delivered)
        self.rejected.update(settlement.rejected)

    def failed(self, cause: str) -> None:
        """Count one attempt that failed; ``database_away`` says that the database did."""
        self.failures[cause] += 1
        if cause == "database_away":
            self.db_up = False
