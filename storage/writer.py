"""The bulk writer: packed rows into the raw tables, with the dirty log, in one transaction.

Optimistic: new rows are the everyday case, so they are copied straight into the table. When a key
is there already, the transaction is rolled back and the rows take the slow path, and so do the
following ones until a write meets no known row.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import psycopg
import structlog

from storage import slow_path, withhold
from storage.connection import connect, deadline
from storage.engine import EngineKind, decompress_freely, probe
from storage.errors import AlreadyThere, RowsRefused, StorageUnavailable, translated
from storage.records import COLUMNS, COPY_HEADER, COPY_TRAILER, Batch, Kind
from storage.settings import DatabaseSettings
from storage.touched import by_subject, dirty_rows

__all__ = ["BulkWriter", "Outcome", "RowsRefused", "StorageUnavailable"]

_log = structlog.get_logger()

LOGGED: Final = (Kind.READING, Kind.POSITION)
GROUPED_FROM: Final = 20_000
"""A write of so many readings is part of a backlog."""

_GRACE_S: Final = 5.0  # the server's own timeout comes first: it says more
_DIRTY_COPY: Final = "COPY dirty_log (kind, subjects, ts_from, ts_to) FROM STDIN (FORMAT binary)"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the rows of one write; per kind the three add up to the rows given.

    Attributes:
        inserted: rows that are new.
        duplicates: rows that were there already: a no-op.
        conflicts: readings that were there with another value, recorded in ``reading_conflict``;
            a conflict that is recorded already is a duplicate.
    """

    inserted: Mapping[Kind, int] = field(default_factory=dict)
    duplicates: Mapping[Kind, int] = field(default_factory=dict)
    conflicts: Mapping[Kind, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Load:
    """All packed rows of one kind, in the order of arrival."""

    kind: Kind
    rows: int
    body: bytes


class BulkWriter:
    """Writes packed rows over one connection of its own; for one thread.

    Attributes:
        fast_writes: transactions that went straight into the tables.
        slow_writes: transactions that had to go through temporary tables.
        connects: connections opened.
    """

    def __init__(
        self,
        conninfo: str,
        settings: DatabaseSettings | None = None,
        *,
        zone: str = "Asia/Shanghai",
    ) -> None:
        """Describe the writer; it connects at the first write.

        Args:
            conninfo: libpq URL or conninfo.
            settings: timeouts; the defaults when absent.
            zone: the site's: in it begins the day from which on a vehicle is sensitive.
        """
        self.fast_writes = 0
        self.slow_writes = 0
        self.connects = 0
        self._zone = zone
        self._meets_known_rows = False
        self._conninfo = conninfo
        self._settings = settings or DatabaseSettings()
        self._conn: psycopg.Connection | None = None

    def write(self, batches: Sequence[Batch]) -> Outcome:
        """Commit batches in one transaction, dirty log included; all of them or none.

        Writing the same rows again changes nothing.

        Returns:
            What became of the rows, after the commit.

        Raises:
            StorageUnavailable: nothing is known to be written; try again later. The next call
                connects anew.
            RowsRefused: nothing was written; some row can never be.
        """
        loads = _joined(batches)
        if not loads:
            return Outcome()
        if not self._meets_known_rows:
            try:
                return self._fast(loads)
            except AlreadyThere:
                _log.debug("rows are there already: written through a temporary table")
        outcome = self._slow(loads)
        # A replay, or a second collector on the same meters, goes on for a while: each attempt at
        # the fast path would cost a rollback, dead rows and an error in the server's log.
        self._meets_known_rows = any(outcome.inserted[load.kind] < load.rows for load in loads)
        return outcome

    def close(self) -> None:
        """Close the connection; a later write opens a new one."""
        if self._conn is not None:
            self._conn.close()
            self._conn = None

    def _fast(self, loads: Sequence[_Load]) -> Outcome:
        loads = [_grouped(load) for load in loads]
        dirty = [row for load in loads if load.kind in LOGGED for row in _dirty(load)]

        def copy_all(cursor: psycopg.Cursor) -> Outcome:
            for load in self._without_places(cursor, loads):
                _copy(cursor, _copy_into(load.kind.value, load.kind), [load.body])
            if dirty:
                _copy(cursor, _DIRTY_COPY, dirty)
            return _outcome(loads, {load.kind: (load.rows, 0) for load in loads})

        outcome = self._commit(copy_all)
        self.fast_writes += 1
        return outcome

    def _slow(self, loads: Sequence[_Load]) -> Outcome:
        def move_all(cursor: psycopg.Cursor) -> Outcome:
            kept = self._without_places(cursor, loads)
            moved = {load.kind: _through_stage(cursor, load) for load in kept}
            return _outcome(loads, moved)

        try:
            outcome = self._commit(move_all)
        except AlreadyThere as error:
            # Another writer committed the same key between two looks at it.
            raise StorageUnavailable(str(error)) from error
        self.slow_writes += 1
        return outcome

    def _without_places(self, cursor: psycopg.Cursor, loads: Sequence[_Load]) -> Sequence[_Load]:
        """Take out what may not be stored of sensitive vehicles; all sources pass here."""
        if all(load.kind is Kind.READING for load in loads):
            return loads
        sensitive = withhold.spans_of_writer(cursor, self._zone)
        if not sensitive:
            return loads
        return [_withheld(load, sensitive) for load in loads]

    def _commit(self, work: Callable[[psycopg.Cursor], Outcome]) -> Outcome:
        """Run work in a transaction; database errors leave as what they mean to our caller."""
        try:
            conn = self._connected()
            bound_s = self._settings.statement_timeout_s + _GRACE_S
            with deadline(conn, bound_s), conn.transaction(), conn.cursor() as cursor:
                return work(cursor)
        except psycopg.Error as error:
            meaning = translated(error)
            if isinstance(meaning, StorageUnavailable):
                self.close()
            raise meaning from error

    def _connected(self) -> psycopg.Connection:
        if self._conn is None or self._conn.closed:
            self._conn = connect(self._conninfo, self._settings, "writer")
            self.connects += 1
            if probe(self._conn).kind is EngineKind.TIMESCALE_COMMUNITY:
                # Late rows meet compressed chunks; TimescaleDB 2.19 may refuse a large batch there
                # (2.29 no longer counts what an insert looks into).
                decompress_freely(self._conn, local=False)
        return self._conn


def _joined(batches: Sequence[Batch]) -> list[_Load]:
    loads = []
    for kind in Kind:
        mine = [batch for batch in batches if batch.kind is kind]
        if mine:
            body = mine[0].body if len(mine) == 1 else b"".join(batch.body for batch in mine)
            loads.append(_Load(kind, sum(batch.rows for batch in mine), body))
    return loads


def _grouped(load: _Load) -> _Load:
    """Put the rows of one point next to each other: a backlog holds several of each.

    The index then finds the same page again, which stores a fifth more rows a second.
    """
    if load.kind is not Kind.READING or load.rows < GROUPED_FROM:
        return load
    try:
        return _Load(load.kind, load.rows, by_subject(load.kind, load.body))
    except ValueError as error:
        raise RowsRefused(f"{load.kind}: {error}") from error


def _dirty(load: _Load) -> list[bytes]:
    try:
        return list(dirty_rows(load.kind, load.body))
    except ValueError as error:
        raise RowsRefused(f"{load.kind}: {error}") from error


def _withheld(load: _Load, sensitive: Sequence[withhold.Span]) -> _Load:
    if load.kind is Kind.READING:
        return load
    take_out = withhold.OF_TERMINALS.get(load.kind, withhold.refusals)
    try:
        return replace(load, body=take_out(load.body, sensitive)[0])
    except (ValueError, struct.error) as error:
        raise RowsRefused(f"{load.kind}: {error}") from error


def _copy_into(table: str, kind: Kind) -> str:
    return f"COPY {table} ({', '.join(COLUMNS[kind])}) FROM STDIN (FORMAT binary)"


def _copy(cursor: psycopg.Cursor, statement: str, bodies: Iterable[bytes]) -> None:
    with cursor.copy(statement) as copy:
        copy.write(b"".join((COPY_HEADER, *bodies, COPY_TRAILER)))


def _through_stage(cursor: psycopg.Cursor, load: _Load) -> tuple[int, int]:
    cursor.execute(slow_path.STAGE[load.kind])
    _copy(cursor, _copy_into(f"incoming_{load.kind}", load.kind), [load.body])
    return slow_path.move(cursor, load.kind, load.rows)


def _outcome(loads: Sequence[_Load], moved: Mapping[Kind, tuple[int, int]]) -> Outcome:
    return Outcome(
        inserted={kind: inserted for kind, (inserted, _) in moved.items()},
        duplicates={load.kind: load.rows - sum(moved[load.kind]) for load in loads},
        conflicts={kind: conflicts for kind, (_, conflicts) in moved.items()},
    )
