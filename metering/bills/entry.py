"""Entering, correcting, withdrawing bills and purchases: each one act, each in the audit log."""

from __future__ import annotations

from datetime import date
from typing import Any, Final, LiteralString

import psycopg
from psycopg import errors

from metering.bills.account import Account, find_account
from metering.bills.checks import attachment_faults, bill_faults, purchase_faults
from metering.bills.model import Attachment, First, NewBill, NewPurchase
from metering.bills.store import Origin, attach_scan, put_bill, put_purchase, withdraw_row
from metering.bills.words import words
from registry.audit import Act, record
from registry.refusal import Fault, RefusedError
from registry.years import refuse_wrong_year

_CUT_PRECEDENCE: Final[LiteralString] = """
    UPDATE figure_precedence f SET withdrawn_by = %(by)s, withdrawn_at = %(at)s
    FROM institution i
    WHERE i.code = %(institution)s AND f.institution_id = i.id AND f.energy = %(energy)s
        AND f.withdrawn_at IS NULL AND f.valid && daterange(%(since)s, NULL)
    RETURNING f.first, lower(f.valid)
"""
_PRECEDENCE: Final[LiteralString] = """
    INSERT INTO figure_precedence (institution_id, energy, first, valid, entered_by, entered_at)
    SELECT id, %(energy)s, %(first)s, daterange(%(since)s, %(until)s), %(by)s, %(at)s
    FROM institution WHERE code = %(institution)s
"""


def enter_bill(conn: psycopg.Connection[Any], act: Act, bill: NewBill) -> int:
    """Enter a bill; return its id.

    Args:
        conn: in any state; becomes part of an open transaction.
        act: who and when, in the site's zone.
        bill: what it says.

    Raises:
        RefusedError: it is wrong, its account is not known, or it overlaps another bill.
    """
    with conn.transaction():
        account = _checked(conn, act, bill)
        bill_id = put_bill(conn, act, account, bill, Origin())
        record(conn, act, "bill.enter", account.code, _bill_detail(bill_id, bill))
    return bill_id


def correct_bill(conn: psycopg.Connection[Any], act: Act, bill_id: int, bill: NewBill) -> int:
    """Withdraw a bill and enter another in its place; return the new one's id.

    Raises:
        RefusedError: as :func:`enter_bill`; or the old one is gone already.
    """
    with conn.transaction():
        account = _checked(conn, act, bill)
        withdraw_row(conn, act, "bill", bill_id)
        new_id = put_bill(conn, act, account, bill, Origin(replaces_id=bill_id))
        detail = _bill_detail(new_id, bill) | {"replaces": bill_id}
        record(conn, act, "bill.correct", account.code, detail)
    return new_id


def withdraw_bill(conn: psycopg.Connection[Any], act: Act, bill_id: int, why: str) -> None:
    """Withdraw a bill; it stays readable.

    Raises:
        RefusedError: there is none, or it is withdrawn already.
    """
    with conn.transaction():
        withdraw_row(conn, act, "bill", bill_id)
        record(conn, act, "bill.withdraw", str(bill_id), {"why": why})


def attach(conn: psycopg.Connection[Any], act: Act, bill_id: int, scan: Attachment) -> None:
    """Give a bill its scan; what it had before stays in the audit log.

    Raises:
        RefusedError: the file is empty or too large, or there is no such active bill.
    """
    found = list(attachment_faults(scan))
    if found:
        raise RefusedError(*(Fault(f"账单 {bill_id}", fault.message) for fault in found))
    with conn.transaction():
        old, new = attach_scan(conn, bill_id, scan)
        record(conn, act, "bill.attach", str(bill_id), {"name": scan.name, "old": old, "new": new})


def enter_purchase(
    conn: psycopg.Connection[Any], act: Act, purchase: NewPurchase, nth: int = 1
) -> int:
    """Enter a purchase; return its id.

    Args:
        conn: in any state; becomes part of an open transaction.
        act: who and when, in the site's zone.
        purchase: what was bought.
        nth: 2 for the second purchase of a day that says the same, and so on.

    Raises:
        RefusedError: it is wrong, or is there already.
    """
    with conn.transaction():
        _check_purchase(act, purchase)
        new_id = put_purchase(conn, act, purchase, Origin(), nth)
        record(conn, act, "purchase.enter", purchase.institution, _detail(new_id, purchase))
    return new_id


def correct_purchase(
    conn: psycopg.Connection[Any],
    act: Act,
    purchase_id: int,
    purchase: NewPurchase,
    nth: int = 1,
) -> int:
    """Withdraw a purchase and enter another in its place; return the new one's id.

    Args:
        conn: in any state; becomes part of an open transaction.
        act: who and when, in the site's zone.
        purchase_id: the one that is wrong.
        purchase: what was bought.
        nth: as in :func:`enter_purchase`.

    Raises:
        RefusedError: as :func:`enter_purchase`; or the old one is gone already.
    """
    with conn.transaction():
        _check_purchase(act, purchase)
        withdraw_row(conn, act, "purchase", purchase_id)
        new_id = put_purchase(conn, act, purchase, Origin(replaces_id=purchase_id), nth)
        detail = _detail(new_id, purchase) | {"replaces": purchase_id}
        record(conn, act, "purchase.correct", purchase.institution, detail)
    return new_id


def withdraw_purchase(conn: psycopg.Connection[Any], act: Act, purchase_id: int, why: str) -> None:
    """Withdraw a purchase; it stays readable.

    Raises:
        RefusedError: there is none, or it is withdrawn already.
    """
    with conn.transaction():
        withdraw_row(conn, act, "purchase", purchase_id)
        record(conn, act, "purchase.withdraw", str(purchase_id), {"why": why})


def set_precedence(
    conn: psycopg.Connection[Any],
    act: Act,
    whose: tuple[str, str],
    first: First,
    since: date,
) -> None:
    """Say what figures rest on from a day on; what was before stays.

    Args:
        conn: in any state; becomes part of an open transaction.
        act: who and when.
        whose: code of the institution, code of the energy.
        first: the bill or the meter.
        since: first day of a month.

    Raises:
        RefusedError: the day is not the first of a month, or something is not known.
    """
    institution, energy = whose
    refuse_wrong_year(since)
    if since.day != 1:
        raise RefusedError(f"{since} 不是月初：取数优先级只能从某月 1 日起变更")
    if energy not in words().energies:
        raise RefusedError(f"能源“{energy}”不认识，请核对编码")
    row = {"institution": institution, "energy": energy, "by": act.principal, "at": act.at}
    with conn.transaction():
        cut = conn.execute(_CUT_PRECEDENCE, row | {"since": since}).fetchall()
        for old, lower in cut:
            if lower < since:
                _put_precedence(conn, row | {"first": old, "since": lower, "until": since})
        _put_precedence(conn, row | {"first": first, "since": since, "until": None})
        detail = {"energy": energy, "first": first, "since": since.isoformat()}
        record(conn, act, "precedence.set", institution, detail)


def attachment(conn: psycopg.Connection[Any], sha256: str) -> bytes:
    """Return the bytes of a scan.

    Raises:
        RefusedError: there is none with this digest.
    """
    found = conn.execute(
        "SELECT content FROM bill_attachment WHERE sha256 = %s", [sha256]
    ).fetchone()
    if found is None:
        raise RefusedError(f"附件 {sha256} 不存在")
    return bytes(found[0])


def _checked(conn: psycopg.Connection[Any], act: Act, bill: NewBill) -> Account:
    account = find_account(conn, bill.account)
    found = list(bill_faults(bill, account.energy, words(), act.at.date(), prepaid=account.prepaid))
    if found:
        raise RefusedError(*(Fault(f"户号 {account.code}", fault.message) for fault in found))
    return account


def _check_purchase(act: Act, purchase: NewPurchase) -> None:
    found = list(purchase_faults(purchase, words(), act.at.date()))
    if found:
        where = f"{purchase.institution} {purchase.bought_on}"
        raise RefusedError(*(Fault(where, fault.message) for fault in found))


def _put_precedence(conn: psycopg.Connection[Any], row: dict[str, object]) -> None:
    try:
        with conn.transaction():
            done = conn.execute(_PRECEDENCE, row).rowcount
    except errors.ExclusionViolation as error:
        raise RefusedError("取数优先级正被他人修改，请重试") from error
    if not done:
        raise RefusedError(f"机构 {row['institution']} 不存在，请核对编码")


def _bill_detail(bill_id: int, bill: NewBill) -> dict[str, object]:
    return {
        "bill": bill_id,
        "first": bill.first.isoformat(),
        "end": bill.end.isoformat(),
        "status": bill.status,
        "quantity": None if bill.quantity is None else str(bill.quantity),
        "unit": bill.unit,
        "amount": None if bill.amount is None else str(bill.amount),
    }


def _detail(purchase_id: int, purchase: NewPurchase) -> dict[str, object]:
    return {
        "purchase": purchase_id,
        "energy": purchase.energy,
        "bought_on": purchase.bought_on.isoformat(),
        "quantity": None if purchase.quantity is None else str(purchase.quantity),
        "unit": purchase.unit,
        "amount": None if purchase.amount is None else str(purchase.amount),
        "consumer": purchase.consumer,
    }
