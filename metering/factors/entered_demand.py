"""The greatest demand of a month as a bill has it: entered, withdrawn, read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final, LiteralString

import psycopg

from metering.factors.entering import electricity_meter, insert, refusing_overlap, withdraw
from registry.audit import Act, record
from registry.refusal import RefusedError
from registry.years import refuse_wrong_year

_INSERT: Final[LiteralString] = """
    INSERT INTO entered_demand (meter_id, month, kilowatts, source, entered_by, entered_at)
    VALUES (%s, %s, %s, %s, %s, %s) RETURNING id
"""
_READ: Final[LiteralString] = """
    SELECT kilowatts FROM entered_demand
    WHERE meter_id = %s AND month = %s AND withdrawn_at IS NULL
"""
_MOST: Final = Decimal(10) ** 9
_FINEST: Final = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class EnteredDemand:
    """The greatest demand of a month.

    Attributes:
        meter: its code.
        month: first day.
        kilowatts: after CT and PT, at most three decimals.
        source: the bill or the meter's register.
    """

    meter: str
    month: date
    kilowatts: Decimal
    source: str


def enter(conn: psycopg.Connection[Any], act: Act, demand: EnteredDemand) -> int:
    """Enter a month's greatest demand, with its audit line.

    Args:
        conn: any connection; it becomes part of an open transaction.
        act: who and when.
        demand: as the bill has it.

    Returns:
        Its id, for :func:`withdraw_demand`.

    Raises:
        RefusedError: an unknown meter, one of another energy, a value that cannot be, or a month
            entered twice.
    """
    size = demand.kilowatts
    refuse_wrong_year(demand.month)
    if demand.month.day != 1:
        raise RefusedError(f"月份为 {demand.month}：请填写当月 1 日")
    if not size.is_finite() or not 0 <= size < _MOST or size % _FINEST:
        raise RefusedError(f"最大需量为 {size}：必须不小于 0，最多三位小数（kW）")
    if not demand.source.strip():
        raise RefusedError("最大需量没有依据：请填写账单或抄表记录的名称")
    message = f"{demand.meter} {demand.month:%Y-%m} 已录入最大需量：请先撤回原记录"
    with refusing_overlap(message), conn.transaction():
        meter = electricity_meter(conn, demand.meter)
        values = [meter, demand.month, size, demand.source, act.principal, act.at]
        entry = insert(conn, _INSERT, values)
        detail = {
            "id": entry,
            "month": demand.month.isoformat(),
            "kilowatts": str(size),
            "source": demand.source,
        }
        record(conn, act, "tariff.demand", demand.meter, detail)
    return entry


def withdraw_demand(conn: psycopg.Connection[Any], act: Act, entry: int) -> None:
    """Withdraw an entry: it stays in the table, and counts no more.

    Raises:
        RefusedError: there is none, or it is withdrawn already.
    """
    withdraw(conn, act, "entered_demand", "tariff.demand.withdraw", entry)


def read(conn: psycopg.Connection[Any], meter_id: int, month: date) -> Decimal | None:
    """Return what was entered for a month, kW; None: nothing."""
    row = conn.execute(_READ, [meter_id, month]).fetchone()
    return None if row is None else Decimal(row[0])
