"""Bills and purchases as rows: written once, withdrawn, never edited."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final, LiteralString

import psycopg
from psycopg import errors

from metering.bills.account import Account
from metering.bills.lookup import id_of, inserted
from metering.bills.model import Attachment, NewBill, NewPurchase
from registry.audit import Act
from registry.refusal import RefusedError

_ATTACHMENT: Final[LiteralString] = """
    INSERT INTO bill_attachment (sha256, content) VALUES (%s, %s) ON CONFLICT DO NOTHING
"""
_OVERLAPS: Final[LiteralString] = """
    SELECT id, lower(period), upper(period) FROM bill
    WHERE account_id = %s AND status = %s AND period && daterange(%s, %s) AND withdrawn_at IS NULL
    ORDER BY lower(period)
"""
_BILL: Final[LiteralString] = """
    INSERT INTO bill (
        account_id, period, status, quantity, unit, amount, issued, note, attachment_sha256,
        attachment_name, replaces_id, import_id, cell, entered_by, entered_at
    )
    VALUES (%s, daterange(%s, %s), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    RETURNING id
"""
_PART: Final[LiteralString] = (
    "INSERT INTO bill_part (bill_id, part, quantity, amount) VALUES (%s, %s, %s, %s)"
)
_PURCHASE: Final[LiteralString] = """
    INSERT INTO purchase (
        institution_id, energy, bought_on, quantity, unit, amount, consumer, supplier, document,
        nth, note, attachment_sha256, attachment_name, replaces_id, import_id, cell, entered_by,
        entered_at
    )
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id
"""
_WITHDRAW: Final[dict[str, LiteralString]] = {
    "bill": """
        UPDATE bill SET withdrawn_by = %s, withdrawn_at = %s
        WHERE id = %s AND withdrawn_at IS NULL
    """,
    "purchase": """
        UPDATE purchase SET withdrawn_by = %s, withdrawn_at = %s
        WHERE id = %s AND withdrawn_at IS NULL
    """,
}
_SCAN: Final[LiteralString] = """
    SELECT attachment_sha256 FROM bill WHERE id = %s AND withdrawn_at IS NULL FOR UPDATE
"""
_ATTACH: Final[LiteralString] = """
    UPDATE bill SET attachment_sha256 = %s, attachment_name = %s WHERE id = %s
"""
_NAMES: Final = {"bill": "账单", "purchase": "购入记录"}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a row comes from.

    Attributes:
        import_id: the import that brings it.
        cell: where it stands in the file.
        replaces_id: the withdrawn row it corrects.
    """

    import_id: int | None = None
    cell: str | None = None
    replaces_id: int | None = None


def put_bill(
    conn: psycopg.Connection[Any], act: Act, account: Account, bill: NewBill, origin: Origin
) -> int:
    """Write a checked bill; return its id.

    Raises:
        RefusedError: it overlaps a bill of the same account and status.
    """
    taken = conn.execute(_OVERLAPS, [account.id, bill.status, bill.first, bill.end]).fetchall()
    if taken:
        raise RefusedError(*(overlap(account.code, row) for row in taken))
    row = [
        *(account.id, bill.first, bill.end, bill.status, bill.quantity, bill.unit, bill.amount),
        *(bill.issued, bill.note, *_put_attachment(conn, bill.attachment), origin.replaces_id),
        *(origin.import_id, origin.cell, act.principal, act.at),
    ]
    try:
        with conn.transaction():
            bill_id = inserted(conn, _BILL, row)
    except errors.ExclusionViolation as error:
        message = f"户号 {account.code}：同一时段的账单刚被他人录入，请刷新后核对"
        raise RefusedError(message) from error
    for part in bill.parts:
        conn.execute(_PART, [bill_id, part.part, part.quantity, part.amount])
    return bill_id


def overlap(account: str, row: tuple[Any, ...]) -> str:
    """Say that a bill overlaps one that is there (id, first, end)."""
    taken = f"与账单 {row[0]}（{row[1]} 起，至 {row[2]} 不含）时段重叠"
    return f"户号 {account}：{taken}，请核对起止日期；要更正请先撤销该账单"


def put_purchase(
    conn: psycopg.Connection[Any],
    act: Act,
    purchase: NewPurchase,
    origin: Origin,
    nth: int = 1,
) -> int:
    """Write a checked purchase; return its id.

    Args:
        conn: in a transaction.
        act: who and when.
        purchase: what was bought.
        origin: where it comes from.
        nth: counts purchases that say the same: two fillings of 50 L on a day are two.

    Raises:
        RefusedError: the institution is not known, or the purchase is there already.
    """
    institution = id_of(conn, "institution", purchase.institution, "机构")
    row = [
        *(institution, purchase.energy, purchase.bought_on, purchase.quantity, purchase.unit),
        *(purchase.amount, purchase.consumer, purchase.supplier, purchase.document, nth),
        *(purchase.note, *_put_attachment(conn, purchase.attachment), origin.replaces_id),
        *(origin.import_id, origin.cell, act.principal, act.at),
    ]
    try:
        with conn.transaction():
            return inserted(conn, _PURCHASE, row)
    except errors.UniqueViolation as error:
        message = f"{purchase.institution} {purchase.bought_on} 的这笔购入已经录入，不能重复录入"
        raise RefusedError(message) from error


def withdraw_row(conn: psycopg.Connection[Any], act: Act, table: str, row_id: int) -> None:
    """Withdraw a ``bill`` or a ``purchase``.

    Raises:
        RefusedError: there is none with this id, or it is withdrawn already.
    """
    done = conn.execute(_WITHDRAW[table], [act.principal, act.at, row_id]).rowcount
    if not done:
        raise RefusedError(f"{_NAMES[table]} {row_id} 不存在或已撤销，请核对编号")


def attach_scan(
    conn: psycopg.Connection[Any], bill_id: int, scan: Attachment
) -> tuple[str | None, str | None]:
    """Give an active bill its scan; return the digest it had and the one it has.

    Raises:
        RefusedError: there is none with this id, or it is withdrawn.
    """
    row = conn.execute(_SCAN, [bill_id]).fetchone()
    if row is None:
        raise RefusedError(f"账单 {bill_id} 不存在或已撤销，请核对编号")
    digest, name = _put_attachment(conn, scan)
    conn.execute(_ATTACH, [digest, name, bill_id])
    return row[0], digest


def _put_attachment(
    conn: psycopg.Connection[Any], attachment: Attachment | None
) -> tuple[str | None, str | None]:
    if attachment is None:
        return None, None
    digest = hashlib.sha256(attachment.content).hexdigest()
    conn.execute(_ATTACHMENT, [digest, attachment.content])
    return digest, attachment.name
