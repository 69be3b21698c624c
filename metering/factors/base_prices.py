"""Base prices that are published by the month; a tariff's multipliers apply to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final, LiteralString

import psycopg

from metering.factors.entering import insert, refusing_overlap, withdraw
from metering.factors.tariff import Tariff, TimeOfUse
from registry.audit import Act, record
from registry.refusal import RefusedError
from registry.years import refuse_wrong_year

_INSERT: Final[LiteralString] = """
    INSERT INTO tariff_base_price (tariff, month, yuan, source, entered_by, entered_at)
    VALUES (%s, %s, %s, %s, %s, %s) RETURNING id
"""
_READ: Final[LiteralString] = """
    SELECT month, yuan FROM tariff_base_price
    WHERE tariff = %s AND withdrawn_at IS NULL ORDER BY month
"""
_FINEST: Final = Decimal("0.00000001")
_MOST: Final = Decimal(10000)


@dataclass(frozen=True, slots=True)
class BasePrice:
    """A base price from a month on.

    Attributes:
        month: its first day.
        yuan: per unit, at most eight decimals.
        source: the announcement.
    """

    month: date
    yuan: Decimal
    source: str


def enter(conn: psycopg.Connection[Any], act: Act, tariff: Tariff, price: BasePrice) -> int:
    """Enter a base price, with its audit line.

    Args:
        conn: any connection; it becomes part of an open transaction.
        act: who and when.
        tariff: any version of it.
        price: what was published.

    Returns:
        Its id, for :func:`withdraw_price`.

    Raises:
        RefusedError: a tariff without multipliers, a price that cannot be, a month entered twice.
    """
    if not isinstance(tariff.scheme, TimeOfUse) or not tariff.scheme.multiplies:
        raise RefusedError(f"{tariff.name}不按基准电价浮动：不需要录入基准电价")
    refuse_wrong_year(price.month)
    if price.month.day != 1:
        raise RefusedError(f"月份为 {price.month}：请填写当月 1 日")
    if not price.yuan.is_finite() or not 0 < price.yuan < _MOST or price.yuan % _FINEST:
        raise RefusedError(f"基准电价为 {price.yuan}：必须大于 0，最多八位小数")
    if not price.source.strip():
        raise RefusedError("基准电价没有来源：请填写公告名称")
    message = f"{tariff.name} {price.month:%Y-%m} 已有基准电价：请先撤回原记录"
    with refusing_overlap(message), conn.transaction():
        what = (tariff.code, price.month, price.yuan, price.source)
        entry = insert(conn, _INSERT, [*what, act.principal, act.at])
        detail = {
            "id": entry,
            "month": price.month.isoformat(),
            "yuan": str(price.yuan),
            "source": price.source,
        }
        record(conn, act, "tariff.base", tariff.code, detail)
    return entry


def withdraw_price(conn: psycopg.Connection[Any], act: Act, entry: int) -> None:
    """Withdraw a base price.

    Raises:
        RefusedError: there is none, or it is withdrawn already.
    """
    withdraw(conn, act, "tariff_base_price", "tariff.base.withdraw", entry)


def read(conn: psycopg.Connection[Any], tariff: str) -> list[tuple[date, Decimal]]:
    """Return a tariff's base prices by month, for :meth:`Tariff.with_bases`."""
    return [(month, yuan) for month, yuan in conn.execute(_READ, [tariff])]
