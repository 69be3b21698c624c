"""Months of before metering: brought in whole, withdrawn whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final, LiteralString

import psycopg
from psycopg.types.json import Jsonb

from metering.factors.kinds import load_kinds
from metering.plan.earlier_rows import EarlierMonth, Known, cell_name
from registry.audit import Act, record
from registry.refusal import Fault, RefusedError, raise_if_any

_STANDING: Final[LiteralString] = """
    SELECT i.code, m.code, e.month, e.energy, e.quantity, e.amount, e.import_id
    FROM earlier_month e
    LEFT JOIN institution i ON i.id = e.institution_id
    LEFT JOIN meter m ON m.id = e.meter_id
    WHERE e.withdrawn_at IS NULL AND e.month = ANY(%s)
"""
_IMPORT: Final[LiteralString] = """
    INSERT INTO earlier_import (sha256, name, entered_by, entered_at) VALUES (%s, %s, %s, %s)
    RETURNING id
"""
_ROWS: Final[LiteralString] = """
    INSERT INTO earlier_month
        (import_id, institution_id, meter_id, month, energy, unit, quantity, amount, note)
    SELECT %s, i.id, m.id, r.month, r.energy, r.unit, r.quantity, r.amount, r.note
    FROM jsonb_to_recordset(%s) AS r (institution text, meter text, month date, energy text,
        unit text, quantity numeric, amount numeric, note text)
    LEFT JOIN institution i ON i.code = r.institution
    LEFT JOIN meter m ON m.code = r.meter
"""
_WITHDRAW: Final[LiteralString] = """
    UPDATE earlier_import SET withdrawn_by = %s, withdrawn_at = %s
    WHERE id = %s AND withdrawn_at IS NULL RETURNING name
"""


@dataclass(frozen=True, slots=True)
class Brought:
    """What an import did, or would do.

    Attributes:
        number: of the import; None: nothing was brought in.
        added: rows that are new.
        unchanged: rows that stand already, with the same figures.
    """

    number: int | None
    added: int
    unchanged: int


def preview(conn: psycopg.Connection[Any], rows: Sequence[EarlierMonth]) -> Brought:
    """Tell what :func:`bring_in` would do, and do nothing.

    Raises:
        RefusedError: it would be refused.
    """
    fresh = _fresh(conn, rows)
    return Brought(None, len(fresh), len(rows) - len(fresh))


def bring_in(
    conn: psycopg.Connection[Any], act: Act, rows: Sequence[EarlierMonth], name: str
) -> Brought:
    """Bring in all rows or none; rows that stand already with the same figures are passed over.

    Args:
        conn: a connection.
        act: who and when.
        rows: of one checked sheet.
        name: of the file.

    Raises:
        RefusedError: another import says something else of the same month; the cells are named.
    """
    with conn.transaction():
        conn.execute("LOCK TABLE earlier_import IN SHARE ROW EXCLUSIVE MODE")
        fresh = _fresh(conn, rows)
        if not fresh:
            return Brought(None, 0, len(rows))
        digest = _digest(fresh)
        values = [digest, name, act.principal, act.at]
        (number,) = _one(conn.execute(_IMPORT, values).fetchone())
        conn.execute(_ROWS, [number, Jsonb([_json(one) for one in fresh])])
        detail = {"import": number, "sha256": digest, "rows": len(fresh)}
        record(conn, act, "earlier.import", name, detail)
    return Brought(number, len(fresh), len(rows) - len(fresh))


def withdraw(conn: psycopg.Connection[Any], act: Act, number: int) -> int:
    """Take an import back; its rows stay on record.

    Returns:
        How many months are no longer in force.

    Raises:
        RefusedError: there is none of this number in force.
    """
    with conn.transaction():
        row = conn.execute(_WITHDRAW, [act.principal, act.at, number]).fetchone()
        if row is None:
            raise RefusedError(f"没有编号为 {number} 的有效导入：它不存在，或已撤销。")
        query = "UPDATE earlier_month SET withdrawn_at = %s WHERE import_id = %s"
        count = conn.execute(query, [act.at, number]).rowcount
        record(conn, act, "earlier.withdraw", row[0], {"import": number, "rows": count})
    return count


def _fresh(conn: psycopg.Connection[Any], rows: Sequence[EarlierMonth]) -> list[EarlierMonth]:
    months = sorted({one.month for one in rows})
    standing = {tuple(row[:4]): row[4:] for row in conn.execute(_STANDING, [months])}
    fresh, faults = [], []
    for one in rows:
        other = standing.get(one.key)
        if other is None:
            fresh.append(one)
        elif (one.quantity, one.amount) != tuple(other[:2]):
            faults.append(_contradiction(one, *other))
    raise_if_any(faults)
    return fresh


def _contradiction(
    one: EarlierMonth, quantity: Decimal | None, amount: Decimal | None, number: int
) -> Fault:
    said = f"数量 {_text(quantity)}、金额 {_text(amount)}"
    what = f"{one.month:%Y-%m} 已由导入 {number} 录入（{said}）；如需更改，先撤销导入 {number}。"
    return Fault(cell_name(4, one.row), what)


def _text(value: Decimal | None) -> str:
    return "未知" if value is None else f"{value.normalize():f}"


def _digest(rows: Sequence[EarlierMonth]) -> str:
    content = sorted(json.dumps(_json(one), sort_keys=True, ensure_ascii=False) for one in rows)
    return hashlib.sha256("\n".join(content).encode()).hexdigest()


def _json(one: EarlierMonth) -> dict[str, str | None]:
    return {
        "institution": one.institution,
        "meter": one.meter,
        "month": one.month.isoformat(),
        "energy": one.energy,
        "unit": one.unit,
        "quantity": None if one.quantity is None else str(one.quantity),
        "amount": None if one.amount is None else str(one.amount),
        "note": one.note,
    }


def _one(row: tuple[Any, ...] | None) -> tuple[Any, ...]:
    if row is None:
        raise RuntimeError("INSERT … RETURNING returned no row")
    return row


def known(conn: psycopg.Connection[Any], this_month: date) -> Known:
    """What a sheet of earlier months may speak of.

    Args:
        conn: a connection.
        this_month: first of the month that is not over yet.
    """
    institutions = conn.execute("SELECT code FROM institution").fetchall()
    meters = conn.execute("SELECT code, energy FROM meter").fetchall()
    kinds = {kind.name: kind for kind in load_kinds().values()}
    return Known({code for (code,) in institutions}, dict(meters), kinds, this_month)


def subjects(conn: psycopg.Connection[Any]) -> list[tuple[str, str, str]]:
    """Whom a template lists to look up: what it is, its code, its name."""
    query = """
        SELECT '机构', code, name FROM institution
        UNION ALL SELECT '计量点', code, name FROM meter ORDER BY 1 DESC, 2
    """
    return conn.execute(query).fetchall()
