"""Counts and checksums of tables: the same rows give the same, on any server and in any order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, LiteralString

import msgspec
import psycopg
from psycopg import sql

# Chunks of hypertables lie in a schema of TimescaleDB's own.
_TABLES: Final[LiteralString] = """
SELECT relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
ORDER BY relname
"""
# How a value is written as text must not depend on the session.
_PLAIN: Final[LiteralString] = """
SELECT set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO, YMD', true),
       set_config('IntervalStyle', 'postgres', true), set_config('bytea_output', 'hex', true),
       set_config('extra_float_digits', '1', true), set_config('statement_timeout', '0', true)
"""
_SUM: Final[LiteralString] = """
SELECT count(*), coalesce(sum(('x' || left(md5(one::text), 15))::bit(60)::int8::numeric), 0)::text
FROM {} AS one
"""


class TableSum(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table's rows: how many, and the sum of 60 bits of each row's MD5."""

    name: str
    rows: int
    checksum: str


def tables(conn: psycopg.Connection[Any]) -> list[str]:
    """Return the names of our tables."""
    return [name for (name,) in conn.execute(_TABLES)]


def sums(
    conn: psycopg.Connection[Any], tick: Callable[[], None] = lambda: None
) -> tuple[TableSum, ...]:
    """Return the sums of all our tables, by name.

    Args:
        conn: in a transaction, so that all tables are of one moment.
        tick: called behind each table.
    """
    conn.execute(_PLAIN)
    found = []
    for name in tables(conn):
        row = conn.execute(sql.SQL(_SUM).format(sql.Identifier(name))).fetchone()
        rows, checksum = row if row is not None else (0, "0")
        found.append(TableSum(name, rows, checksum))
        tick()
    return tuple(found)
