"""What dated facts share: one withdrawal, and refusals in the officers' words."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Final, LiteralString

import psycopg
from psycopg import errors, sql
from psycopg.types.range import Range

from registry.audit import Act, record
from registry.refusal import RefusedError
from registry.years import refuse_wrong_year

_WITHDRAW: Final[LiteralString] = """
    UPDATE {} SET withdrawn_by = %s, withdrawn_at = %s
    WHERE id = %s AND withdrawn_at IS NULL RETURNING id
"""


def days(begin: date, end: date | None) -> Range[date]:
    """Return first day and day after the last as the database's range.

    Raises:
        RefusedError: it has no day, or is of a year that nobody can mean.
    """
    refuse_wrong_year(begin)
    if end is not None and end <= begin:
        raise RefusedError(f"截止日期 {end} 不晚于起始日期 {begin}：请改正日期")
    if end is not None:
        refuse_wrong_year(end)
    return Range(begin, end, "[)")


@contextlib.contextmanager
def refusing_overlap(message: str) -> Iterator[None]:
    """Turn an overlap that the database refuses, also one of another session, into words.

    Args:
        message: in Chinese, with what to do.

    Raises:
        RefusedError: on an overlap.
    """
    try:
        yield
    except (errors.ExclusionViolation, errors.UniqueViolation) as error:
        raise RefusedError(message) from error


def institution_id(conn: psycopg.Connection[Any], code: str) -> int:
    """Return the id of an institution.

    Raises:
        RefusedError: there is none with this code.
    """
    row = conn.execute("SELECT id FROM institution WHERE code = %s", [code]).fetchone()
    if row is None:
        raise RefusedError(f"没有编码为 {code} 的公共机构：请核对编码，或先导入台账")
    return int(row[0])


def electricity_meter(conn: psycopg.Connection[Any], code: str) -> int:
    """Return the id of a meter of electricity.

    Raises:
        RefusedError: there is none with this code, or it counts something else.
    """
    row = conn.execute("SELECT id, energy FROM meter WHERE code = %s", [code]).fetchone()
    if row is None:
        raise RefusedError(f"没有编码为 {code} 的计量表：请核对编码")
    if row[1] != "electricity":
        raise RefusedError(f"{code} 不是电表：只有电表有需量和基本电费")
    return int(row[0])


def insert(
    conn: psycopg.Connection[Any], statement: LiteralString, values: Sequence[object]
) -> int:
    """Insert a row with ``RETURNING id``; return the id."""
    row = conn.execute(statement, values).fetchone()
    if row is None:
        raise RuntimeError(f"the statement returns no id: {statement}")
    return int(row[0])


def withdraw(
    conn: psycopg.Connection[Any], act: Act, table: LiteralString, action: str, entry: int
) -> None:
    """Withdraw an entry: it stays, and counts no more.

    Args:
        conn: any connection; it becomes part of an open transaction.
        act: who and when.
        table: where it stands.
        action: for the audit log.
        entry: its id.

    Raises:
        RefusedError: there is none, or it is withdrawn already.
    """
    with conn.transaction():
        statement = sql.SQL(_WITHDRAW).format(sql.Identifier(table))
        if conn.execute(statement, [act.principal, act.at, entry]).fetchone() is None:
            raise RefusedError(f"没有编号为 {entry} 的有效记录：可能已被撤回，请刷新后重试")
        record(conn, act, action, str(entry))
