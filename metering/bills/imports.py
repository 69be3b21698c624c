"""Importing workbooks of accounts, bills, and purchases: whole or not at all, and back again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, LiteralString

import psycopg
import structlog
from psycopg import errors
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from metering.bills.account import find_account
from metering.bills.accounts import add_account, extend_account
from metering.bills.draft import Draft, draft
from metering.bills.lookup import inserted
from metering.bills.rows import AccountLine, BillLine, PurchaseLine
from registry.audit import Act, record
from registry.refusal import Fault, RefusedError

_IMPORT: Final[LiteralString] = """
    INSERT INTO bill_import (source, sha256, entered_by, entered_at) VALUES (%s, %s, %s, %s)
    RETURNING id
"""
_BILLS: Final[LiteralString] = """
    WITH line AS (
        SELECT * FROM ROWS FROM (jsonb_to_recordset(%(rows)s) AS (
            account text, first date, "end" date, status text, quantity numeric, unit text,
            amount numeric, issued date, note text, cell text, parts jsonb
        )) WITH ORDINALITY
    ), put AS (
        INSERT INTO bill (
            account_id, period, status, quantity, unit, amount, issued, note, import_id, cell,
            entered_by, entered_at
        )
        SELECT a.id, daterange(l.first, l."end"), l.status, l.quantity, l.unit, l.amount, l.issued,
            l.note, %(import)s, l.cell, %(by)s, %(at)s
        FROM line l JOIN utility_account a ON a.code = l.account
        ORDER BY l.ordinality
        RETURNING id, cell
    ), part AS (
        INSERT INTO bill_part (bill_id, part, quantity)
        SELECT put.id, p.part, p.quantity
        FROM put JOIN line l USING (cell),
            jsonb_to_recordset(l.parts) AS p (part text, quantity numeric)
    )
    SELECT count(*) FROM put
"""
_PURCHASES: Final[LiteralString] = """
    INSERT INTO purchase (
        institution_id, energy, bought_on, quantity, unit, amount, consumer, supplier, document,
        nth, note, import_id, cell, entered_by, entered_at
    )
    SELECT i.id, r.energy, r.bought_on, r.quantity, r.unit, r.amount, r.consumer, r.supplier,
        r.document, r.nth, r.note, %(import)s, r.cell, %(by)s, %(at)s
    FROM ROWS FROM (jsonb_to_recordset(%(rows)s) AS (
        institution text, energy text, bought_on date, quantity numeric, unit text, amount numeric,
        consumer text, supplier text, document text, nth int, note text, cell text
    )) WITH ORDINALITY AS r
    JOIN institution i ON i.code = r.institution
    ORDER BY r.ordinality
"""
_LIST: Final[LiteralString] = """
    SELECT i.id, i.source, i.entered_by, i.entered_at, i.withdrawn_by, i.withdrawn_at,
        (SELECT count(*) FROM bill b WHERE b.import_id = i.id)::int AS bills,
        (SELECT count(*) FROM purchase p WHERE p.import_id = i.id)::int AS purchases
    FROM bill_import i ORDER BY i.id DESC LIMIT %s
"""
_UNDO: Final[LiteralString] = """
    UPDATE bill_import SET withdrawn_by = %s, withdrawn_at = %s
    WHERE id = %s AND withdrawn_at IS NULL
"""
_WITHDRAW: Final[tuple[LiteralString, ...]] = tuple(
    f"UPDATE {table} SET withdrawn_by = %s, withdrawn_at = %s"  # noqa: S608 - tables of ours
    " WHERE import_id = %s AND withdrawn_at IS NULL"
    for table in ("bill", "purchase", "utility_account_institution", "utility_account_meter")
)
_ORPHANS: Final[LiteralString] = """
    SELECT a.code, count(*) FROM utility_account a JOIN bill b ON b.account_id = a.id
    WHERE b.withdrawn_at IS NULL
        AND a.id IN (SELECT account_id FROM utility_account_institution WHERE import_id = %s)
        AND a.id NOT IN (
            SELECT account_id FROM utility_account_institution WHERE withdrawn_at IS NULL
        )
    GROUP BY a.code ORDER BY a.code
"""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Applied:
    """What an import did.

    Attributes:
        import_id: for undoing it; None: everything stood already.
        draft: what was brought in.
    """

    import_id: int | None
    draft: Draft


@dataclass(frozen=True, slots=True)
class Import:
    """An import of the past; ``withdrawn_at``: when it was undone."""

    id: int
    source: str
    entered_by: str
    entered_at: datetime
    withdrawn_by: str | None
    withdrawn_at: datetime | None
    bills: int
    purchases: int


def apply(conn: psycopg.Connection[Any], act: Act, path: Path) -> Applied:
    """Bring a workbook in, all of it or nothing; the same once more changes nothing.

    Args:
        conn: in any state; becomes part of an open transaction.
        act: who and when, in the site's zone.
        path: the file; see :func:`metering.bills.draft.draft`.

    Raises:
        RefusedError: with every mistake and its cell; or someone entered the same meanwhile.
    """
    try:
        with conn.transaction():
            drawn = draft(conn, path, act.at.date())
            import_id = _write(conn, act, drawn) if drawn else None
    except (errors.ExclusionViolation, errors.UniqueViolation) as error:
        message = f"{path.name}：导入期间有人录入了相同的内容，请重新导入"
        raise RefusedError(message) from error
    _log.info("bills_imported", source=path.name, import_id=import_id, by=act.principal)
    return Applied(import_id, drawn)


def undo(conn: psycopg.Connection[Any], act: Act, import_id: int) -> int:
    """Withdraw what an import brought in and still stands; return how many rows.

    What was corrected since stays corrected.

    Raises:
        RefusedError: there is no such import, it is undone already, or bills that came otherwise
            would be left without an institution.
    """
    with conn.transaction():
        if not conn.execute(_UNDO, [act.principal, act.at, import_id]).rowcount:
            raise RefusedError(f"导入 {import_id} 不存在或已撤销，请用 jieyong bill imports 查看")
        rows = [act.principal, act.at, import_id]
        withdrawn = sum(conn.execute(statement, rows).rowcount for statement in _WITHDRAW)
        orphans = conn.execute(_ORPHANS, [import_id]).fetchall()
        if orphans:
            raise RefusedError(
                *(
                    f"户号 {code} 还有 {number} 张另外录入的账单，请先撤销这些账单"
                    for code, number in orphans
                )
            )
        record(conn, act, "bill.import.undo", str(import_id), {"rows": withdrawn})
    return withdrawn


def imports(conn: psycopg.Connection[Any], most: int = 50) -> list[Import]:
    """Return the newest imports, the newest first."""
    with conn.cursor(row_factory=class_row(Import)) as cursor:
        return cursor.execute(_LIST, [most]).fetchall()


def _write(conn: psycopg.Connection[Any], act: Act, drawn: Draft) -> int:
    import_id = inserted(conn, _IMPORT, [drawn.source, drawn.sha256, act.principal, act.at])
    for line in drawn.accounts:
        _write_account(conn, act, line, import_id, new=True)
    for line in drawn.placed:
        _write_account(conn, act, line, import_id, new=False)
    named = {"import": import_id, "by": act.principal, "at": act.at}
    if drawn.bills:
        conn.execute(_BILLS, named | {"rows": Jsonb([_bill(line) for line in drawn.bills])})
    if drawn.purchases:
        rows = [_purchase(line, nth) for line, nth in drawn.purchases]
        conn.execute(_PURCHASES, named | {"rows": Jsonb(rows)})
    record(conn, act, "bill.import", str(import_id), _detail(drawn))
    return import_id


def _write_account(
    conn: psycopg.Connection[Any], act: Act, line: AccountLine, import_id: int, *, new: bool
) -> None:
    try:
        if new:
            add_account(conn, act, line.account, import_id)
        else:
            account = find_account(conn, line.account.code)
            extend_account(conn, act, account, line.account, import_id)
    except RefusedError as error:
        # The draft found nothing wrong: somebody was quicker.
        raise RefusedError(*(Fault(line.row.where, str(f)) for f in error.faults)) from error


def _bill(line: BillLine) -> dict[str, object]:
    bill = line.bill
    return {
        "account": bill.account,
        "first": bill.first.isoformat(),
        "end": bill.end.isoformat(),
        "status": bill.status,
        "quantity": _text(bill.quantity),
        "unit": bill.unit,
        "amount": _text(bill.amount),
        "issued": _text(bill.issued),
        "note": bill.note,
        "cell": line.row.where,
        "parts": [{"part": p.part, "quantity": _text(p.quantity)} for p in bill.parts],
    }


def _purchase(line: PurchaseLine, nth: int) -> dict[str, object]:
    purchase = line.purchase
    return {
        "institution": purchase.institution,
        "energy": purchase.energy,
        "bought_on": purchase.bought_on.isoformat(),
        "quantity": _text(purchase.quantity),
        "unit": purchase.unit,
        "amount": _text(purchase.amount),
        "consumer": purchase.consumer,
        "supplier": purchase.supplier,
        "document": purchase.document,
        "nth": nth,
        "note": purchase.note,
        "cell": line.row.where,
    }


def _detail(drawn: Draft) -> dict[str, object]:
    counted: dict[str, Sequence[object]] = {
        "accounts": drawn.accounts,
        "placed": drawn.placed,
        "bills": drawn.bills,
        "purchases": drawn.purchases,
    }
    numbers = {name: len(lines) for name, lines in counted.items()}
    return {"source": drawn.source, "sha256": drawn.sha256, **numbers}


def _text(value: object) -> str | None:
    return None if value is None else str(value)
