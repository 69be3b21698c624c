"""Bills and purchases as they were entered, with their history: active and withdrawn ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, LiteralString

import psycopg

from metering.bills.entry import attachment
from metering.bills.model import Attachment, Band, NewBill, NewPurchase, Part, Status
from registry.refusal import RefusedError

_BILL: Final[LiteralString] = """
    SELECT a.code, lower(b.period), upper(b.period), b.quantity, b.unit, b.amount, b.status,
        b.issued, b.note, b.attachment_sha256, b.attachment_name, b.replaces_id,
        (SELECT max(id) FROM bill n WHERE n.replaces_id = b.id), b.import_id, b.cell,
        b.entered_by, b.entered_at, b.withdrawn_by, b.withdrawn_at
    FROM bill b JOIN utility_account a ON a.id = b.account_id WHERE b.id = %s
"""
_PARTS: Final[LiteralString] = (
    "SELECT part, quantity, amount FROM bill_part WHERE bill_id = %s ORDER BY part"
)
_PURCHASES: Final[LiteralString] = """
    SELECT p.id, p.nth, i.code, p.energy, p.bought_on, p.quantity, p.unit, p.amount, p.consumer,
        p.supplier, p.document, p.note, p.attachment_sha256, p.attachment_name, p.replaces_id,
        (SELECT max(id) FROM purchase n WHERE n.replaces_id = p.id), p.import_id, p.cell,
        p.entered_by, p.entered_at, p.withdrawn_by, p.withdrawn_at
    FROM purchase p JOIN institution i ON i.id = p.institution_id
    WHERE (%(id)s::int IS NULL OR p.id = %(id)s)
        AND (%(id)s::int IS NOT NULL OR p.bought_on >= %(first)s AND p.bought_on < %(end)s)
        AND (%(only)s::text[] IS NULL OR i.code = ANY(%(only)s))
        AND (%(withdrawn)s OR p.withdrawn_at IS NULL)
    ORDER BY i.code, p.bought_on, p.id
"""
# Scans given and reasons of withdrawals stand in the audit log alone.
_ACTS: Final[LiteralString] = """
    SELECT at, principal, action, detail FROM audit_log
    WHERE subject = %s AND action = ANY(%s) ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class History:
    """What became of a row.

    Attributes:
        sha256: of its scan; None: it has none.
        scan: name of the scan; the same.
        replaces: id of the one that it corrects.
        replaced_by: id of the one that corrects it.
        import_id: the import that brought it; None: entered by hand.
        cell: where it stood in the file.
        entered_by: who entered it.
        entered_at: when.
        withdrawn_by: who withdrew or corrected it; None: it stands.
        withdrawn_at: when.
    """

    sha256: str | None
    scan: str | None
    replaces: int | None
    replaced_by: int | None
    import_id: int | None
    cell: str | None
    entered_by: str
    entered_at: datetime
    withdrawn_by: str | None
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class LaterAct:
    """What somebody did to a bill after it was entered: gave it a scan, or withdrew it."""

    at: datetime
    by: str
    action: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RecordedBill:
    """A bill with its history; ``bill`` is without the bytes of the scan."""

    id: int
    bill: NewBill
    history: History
    acts: tuple[LaterAct, ...]


@dataclass(frozen=True, slots=True)
class RecordedPurchase:
    """A purchase with its history; ``purchase`` is without the bytes of the scan.

    Attributes:
        nth: among those that say the same.
    """

    id: int
    nth: int
    purchase: NewPurchase
    history: History


def recorded_bill(conn: psycopg.Connection[Any], bill_id: int) -> RecordedBill:
    """Return a bill, withdrawn or not.

    Raises:
        RefusedError: there is none with this id.
    """
    row = conn.execute(_BILL, [bill_id]).fetchone()
    if row is None:
        raise RefusedError(f"账单 {bill_id} 不存在，请核对编号：票据清单中 Z 后的数字")
    account, first, end, quantity, unit, amount, status, issued, note, *history = row
    parts = tuple(Part(Band(part), *rest) for part, *rest in conn.execute(_PARTS, [bill_id]))
    bill = NewBill(
        *(account, first, end, quantity, unit, amount),
        status=Status(status),
        issued=issued,
        parts=parts,
        note=note,
    )
    acts = conn.execute(_ACTS, [str(bill_id), ["bill.attach", "bill.withdraw"]])
    return RecordedBill(bill_id, bill, History(*history), tuple(LaterAct(*act) for act in acts))


def recorded_purchase(conn: psycopg.Connection[Any], purchase_id: int) -> RecordedPurchase:
    """Return a purchase, withdrawn or not.

    Raises:
        RefusedError: there is none with this id.
    """
    named = {"id": purchase_id, "first": None, "end": None, "only": None, "withdrawn": True}
    row = conn.execute(_PURCHASES, named).fetchone()
    if row is None:
        raise RefusedError(f"购入记录 {purchase_id} 不存在，请核对编号，见 bill purchase list")
    return _purchase(row)


def recorded_purchases(
    conn: psycopg.Connection[Any],
    days: tuple[date, date],
    institutions: Sequence[str] | None = None,
    *,
    withdrawn: bool = False,
) -> list[RecordedPurchase]:
    """Return the purchases of some days, by institution and day.

    Args:
        conn: in any state.
        days: first day, the day after the last.
        institutions: codes; None: all.
        withdrawn: those that were withdrawn, too.
    """
    only = None if institutions is None else list(institutions)
    named = {"id": None, "first": days[0], "end": days[1], "only": only, "withdrawn": withdrawn}
    return [_purchase(row) for row in conn.execute(_PURCHASES, named)]


def scan_of(conn: psycopg.Connection[Any], history: History) -> Attachment | None:
    """Return the scan of a bill or a purchase with its bytes, or None."""
    if history.sha256 is None:
        return None
    return Attachment(history.scan or "", attachment(conn, history.sha256))


def _purchase(row: tuple[Any, ...]) -> RecordedPurchase:
    purchase_id, nth, *rest = row
    said, history = rest[:10], rest[10:]
    return RecordedPurchase(purchase_id, nth, NewPurchase(*said), History(*history))
