"""Readings that people take off a meter: entered, corrected, withdrawn."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import dict_row, scalar_row

from metering.facts import marks
from metering.facts.entry_check import Entry, Where, check
from metering.facts.meters import Mounted, counting
from metering.facts.refusal import refuse_other, shown, writing
from metering.facts.span import Span
from registry.audit import Act, record
from registry.refusal import raise_if_any, refuse

_INSERT: Final[LiteralString] = """
    INSERT INTO counter_entry
        (device_id, register, ts, kind, value, note, entered_by, entered_at, act_id)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id
"""
_STANDING: Final[LiteralString] = """
    SELECT e.act_id, a.kind AS act_kind FROM counter_entry e LEFT JOIN fact_act a ON a.id = e.act_id
    WHERE e.id = %s AND e.withdrawn_at IS NULL
"""
_WITHDRAW: Final[LiteralString] = """
    UPDATE counter_entry e SET withdrawn_by = %s, withdrawn_at = %s
    FROM device d WHERE d.id = e.device_id AND e.id = %s AND e.withdrawn_at IS NULL
    RETURNING e.device_id, d.code AS device, e.register, e.ts, e.kind, e.value
"""
_CODE: Final[LiteralString] = "SELECT code FROM meter WHERE id = ANY(%s) ORDER BY id LIMIT 1"
AS_STATED: Final = Where()


def enter_entry(
    conn: psycopg.Connection[Any], act: Act, entry: Entry, where: Where = AS_STATED
) -> int:
    """Enter what somebody read off a meter.

    Args:
        conn: in a transaction, or in autocommit mode.
        act: who and when.
        entry: what was read.
        where: how a refusal names its parts.

    Returns:
        Its id.

    Raises:
        RefusedError: it cannot be true, or it is entered already.
    """
    with writing(conn, where.meter):
        checked = check(conn, entry, act.at, where)
        raise_if_any(checked.faults)
        if checked.same is not None or checked.held is None:
            words = f"{shown(entry.at)} 的这个读数已经录入（#{checked.same}），没有重复录入"
            refuse(where.value, words)
        return insert(conn, act, entry, checked.held)


def insert(
    conn: psycopg.Connection[Any], act: Act, entry: Entry, held: Mounted, of_act: int | None = None
) -> int:
    """Write an entry that was checked, in the caller's transaction."""
    row = conn.execute(
        _INSERT,
        [
            *(held.device_id, held.register, entry.at, entry.kind, entry.value, entry.note),
            *(act.principal, act.at, of_act),
        ],
    ).fetchone()
    assert row is not None  # noqa: S101 - RETURNING
    detail = {
        "id": row[0],
        "device": held.device,
        "register": held.register,
        "at": entry.at.astimezone(UTC).isoformat(),
        "kind": entry.kind,
        "value": str(entry.value),
        "note": entry.note,
    }
    record(conn, act, "entry.enter", entry.meter, detail)
    _mark(conn, held.device_id, held.register or "", entry.at, f"entry {row[0]} entered")
    return int(row[0])


def withdraw_entry(conn: psycopg.Connection[Any], act: Act, entry_id: int) -> str | None:
    """Withdraw an entry: it stays, and counts no more.

    Returns:
        Code of the meter that it was read off; None: nothing hangs there any more.

    Raises:
        RefusedError: there is none with this id, it was withdrawn already, or it belongs to a
            replacement, which is withdrawn as a whole.
    """
    with conn.transaction(), conn.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_STANDING, [entry_id]).fetchone()
        if row is None:
            refuse(f"读数 #{entry_id}", "没有这条读数，或已经撤销；用 jieyong meter show 查看编号")
        if row["act_kind"] == "replace":
            words = f"它属于换表 #{row['act_id']}；请撤销或更正整笔换表"
            refuse(f"读数 #{entry_id}", words)
        return cancel(conn, act, entry_id)


def cancel(conn: psycopg.Connection[Any], act: Act, entry_id: int) -> str | None:
    """Withdraw an entry whatever it belongs to, in the caller's transaction; return whose it is."""
    with conn.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_WITHDRAW, [act.principal, act.at, entry_id]).fetchone()
    if row is None:
        refuse(f"读数 #{entry_id}", "刚刚被他人撤销；请重新查看")
    detail = {
        "id": entry_id,
        "device": row["device"],
        "register": row["register"],
        "at": row["ts"].astimezone(UTC).isoformat(),
        "kind": row["kind"],
        "value": str(row["value"]),
    }
    meter = _counted_by(conn, row)
    record(conn, act, "entry.withdraw", meter or row["device"], detail)
    why = f"entry {entry_id} withdrawn"
    _mark(conn, row["device_id"], row["register"], row["ts"], why)
    return meter


def correct_entry(
    conn: psycopg.Connection[Any],
    act: Act,
    entry_id: int,
    entry: Entry,
    where: Where = AS_STATED,
) -> int:
    """Withdraw an entry and enter another in its place; both are kept.

    Raises:
        RefusedError: either is refused; then nothing changed.
    """
    with conn.transaction():
        was = withdraw_entry(conn, act, entry_id)
        refuse_other(f"读数 #{entry_id}", was or entry.meter, entry.meter)
        return enter_entry(conn, act, entry, where)


def _counted_by(conn: psycopg.Connection[Any], row: dict[str, Any]) -> str | None:
    """Return the code of the meter that an entry was about."""
    moment = Span(row["ts"], row["ts"])
    held = counting(conn, row["device_id"], row["register"], moment)
    values = [[meter_id for meter_id, _ in held]]
    with conn.cursor(row_factory=scalar_row) as cursor:
        code: str | None = cursor.execute(_CODE, values).fetchone()
        return code


def _mark(conn: psycopg.Connection[Any], device_id: int, name: str, at: datetime, why: str) -> None:
    marks.register(conn, device_id, name, Span(at, at), why)
