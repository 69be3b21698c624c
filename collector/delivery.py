"""One delivery to the database: whole if it goes, down to the single row if it does not."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Sequence

import structlog

from collector.quarantine import quarantine_row
from collector.spool_model import Aside, Settlement, Stored
from storage.records import Batch, Kind, split
from storage.writer import Outcome, RowsRefused, StorageUnavailable

log = structlog.get_logger()

Write = Callable[[Sequence[Batch]], Outcome]
"""Commit batches in one transaction: :meth:`storage.writer.BulkWriter.write`."""

SOURCE = "drain"
"""Names the drain in the quarantine, as the one that refused."""


class Delivery:
    """What was taken from the spool in one go, on its way into the database.

    A group of rows that the database refuses is halved until the refused rows stand alone; the rest
    is delivered. When the database goes away in between, :meth:`run` can be called again and goes
    on with what is left, in smaller groups: a database too slow for all of it at once would time
    out for ever.

    Args:
        taken: batches in the order they were accepted; at least one.
        committed: called after each commit with what it held.
    """

    def __init__(
        self,
        taken: Sequence[Stored],
        committed: Callable[[Sequence[Stored], Outcome], None],
    ) -> None:
        self._upto = taken[-1].id
        self._size = sum(len(stored.batch.body) for stored in taken)
        self._committed = committed
        self._todo: list[Sequence[Stored]] = [taken]
        self._delivered: Counter[Kind] = Counter()
        self._rejected: Counter[Kind] = Counter()
        self._reasons: dict[Kind, str] = {}  # the first of each kind
        self._quarantine: list[bytes] = []
        self._aside: list[Aside] = []

    def run(self, write: Write) -> Settlement:
        """Deliver what is left, and tell what became of everything.

        Raises:
            StorageUnavailable: the database is away; call again later.
        """
        while self._todo:
            group = self._todo[-1]
            try:
                outcome = write([stored.batch for stored in group])
            except RowsRefused as error:
                self._todo[-1:] = self._part_or_reject(group, str(error))
                continue
            except StorageUnavailable:
                with contextlib.suppress(ValueError):
                    self._todo[-1:] = _halves(group)
                raise
            self._todo.pop()
            for stored in group:
                self._delivered[stored.batch.kind] += stored.batch.rows
            self._committed(group, outcome)
        return self._settlement()

    def _part_or_reject(self, group: Sequence[Stored], reason: str) -> list[Sequence[Stored]]:
        """Return what is still to do of a refused group."""
        try:
            parts = _halves(group)
        except ValueError as error:
            self._reject(group[0], f"{error}; {reason}")
            return []
        if len(parts) == 1:
            self._reject(group[0], reason)
            return []
        return parts

    def _reject(self, stored: Stored, reason: str) -> None:
        batch = stored.batch
        self._rejected[batch.kind] += batch.rows
        self._reasons.setdefault(batch.kind, reason)
        if batch.kind is Kind.QUARANTINE:
            # A refused quarantine row in quarantine would be refused for ever.
            self._aside.append(Aside(batch.kind, reason, batch.body))
            return
        self._quarantine.append(
            quarantine_row(SOURCE, batch.kind, reason, batch.body, stored.received_us)
        )

    def _settlement(self) -> Settlement:
        for kind, reason in self._reasons.items():
            log.error("rows_rejected", kind=kind.value, rows=self._rejected[kind], reason=reason)
        rows = self._quarantine
        batch = Batch(Kind.QUARANTINE, len(rows), b"".join(rows))
        return Settlement(
            upto=self._upto,
            size=self._size,
            delivered=dict(self._delivered),
            rejected=dict(self._rejected),
            quarantine=(batch,) if rows else (),
            aside=tuple(self._aside),
        )


def _halves(group: Sequence[Stored]) -> list[Sequence[Stored]]:
    """Return both halves of a group, the one to do first at the end; itself when it is one row.

    Raises:
        ValueError: a single batch is not made of the rows it should hold.
    """
    middle = len(group) // 2
    if middle:
        return [group[middle:], group[:middle]]
    (stored,) = group
    if stored.batch.rows == 1:
        return [group]
    rows = list(split(stored.batch.body))
    middle = len(rows) // 2
    if not middle:
        raise ValueError(f"it should hold {stored.batch.rows} rows")
    return [[_part(stored, rows[middle:])], [_part(stored, rows[:middle])]]


def _part(stored: Stored, rows: Sequence[bytes]) -> Stored:
    batch = Batch(stored.batch.kind, len(rows), b"".join(rows))
    return Stored(stored.id, batch, stored.received_us)
