"""What the spool and the drain tell each other."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from storage.records import Batch, Kind


class Fate(enum.StrEnum):
    """What became of rows; the second half of a tally's key."""

    ACCEPTED = "accepted"  # on disk here
    DELIVERED = "delivered"  # committed in the database
    REJECTED = "rejected"  # refused by the database: in quarantine, or laid aside
    REFUSED = "refused"  # never taken: the spool was at its bound, or the disk full


Tally = Mapping[tuple[Kind, Fate], int]
"""Rows by kind and fate, over the life of a spool's file."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A batch in the spool. ``received_us`` is when it was accepted (Unix microseconds)."""

    id: int
    batch: Batch
    received_us: int


@dataclass(frozen=True, slots=True)
class Aside:
    """A row that not even the quarantine took: kept in the spool's file for a person to look at."""

    kind: Kind
    reason: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of everything taken up to one id.

    Attributes:
        upto: the highest id that is settled; all lower ones are settled too.
        size: bytes of the settled bodies.
        delivered: rows the database has, by kind.
        rejected: rows it will never take, by kind.
        quarantine: what rejected rows became; stored in the same transaction.
        aside: rejected rows of the quarantine itself.
    """

    upto: int
    size: int
    delivered: Mapping[Kind, int]
    rejected: Mapping[Kind, int] = field(default_factory=dict)
    quarantine: tuple[Batch, ...] = ()
    aside: tuple[Aside, ...] = ()

    @property
    def rows(self) -> int:
        """How many rows are settled."""
        return sum(self.delivered.values()) + sum(self.rejected.values())


@dataclass(frozen=True, slots=True)
class SpoolStats:
    """How a spool stands.

    Attributes:
        rows: rows that wait for the database.
        bytes: size of their bodies.
        oldest_us: when the oldest of them was accepted; None when nothing waits.
        refused: rows refused since the start, by reason (``bound``, ``disk``).
        commits: transactions written since the start.
        damaged: where a damaged file was moved at the start, if one was found.
        tally: rows by kind and fate, over the life of the file.
        broken: what SQLite says of the file, when it was found damaged since; nothing is accepted
            any more, and a restart moves it aside.
    """

    rows: int
    bytes: int
    oldest_us: int | None
    refused: Mapping[str, int]
    commits: int
    damaged: Path | None
    tally: Tally
    broken: str | None = None


def accepted(batches: Iterable[Batch]) -> Counter[tuple[Kind, Fate]]:
    """Count the rows of batches as accepted."""
    return _count((batch.kind, Fate.ACCEPTED, batch.rows) for batch in batches)


def refused(batches: Iterable[Batch]) -> Counter[tuple[Kind, Fate]]:
    """Count the rows of batches as refused."""
    return _count((batch.kind, Fate.REFUSED, batch.rows) for batch in batches)


def settled(settlements: Iterable[Settlement]) -> Counter[tuple[Kind, Fate]]:
    """Count what settlements delivered and rejected."""
    return _count(
        (kind, fate, rows)
        for settlement in settlements
        for fate, by_kind in (
            (Fate.DELIVERED, settlement.delivered),
            (Fate.REJECTED, settlement.rejected),
        )
        for kind, rows in by_kind.items()
    )


def _count(rows: Iterable[tuple[Kind, Fate, int]]) -> Counter[tuple[Kind, Fate]]:
    counts: Counter[tuple[Kind, Fate]] = Counter()
    for kind, fate, number in rows:
        counts[kind, fate] += number
    return counts
